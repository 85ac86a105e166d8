"""Pictures of a chart: its newest bars with their overlays."""

from __future__ import annotations

import msgspec

from engine.model.market import Bar

BARS_KEPT = 600


class BarsView(msgspec.Struct, kw_only=True):
    """A chart's newest bars, oldest first (the last may be unfinished), with overlays aligned (None: not yet)."""

    symbol: str
    timeframe_ms: int
    bars: list[Bar]
    overlays: dict[str, list[float | None]]

    def apply(self, change: BarChange) -> None:
        """Take one bar in: the newest is replaced when the open time is the same, else one is added."""
        if self.bars and self.bars[-1].open_time == change.bar.open_time:
            self.bars[-1] = change.bar
            for name, value in change.overlays.items():
                column = self.overlays.setdefault(name, [None] * len(self.bars))
                column[-1] = value
            return
        self.bars.append(change.bar)
        for column in self.overlays.values():
            column.append(None)
        for name, value in change.overlays.items():
            column = self.overlays.setdefault(name, [None] * len(self.bars))
            column[-1] = value
        del self.bars[:-BARS_KEPT]
        for column in self.overlays.values():
            del column[:-BARS_KEPT]


class BarChange(msgspec.Struct, frozen=True, kw_only=True):
    """The newest bar of a chart; `overlays` come with closed bars."""

    bar: Bar
    closed: bool
    overlays: dict[str, float | None] = {}


def bars_topic(symbol: str, timeframe_ms: int) -> str:
    """The protocol's topic name of a chart."""
    return f"bars|{symbol}|{timeframe_ms}"
