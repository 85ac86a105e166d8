"""Find a symbol by a part of its name."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from station.screens.dialog import Dialog


class Search(Dialog[str]):
    """Dismisses with the chosen symbol."""

    DEFAULT_CSS = "Search > .box { width: 40; height: 18; } Search OptionList { height: 1fr; }"

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """A field over the list."""
        with Vertical(classes="box") as box:
            box.border_title = "Symbol"
            yield Input(placeholder="part of a name")
            yield OptionList(*(Option(s, id=s) for s in self._symbols))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        part = event.value.strip().upper()
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(s, id=s) for s in self._symbols if part in s])
        options.highlighted = 0 if options.option_count else None

    def on_input_submitted(self) -> None:
        """Enter takes the first that fits."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click or Enter in the list."""
        self.dismiss(event.option.id)
