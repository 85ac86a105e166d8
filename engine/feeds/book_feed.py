"""Order book and trades of the few symbols a person looks at, on a connection of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import aiohttp

from engine.errors import VenueError
from engine.feeds.markets import market_of
from engine.model.instrument import Instrument
from engine.ports import Clock
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import Access, Handler, dial, hang_up, make_client
from engine.view_market import DepthView, TradeView

LEVELS = 20
BACKOFF_S = (0.3, 1.0, 3.0, 10.0)
RECYCLE_S = 23 * 3600.0


class BookSink(Protocol):
    """Where the books go. Cheap and synchronous."""

    def depth(self, book: DepthView) -> None:
        """A new picture of an order book."""
        ...

    def traded(self, symbol: str, trade: TradeView) -> None:
        """A trade of the market."""
        ...


class BookFeed:
    """Depth and every trade of the symbols that are looked at: 20 levels four times a second at Binance.

    OKX tells 5 levels, Bybit 20, both more often.

    Args:
        access: exchange and addresses; keys are not needed.
        clock: received times.
        sink: where they go.
    """

    def __init__(self, access: Access, clock: Clock, sink: BookSink) -> None:
        self._clock = clock
        self._sink = sink
        handlers: dict[str, Handler] = {}
        self._client = make_client(access, handlers)
        self._exchange = market_of(access.exchange, self._client, Api(self._client, access))
        handlers.update(self._exchange.look_handlers(self))
        self._wanted: dict[str, Instrument] = {}
        self._changed = asyncio.Event()

    def look(self, instruments: tuple[Instrument, ...]) -> None:
        """From now on these, and no others."""
        wanted = {one.venue_id: one for one in instruments}
        if wanted.keys() != self._wanted.keys():
            self._wanted = wanted
            self._changed.set()

    async def run(self) -> None:
        """Stream until cancelled; a lost connection comes back after a pause. Nothing trades on these streams."""
        import ccxt

        failures = number = 0
        while True:
            self._changed.clear()
            number += 1
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                async with asyncio.timeout(RECYCLE_S):
                    await self._one(number)
                failures = 0
            except (ccxt.BaseError, VenueError, TimeoutError, aiohttp.ClientError, ConnectionError):
                failures = 0 if loop.time() - started > BACKOFF_S[-1] else failures + 1
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _one(self, number: int) -> None:
        """One connection, until what is looked at changes or it ends."""
        url, request, names = self._exchange.look_subscription(list(self._wanted), number)
        changed = asyncio.ensure_future(self._changed.wait())
        goodbye = None
        try:
            if not names:
                await changed
                return
            await self._exchange.learn()
            ended = await dial(self._client, url, request)
            await asyncio.wait({changed, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ended.result()
        finally:
            changed.cancel()
            goodbye = hang_up(self._client, url)
            if goodbye is not None:
                await goodbye

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    # LooksOn

    def depth(self, venue_id: str, bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> None:
        """A new picture of an order book."""
        one = self._wanted.get(venue_id)
        if one is not None:
            levels = self._levels(one, bids), self._levels(one, asks)
            self._sink.depth(DepthView(one.symbol, *levels, self._clock.now()))

    def traded(self, venue_id: str, time: int, price: str, size: str, side: int) -> None:
        """A trade of the market."""
        one = self._wanted.get(venue_id)
        if one is not None:
            ticks, lots = round(float(price) / float(one.tick_size)), round(float(size) / self._exchange.size_step(one))
            self._sink.traded(one.symbol, TradeView(time, ticks, lots, side))

    def _levels(self, one: Instrument, rows: Sequence[Sequence[str]]) -> tuple[tuple[int, int], ...]:
        per_tick, per_lot = 1.0 / float(one.tick_size), 1.0 / self._exchange.size_step(one)
        return tuple((round(float(row[0]) * per_tick), round(float(row[1]) * per_lot)) for row in rows)
