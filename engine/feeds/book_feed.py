"""Order book and trades of the few symbols a person looks at, on a connection of their own."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import aiohttp

from engine.model.instrument import Instrument
from engine.ports import Clock
from engine.venues.ccxt_client import Access, dial, hang_up, make_client
from engine.view import DepthView, TradeView

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
    """Depth of 20 levels four times a second, and every trade, of the symbols that are looked at.

    Args:
        access: addresses; keys are not needed.
        clock: received times.
        sink: where they go.
    """

    def __init__(self, access: Access, clock: Clock, sink: BookSink) -> None:
        self._clock = clock
        self._sink = sink
        self._client = make_client(access, {"depthUpdate": self._on_depth, "aggTrade": self._on_trade})
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
            url = f"{self._client.get_ws_url('linear', 'public')}/look{number}"
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                async with asyncio.timeout(RECYCLE_S):
                    await self._one(url)
                failures = 0
            except (ccxt.BaseError, TimeoutError, aiohttp.ClientError, ConnectionError):
                failures = 0 if loop.time() - started > BACKOFF_S[-1] else failures + 1
                await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    async def _one(self, url: str) -> None:
        """One connection, until what is looked at changes or it ends."""
        streams = [f"{name.lower()}@{stream}" for name in self._wanted for stream in (f"depth{LEVELS}", "aggTrade")]
        changed = asyncio.ensure_future(self._changed.wait())
        goodbye = None
        try:
            if not streams:
                await changed
                return
            ended = await dial(self._client, url, {"method": "SUBSCRIBE", "params": streams, "id": 1})
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

    def _on_depth(self, message: dict[str, Any]) -> None:
        one = self._wanted.get(message["s"])
        if one is not None:
            bids, asks = _levels(one, message["b"]), _levels(one, message["a"])
            self._sink.depth(DepthView(one.symbol, bids, asks, self._clock.now()))

    def _on_trade(self, message: dict[str, Any]) -> None:
        one = self._wanted.get(message["s"])
        if one is not None:
            ticks = round(float(message["p"]) / float(one.tick_size))
            lots = round(float(message["q"]) / float(one.lot_size))
            self._sink.traded(one.symbol, TradeView(message["T"], ticks, lots, -1 if message["m"] else 1))


def _levels(one: Instrument, rows: list[list[str]]) -> tuple[tuple[int, int], ...]:
    per_tick, per_lot = 1.0 / float(one.tick_size), 1.0 / float(one.lot_size)
    return tuple((round(float(price) * per_tick), round(float(size) * per_lot)) for price, size in rows)
