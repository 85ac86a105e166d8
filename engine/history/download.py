"""Downloading a long history: piece by piece, each kept as soon as it is there, so that it can be broken off at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec

from engine.bars import Bars
from engine.candle_file import Gap, gaps_of
from engine.errors import VenueError, VenueRejected
from engine.history.load import PAGE
from engine.history.series import Series, Span, aligned, missing, months
from engine.ports import CandleStore, Feed

PIECE = 6 * PAGE  # bars asked for at once: the feed fetches six pages side by side
RETRY_S = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)

# Binance lets an address have a weight of 2,400 a minute and a page costs 10: we take three quarters, after a burst.
PAGES_A_SECOND = 3.0
BURST_PAGES = 90.0


class Progress(msgspec.Struct, frozen=True):
    """How far a download is.

    Attributes:
        done: bars of the span that were there, were fetched, or turned out not to exist.
        total: bars the span would have without a hole.
        fetched: bars fetched so far.
        waiting: why it waits for the source, or empty.
    """

    done: int
    total: int
    fetched: int
    waiting: str = ""


class Downloaded(msgspec.Struct, frozen=True):
    """What a download came to; times are open times in ms UTC, 0 where there is no bar.

    Attributes:
        bars: bars of the span that are on disk now.
        fetched: how many of them are new.
        first: of the oldest bar in the span.
        last: of the newest bar in the span.
        gaps: holes between first and last that the source has nothing for.
    """

    bars: int
    fetched: int
    first: int
    last: int
    gaps: tuple[Gap, ...]


async def download(
    feed: Feed, store: CandleStore, series: Series, span: Span, tell: Callable[[Progress], None]
) -> Downloaded:
    """Bring the bars of `span` to disk, oldest first; what is there already is not asked for again.

    Args:
        feed: knows the symbol; give a span that ends before its clock, so that every bar is closed.
        store: gets each piece at once.
        series: what is downloaded.
        span: ms UTC.
        tell: called after each piece and before each wait.

    Raises:
        VenueError: the source refuses, or did not answer `RETRY_S` times in a row. What came before is kept.
        BadInput: the disk cannot be read or written.
    """
    begin, end = aligned(span, series.timeframe_ms)
    key = series.venue, series.symbol, series.timeframe_ms
    work = _Work(feed, series, tell, (end - begin) // series.timeframe_ms)
    for month in months(Span(begin, max(begin, end))):
        known = await asyncio.to_thread(store.read, *key, month.begin, month.end)
        holes = missing(known.open_time, series.timeframe_ms, month, PAGE)
        asked = sum(hole.end - hole.begin for hole in holes)
        work.step((month.end - month.begin - asked) // series.timeframe_ms, 0)
        for piece in _pieces(holes, series.timeframe_ms):
            bars = await work.ask(piece)
            await asyncio.to_thread(store.write, *key, bars)
            work.step((piece.end - piece.begin) // series.timeframe_ms, len(bars))
    have = await asyncio.to_thread(store.read, *key, begin, max(begin, end))
    times = have.open_time
    edges = (int(times[0]), int(times[-1])) if len(have) else (0, 0)
    return Downloaded(len(have), work.fetched, *edges, gaps_of(times, series.timeframe_ms))


class _Work:
    """Asks the source, patiently and within its limits, and counts."""

    def __init__(self, feed: Feed, series: Series, tell: Callable[[Progress], None], total: int) -> None:
        self.fetched = 0
        self._feed = feed
        self._series = series
        self._tell = tell
        self._total = total
        self._done = 0
        self._pages = BURST_PAGES
        self._at = asyncio.get_running_loop().time()

    def step(self, done: int, fetched: int) -> None:
        """A piece is dealt with."""
        self._done += done
        self.fetched += fetched
        self._tell(Progress(self._done, self._total, self.fetched))

    async def ask(self, piece: Span) -> Bars:
        """The bars of a piece."""
        symbol, timeframe_ms = self._series.symbol, self._series.timeframe_ms
        await self._pace(-(-(piece.end - piece.begin) // (PAGE * timeframe_ms)))
        for wait in RETRY_S:
            try:
                return await self._feed.history(symbol, timeframe_ms, piece.begin, piece.end)
            except VenueRejected:
                raise
            except VenueError as error:
                self._tell(Progress(self._done, self._total, self.fetched, f"{error}; again in {wait:.0f} s"))
                await asyncio.sleep(wait)
        return await self._feed.history(symbol, timeframe_ms, piece.begin, piece.end)

    async def _pace(self, pages: int) -> None:
        now = asyncio.get_running_loop().time()
        self._pages = min(BURST_PAGES, self._pages + (now - self._at) * PAGES_A_SECOND) - pages
        self._at = now
        if self._pages < 0:
            await asyncio.sleep(-self._pages / PAGES_A_SECOND)


def _pieces(holes: tuple[Span, ...], timeframe_ms: int) -> Iterator[Span]:
    for hole in holes:
        for begin in range(hole.begin, hole.end, PIECE * timeframe_ms):
            yield Span(begin, min(hole.end, begin + PIECE * timeframe_ms))
