"""One line: mode, safety and money at a glance."""

from __future__ import annotations

from engine.view import Desk
from widgets.panel import Panel


class ModeBanner(Panel):
    """One line: mode, safety and money at a glance."""

    def show(self, desk: Desk, now: int) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
