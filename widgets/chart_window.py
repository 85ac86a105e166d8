"""Which bars are in view, how they are cut into candles, and the sizes of the chart's parts. Pure."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from typing import NamedTuple

from engine.model.market import Bar
from widgets.chart_candles import Zoom, merged
from widgets.chart_scale import DAY_MS

LEAST_WIDTH, LEAST_HEIGHT = 20, 6


class Parts(NamedTuple):
    """Sizes in cells: the plot, the volume strip below it, the price axis at its right; one legend and one time row."""

    plot_width: int
    plot_height: int
    volume: int
    axis: int
    margin: int


def parts_for(width: int, height: int, label: int) -> Parts:
    """Cut `width` x `height` cells; `label` is the length of the longest price label."""
    axis = label + 2
    body = height - 2
    volume = 0 if body < 9 else 2 if body < 18 else max(3, body // 8)
    plot = max(1, width - axis)
    return Parts(plot, body - volume, volume, axis, 8 if plot >= 50 else 2)


class Window(NamedTuple):
    """Candles in view, oldest first, with the index of each one's last bar."""

    candles: list[Bar]
    last_bars: list[int]
    zoom: Zoom

    def column(self, index: int) -> int:
        """Leftmost column of a candle."""
        return index * self.zoom.pitch

    def middle(self, index: int) -> int:
        """Middle column of a candle, where its wick is."""
        return index * self.zoom.pitch + ((self.zoom.pitch - 1) // 2 if self.zoom.pitch >= 4 else 0)

    def candle_at(self, at: int) -> int | None:
        """The candle in whose time ms UTC `at` falls; None before the first. The last one reaches on."""
        index = bisect_right(self.candles, at, key=lambda bar: bar.open_time) - 1
        return index if index >= 0 else None


def window_of(bars: list[Bar], timeframe_ms: int, zoom: Zoom, columns: int, behind: int) -> Window:
    """The candles that fit in `columns`, ending `behind` candles before the newest.

    Several bars of one candle begin at a multiple of their common length, so that a new bar never regroups the old.
    """
    shift = bars[0].open_time // timeframe_ms % zoom.bars if bars and zoom.bars > 1 else 0
    groups = -(-(len(bars) + shift) // zoom.bars)
    end = max(1, groups - behind)
    begin = max(0, end - max(1, columns // zoom.pitch))
    candles, last_bars = [], []
    for group in range(begin, min(end, groups)):
        first = max(0, group * zoom.bars - shift)
        last = min(len(bars), (group + 1) * zoom.bars - shift)
        candles.append(merged(bars[first:last]))
        last_bars.append(last - 1)
    return Window(candles, last_bars, zoom)


def time_label(at: int, step: int) -> str:
    """``14:30``, or ``20 May`` at midnight and for steps of days."""
    when = dt.datetime.fromtimestamp(at / 1_000, tz=dt.UTC)
    if step >= DAY_MS or at % DAY_MS == 0:
        return f"{when.day} {when:%b}"
    return f"{when:%H:%M}"
