"""What the AI voters say, or that there are none."""

from __future__ import annotations

from engine.view import Desk
from widgets.panel import Panel


class EnsemblePanel(Panel):
    """What the AI voters say, or that there are none."""

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
