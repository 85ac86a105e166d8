"""Pages of history: every row once, newest first, one statement and one walk along an index a page."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select, text

from engine.errors import BadInput, JournalFailed
from engine.model.command import PlaceOrder, ReducePosition
from engine.model.order import OrderKind, Side
from engine.ports import Entry
from storage import history, migrate, tables
from storage.database import Database
from storage.history import History, Wanted
from storage.journal import SqlJournal
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.scenario import Desk
from tests.storage.desk_journal import random_journal, write

NAMES = ("orders", "fills", "positions", "signals", "commands", "notes", "equity")
TIMES = {"orders": "created", "positions": "opened"}


async def whole(database: Database, name: str, **args: Any) -> list[dict[str, Any]]:
    """Every page, put together."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = msgspec.json.decode(await History(database).query(name, {**args, "before": cursor}))
        rows += page["rows"]
        cursor = page["next"]
        if cursor is None:
            return rows
        assert len(page["rows"]) == args["limit"]


@pytest.mark.parametrize("name", NAMES)
async def test_pages_hold_every_row_once_newest_first(database: Database, name: str) -> None:
    await write(database, random_journal(5, 90, 0.2), Random(5))
    kind = history._KINDS[name]
    async with database.connect() as connection:
        stored = (await connection.execute(select(kind.table))).mappings().all()
    expected = sorted(((row[kind.time], row[kind.place.name]) for row in stored), reverse=True)
    assert len(expected) > 3
    for limit in (1, 7, 1_000):
        rows = await whole(database, name, limit=limit)
        assert [(row[kind.time], row[kind.place.name]) for row in rows] == expected


