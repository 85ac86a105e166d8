"""Bars from disk, and from the source only what is missing there."""

from __future__ import annotations

import asyncio

import msgspec

from engine.bars import Bars
from engine.history.answer import ask
from engine.history.merge import merge
from engine.history.series import Series, Span, missing
from engine.ports import CandleStore, Feed

PAGE = 1_500  # one request brings so many bars
NEAR = 100  # asking for so many known bars between two holes costs less than a second request


class Loaded(msgspec.Struct, frozen=True):
    """Bars of a span, and those of them that are not on disk yet."""

    bars: Bars
    fresh: Bars


async def load(feed: Feed, store: CandleStore, series: Series, span: Span) -> Loaded:
    """Closed bars of `span`, ms UTC. Writes nothing: who asked keeps `fresh` when there is time.

    Raises VenueError when the source cannot be asked or sends an impossible bar, BadInput when the disk cannot be read.
    """
    bars = await asyncio.to_thread(store.read, series.venue, series.symbol, series.timeframe_ms, span.begin, span.end)
    fresh = Bars.empty()
    for hole in missing(bars.open_time, series.timeframe_ms, span, NEAR):
        fresh = merge(fresh, await ask(feed, series, hole))
    return Loaded(merge(bars, fresh), fresh)
