"""Keeps a simulated exchange from running ahead: says which bar and how many account events are fully dealt with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from engine.market import Market
from engine.model.market import Bar, Quote
from engine.runtime import Runtime


class Lockstep:
    """Acknowledges to ``/sim/lockstep`` whenever the runtime is idle.

    Args:
        url: WebSocket address of the simulated exchange.
        runtime: told of idleness by its `on_idle`.
        market: tells the newest closed bar.
        user_events: how many account events have arrived so far.
    """

    def __init__(self, url: str, runtime: Runtime, market: Market, user_events: Callable[[], int]) -> None:
        self._url = f"{url}/sim/lockstep"
        self._runtime = runtime
        self._market = market
        self._user_events = user_events
        self._ticked = 0
        self._wake = asyncio.Event()
        runtime.on_idle = self._wake.set
        market.watch(self)

    def quoted(self, symbol: str, quote: Quote) -> None:
        """Nothing: the market does not wait for quotes."""

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """One clock event a bar, behind the first that closes: wall time has no meaning at this speed."""
        if closed and bar.open_time > self._ticked:
            self._ticked = bar.open_time
            self._runtime.tick()

    async def run(self, ready: asyncio.Event) -> None:
        """Attach at once, start the market when `ready`, acknowledge until the exchange goes away."""
        async with connect(self._url, compression=None) as socket:
            await ready.wait()
            await socket.send(json.dumps({"ready": True}))
            said = (0, 0)
            try:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    now = (self._market.newest_close, self._user_events())
                    if now != said and self._runtime.idle:
                        await socket.send(json.dumps({"bar": now[0], "updates": now[1]}))
                        said = now
            except ConnectionClosed:
                return
