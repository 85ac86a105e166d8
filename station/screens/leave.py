"""Quitting: leave the engine running, or stop it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label

from station.screens.dialog import Dialog


class Leave(Dialog[str]):
    """Dismisses with ``detach`` or ``stop``.

    Args:
        positions: how many are open; None while the engine starts and nobody knows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,enter", "choose('detach')", "Detach", show=False),
        Binding("s", "choose('stop')", "Stop", show=False),
    ]

    def __init__(self, positions: int | None) -> None:
        super().__init__()
        self._positions = positions

    def compose(self) -> ComposeResult:
        """The two ways out."""
        with Vertical(classes="box") as box:
            box.border_title = "Quit"
            count = self._positions
            known = "" if count is None else f" ({count} open position{'s' if count != 1 else ''})"
            yield Label(f"[b]d[/b] or [b]Enter[/b]  detach: the engine goes on{known}")
            yield Label("[b]s[/b]           stop the engine; stops stay at the venue")
            yield Label("[b]Esc[/b]         stay")

    def action_choose(self, choice: str) -> None:
        """Detach or stop."""
        self.dismiss(choice)
