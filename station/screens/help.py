"""All keys, made from the table of actions."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from station.actions import ACTIONS
from station.screens.dialog import Dialog


class Help(Dialog[None]):
    """The table by group. `keys` is the person's own key map."""

    DEFAULT_CSS = "Help > .box { width: 76; height: 90%; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """One line an action."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc back"
            group = ""
            for action in ACTIONS:
                if action.group != group:
                    group = action.group
                    yield Static(f"\n[b $accent]{group}[/]")
                key = self._keys.get(action.id, action.shown).replace("[", "\\[")
                yield Static(f"  [b]{key:<10}[/] {action.help}")
