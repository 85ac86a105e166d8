"""Every symbol with its price, change and freshness."""

from __future__ import annotations

from textual.message import Message

from engine.view import Desk
from widgets.panel import Panel


class Watchlist(Panel):
    """Every symbol with its price, change and freshness."""

    class Chosen(Message):
        """A person chose a row."""

        def __init__(self, symbol: str) -> None:
            self.symbol = symbol
            super().__init__()

    def show(self, desk: Desk, selected: str, now: int) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
