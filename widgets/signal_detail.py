"""Every gate of one signal: why, or why not."""

from __future__ import annotations

from engine.model.signal import Signal
from engine.view import InstrumentView
from widgets.panel import Panel


class SignalDetail(Panel):
    """Every gate of one signal: why, or why not."""

    def show(self, signal: Signal | None, instrument: InstrumentView | None) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()
