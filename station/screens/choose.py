"""Choose from a list: one row, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from station.screens.dialog import Dialog


class Choose(Dialog[str]):
    """Dismisses with the chosen value, or with several joined by commas.

    Args:
        title: of the box.
        rows: value and text of each row.
        chosen: values that are chosen already.
        several: Space marks rows, Enter takes all marked.
        empty: the sentence where there is no row.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", show=False, priority=True),
        Binding("space", "mark", "Mark", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    Choose > .box { width: 72; height: auto; max-height: 80%; }
    Choose OptionList, Choose OptionList:focus { height: auto; max-height: 20; border: none; }
    """

    def __init__(
        self,
        title: str,
        rows: Sequence[tuple[str, str]],
        chosen: Sequence[str] = (),
        *,
        several: bool = False,
        empty: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._rows = rows
        self._marked = {value for value in chosen if several}
        self._chosen = chosen
        self._several = several
        self._empty = empty

    def compose(self) -> ComposeResult:
        """The list, or the sentence."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            if not self._rows:
                box.border_subtitle = "Esc back"
                yield Static(Content(self._empty))
                return
            box.border_subtitle = f"↑↓ {'Space mark  ' if self._several else ''}Enter take  Esc back"
            yield OptionList(*(Option(self._prompt(at)) for at in range(len(self._rows))))

    def _prompt(self, at: int) -> Content:
        value, text = self._rows[at]
        mark = ("● " if value in self._marked else "○ ") if self._several else ""
        return Content(mark + text)

    def on_mount(self) -> None:
        """Begin at what is chosen."""
        for options in self.query(OptionList):
            values = [value for value, _ in self._rows]
            options.highlighted = next((values.index(one) for one in self._chosen if one in values), 0)
            options.focus()

    def action_mark(self) -> None:
        """Space: mark the row under the cursor, or take the mark away."""
        for options in self.query(OptionList):
            at = options.highlighted
            if self._several and at is not None:
                self._marked ^= {self._rows[at][0]}
                options.replace_option_prompt_at_index(at, self._prompt(at))

    def action_take(self) -> None:
        """Enter: the marked rows, or the one under the cursor."""
        options = next(iter(self.query(OptionList)), None)
        if options is None or options.highlighted is None:
            self.dismiss(None)
            return
        marked = [value for value, _ in self._rows if value in self._marked]
        self.dismiss(",".join(marked) or self._rows[options.highlighted][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click on a row."""
        if self._several:
            self.action_mark()
        else:
            self.dismiss(self._rows[event.option_index][0])
