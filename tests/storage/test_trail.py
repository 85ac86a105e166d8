"""The trail of a position or a signal: all its orders and fills, none of another's, with acknowledgement times."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select

from engine.errors import BadInput
from engine.ledger import Trail
from engine.model.command import FlipPosition, PlaceOrder, ReducePosition
from engine.model.event import OrderAccepted
from engine.model.order import OrderKind, Side
from engine.ports import Entry
from storage import history, tables
from storage.database import Database
from storage.history import History
from storage.journal import SqlJournal
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.scenario import Desk
from tests.storage.desk_journal import random_journal, write


async def trail(database: Database, **of: Any) -> Trail:
    return msgspec.json.decode(await History(database).query("trail", of), type=Trail)


async def keep(database: Database, desk: Desk) -> None:
    journal = SqlJournal(database)
    await journal.recover()
    await journal.append([Entry(i, told, decisions) for i, (told, decisions) in enumerate(desk.log, 1)])


def traded() -> Desk:
    """Bought, then closed by hand; bought again, and flipped."""
    desk = Desk()
    desk.bar(BTC, 0)
    buy = PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.003"))
    desk.ask(buy, "first")
    desk.settle()
    desk.tick(60_000)
    desk.ask(ReducePosition(symbol=BTC, percent=100), "close")
    desk.settle()
    desk.tick(60_000)
    desk.ask(buy, "second")
    desk.settle()
    desk.tick(60_000)
    desk.ask(FlipPosition(symbol=BTC), "flip")
    desk.settle()
    return desk


async def test_a_position_has_its_own_orders_and_fills(database: Database) -> None:
    await keep(database, traded())
    rows = msgspec.json.decode(await History(database).query("positions", {}))["rows"]
    assert len(rows) == 3
    newest, second, first = [await trail(database, position=row["id"]) for row in rows]
    assert await trail(database, symbol=BTC) == newest
    for one, sides in ((first, [1, -1]), (second, [1, -1]), (newest, [-1])):
        assert [fill.side for fill in one.fills] == sides
        assert one.orders[0].purpose == "entry"
        assert {fill.client_id for fill in one.fills} <= {order.client_id for order in one.orders}
        assert {"stop", "target"} <= {order.purpose for order in one.orders}
    names = [order.client_id for one in (first, second, newest) for order in one.orders]
    assert len(names) == len(set(names))
    async with database.connect() as connection:
        kept = (await connection.execute(select(tables.orders.c.client_id))).scalars().all()
    assert sorted(names) == sorted(kept)


async def test_every_order_the_venue_took_says_when(database: Database) -> None:
    desk = traded()
    await keep(database, desk)
    one = await trail(database, symbol=BTC)
    told = {e.client_id: e.at for e, _ in reversed(desk.log) if isinstance(e, OrderAccepted)}
    assert one.accepted == {order.client_id: told[order.client_id] for order in one.orders}
    assert all(one.accepted[order.client_id] >= order.created for order in one.orders)


async def test_a_signal_has_its_order_and_the_position_it_opened(database: Database) -> None:
    desk = Desk()
    desk.hold(ETH)
    await keep(database, desk)
    signal = desk.signal()
    one = await trail(database, signal=signal.id)
    assert [order.client_id for order in one.orders] == [signal.client_id]
    assert one.position is not None
    assert (one.position.symbol, one.position.origin) == (ETH, f"signal:{signal.id}")
    assert [fill.client_id for fill in one.fills] == [signal.client_id]


async def test_what_never_was_has_an_empty_trail(sqlite_database: Database) -> None:
    nothing = Trail(position=None, orders=(), fills=(), accepted={})
    assert await trail(sqlite_database, position=7) == nothing
    assert await trail(sqlite_database, symbol=BTC) == nothing
    assert await trail(sqlite_database, signal=7) == nothing


@pytest.mark.parametrize("of", [{}, {"symbol": BTC, "signal": 1}, {"position": -1}, {"order": "x"}])
async def test_a_wrong_trail_is_told_what_is_wrong(sqlite_database: Database, of: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        await History(sqlite_database).query("trail", of)


async def test_random_days_have_trails_whose_closed_positions_add_up(database: Database) -> None:
    await write(database, random_journal(5, 90, 0.2), Random(5))
    rows = msgspec.json.decode(await History(database).query("positions", {"limit": 1_000}))["rows"]
    closed = 0
    for row in rows:
        one = await trail(database, position=row["id"])
        assert one.position is not None
        assert one.fills
        assert one.fills[0].id == row["id"]
        if one.position.closed is not None:
            closed += 1
            out = sum(fill.quantity for fill in one.fills if fill.side != one.position.side)
            assert out >= one.position.entered
    assert closed >= 3


async def test_a_trail_reads_along_indexes(sqlite_database: Database) -> None:
    await keep(sqlite_database, traded())
    said: list[tuple[str, Any]] = []
    engine = sqlite_database.readers.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    await trail(sqlite_database, symbol=BTC)
    chosen = [(text, given) for text, given in said if text.startswith("SELECT")]
    assert len(chosen) == 6
    async with sqlite_database.connect() as connection:
        for text, given in chosen:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
            plan = " ".join(row[-1] for row in rows)
            assert "SCAN" not in plan, plan


async def test_equity_can_be_thinned_out(database: Database) -> None:
    desk = Desk()
    desk.bar(BTC, 0)
    for _ in range(30):
        desk.tick(60_000)
    await keep(database, desk)
    ask = History(database)
    rows = msgspec.json.decode(await ask.query("equity", {}))["rows"]
    thin = msgspec.json.decode(await ask.query("equity", {"every": 600_000}))["rows"]
    last = {row["at"] // 600_000: row for row in reversed(rows)}
    assert thin == sorted(last.values(), key=lambda row: -row["at"])
    assert 2 < len(thin) < len(rows)
    page = msgspec.json.decode(await ask.query("equity", {"every": 600_000, "limit": 2}))
    assert (page["rows"], page["next"] is not None) == (thin[:2], True)
    with pytest.raises(BadInput, match="only equity"):
        await ask.query("fills", {"every": 5})


async def test_closed_positions_come_by_the_time_they_closed(sqlite_database: Database) -> None:
    await write(sqlite_database, random_journal(5, 160, 0.2), Random(5))
    ask = History(sqlite_database)
    async with sqlite_database.connect() as connection:
        closed, key = tables.positions.c.closed, tables.positions.c.id
        stored = (await connection.execute(select(closed, key).where(closed.is_not(None)))).all()
    expected = [row.id for row in sorted(stored, key=lambda row: (-row.closed, -row.id))]
    found: list[int] = []
    cursor = None
    while True:
        page = msgspec.json.decode(await ask.query("closed", {"limit": 2, "before": cursor}))
        found += [row["id"] for row in page["rows"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(expected) > 3
    assert found == expected
    symbols = {row["symbol"] for row in msgspec.json.decode(await ask.query("closed", {"symbol": BTC}))["rows"]}
    assert symbols == {BTC}
    query = history.chosen(history._KINDS["closed"], history.Wanted(before="9.9"))
    text = str(query.compile(sqlite_database.readers.sync_engine, compile_kwargs={"literal_binds": True}))
    async with sqlite_database.connect() as connection:
        plan = " ".join(row[-1] for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "TEMP B-TREE" not in plan
