"""Bars from disk, and from the source only what is missing there."""

from __future__ import annotations

import asyncio

from engine.bars import Bars
from engine.history.series import Series, Span, missing
from engine.ports import CandleStore, Feed

PAGE = 1_500  # one request brings so many bars


async def load(feed: Feed, store: CandleStore, series: Series, span: Span) -> Bars:
    """Closed bars of `span`, ms UTC; what the source had to add is written back.

    Raises VenueError when the source cannot be asked, BadInput when the disk cannot be read or written.
    """
    key = series.venue, series.symbol, series.timeframe_ms
    known = await asyncio.to_thread(store.read, *key, span.begin, span.end)
    asked = False
    for hole in missing(known.open_time, series.timeframe_ms, span, PAGE):
        bars = await feed.history(series.symbol, series.timeframe_ms, hole.begin, hole.end)
        if len(bars):
            asked = True
            await asyncio.to_thread(store.write, *key, bars)
    return await asyncio.to_thread(store.read, *key, span.begin, span.end) if asked else known
