"""Downloading a long history: piece by piece, each kept as soon as it is there, so that it can be broken off at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import msgspec

from engine.bars import Bars
from engine.candle_file import Gap, gaps_of
from engine.errors import VenueError, VenueRejected
from engine.history.answer import ask
from engine.history.load import NEAR, PAGE
from engine.history.series import DAY_MS, Series, Span, aligned, missing, months
from engine.ports import CandleStore, Feed

PIECE = 6 * PAGE  # bars asked for at once: the feed fetches six pages side by side
LISTING_DAYS = 30  # a shorter download does not ask when the market was listed
RETRY_S = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)


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
    feed: Feed,
    store: CandleStore,
    series: Series,
    span: Span,
    tell: Callable[[Progress], None],
    *,
    retry_s: Sequence[float] = RETRY_S,
) -> Downloaded:
    """Bring the bars of `span` to disk, oldest first; what is there already is not asked for again.

    Args:
        feed: knows the symbol; give a span that ends before its clock, so that every bar is closed.
        store: gets each piece at once.
        series: what is downloaded.
        span: ms UTC.
        tell: called after each piece and before each wait.
        retry_s: how long to wait after the first, second ... failure in a row, seconds; then it gives up.

    Raises:
        VenueError: the source refuses, or did not answer again and again. What came before is kept.
        BadInput: the disk cannot be read or written.
    """
    begin, end = aligned(span, series.timeframe_ms)
    end = max(begin, end)
    key = series.venue, series.symbol, series.timeframe_ms
    work = _Work(feed, series, tell, (end - begin) // series.timeframe_ms, retry_s)
    for month in months(Span(begin, end)):
        known = await asyncio.to_thread(store.read, *key, month.begin, month.end)
        holes = missing(known.open_time, series.timeframe_ms, month, NEAR)
        asked = sum(hole.end - hole.begin for hole in holes)
        work.step((month.end - month.begin - asked) // series.timeframe_ms, 0)
        for piece in _pieces(holes, series.timeframe_ms):
            bars = await work.bars(piece, end)
            await asyncio.to_thread(store.write, *key, bars)
            work.step((piece.end - piece.begin) // series.timeframe_ms, len(bars))
    have = await asyncio.to_thread(store.read, *key, begin, end)
    times = have.open_time
    edges = (int(times[0]), int(times[-1])) if len(have) else (0, 0)
    return Downloaded(len(have), work.fetched, *edges, gaps_of(times, series.timeframe_ms))


class _Work:
    """Asks the source, patiently, and counts. The feed's own client keeps the source's limits."""

    def __init__(
        self, feed: Feed, series: Series, tell: Callable[[Progress], None], total: int, retry_s: Sequence[float]
    ) -> None:
        self.fetched = 0
        self._feed = feed
        self._series = series
        self._tell = tell
        self._total = total
        self._retry_s = retry_s
        self._done = 0
        self._listed: int | None = None

    def step(self, done: int, fetched: int) -> None:
        """A piece is dealt with."""
        self._done += done
        self.fetched += fetched
        self._tell(Progress(self._done, self._total, self.fetched))

    async def bars(self, piece: Span, end: int) -> Bars:
        """The bars of a piece; nothing is asked for before the first day the source has, up to `end` (ms UTC)."""
        if self._listed is None:
            self._listed = await self._first_day(piece.begin, end)
        begin = max(piece.begin, self._listed)
        return await self._ask(self._series, Span(begin, piece.end)) if begin < piece.end else Bars.empty()

    async def _first_day(self, begin: int, end: int) -> int:
        """Where the source's bars begin: a coin that is listed late costs a page of days, not years of empty pages."""
        days = Series(self._series.venue, self._series.symbol, DAY_MS)
        whole = Span(*aligned(Span(begin, end), DAY_MS))
        if (whole.end - whole.begin) // DAY_MS < LISTING_DAYS or self._series.timeframe_ms >= DAY_MS:
            return begin
        first = whole.begin
        for since in range(whole.begin, whole.end, PAGE * DAY_MS):
            found = await self._ask(days, Span(since, min(whole.end, since + PAGE * DAY_MS)))
            if len(found):
                return int(found.open_time[0]) if found.open_time[0] > first else begin
        return whole.end

    async def _ask(self, series: Series, piece: Span) -> Bars:
        for patience in self._retry_s:
            try:
                return await ask(self._feed, series, piece)
            except VenueRejected:
                raise
            except VenueError as error:
                self._tell(Progress(self._done, self._total, self.fetched, f"{error}; again in {patience:.0f} s"))
                await asyncio.sleep(patience)
        return await ask(self._feed, series, piece)


def _pieces(holes: tuple[Span, ...], timeframe_ms: int) -> Iterator[Span]:
    for hole in holes:
        for begin in range(hole.begin, hole.end, PIECE * timeframe_ms):
            yield Span(begin, min(hole.end, begin + PIECE * timeframe_ms))
