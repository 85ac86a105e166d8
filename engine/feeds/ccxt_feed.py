"""Market data of Binance USD-M through ccxt.pro: quotes, marks and base bars, with gaps filled and silence noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
import numpy as np

from engine.bars import Bars
from engine.errors import BadInput, VenueError
from engine.feeds.bar_book import BarBook, Closed, Corrected, Forming, Heard, Missing
from engine.model.instrument import Instrument, unit_of
from engine.model.market import TIMEFRAMES, Bar, Quote
from engine.model.money import to_money
from engine.ports import Clock, FeedSink
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import Access, dial, hang_up, make_client
from engine.venues.weight import Lane

PAGE = 1_500
PAGES_AT_ONCE = 6
STREAMS_PER_SOCKET = 180
SILENCE_S = 10.0
WATCH_S = 1.0
GRACE_MS = 1_500
BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0, 10.0)
RECYCLE_S = 23 * 3600.0
MAINTENANCE_PPM = 10_000  # until the account tells its brackets: the safe side
MAKER_PPM, TAKER_PPM = 200, 500

INTERVALS = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}


class _Book:
    """Newest numbers of one symbol, as the messages bring them."""

    __slots__ = (
        "ask",
        "ask_lots",
        "bar_time",
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
        "update",
    )

    def __init__(self, instrument: Instrument, bars: BarBook) -> None:
        self.symbol = instrument.symbol
        self.per_tick = 1.0 / float(instrument.tick_size)
        self.per_lot = 1.0 / float(instrument.lot_size)
        self.bars = bars
        self.bid = self.ask = self.bid_lots = self.ask_lots = self.last = self.mark = self.time = 0
        self.update = self.bar_time = self.mark_time = 0  # the newest message of each kind: older ones come too late

    def quote(self, received: int) -> Quote:
        return Quote(
            self.bid, self.ask, self.bid_lots, self.ask_lots, self.last or self.bid, self.mark, self.time, received
        )


class CcxtFeed:
    """Implements Feed.

    Args:
        access: addresses; keys are not needed.
        clock: received times.
        base_ms: timeframe of the base bars.
        one_socket: all streams over one connection, so that quotes and bars keep the venue's order.
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
        if base_ms not in INTERVALS:
            raise BadInput("base timeframe", base_ms, f"use one of {', '.join(TIMEFRAMES)}")
        self.base_ms = base_ms
        self.refused: list[str] = []
        self._clock = clock
        self._one_socket = one_socket
        self._silence_s = silence_s
        self._watch_s = watch_s
        self._client = make_client(
            access, {"bookTicker": self._on_book, "kline": self._on_kline, "markPriceUpdate": self._on_mark}
        )
        self._api = Api(self._client, access)
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
        info = await self._api("fapiPublicGetExchangeInfo")
        found = []
        for row in info["symbols"]:
            if (
                row.get("contractType") != "PERPETUAL"
                or row.get("marginAsset") != "USDT"
                or row.get("status") != "TRADING"
            ):
                continue
            try:
                found.append(_instrument(row))
            except BadInput as error:
                self.refused.append(str(error))
        self._instruments = {i.symbol: i for i in found}
        return tuple(found)

    def instrument(self, symbol: str) -> Instrument:
        """A contract that `instruments` listed."""
        return self._instruments[symbol]

    async def history(self, symbol: str, timeframe_ms: int, since: int, until: int) -> Bars:
        """Closed bars with since <= open_time < until, fetched in pages side by side."""
        return await self._history(symbol, timeframe_ms, since, until, Lane.HISTORY)

    async def _history(self, symbol: str, timeframe_ms: int, since: int, until: int, lane: Lane) -> Bars:
        interval = INTERVALS.get(timeframe_ms)
        if interval is None:
            raise BadInput("timeframe", timeframe_ms, f"use one of {', '.join(TIMEFRAMES)}")
        venue_id = self._instruments[symbol].venue_id
        turn = asyncio.Semaphore(PAGES_AT_ONCE)

        async def page(begin: int) -> list[list[Any]]:
            end = min(begin + PAGE * timeframe_ms, until)
            params = {
                "symbol": venue_id,
                "interval": interval,
                "startTime": begin,
                "endTime": end - 1,
                "limit": -((begin - end) // timeframe_ms),  # the fewer, the lighter
            }
            async with turn:
                rows: list[list[Any]] = await self._api("fapiPublicGetKlines", params, lane=lane)
                return rows

        pages = await asyncio.gather(*(page(begin) for begin in range(since, until, PAGE * timeframe_ms)))
        rows = [row[:6] for rows in pages for row in rows if int(row[6]) < until]
        return _bars(rows)

    async def server_time(self) -> int:
        """The venue's clock, ms UTC (simulated in a replay)."""
        return int((await self._api("fapiPublicGetTime"))["serverTime"])

    def resume(self, last: dict[str, int]) -> None:
        """Open times of the newest closed bars that are known: bars after them are delivered."""
        self._last = last

    async def run(self, symbols: Sequence[str], sink: FeedSink) -> None:
        """Stream until cancelled."""
        self._sink = sink
        self._books = {
            self._instruments[s].venue_id: _Book(self._instruments[s], BarBook(self.base_ms, self._last.get(s, 0)))
            for s in symbols
        }
        async with asyncio.TaskGroup() as group:
            for number, (url, streams) in enumerate(self._sockets()):
                group.create_task(self._socket(f"{url}/{number}", streams))
            group.create_task(self._watch())

    async def close(self) -> None:
        """Release connections."""
        for task in self._fills:
            task.cancel()
        await self._client.close()

    def _sockets(self) -> Iterable[tuple[str, list[str]]]:
        names = [venue_id.lower() for venue_id in self._books]
        quotes = [f"{name}@bookTicker" for name in names]
        rest = [f"{name}@{stream}" for name in names for stream in (f"kline_{INTERVALS[self.base_ms]}", "markPrice@1s")]
        market, public = self._client.get_ws_url("linear", "market"), self._client.get_ws_url("linear", "public")
        if self._one_socket:
            return [(market, [*quotes, *rest])]
        return [*((public, part) for part in _parts(quotes)), *((market, part) for part in _parts(rest))]

    async def _socket(self, url: str, streams: list[str]) -> None:
        """Keep one connection: subscribe, wait for its end, back off, again."""
        import ccxt

        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            self._heard[url] = started
            request = {"method": "SUBSCRIBE", "params": streams, "id": 1}
            try:
                ended = await dial(self._client, url, request)
                self._forget_order(streams)
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

    def _forget_order(self, streams: list[str]) -> None:
        """A new connection may be to a venue that counts anew; what it says first is believed."""
        for stream in streams:
            book = self._books.get(stream.partition("@")[0].upper())
            if book is not None:
                book.update = book.bar_time = book.mark_time = book.time = 0

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

    # Stream handlers: called by ccxt's socket for every message, so they are short.

    def _on_book(self, message: dict[str, Any]) -> None:
        book = self._books.get(message["s"])
        if book is None or message["u"] <= book.update:
            return
        book.update = message["u"]
        per_tick, per_lot = book.per_tick, book.per_lot
        book.bid = round(float(message["b"]) * per_tick)
        book.ask = round(float(message["a"]) * per_tick)
        book.bid_lots = round(float(message["B"]) * per_lot)
        book.ask_lots = round(float(message["A"]) * per_lot)
        self._market_time = max(self._market_time, message["T"])
        book.time = max(book.time, message["T"])
        self._sink.quote(book.symbol, book.quote(self._clock.now()))  # type: ignore[union-attr] # set by run

    def _on_mark(self, message: dict[str, Any]) -> None:
        book = self._books.get(message["s"])
        if book is None or message["E"] < book.mark_time:
            return
        book.mark_time = message["E"]
        book.mark = round(float(message["p"]) * book.per_tick)
        self._market_time = max(self._market_time, message["E"])
        book.time = max(book.time, message["E"])
        if book.bid:
            self._sink.quote(book.symbol, book.quote(self._clock.now()))  # type: ignore[union-attr] # set by run

    def _on_kline(self, message: dict[str, Any]) -> None:
        book = self._books.get(message["s"])
        if book is None:
            return
        k = message["k"]
        if message["E"] < book.bar_time and not k["x"]:
            return
        close = float(k["c"])
        if message["E"] >= book.bar_time:
            book.bar_time = message["E"]
            book.last = round(close * book.per_tick)
        self._market_time = max(self._market_time, message["E"])
        bar = Bar(k["t"], float(k["o"]), float(k["h"]), float(k["l"]), close, float(k["v"]))
        self._deliver(book, book.bars.hear(bar, closed=k["x"]))

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


def _parts(streams: list[str]) -> Iterable[list[str]]:
    return (streams[i : i + STREAMS_PER_SOCKET] for i in range(0, len(streams), STREAMS_PER_SOCKET))


def _bars(rows: list[list[Any]]) -> Bars:
    if not rows:
        return Bars.empty()
    times = np.array([int(row[0]) for row in rows], dtype=np.int64)
    values = np.array([row[1:6] for row in rows], dtype=np.float64)
    return Bars(times, *(np.ascontiguousarray(values[:, i]) for i in range(5)))


def _instrument(row: dict[str, Any]) -> Instrument:
    filters = {f["filterType"]: f for f in row["filters"]}
    tick, lot = Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])
    symbol = f"{row['baseAsset']}/{row['quoteAsset']}:{row['marginAsset']}"
    most = filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])["maxQty"]
    return Instrument(
        symbol=symbol,
        venue_id=row["symbol"],
        tick_size=tick.normalize(),
        lot_size=lot.normalize(),
        min_lots=max(1, int(Decimal(filters["LOT_SIZE"]["minQty"]) / lot)),
        max_lots=int(Decimal(most) / lot),
        min_notional=to_money(filters.get("MIN_NOTIONAL", {}).get("notional", "5")),
        max_leverage=20,
        maintenance_ppm=MAINTENANCE_PPM,
        maker_ppm=MAKER_PPM,
        taker_ppm=TAKER_PPM,
        unit=unit_of(symbol, tick, lot),
    )
