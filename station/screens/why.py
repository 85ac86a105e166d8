"""Why, or why not: every gate of one signal."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from engine.model.signal import Signal
from engine.view import InstrumentView
from station.screens.dialog import Dialog
from widgets.signal_detail import SignalDetail


class Why(Dialog[None]):
    """One signal."""

    DEFAULT_CSS = "Why > .box { width: 96%; max-width: 110; height: 96%; max-height: 26; border: none; padding: 0; }"

    def __init__(self, signal: Signal, instrument: InstrumentView | None) -> None:
        super().__init__()
        self._signal = signal
        self._instrument = instrument

    def compose(self) -> ComposeResult:
        """The detail widget."""
        with Vertical(classes="box"):
            yield SignalDetail()

    def on_mount(self) -> None:
        """Show it once."""
        self.query_one(SignalDetail).show(self._signal, self._instrument)
