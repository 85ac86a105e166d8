"""All keys, made from the table of actions."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from station.actions import of_place
from station.screens.dialog import Dialog


class Help(Dialog[None]):
    """The table by group. `keys` is the person's own key map, `place` the screen that asks."""

    DEFAULT_CSS = "Help > .box { width: 76; height: auto; max-height: 90%; }"

    def __init__(self, keys: dict[str, str], place: str) -> None:
        super().__init__()
        self._actions = of_place(place)
        self._keys = keys

    def compose(self) -> ComposeResult:
        """A section a group, one line an action."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "↑↓ scroll  Esc back"
            for group in dict.fromkeys(action.group for action in self._actions):
                yield Static(f"[b $accent]{group}[/]")
                yield Static(self._section(group))

    def _section(self, group: str) -> Table:
        table = Table.grid(padding=(0, 2, 0, 1))
        table.add_column(width=9, no_wrap=True)
        table.add_column()
        for action in self._actions:
            if action.group == group:
                table.add_row(Text(self._keys.get(action.id, action.shown), style="bold"), action.help)
        return table
