"""The log, newest at the bottom."""

from __future__ import annotations

from engine.view import Desk
from widgets.panel import Panel


class LogPanel(Panel):
    """The log, newest at the bottom."""

    def show(self, desk: Desk) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
