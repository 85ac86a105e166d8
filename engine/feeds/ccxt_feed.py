"""Market data through ccxt.pro: quotes, marks and base bars, with gaps filled and silence noticed.

What differs between the exchanges is a `MarketApi`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import numpy as np

from engine.bars import Bars
from engine.errors import BadInput, VenueError
from engine.feeds.bar_book import BarBook, Closed, Corrected, Forming, Heard, Missing
from engine.feeds.market_api import Row
from engine.feeds.markets import market_of
from engine.model.instrument import Instrument
from engine.model.market import TIMEFRAMES, Bar, Quote
from engine.ports import Clock, FeedSink
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import Access, Handler, dial, hang_up, make_client
from engine.venues.weight import Lane

PAGES_AT_ONCE = 6
SILENCE_S = 10.0
WATCH_S = 1.0
GRACE_MS = 1_500
BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0, 10.0)
RECYCLE_S = 23 * 3600.0


class _Book:
    """Newest numbers of one symbol, as the messages bring them."""

    __slots__ = (
        "ask",
        "ask_lots",
        "bar_order",
        "bars",
        "bid",
        "bid_lots",
        "last",
        "mark",
        "mark_time",
        "per_lot",
        "per_tick",
        "symbol",
        "time",
        "top_order",
    )

    def __init__(self, instrument: Instrument, size_step: float, bars: BarBook) -> None:
        self.symbol = instrument.symbol
        self.per_tick = 1.0 / float(instrument.tick_size)
        self.per_lot = 1.0 / size_step
        self.bars = bars
        self.bid = self.ask = self.bid_lots = self.ask_lots = self.last = self.mark = self.time = 0
        self.forget_order()

    def forget_order(self) -> None:
        """What is heard next is the newest; within a connection older messages of a kind come too late."""
        self.top_order: tuple[int, ...] = ()
        self.bar_order: tuple[float, ...] = ()
        self.mark_time = self.time = 0

    def quote(self, received: int) -> Quote:
        return Quote(
            self.bid, self.ask, self.bid_lots, self.ask_lots, self.last or self.bid, self.mark, self.time, received
        )


class CcxtFeed:
    """Implements Feed.

    `funding_rates` has the newest rate of each symbol (a fraction of the notional) and when it is paid, ms UTC.

    Args:
        access: exchange and addresses; keys are not needed.
        clock: received times.
        base_ms: timeframe of the base bars.
        one_socket: all streams over one connection (Binance), so that quotes and bars keep the venue's order.
        silence_s: a socket that says nothing for so long while it should is taken for half-open and replaced.
        watch_s: seconds between two looks for silent sockets and overdue bars.
    """

    def __init__(
        self,
        access: Access,
        clock: Clock,
        *,
        base_ms: int = 60_000,
        one_socket: bool = False,
        silence_s: float = SILENCE_S,
        watch_s: float = WATCH_S,
    ) -> None:
        if base_ms not in TIMEFRAMES.values():
            raise BadInput("base timeframe", base_ms, f"use one of {', '.join(TIMEFRAMES)}")
        self.base_ms = base_ms
        self.refused: list[str] = []
        self.funding_rates: dict[str, tuple[float, int]] = {}
        self._clock = clock
        self._one_socket = one_socket
        self._silence_s = silence_s
        self._watch_s = watch_s
        handlers: dict[str, Handler] = {}
        self._client = make_client(access, handlers)
        self._exchange = market_of(access.exchange, self._client, Api(self._client, access))
        handlers.update(self._exchange.handlers(self))
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._instruments: dict[str, Instrument] = {}
        self._books: dict[str, _Book] = {}
        self._last: dict[str, int] = {}
        self._sink: FeedSink | None = None
        self._heard: dict[str, float] = {}
        self._market_time = 0
        self._fills: set[asyncio.Task[None]] = set()

    async def instruments(self) -> tuple[Instrument, ...]:
        """Every USDT-margined perpetual that trades; those with a grid finer than 1e-8 are left out (`refused`)."""
        found, self.refused = await self._exchange.instruments()
        self._instruments = {i.symbol: i for i in found}
        return tuple(found)

    def instrument(self, symbol: str) -> Instrument:
        """A contract that `instruments` listed."""
        return self._instruments[symbol]

    async def history(self, symbol: str, timeframe_ms: int, since: int, until: int) -> Bars:
        """Closed bars with since <= open_time < until, fetched in pages side by side."""
        return await self._history(symbol, timeframe_ms, since, until, Lane.HISTORY)

    async def _history(self, symbol: str, timeframe_ms: int, since: int, until: int, lane: Lane) -> Bars:
        if timeframe_ms not in TIMEFRAMES.values():
            raise BadInput("timeframe", timeframe_ms, f"use one of {', '.join(TIMEFRAMES)}")
        venue_id = self._instruments[symbol].venue_id
        turn = asyncio.Semaphore(PAGES_AT_ONCE)
        span = self._exchange.page * timeframe_ms

        async def page(begin: int) -> list[Row]:
            async with turn:
                return await self._exchange.bars(venue_id, timeframe_ms, begin, min(begin + span, until), lane)

        pages = await asyncio.gather(*(page(begin) for begin in range(since, until, span)))
        return _bars([row for rows in pages for row in rows])

    async def server_time(self) -> int:
        """The venue's clock, ms UTC (simulated in a replay)."""
        return await self._exchange.server_time()

    def resume(self, last: dict[str, int]) -> None:
        """Open times of the newest closed bars that are known: bars after them are delivered."""
        self._last = last

    async def run(self, symbols: Sequence[str], sink: FeedSink) -> None:
        """Stream until cancelled."""
        self._sink = sink
        self._books = {}
        for symbol in symbols:
            instrument = self._instruments[symbol]
            bars = BarBook(self.base_ms, self._last.get(symbol, 0))
            self._books[instrument.venue_id] = _Book(instrument, self._exchange.size_step(instrument), bars)
        async with asyncio.TaskGroup() as group:
            for socket in self._exchange.subscriptions(list(self._books), self.base_ms, one_socket=self._one_socket):
                group.create_task(self._socket(*socket))
            group.create_task(self._watch())

    async def close(self) -> None:
        """Release connections."""
        for task in self._fills:
            task.cancel()
        await self._client.close()

    async def _socket(self, url: str, request: dict[str, Any], venue_ids: list[str]) -> None:
        """Keep one connection: subscribe, wait for its end, back off, again."""
        import ccxt

        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._heard[url] = started
            try:
                ended = await dial(self._client, url, request)
                self._forget_order(venue_ids)
                self._tell(up=True, reason="")
                async with asyncio.timeout(RECYCLE_S):
                    await ended
            except (ccxt.BaseError, TimeoutError, aiohttp.ClientError, ConnectionError) as error:
                self._tell(up=False, reason=str(error).splitlines()[0][:120] if str(error) else type(error).__name__)
            failures = 0 if loop.time() - started > BACKOFF_S[-1] else failures + 1
            goodbye = hang_up(self._client, url)
            if goodbye is not None:
                self._goodbyes.add(goodbye)
                goodbye.add_done_callback(self._goodbyes.discard)
            self._heard.pop(url, None)
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1] if failures else BACKOFF_S[0])

    def _forget_order(self, venue_ids: list[str]) -> None:
        """A new connection may be to a venue that counts anew; what it says first is believed."""
        for venue_id in venue_ids:
            self._books[venue_id].forget_order()

    def _tell(self, *, up: bool, reason: str) -> None:
        assert self._sink is not None
        self._sink.link("feed", up=up, reason=reason)

    async def _watch(self) -> None:
        """Again and again: replace silent sockets, ask for bars that are overdue."""
        import ccxt

        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._watch_s)
            now = loop.time()
            for url, opened in list(self._heard.items()):
                client = self._client.clients.get(url)
                if client is None or not self._market_time:
                    continue
                if now - max(opened, client.heard_at) > self._silence_s:
                    client.on_error(ccxt.NetworkError(f"silent for {self._silence_s:.0f} s"))
            for book in self._books.values():
                self._deliver(book, book.bars.overdue(self._market_time, GRACE_MS))

    # Hears: called by ccxt's socket for every message, so these are short.

    def top(self, venue_id: str, order: tuple[int, ...], time: int, bid: tuple[str, str], ask: tuple[str, str]) -> None:
        """The best prices with their sizes."""
        book = self._books.get(venue_id)
        if book is None or order <= book.top_order:
            return
        book.top_order = order
        per_tick, per_lot = book.per_tick, book.per_lot
        book.bid, book.bid_lots = round(float(bid[0]) * per_tick), round(float(bid[1]) * per_lot)
        book.ask, book.ask_lots = round(float(ask[0]) * per_tick), round(float(ask[1]) * per_lot)
        self._market_time = max(self._market_time, time)
        book.time = max(book.time, time)
        self._sink.quote(book.symbol, book.quote(self._clock.now()))  # type: ignore[union-attr] # set by run

    def mark(self, venue_id: str, time: int, price: str) -> None:
        """The mark price."""
        book = self._books.get(venue_id)
        if book is None or time < book.mark_time:
            return
        book.mark_time = time
        book.mark = round(float(price) * book.per_tick)
        self._market_time = max(self._market_time, time)
        book.time = max(book.time, time)
        if book.bid:
            self._sink.quote(book.symbol, book.quote(self._clock.now()))  # type: ignore[union-attr] # set by run

    def funding(self, venue_id: str, rate: str, at: int) -> None:
        """Kept for the screen, by symbol: nothing is decided by it."""
        book = self._books.get(venue_id)
        if book is not None:
            self.funding_rates[book.symbol] = (float(rate), at)

    def candle(self, venue_id: str, order: tuple[float, ...], time: int, bar: Bar, *, closed: bool) -> None:
        """A base bar as it stands, or closed."""
        book = self._books.get(venue_id)
        if book is None:
            return
        if order < book.bar_order and not closed:
            return
        if order >= book.bar_order:
            book.bar_order = order
            book.last = round(bar.close * book.per_tick)
        self._market_time = max(self._market_time, time)
        self._deliver(book, book.bars.hear(bar, closed=closed))

    def _deliver(self, book: _Book, heard: list[Heard]) -> None:
        sink = self._sink
        assert sink is not None
        for item in heard:
            match item:
                case Closed(bar=bar):
                    sink.bar(book.symbol, bar, closed=True)
                case Forming(bar=bar):
                    sink.bar(book.symbol, bar, closed=False)
                case Corrected(before=before, after=after):
                    sink.corrected(book.symbol, before, after)
                case Missing(begin=begin, end=end):
                    task = asyncio.create_task(self._fill(book, begin, end))
                    self._fills.add(task)
                    task.add_done_callback(self._fills.discard)

    async def _fill(self, book: _Book, begin: int, end: int) -> None:
        """Ask REST for a hole until it answers; an empty answer means the hole is real."""
        attempt = 0
        while True:
            try:
                bars = await self._history(book.symbol, self.base_ms, begin, end, Lane.ACCOUNT)
            except VenueError as error:
                self._tell(up=False, reason=f"bars of {book.symbol} cannot be filled in: {error}")
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1
            else:
                self._deliver(book, book.bars.filled(list(bars)))
                return


def _bars(rows: list[Row]) -> Bars:
    if not rows:
        return Bars.empty()
    times = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1:6] for row in rows], dtype=np.float64)
    return Bars(times, *(np.ascontiguousarray(values[:, i]) for i in range(5)))
