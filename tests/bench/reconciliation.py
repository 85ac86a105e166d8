"""Asking a venue for everything: 200 open orders and 30 positions, from the question to `Reconciled` in the journal."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from engine.model import event as e
from engine.model.order import Order, OrderKind, OrderStatus
from engine.ports import Entry
from headless.options import Addresses
from tests.bench.account import VENUES, Desk, desk, exchange, workplace

POSITIONS, ORDERS, SPARE = 30, 200, 10
ROUNDS = 5
"""A report of thirty contracts weighs 240 of the 2,040 that Binance's limit leaves it in a minute."""
WINDOW_S = {"binance": 60.0, "okx": 0.0, "bybit": 0.0}
"""Until the weight of the orders is forgotten, so that no round waits for the venue's limit."""
PAUSE_S = {"binance": 0.08, "okx": 0.12, "bybit": 0.15}
"""After each order: entries are refused rather than kept waiting for a venue's limit."""


def measure() -> dict[str, object]:
    """Seconds by venue: the median and the worst of the rounds."""
    with workplace() as folder:
        return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> dict[str, object]:
    found = {}
    for venue in VENUES:
        async with exchange(folder, "--symbols", str(POSITIONS), "--quotes", "0.5") as addresses:
            found[venue] = await _venue(folder, addresses, venue)
        (folder / "simulator.json").unlink()
    worst = max(one["worst_s"] for one in found.values())
    load = round(os.getloadavg()[0], 1)
    return {
        "orders": ORDERS,
        "positions": POSITIONS,
        "venues": found,
        "worst_s": worst,
        "goal_s": 1.0,
        "machine_load": load,
    }


async def _venue(folder: Path, addresses: Addresses, venue: str) -> dict[str, float]:
    async with desk(folder, addresses, venue, addresses.symbols) as one:
        await _fill(one, PAUSE_S[venue])
        await asyncio.sleep(WINDOW_S[venue])
        times = sorted([await _once(one) for _ in range(ROUNDS)])
    return {"median_s": round(times[ROUNDS // 2], 3), "worst_s": round(times[-1], 3)}


async def _fill(one: Desk, pause_s: float) -> None:
    """A protected position of each contract, and limit entries until there are enough orders."""
    kinds = [OrderKind.MARKET] * POSITIONS + [OrderKind.LIMIT] * (ORDERS - 2 * POSITIONS)
    for number, kind in enumerate(kinds + [OrderKind.LIMIT] * SPARE):
        if number >= len(kinds):  # an order was refused for want of room in the limit: another one for it
            if len(_working(one)) >= ORDERS:
                break
            await asyncio.sleep(1.0)
        which, lap = number % POSITIONS, number // POSITIONS
        below = one.market.quotes[one.instruments[which].symbol].bid // 20 + lap
        answer = await one.runtime.command(f"bench-{number}", "bench", one.buy(which, kind, below))
        assert answer.ok, answer.text
        await one.idle()
        await asyncio.sleep(pause_s * (3 if kind is OrderKind.MARKET else 1))
    state, working = one.runtime.core.state, _working(one)
    held = [s for s in state.symbols.values() if s.position is not None]
    refused = {order.reason for order in state.orders.values() if order.status is OrderStatus.REJECTED}
    assert (len(working), len(held)) == (ORDERS, POSITIONS), (len(working), len(held), refused)


def _working(one: Desk) -> list[Order]:
    state = one.runtime.core.state
    return [order for s in state.symbols for order in state.open_orders(s) if order.status is OrderStatus.WORKING]


async def _once(one: Desk) -> float:
    done: asyncio.Future[e.Reconciled] = asyncio.get_running_loop().create_future()

    def committed(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if isinstance(entry.event, e.Reconciled) and not done.done():
                done.set_result(entry.event)

    one.runtime.watch(committed)
    began = time.perf_counter()
    one.runtime.reconcile()
    report = (await done).report
    took = time.perf_counter() - began
    assert (len(report.orders), len(report.positions)) == (ORDERS, POSITIONS)
    await one.idle()
    return took
