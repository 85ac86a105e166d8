"""A scripted market, and clients that speak to the simulated exchange over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import numpy as np
import pytest

from engine.bars import Bars
from engine.model.instrument import Instrument, unit_of
from engine.model.market import Bar
from engine.simulator.market import Step
from engine.simulator.server import RunningSimulator, serve
from engine.simulator.signing import sign

START = 1_700_000_040_000 - 1_700_000_040_000 % 60_000
MINUTE = 60_000
PATIENCE = 60.0


def contract(symbol: str, tick: str, lot: str) -> Instrument:
    tick_size, lot_size = Decimal(tick), Decimal(lot)
    return Instrument(
        symbol=f"{symbol}/USDT:USDT",
        venue_id=f"{symbol}USDT",
        tick_size=tick_size,
        lot_size=lot_size,
        min_lots=1,
        max_lots=1_000_000,
        min_notional=5_00000000,
        max_leverage=50,
        maintenance_ppm=4_000,
        maker_ppm=200,
        taker_ppm=500,
        unit=unit_of(symbol, tick_size, lot_size),
    )


BTC = contract("BTC", "0.1", "0.001")
ETH = contract("ETH", "0.01", "0.01")


class ScriptedMarket:
    """Bars given as (open, high, low, close) in ticks; four trades a bar, the spread is one tick, sizes are 10,000 lots."""

    timeframe_ms = MINUTE

    def __init__(
        self,
        script: list[tuple[int, int, int, int]],
        instruments: tuple[Instrument, ...] = (BTC,),
        start: int = START,
        history: int = 300,
    ) -> None:
        self.instruments = instruments
        self.start = start
        self.end = start + MINUTE * len(script)
        self._script = script
        self._history = history

    def bar(self, index: int) -> Bar:
        """Bar `index` of the first instrument."""
        return self._bar(self.instruments[0], index)

    def _bar(self, instrument: Instrument, index: int) -> Bar:
        o, h, low, c = (float(instrument.price(ticks)) for ticks in self._script[index])
        return Bar(self.start + index * MINUTE, o, h, low, c, 1.25)

    def history(self, symbol: str) -> Bars:
        n = self._history
        price = float(next(i for i in self.instruments if i.symbol == symbol).price(self._script[0][0]))
        times = self.start + (np.arange(n, dtype=np.int64) - n) * MINUTE
        flat = np.full(n, price)
        return Bars(times, flat, flat, flat, flat, np.arange(1.0, n + 1.0))

    def steps(self) -> Iterator[Step]:
        for index, prices in enumerate(self._script):
            begin = self.start + index * MINUTE
            for quarter, ticks in enumerate(prices):
                for instrument in self.instruments:
                    yield Step(
                        begin + quarter * 15_000, instrument.symbol, ticks, ticks + 1, 10_000, 10_000, ticks, 100
                    )
            for instrument in self.instruments:
                ticks = prices[3]
                bar = self._bar(instrument, index)
                yield Step(begin + MINUTE, instrument.symbol, ticks, ticks + 1, 10_000, 10_000, closed=bar)


class Client:
    """A signed REST client without any library's help."""

    def __init__(self, running: RunningSimulator, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session
        self._names = 0

    async def call(self, method: str, path: str, **params: object) -> tuple[int, Any]:
        """A signed request; answers status and JSON."""
        params = {name: str(value) for name, value in params.items() if value is not None}
        params.setdefault("timestamp", str(time.time_ns() // 1_000_000))
        query = urlencode(params)
        query += f"&signature={sign(self.running.keys.secret, query)}"
        return await self.raw(method, f"{path}?{query}", {"X-MBX-APIKEY": self.running.keys.api_key})

    async def raw(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        async with self.session.request(method, self.running.rest + path, headers=headers) as response:
            return response.status, await response.json()

    async def order(self, side: str, kind: str, quantity: str, **more: object) -> tuple[int, Any]:
        self._names += 1
        more.setdefault("newClientOrderId", f"t-{self._names}")
        more.setdefault("symbol", "BTCUSDT")
        return await self.call("POST", "/fapi/v1/order", side=side, type=kind, quantity=quantity, **more)

    async def state(self) -> dict[str, Any]:
        return dict((await self.raw("GET", "/sim/state"))[1])

    async def until(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the state until `true` holds of it."""
        async with asyncio.timeout(PATIENCE):
            state = await self.state()
            while not true(state):
                state = await self.state()
        return state


class Conductor:
    """A lockstep client that lets the market run bar by bar, with one market socket beside it."""

    def __init__(self, client: Client, start: int) -> None:
        self.client = client
        self.received: list[dict[str, Any]] = []
        self._start = start
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, streams: list[str]) -> None:
        ws = self.client.running.ws
        self.lockstep = await self.client.session.ws_connect(f"{ws}/sim/lockstep")
        self.market = await self.client.session.ws_connect(f"{ws}/market/ws")
        await self.market.send_json({"method": "SUBSCRIBE", "params": streams, "id": 1})
        assert await self.market.receive_json() == {"result": None, "id": 1}
        self._tasks.append(asyncio.create_task(self._read()))

    async def _read(self) -> None:
        async for message in self.market:
            self.received.append(message.json())

    async def play(self, bars: int) -> dict[str, Any]:
        """Let the market run until `bars` bars have closed, and no further."""
        last = self._start + (bars - 2) * MINUTE
        await self.lockstep.send_json({"ready": True, "bar": max(0, last), "updates": 1_000_000})
        return await self.client.until(lambda state: state["bars_closed"] >= bars or state["ended"])

    async def finish(self) -> dict[str, Any]:
        await self.lockstep.send_json({"ready": True, "bar": 1 << 60, "updates": 1_000_000})
        return await self.client.until(lambda state: state["ended"])

    async def ended(self) -> None:
        """Wait until the market socket is gone."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        await self.lockstep.close()
        await self.market.close()
        await asyncio.gather(*self._tasks)


Start = Callable[..., Awaitable[Client]]


@pytest.fixture
def scripted() -> type[ScriptedMarket]:
    """The class of scripted markets."""
    return ScriptedMarket


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts simulators: `await start(source, speed=..., faults=...)` answers a client of it."""
    async with aiohttp.ClientSession() as session:
        running: list[RunningSimulator] = []

        async def begin(source: ScriptedMarket, **options: Any) -> Client:
            options.setdefault("speed", None)
            running.append(await serve(source, **options))
            return Client(running[-1], session)

        yield begin
        for one in running:
            await one.stop()


@pytest.fixture
async def conduct() -> AsyncIterator[Callable[..., Awaitable[Conductor]]]:
    """Attaches a conductor: `await conduct(client, streams)`."""
    made: list[Conductor] = []

    async def attach(client: Client, streams: list[str]) -> Conductor:
        conductor = Conductor(client, client.running.simulation.source.start)
        await conductor.open(streams)
        made.append(conductor)
        return conductor

    yield attach
    for conductor in made:
        await conductor.close()
