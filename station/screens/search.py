"""Find a symbol by a part of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from station.screens.dialog import Dialog


class Search(Dialog[str]):
    """Dismisses with the chosen symbol."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", "Next", show=False),
        Binding("up", "step(-1)", "Previous", show=False),
    ]
    DEFAULT_CSS = "Search > .box { width: 40; height: 18; } Search OptionList { height: 1fr; }"

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """A field over the list."""
        with Vertical(classes="box") as box:
            box.border_title = "Symbol"
            box.border_subtitle = "↑↓ Enter choose  Esc back"
            yield Input(placeholder="part of a name")
            yield OptionList(*(Option(s, id=s) for s in self._symbols))

    def action_step(self, by: int) -> None:
        """Move in the list while typing."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        part = event.value.strip().upper()
        options = self.query_one(OptionList)
        options.clear_options()
        found = [Option(s, id=s) for s in self._symbols if part in s]
        options.add_options(found or [Option(f"No symbol has {part} in its name.", disabled=True)])
        options.highlighted = 0 if found else None

    def on_input_submitted(self) -> None:
        """Enter takes the marked one."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click or Enter in the list."""
        self.dismiss(event.option.id)
