"""Asking a venue for everything: 200 open orders and 30 positions, from the question to `Reconciled` in the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from engine.model import event as e
from engine.model.order import OrderKind, OrderStatus
from engine.ports import Entry
from headless.options import Addresses
from tests.bench.account import VENUES, Desk, desk, exchange, workplace

POSITIONS, ORDERS = 30, 200
ROUNDS = 5
"""As many as Binance's weight of a minute allows: a report of thirty contracts weighs 240."""
AT_ONCE = {"binance": 10, "okx": 10, "bybit": 2}


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
    return {"orders": ORDERS, "positions": POSITIONS, "venues": found, "goal_s": 1.0}


async def _venue(folder: Path, addresses: Addresses, venue: str) -> dict[str, object]:
    async with desk(folder, addresses, venue, addresses.symbols) as one:
        await _fill(one, AT_ONCE[venue])
        times = sorted([await _once(one) for _ in range(ROUNDS)])
    return {"median_s": round(times[ROUNDS // 2], 3), "worst_s": round(times[-1], 3)}


async def _fill(one: Desk, at_once: int) -> None:
    """A protected position of each contract, and limit entries until there are enough orders."""
    turn = asyncio.Semaphore(at_once)

    async def ask(number: int, kind: OrderKind) -> None:
        which, lap = number % POSITIONS, number // POSITIONS
        async with turn:
            below = one.market.quotes[one.instruments[which].symbol].bid // 20 + lap
            answer = await one.runtime.command(f"{kind.value}-{number}", "bench", one.buy(which, kind, below))
            assert answer.ok, answer.text
            await one.idle()

    await asyncio.gather(*(ask(number, OrderKind.MARKET) for number in range(POSITIONS)))
    missing = ORDERS - 3 * POSITIONS + POSITIONS  # each position has a stop and a target
    await asyncio.gather(*(ask(number, OrderKind.LIMIT) for number in range(missing)))
    state = one.runtime.core.state
    working = [order for s in state.symbols for order in state.open_orders(s) if order.status is OrderStatus.WORKING]
    held = [s for s in state.symbols.values() if s.position is not None]
    assert (len(working), len(held)) == (ORDERS, POSITIONS), (len(working), len(held))


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