@pytest.mark.parametrize("name", [name for name in NAMES if name != "equity"])
async def test_pages_are_of_one_symbol_and_one_time_when_asked(database: Database, name: str) -> None:
    await write(database, random_journal(5, 90, 0.2), Random(5))
    rows = await whole(database, name, limit=1_000)
    time = TIMES.get(name, "at")
    middle = rows[len(rows) // 2]
    symbol, since, until = middle["symbol"], middle[time] - 60_000, middle[time] + 60_000
    wanted = [row for row in rows if row["symbol"] == symbol and since <= row[time] < until]
    assert 0 < len(wanted) < len(rows)
    assert await whole(database, name, limit=2, symbol=symbol, since=since, until=until) == wanted


@pytest.mark.parametrize(("symbol", "since", "before"), [("", 0, ""), (BTC, 0, "9.9"), ("", 5, ""), (BTC, 5, "9.9")])
@pytest.mark.parametrize("name", NAMES)
async def test_a_page_is_one_statement_along_one_index(
    sqlite_database: Database, name: str, symbol: str, since: int, before: str
) -> None:
    symbol = "" if name == "equity" else symbol
    query = history.chosen(
        history._KINDS[name], Wanted(symbol=symbol, since=since, until=7 if since else 2**53, before=before)
    )
    compiled = query.compile(sqlite_database.readers.sync_engine, compile_kwargs={"literal_binds": True})
    statements: list[str] = []
    event.listen(
        sqlite_database.readers.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    await History(sqlite_database).page(name, Wanted(symbol=symbol, since=since, before=before))
    assert [said.split()[0] for said in statements] == ["BEGIN", "SELECT"]
    async with sqlite_database.connect() as connection:
        plan = " ".join(row[-1] for row in await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
    assert "TEMP B-TREE" not in plan
    assert "USING INDEX" in plan or "PRIMARY KEY" in plan or name == "equity"
    assert ("symbol=?" in plan) is bool(symbol)


async def test_rows_are_in_the_units_a_person_reads(database: Database) -> None:
    desk = Desk()
    desk.bar(BTC, 0)
    desk.ask(PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.003")), "mine")
    desk.settle()
    desk.tick(60_000)
    desk.move(BTC, 1_000_500)
    desk.ask(ReducePosition(symbol=BTC, percent=100))
    desk.settle()
    await _keep(database, desk)
    ask = History(database)
    fills = msgspec.json.decode(await ask.query("fills", {"symbol": BTC}))["rows"]
    assert [(row["side"], row["price"], row["quantity"]) for row in fills] == [
        (-1, "100050.0", "0.003"), (1, "100000.1", "0.003"),
    ]  # fmt: skip
    profit = Decimal("0.003") * (Decimal("100050.0") - Decimal("100000.1"))
    (position,) = msgspec.json.decode(await ask.query("positions", {}))["rows"]
    assert (Decimal(position["entry"]), Decimal(position["exit"])) == (Decimal("100000.1"), Decimal("100050.0"))
    assert [Decimal(position["quantity"]), Decimal(position["entered"])] == [Decimal(0), Decimal("0.003")]
    fees = sum(Decimal(row["fee"]) for row in fills)
    assert (Decimal(position["realised"]), Decimal(position["net"])) == (profit, profit - fees)
    assert Decimal(fills[0]["realised"]) == profit
    orders = msgspec.json.decode(await ask.query("orders", {}))["rows"]
    entry = next(row for row in orders if row["purpose"] == "entry")
    assert (entry["status"], entry["filled"], Decimal(entry["average"])) == ("filled", "0.003", Decimal("100000.1"))
    stop = next(row for row in orders if row["purpose"] == "stop")
    assert Decimal(stop["trigger"]) < Decimal(entry["average"])
    assert (stop["price"], stop["average"]) == (None, None)
    command = msgspec.json.decode(await ask.query("commands", {"symbol": BTC}))["rows"][-1]
    assert (command["command_id"], command["source"], command["command"]["type"]) == ("mine", "keyboard", "PlaceOrder")
    assert command["ok"] is True
    (equity,) = msgspec.json.decode(await ask.query("equity", {}))["rows"]
    assert Decimal(equity["cash"]) == 10_000 - Decimal(fills[1]["fee"])


async def test_a_signal_is_one_row_with_its_gates(database: Database) -> None:
    desk = Desk()
    desk.hold(ETH)
    await _keep(database, desk)
    signal = desk.signal()
    (row,) = msgspec.json.decode(await History(database).query("signals", {"symbol": ETH}))["rows"]
    assert (row["signal_id"], row["status"], row["reason"]) == (signal.id, signal.status.value, signal.reason)
    assert [(gate["name"], gate["verdict"]) for gate in row["gates"]] == [
        (g.name, g.verdict.value) for g in signal.gates
    ]
    assert Decimal(row["price"]) == signal.price * Decimal("0.01")


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("weather", {}, "use one of orders, fills"),
        ("orders", {"limit": 0}, "limit"),
        ("orders", {"limit": 1_001}, "limit"),
        ("orders", {"limit": "many"}, "limit"),
        ("orders", {"since": -1}, "since"),
        ("orders", {"until": 1e300}, "until"),
        ("orders", {"before": "yesterday"}, "before"),
        ("orders", {"before": f"{'9' * 40}.1"}, "before"),
        ("orders", {"simbol": BTC}, "simbol"),
        ("equity", {"symbol": BTC}, "without a symbol"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(
    sqlite_database: Database, name: str, args: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        await History(sqlite_database).query(name, args)


async def test_a_database_that_cannot_be_read_is_one_sentence(sqlite_database: Database) -> None:
    await sqlite_database.write(tables.fills.drop)
    with pytest.raises(
        JournalFailed, match=r"could not be read in .*trefoil\.db: the database answered: no such table"
    ):
        await History(sqlite_database).query("fills", {})
    assert await migrate.revision(sqlite_database) == migrate.newest()


async def _keep(database: Database, desk: Desk) -> None:
    journal = SqlJournal(database)
    await journal.recover()
    await journal.append([Entry(i, event, decisions) for i, (event, decisions) in enumerate(desk.log, 1)])
