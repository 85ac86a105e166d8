"""A running feed on a market that is moved by hand; the exchange runs in this process, behind real sockets."""

from __future__ import annotations

import asyncio

from engine.feeds.ccxt_feed import CcxtFeed
from engine.runtime import SystemClock
from engine.venues.ccxt_client import Access
from tests.engine.feeds.contract import PATIENCE_S, Sink
from tests.engine.simulator.conftest import BTC, ETH, MINUTE
from tests.engine.venues.hand import FIRST, Hand


class FeedBench:
    """Implements Bench.

    Args:
        hand: moves the market.
        exchange: whose words are spoken.
        streams: what the hub must have subscribers for when the feed listens.
    """

    def __init__(self, hand: Hand, exchange: str, streams: set[str]) -> None:
        self.hand = hand
        self.sink = Sink()
        self._streams = streams
        running = hand.running
        access = Access(running.rest, running.ws, exchange=exchange)
        self.feed = CcxtFeed(access, SystemClock(), silence_s=0.3, watch_s=0.05)

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
            return all(any(s.open for s in hub.subscribers.get(name, ())) for name in self._streams)

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
