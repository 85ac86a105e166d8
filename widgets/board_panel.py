"""Six readings, their weights and records, and the score."""

from __future__ import annotations

from engine.view import Desk
from widgets.panel import Panel


class BoardPanel(Panel):
    """Six readings, their weights and records, and the score."""

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
