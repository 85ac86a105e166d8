"""Signals, waiting ones first."""

from __future__ import annotations

from textual.message import Message

from engine.view import Desk
from widgets.panel import Panel


class SignalsPanel(Panel):
    """Signals, waiting ones first."""

    class Chosen(Message):
        """A person chose a row."""

        def __init__(self, signal_id: int) -> None:
            self.signal_id = signal_id
            super().__init__()

    def show(self, desk: Desk, now: int) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
