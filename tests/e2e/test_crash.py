"""Real SIGKILL at every named point of an order's way, many times: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.core.state import State
from engine.model import event as e
from engine.model.command import Command, PlaceOrder, ReducePosition, SetProtection
from engine.model.order import OrderKind, Purpose, Side
from engine.probe import POINTS
from engine.runtime import recover
from headless.client import EngineClient
from storage.database import Database
from storage.journal import SqlJournal
from tests.e2e.rig import Rig, rig, until

HITS = 8
SYMBOL = "BTC/USDT:USDT"
SETTLE_S = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def next_command(client: EngineClient, number: int) -> Command:
    """Buy, move the stop, buy more (which resizes the protection), close: over and over."""
    position = client.desk.positions.get(SYMBOL)
    if position is None or (number % 4 == 2 and position.lots < 200):
        return PlaceOrder(symbol=SYMBOL, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.010"))
    if number % 4 == 3:
        return ReducePosition(symbol=SYMBOL)
    tick = client.desk.instruments[SYMBOL].tick_size
    return SetProtection(symbol=SYMBOL, stop=tick * (position.mark * (90 - number % 7) // 100))


async def provoke(one: Rig, client: EngineClient, crash: str) -> bool:
    """Run an engine with a crash point and command it until it is dead. True when it died by SIGKILL."""
    engine = one.start(crash, snapshot_every=12)
    number = 0
    asks: set[asyncio.Task[Any]] = set()
    for _ in range(1_500):
        if engine.poll() is not None:
            break
        status = client.desk.status
        board = client.desk.boards.get(SYMBOL)
        if (
            client.connected
            and status.ready
            and status.pid == engine.pid
            and board
            and board.stop_ticks
            and len(asks) < 2
        ):
            task = asyncio.create_task(client.ask(next_command(client, number)))
            asks.add(task)
            task.add_done_callback(asks.discard)
            number += 1
        await asyncio.sleep(0.02)
    for task in asks:
        task.cancel()
    return engine.poll() == -signal.SIGKILL


async def settled(one: Rig, client: EngineClient) -> None:
    """A clean life until the venue is reconciled and nothing awaits an answer; then an orderly stop.

    The market stands still meanwhile: what a bar or a price would set in motion between the last look and the stop is
    the next life's business, and no fault of this one.
    """
    engine = one.start()
    desk = client.desk
    await until(lambda: client.connected and desk.status.pid == engine.pid and desk.status.ready, one.log(), SETTLE_S)
    await one.pause(still=True)

    def calm() -> bool:
        ready = client.connected and desk.status.pid == engine.pid and desk.status.ready and desk.status.venue_up
        waiting = [o for o in desk.orders.values() if o.status.value != "working"]
        bare = [p for p in desk.positions.values() if not p.stop_confirmed]
        return ready and not waiting and not bare

    async def agreed() -> bool:
        return calm() and (await one.state())["open_orders"] == len(desk.orders) and calm()

    for _ in range(int(SETTLE_S / 0.05)):
        if await agreed():
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(f"not settled: {desk.orders} {await one.state()} {one.log()}")
    answer = await client.stop_engine()
    assert answer.ok, answer.text
    await until(lambda: engine.poll() is not None, "the engine did not stop")
    assert engine.poll() == 0, one.log()


async def journaled(one: Rig) -> tuple[State, list[e.OrderFilled]]:
    """The state a new engine would begin with, and every execution in the journal."""
    database = Database(one.home.database_url)
    try:
        core, _ = await recover(SqlJournal(database))
        from sqlalchemy import select

        from storage import codec
        from storage.tables import journal

        async with database.connect() as connection:
            rows = (await connection.execute(select(journal).where(journal.c.kind == "OrderFilled"))).all()
        fills = [codec.decode(row.seq, row.payload, row.crc).event for row in rows]
        return core.state, [event for event in fills if isinstance(event, e.OrderFilled)]
    finally:
        await database.close()


async def check(one: Rig) -> None:
    """The journal and the exchange tell the same story."""
    state, fills = await journaled(one)
    venue = await one.state()
    theirs = {p["symbol"]: p["lots"] for p in venue["positions"]}
    ours = {name: s.position.lots for name, s in state.symbols.items() if s.position is not None}
    assert ours == theirs
    assert Decimal(state.cash or 0) / 10**8 == Decimal(venue["wallet"])

    trades = await one.signed("/fapi/v1/userTrades", symbol="BTCUSDT", limit=1000)
    booked = Counter(event.fill.trade_id for event in fills if event.fill.symbol == SYMBOL)
    assert {str(t["id"]) for t in trades} == set(booked)

    orders = await one.signed("/fapi/v1/allOrders", symbol="BTCUSDT", limit=1000)
    ids = Counter(o["clientOrderId"] for o in orders)
    assert max(ids.values(), default=1) == 1
    assert {i for i in ids if i.startswith(f"{state.instance}-")} <= set(state.orders)

    algos = await one.signed("/fapi/v1/openAlgoOrders")
    open_theirs = {o["clientAlgoId"] for o in algos}
    open_ours = {i for s in state.symbols.values() for i in s.orders}
    assert open_ours == open_theirs
    for name, s in state.symbols.items():
        if s.position is not None:
            stops = [o for o in state.open_orders(name) if o.request.purpose is Purpose.STOP]
            assert [o.remaining for o in stops] == [abs(s.position.lots)]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point: str, tmp_path: Path) -> None:
    hits = 0
    async with (
        rig(tmp_path / "demo", ["--symbols", "2", "--speed", "30", "--seed", "5"]) as one,
        one.client() as client,
    ):
        for life in range(HITS):
            hits += await provoke(one, client, f"{point}:{1 + life % 3}")
            if life in {HITS // 2, HITS - 1}:
                await settled(one, client)
                await check(one)
                await one.pause(still=False)
    assert hits >= HITS, f"{point} was hit {hits} times"
