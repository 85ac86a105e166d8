"""Positions with their protection, then open orders."""

from __future__ import annotations

from textual.message import Message

from engine.view import Desk
from widgets.panel import Panel


class PositionsPanel(Panel):
    """Positions with their protection, then open orders."""

    class PositionChosen(Message):
        """A person chose a row."""

        def __init__(self, symbol: str) -> None:
            self.symbol = symbol
            super().__init__()

    class OrderChosen(Message):
        """A person chose a row."""

        def __init__(self, client_id: str) -> None:
            self.client_id = client_id
            super().__init__()

    def show(self, desk: Desk, now: int) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
