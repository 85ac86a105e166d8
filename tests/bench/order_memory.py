"""What a hundred thousand orders cost an engine in memory: placed, protected, filled and cancelled over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil

from engine.model.command import PlaceOrder, ReducePosition
from engine.model.order import OrderKind, Side
from headless.client import EngineClient
from headless.options import Addresses, read_addresses
from headless.session import Process, spawn, stop
from storage.home import Home
from storage.keys.credentials import to_text
from tests.bench.account import credentials_of, live_options, quantity, workplace

ORDERS, WARM = 100_000, 2_000
GOAL_MB = 60
SYMBOLS = 20
PATIENCE_S = 30.0
SETTLING_MS = 70_000


def measure(orders: int = ORDERS) -> dict[str, object]:
    """Resident MB of the engine after the first orders and after all of them; by the number of orders in between."""
    with workplace() as folder:
        return asyncio.run(_measure(folder, orders))


async def _measure(folder: Path, orders: int) -> dict[str, object]:
    file, log = folder / "simulator.json", folder / "engine.log"
    simulator = spawn(["tests.bench.wide_exchange", str(SYMBOLS)], folder / "simulator.log", file)
    engine = Process(0, "")
    try:
        addresses = await read_addresses(file)
        options = live_options(folder, addresses, "binance", addresses.symbols) | {"keys": "pipe"}
        keys = to_text(credentials_of(addresses, "binance"))
        home = Home(folder / "binance").create()
        engine = spawn(["tests.bench.wide_engine", json.dumps(options)], log, tell=f"{keys}\n")
        client = EngineClient(home.socket, log)
        running = asyncio.create_task(client.run())
        await _settled(client)
        result = await Traders(client, addresses, engine.pid).trade(orders)
        running.cancel()
        return result
    finally:
        stop(engine)
        stop(simulator)


async def _settled(client: EngineClient) -> None:
    """Ready, and a minute older: what an engine loads with its first bar and its first report is not the orders'."""
    changed = asyncio.Event()
    client.on_change(changed.set)
    until = 0
    while not until or client.desk.status.clock < until:
        changed.clear()
        await changed.wait()
        if not until and client.desk.status.ready and len(client.desk.quotes) == SYMBOLS:
            until = client.desk.status.clock + SETTLING_MS


class Traders:
    """One for each contract: buys, waits for the position and its protection, closes, waits for flat, and again."""

    def __init__(self, client: EngineClient, addresses: Addresses, pid: int) -> None:
        self._client = client
        self._addresses = addresses
        self._engine = psutil.Process(pid)
        self._changed = asyncio.Condition()
        self._dirty = asyncio.Event()
        self._number = 0
        client.on_change(self._dirty.set)

    async def trade(self, orders: int) -> dict[str, object]:
        """Until the exchange has taken so many orders."""
        tasks = [asyncio.create_task(self._turn_over(symbol)) for symbol in self._client.desk.instruments]
        tasks.append(asyncio.create_task(self._tell()))
        began, first, began_at, taken = time.monotonic(), 0.0, 0, 0
        grown: dict[int, tuple[int, float]] = {}
        try:
            async with aiohttp.ClientSession() as session:
                while taken < orders:
                    await asyncio.wait(tasks, timeout=1.0, return_when=asyncio.FIRST_EXCEPTION)
                    for task in tasks:
                        if task.done():
                            task.result()
                    async with session.get(f"{self._addresses.rest}/sim/state") as answer:
                        taken = (await answer.json())["orders"]
                    now = self._resident()
                    if taken >= WARM and not first:
                        first, began_at = now, taken
                    if first and taken // (orders // 10) not in grown:
                        grown[taken // (orders // 10)] = (taken, round(now - first, 1))
        finally:
            for task in tasks:
                task.cancel()
        last = self._resident()
        took = time.monotonic() - began
        counted = taken - began_at
        return {
            "orders": taken,
            "orders_per_second": round(taken / took),
            "warm_mb": round(first, 1),
            "end_mb": round(last, 1),
            "grown_mb": round(last - first, 1),
            f"grown_mb_per_{ORDERS}": round((last - first) * ORDERS / counted, 1),
            "on_the_way": [f"{orders}: {mb}" for orders, mb in grown.values()],
            "goal_grown_mb": GOAL_MB,
            "machine_load": round(os.getloadavg()[0], 1),
        }

    async def _turn_over(self, symbol: str) -> None:
        desk = self._client.desk
        view = desk.instruments[symbol]
        while True:
            bid = desk.quotes[symbol].bid
            command = PlaceOrder(
                symbol=symbol,
                side=Side.BUY,
                kind=OrderKind.MARKET,
                quantity=quantity(view, bid),
                stop=view.tick_size * (bid * 80 // 100),
                target=view.tick_size * (bid * 130 // 100),
            )
            answer = await self._client.ask(command)
            assert answer.ok, answer.text
            await self._until(lambda: symbol in desk.positions and self._open(symbol) == 2)
            answer = await self._client.ask(ReducePosition(symbol=symbol))
            assert answer.ok, answer.text
            await self._until(lambda: symbol not in desk.positions and self._open(symbol) == 0)

    def _open(self, symbol: str) -> int:
        return sum(order.symbol == symbol for order in self._client.desk.orders.values())

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(condition)

    async def _tell(self) -> None:
        """Let the traders look whenever the replica has changed."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            async with self._changed:
                self._changed.notify_all()

    def _resident(self) -> float:
        return float(self._engine.memory_info().rss) / 2**20
