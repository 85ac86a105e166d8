"""What a source answered, judged before it is kept or traded on."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars
from engine.errors import VenueRejected
from engine.history.series import Series, Span, time_text
from engine.ports import Feed


async def ask(feed: Feed, series: Series, span: Span) -> Bars:
    """The source's closed bars of `span` (ms UTC).

    Raises VenueError when it cannot be asked, VenueRejected when a bar it sent is impossible: nothing of that answer is used.
    """
    bars = await feed.history(series.symbol, series.timeframe_ms, span.begin, span.end)
    fault = fault_of(bars, series.timeframe_ms, span)
    if fault is not None:
        at, reason = fault
        raise VenueRejected(f"{series.venue} sent a bar of {series.symbol} at {time_text(at)} UTC that {reason}")
    return bars


def fault_of(bars: Bars, timeframe_ms: int, span: Span) -> tuple[int, str] | None:
    """Open time (ms UTC) of the first impossible bar and what is wrong with it, or None."""
    times = bars.open_time
    numbers = np.stack([bars.open, bars.high, bars.low, bars.close, bars.volume])
    faults = (
        (np.diff(times, prepend=times[:1] - 1) <= 0, "does not come after the one before"),
        ((times < span.begin) | (times >= span.end), "was not asked for"),
        (times % timeframe_ms != 0, f"does not open at a multiple of {timeframe_ms} ms"),
        (~np.isfinite(numbers).all(axis=0), "has a field that is no number"),
        ((numbers[:4] <= 0).any(axis=0) | (bars.volume < 0), "has a price of zero or less, or a negative volume"),
        (bars.high < np.maximum(bars.open, bars.close), "has its high below open or close"),
        (bars.low > np.minimum(bars.open, bars.close), "has its low above open or close"),
    )
    for wrong, reason in faults:
        if wrong.any():
            return int(times[int(wrong.argmax())]), reason
    return None
