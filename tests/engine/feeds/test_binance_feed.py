"""Binance's market data through ccxt keeps the contract, over real HTTP and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.feeds.ccxt_feed import CcxtFeed
from engine.runtime import SystemClock
from engine.venues.ccxt_client import Access
from tests.engine.feeds.contract import PATIENCE_S, FeedContract, Sink
from tests.engine.simulator.conftest import BTC, ETH, MINUTE
from tests.engine.venues.hand import FIRST, Hand

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

STREAMS = {f"{s}@{channel}" for s in ("btcusdt", "ethusdt") for channel in ("bookTicker", "kline_1m", "markPrice@1s")}


class BinanceFeedBench:
    """The exchange runs in this process, behind real sockets."""

    def __init__(self, hand: Hand, sink: Sink) -> None:
        self.hand = hand
        self.sink = sink
        running = hand.running
        self.feed = CcxtFeed(Access(running.rest, running.ws), SystemClock(), silence_s=0.3, watch_s=0.05)

    async def start(self) -> None:
        await self.feed.instruments()
        last = self.hand.now // MINUTE * MINUTE - MINUTE
        self.feed.resume({BTC.symbol: last, ETH.symbol: last})
        self._running = asyncio.create_task(self.feed.run([BTC.symbol, ETH.symbol], self.sink))
        await self.listening()
        self.hand.quote(FIRST)

    async def listening(self) -> None:
        hub = self.hand.simulation.hub

        def heard() -> bool:
            return all(any(s.open for s in hub.subscribers.get(name, ())) for name in STREAMS)

        async with asyncio.timeout(PATIENCE_S):
            while not heard():
                hub.changed.clear()
                await hub.changed.wait()

    async def come_back(self) -> None:
        port = int(self.hand.running.rest.rpartition(":")[2])
        self.hand = await Hand.start(start=self.hand.now + 5 * MINUTE, port=port)

    async def stop(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.feed.close()
        await self.hand.stop()


@pytest.fixture
async def bench() -> AsyncIterator[BinanceFeedBench]:
    """A feed that listens."""
    made = BinanceFeedBench(await Hand.start(), Sink())
    await made.start()
    yield made
    await made.stop()


class TestBinanceFeed(FeedContract):
    """All of it."""
