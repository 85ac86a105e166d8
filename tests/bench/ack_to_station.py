"""What the exchange says of an order to the station's replica, on each venue: acknowledgements, executions and ends.

The simulated exchange lives in this process, so that the moment in which it tells is known; the engine is a process of its
own. Three processors' work shares this machine's: that of exchange and replica is in the figures too.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import msgspec

from engine.model.command import CancelAll, PlaceOrder, ReducePosition
from engine.model.order import OrderKind, OrderStatus, Side
from engine.simulator.happenings import AlgoMoved, Happening, OrderMoved, OrderTraded
from engine.simulator.prices import GeneratedMarket
from engine.simulator.server import RunningSimulator, serve
from headless.client import EngineClient
from headless.options import Addresses
from headless.session import spawn, stop
from storage.home import Home
from storage.keys.credentials import to_text
from tests.bench.account import VENUES, Machine, credentials_of, live_options, percentiles, quantity, workplace

ROUNDS = 60
PAUSE_S = {"binance": 0.25, "okx": 0.25, "bybit": 0.5}
"""After each round: entries are refused rather than kept waiting for a venue's limit."""
SYMBOL = "BTC/USDT:USDT"


def measure() -> dict[str, object]:
    """Milliseconds by venue, p50 and p99 over everything that the exchange says of some hundred orders."""
    with workplace() as folder:
        return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> dict[str, object]:
    market = GeneratedMarket(1, 3, start=time.time_ns() // 1_000_000, quotes_per_second=0.5)
    running, machine = await serve(market, seed=1), Machine(folder)
    try:
        found = {venue: await _venue(folder, running, venue, machine) for venue in VENUES}
    finally:
        await running.stop()
    return {
        "venues": found,
        "p99_ms": max(one["p99_ms"] for one in found.values()),
        "goal_p99_ms": 30,
        "machine": machine.answers(),
    }


async def _venue(folder: Path, running: RunningSimulator, venue: str, machine: Machine) -> dict[str, float]:
    addresses = msgspec.convert(running.addresses(), Addresses)
    options = live_options(folder, addresses, venue, (SYMBOL,)) | {"keys": "pipe"}
    home, log = Home(folder / venue).create(), folder / f"{venue}.log"
    keys = to_text(credentials_of(addresses, venue))
    engine = spawn(["headless.daemon", json.dumps(options)], log, tell=f"{keys}\n")
    client = EngineClient(home.socket, log)
    watching = asyncio.create_task(client.run())
    try:
        while not client.desk.status.ready or SYMBOL not in client.desk.quotes:
            await asyncio.sleep(0.05)
        watch = Watch(client)
        running.simulation.watchers.append(watch.told)
        for number in range(ROUNDS):
            await machine.ask()
            await watch.round(number)
            await asyncio.sleep(PAUSE_S[venue])
        running.simulation.watchers.remove(watch.told)
    finally:
        watching.cancel()
        stop(engine)
    return percentiles(watch.times) | {"messages": len(watch.times)}


class Watch:
    """Dates what the exchange tells, and when the replica shows it."""

    def __init__(self, client: EngineClient) -> None:
        self.times: list[float] = []
        self._client = client
        self._told: dict[str, float] = {}
        self._changed = asyncio.Event()
        client.on_change(self._look)

    def told(self, happening: Happening) -> None:
        """The exchange is about to say so."""
        now = time.perf_counter()
        match happening:
            case OrderMoved(order=order, what="NEW") if order.new.price is not None:
                self._told.setdefault(f"working {order.new.price}", now)
            case OrderMoved(order=order, what="CANCELED"):
                self._told.setdefault(f"gone {order.new.price}", now)
            case OrderTraded(trade=trade):
                self._told.setdefault(f"filled {trade.trade_id}", now)
            case AlgoMoved(order=order) if order.waiting:
                self._told.setdefault(f"waiting {order.new.trigger}", now)
            case _:
                pass

    def _look(self) -> None:
        """Whatever the replica shows now is no longer awaited."""
        self._changed.set()
        if not self._told:
            return
        now, desk = time.perf_counter(), self._client.desk
        working = [order for order in desk.orders.values() if order.status is OrderStatus.WORKING]
        shown = {f"working {order.price}" for order in working} | {f"waiting {order.trigger}" for order in working}
        shown |= {f"filled {fill.trade_id}" for fill in desk.fills}
        prices = {order.price for order in desk.orders.values()}
        shown |= {key for key in self._told if key.startswith("gone ") and int(key[5:]) not in prices}
        for key in shown & self._told.keys():
            self.times.append(now - self._told.pop(key))

    async def round(self, number: int) -> None:
        """Rest and cancel; then buy, be protected, and close."""
        desk = self._client.desk
        view, bid = desk.instruments[SYMBOL], desk.quotes[SYMBOL].bid
        low, high = view.tick_size * (bid * 80 // 100 - number), view.tick_size * (bid * 130 // 100 + number)
        resting = bid * 95 // 100 - number
        for kind in (OrderKind.LIMIT, OrderKind.MARKET):
            price = view.tick_size * resting if kind is OrderKind.LIMIT else None
            amount = quantity(view, resting)
            order = PlaceOrder(
                symbol=SYMBOL, side=Side.BUY, kind=kind, quantity=amount, price=price, stop=low, target=high
            )
            answer = await self._client.ask(order)
            assert answer.ok, answer.text
            if kind is OrderKind.LIMIT:
                await self._until(1, position=False)
                await self._client.ask(CancelAll(symbol=SYMBOL))
                await self._until(0, position=False)
        await self._until(2, position=True)
        await self._client.ask(ReducePosition(symbol=SYMBOL))
        await self._until(0, position=False)

    async def _until(self, working: int, *, position: bool) -> None:
        desk = self._client.desk
        async with asyncio.timeout(30):
            while (SYMBOL in desk.positions) is not position or [order.status for order in desk.orders.values()] != [
                OrderStatus.WORKING
            ] * working:
                self._changed.clear()
                await self._changed.wait()
