"""Named progress of the engine's start."""

from __future__ import annotations

from engine.view import Desk
from widgets.panel import Panel


class StartSteps(Panel):
    """Named progress of the engine's start."""

    def show(self, desk: Desk) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
