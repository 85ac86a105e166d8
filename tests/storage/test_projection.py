"""The history tables follow from the journal, however it was written, and say what the core knows."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.core.core import Core
from engine.errors import InvariantBroken
from engine.model import decision as d
from engine.model import event as e
from engine.model.market import EMPTY_VIEW, MINUTE_MS
from engine.model.order import Fill, Side
from engine.model.signal import Action, Signal, SignalStatus
from engine.ports import Entry
from storage import rebuild, rows, tables
from storage.database import Database
from storage.journal import SqlJournal
from tests.engine.core.scenario import Desk
from tests.storage.desk_journal import dump, empty, random_journal, recovered, starts, write

SEEDS, STEPS = st.integers(0, 2**32), st.integers(5, 90)
FAULTS, CHUNKS = st.sampled_from((0.0, 0.2, 0.4)), st.sampled_from((1, 3, 10, 2_000))
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


async def check(database: Database, entries: list[Entry], journal: SqlJournal, chunk: int) -> None:
    """Tables, what is remembered and what the core knows are one and the same."""
    written = await database.write(dump)
    remembered = journal._known
    loaded = await database.write(rows.load)
    assert loaded is not None
    core = recovered(entries)
    await says_what_the_core_knows(database, core, entries)
    assert (loaded.orders.keys(), loaded.holdings) == (remembered.orders.keys(), remembered.holdings)
    for client_id, line in remembered.orders.items():
        assert loaded.orders[client_id].order == line.order
    assert (loaded.cash, loaded.now, loaded.measured) == (remembered.cash, remembered.now, remembered.measured)
    assert loaded.grids == remembered.grids
    assert (remembered.cash, remembered.now) == (core.state.cash, core.state.now)
    await rebuild.rebuild(database, chunk=chunk)
    assert await database.write(dump) == written
    assert (await database.write(rows.load)) == loaded


async def says_what_the_core_knows(database: Database, core: Core, entries: list[Entry]) -> None:
    state = core.state
    async with database.connect() as connection:
        orders = {row.client_id: row for row in await connection.execute(select(tables.orders))}
        positions = (await connection.execute(select(tables.positions))).all()
        fills = (await connection.execute(select(tables.fills))).all()
        signals = {row.signal_id: row for row in await connection.execute(select(tables.signals))}
        equity = {row.at: row for row in await connection.execute(select(tables.equity))}
    for client_id, order in state.orders.items():
        row = orders[client_id]
        assert (row.status, row.filled, row.value, row.fees) == (
            order.status.value, order.filled, order.value, order.fees,
        )  # fmt: skip
        assert (row.created, row.updated, row.venue_id, row.reason) == (
            order.created, order.updated, order.venue_id, order.reason,
        )  # fmt: skip
        trades = {f.trade_id for f in fills if f.client_id == client_id}
        assert set(order.trade_ids) <= trades
        assert len(trades) == order.executions
    assert orders.keys() == state.orders.keys()  # a random day forgets none
    held = {s.symbol: s.position for s in state.symbols.values() if s.position is not None}
    assert {row.symbol: (row.lots, row.cost, row.opened) for row in positions if row.closed is None} == {
        symbol: (p.lots, p.cost, p.opened) for symbol, p in held.items()
    }
    for row in positions:
        assert (row.closed is None) == (row.lots != 0)
        assert row.entry_lots - row.exit_lots == abs(row.lots)
        assert row.realised == row.side * (row.exit_value - row.entry_value) + row.cost
        if row.closed is None:
            position = held[row.symbol]
            assert (row.origin, row.leverage) == (position.origin, position.leverage)
            assert (row.realised, row.funding) == (position.realised, position.funding)
    for signal_id, signal in state.signals.items():
        assert signals[signal_id].status == signal.status.value
    assert {at: (row.equity, row.cash) for at, row in equity.items()} == measured(entries)
    assert sum(row.realised for row in positions) == sum(row.realised for row in fills)
    assert sum(row.fees for row in positions) == sum(row.fee for row in fills)


def measured(entries: list[Entry]) -> dict[int, tuple[int, int]]:
    """Equity as the core has it at the first clock event of each minute of the market, where marks are known."""
    core, found, market, marked = Core(), dict[int, tuple[int, int]](), 0, set[str]()
    last_at, last_market = -MINUTE_MS, -1
    for entry in entries:
        event = entry.event
        core.recover(event, entry.decisions)
        state = core.state
        for name, quote in getattr(event, "view", EMPTY_VIEW).quotes:
            market = max(market, quote.venue_time)
            marked.add(name)
        match event:
            case e.EngineStarted():
                market, marked = 0, set()
            case e.BarClosed(bar=bar):
                market = max(market, bar.open_time + state.settings.timeframe_ms)
            case e.ClockTick():
                seen = max(market, last_market)
                due = seen // MINUTE_MS > last_market // MINUTE_MS or state.now - last_at >= MINUTE_MS
                held = {s.symbol for s in state.symbols.values() if s.position is not None}
                if due and state.now > last_at and held <= marked and state.cash is not None:
                    found[state.now], last_at, last_market = (state.last_equity, state.cash), state.now, seen
            case _:
                pass
    return found


async def written_and_made_again(url: str, seed: int, steps: int, faults: float, chunk: int) -> None:
    database = Database(url)
    await database.write(empty)
    entries = random_journal(seed, steps, faults)
    journal = await write(database, entries, Random(seed))
    await check(database, entries, journal, chunk)
    await database.close()


@settings(max_examples=30, deadline=None, suppress_health_check=SHARED)
@given(SEEDS, STEPS, FAULTS, CHUNKS)
def test_tables_written_live_equal_tables_made_again_and_the_core(
    sqlite_migrated: str, seed: int, steps: int, faults: float, chunk: int
) -> None:
    asyncio.run(written_and_made_again(sqlite_migrated, seed, steps, faults, chunk))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_on_every_database(database_url: str, seed: int) -> None:
    asyncio.run(written_and_made_again(database_url, seed, 60, 0.3, 50))


def test_random_journals_hold_what_they_are_meant_to_hold() -> None:
    met = dict.fromkeys(("restart", "reversal", "twice", "late", "outside", "funding", "clock back", "new tick"), 0)
    for seed in range(12):
        core, told, at, ticks = Core(), set[tuple[str, str]](), 0, set[str]()
        for entry in random_journal(seed, 80, 0.2):
            event = entry.event
            met["clock back"] += event.at < at
            at = max(at, event.at)
            match event:
                case e.EngineStarted():
                    met["restart"] += 1
                    ticks |= {str(i.tick_size) for i in event.instruments}
                case e.FundingPaid(symbol=symbol):
                    met["funding"] += core.state.symbols[symbol].position is not None
                case e.OrderFilled(fill=fill):
                    order, position = core.state.orders.get(fill.client_id), core.state.symbols[fill.symbol].position
                    again = (fill.client_id, fill.trade_id) in told
                    met["twice"] += again
                    met["outside"] += order is None and not again
                    met["late"] += order is not None and not order.open and not again
                    told.add((fill.client_id, fill.trade_id))
                    before = position.lots if position else 0
                    core.recover(event, ())
                    after = core.state.symbols[fill.symbol].position
                    met["reversal"] += before * (after.lots if after else 0) < 0
                case _:
                    pass
            core.recover(event, entry.decisions)
        met["new tick"] += len(ticks) > 3
    assert min(met.values()) >= 5, met


async def test_a_batch_that_fails_leaves_no_trace(database: Database) -> None:
    entries = random_journal(3, 60, 0.2)
    half = next(i for i in range(len(entries) // 2, len(entries)) if starts(entries[i]))
    journal = await write(database, entries[:half], Random(3))
    before, remembered = await database.write(dump), journal._known
    broken = Entry(half + 1, e.ClockTick(at=1), (d.SignalDecided(signal=_unlisted()),))
    with pytest.raises(InvariantBroken, match="NOBODY"):
        await journal.append([broken])
    assert (await database.write(dump), journal._known) == (before, remembered)
    await journal.append(entries[half:])
    await check(database, entries, journal, 100)


def _unlisted() -> Signal:
    return Signal(
        id=9_999, symbol="NOBODY/USDT:USDT", action=Action.LONG, status=SignalStatus.REFUSED, at=1, bar_time=0, score=1.0,
        price=1, stop=1, target=1, lots=1, gates=(), reason="",
    )  # fmt: skip


async def test_equity_is_measured_once_a_minute_and_not_without_a_price(database: Database) -> None:
    desk = Desk()
    desk.hold()
    for _ in range(180):
        desk.tick()
    desk.start()
    desk.now += 2 * MINUTE_MS
    desk.feed(e.ClockTick(at=desk.now))  # a position whose price nobody has told since the start
    desk.tick()
    entries = [Entry(i, event, decisions) for i, (event, decisions) in enumerate(desk.log, 1)]
    journal = SqlJournal(database)
    await journal.recover()
    await journal.append(entries)
    async with database.connect() as connection:
        rows_ = (await connection.execute(select(tables.equity).order_by(tables.equity.c.at))).all()
    minutes = [row.market_time // MINUTE_MS for row in rows_]
    assert len(minutes) == len(set(minutes)) == 5
    assert rows_[-1].at == desk.now
    assert rows_[-1].equity == desk.state.equity()
    assert {row.cash for row in rows_} == {desk.state.cash}


async def test_equity_goes_on_in_a_silent_market_and_keeps_up_with_a_replay(database: Database) -> None:
    desk = Desk()
    for _ in range(4):  # the past, an hour a second
        desk.now += 1_000
        desk.move(desk.symbols[0], 1_000_000, at=desk.now * 60 - desk.now // 60_000 * 60_000 * 59)
        desk.feed(e.ClockTick(at=desk.now, view=desk.view(desk.symbols[0])))
    for _ in range(180):
        desk.now += 1_000
        desk.feed(e.ClockTick(at=desk.now))
    journal = SqlJournal(database)
    await journal.recover()
    await journal.append([Entry(i, event, decisions) for i, (event, decisions) in enumerate(desk.log, 1)])
    async with database.connect() as connection:
        found = (await connection.execute(select(tables.equity).order_by(tables.equity.c.at))).all()
    times = [(row.at - desk.now) // 1_000 for row in found]
    assert times == [-183, -182, -181, -180, -120, -60, 0]
    assert [row.market_time for row in found] == sorted(row.market_time for row in found)


async def test_text_that_a_database_cannot_hold_is_kept_as_well_as_it_can(database: Database) -> None:
    desk = Desk()
    entries = [Entry(i, event, decisions) for i, (event, decisions) in enumerate(desk.log, 1)]
    fill = Fill(
        trade_id="t\0", client_id="theirs\0", symbol=desk.symbols[0], side=Side.BUY, ticks=10, lots=1, fee=0, maker=False,
        venue_time=1,
    )  # fmt: skip
    note = d.Noted(level=d.Level.INFO, text="a\0b")
    journal = SqlJournal(database)
    await journal.recover()
    for event in (e.OrderFilled(at=desk.now, fill=fill), e.OrderFilled(at=desk.now, fill=fill)):
        entries.append(Entry(len(entries) + 1, event, (note,)))
    await journal.append(entries)
    async with database.connect() as connection:
        assert [row.client_id for row in await connection.execute(select(tables.fills))] == ["theirs\ufffd"]
        texts = {row.text for row in await connection.execute(select(tables.notes))}
    assert "a\ufffdb" in texts
    written = await database.write(dump)
    await rebuild.rebuild(database)
    assert await database.write(dump) == written
