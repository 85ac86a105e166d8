"""Candles with volume, overlays, levels and fills."""

from __future__ import annotations

from collections.abc import Sequence

from engine.view import BarsView, FillView, InstrumentView, OrderView, PositionView, QuoteView
from widgets.panel import Panel


class CandleChart(Panel):
    """Candles with volume, overlays, levels and fills."""

    def show(
        self,
        bars: BarsView | None,
        instrument: InstrumentView | None,
        quote: QuoteView | None,
        position: PositionView | None,
        orders: Sequence[OrderView],
        fills: Sequence[FillView],
        now: int,
    ) -> None:
        """Show the newest desk; cheap when nothing changed."""
        self.update()

    def zoom(self, step: int) -> None:
        """Filled in by the next commit."""
        self.update()

    def scroll(self, columns: int) -> None:
        """Filled in by the next commit."""
        self.update()

    def home(self) -> None:
        """Filled in by the next commit."""
        self.update()

    def toggle_overlay(self, name: str) -> None:
        """Filled in by the next commit."""
        self.update()

    def cycle_overlays(self) -> None:
        """Filled in by the next commit."""
        self.update()

    def set_crosshair(self, on: bool) -> None:
        """Filled in by the next commit."""
        self.update()

    def move_crosshair(self, dx: int, dy: int) -> None:
        """Filled in by the next commit."""
        self.update()
