"""Choose from a list: one row, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

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

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "Take", show=False, priority=True)]
    DEFAULT_CSS = """
    Choose > .box { width: 72; height: auto; max-height: 80%; }
    Choose OptionList { height: auto; max-height: 20; border: none; }
    Choose SelectionList, Choose SelectionList:focus { border: none; }
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
            elif self._several:
                box.border_subtitle = "↑↓ Space mark  Enter take  Esc back"
                yield SelectionList[str](
                    *(Selection(Content(text), value, value in self._chosen) for value, text in self._rows)
                )
            else:
                box.border_subtitle = "↑↓ Enter choose  Esc back"
                yield OptionList(*(Option(Content(text)) for _, text in self._rows))

    def on_mount(self) -> None:
        """Begin at what is chosen."""
        for options in self.query(OptionList):
            values = [value for value, _ in self._rows]
            at = next((values.index(one) for one in self._chosen if one in values), 0)
            options.highlighted = at
            options.focus()

    def action_take(self) -> None:
        """Enter: the marked rows, or the one under the cursor."""
        options = next(iter(self.query(OptionList)), None)
        if options is None or options.highlighted is None:
            self.dismiss(None)
            return
        if isinstance(options, SelectionList) and options.selected:
            marked = set(options.selected)
            self.dismiss(",".join(value for value, _ in self._rows if value in marked))
            return
        self.dismiss(self._rows[options.highlighted][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click on a row of a simple list."""
        if not self._several:
            self.dismiss(self._rows[event.option_index][0])
