"""A real engine on a recorded market, killed and started again: its tables, its journal and its core agree."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from engine.ports import Entry
from headless.client import EngineClient
from storage import codec
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import journal
from tests.e2e.rig import rig, until
from tests.storage.test_projection import check

FILE = "binance_usdm_BTCUSDT_1m_2025-05.parquet"
BARS = 900

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def asked(client: EngineClient, name: str) -> list[dict[str, Any]]:
    """The newest rows of a table over the control socket."""
    page: dict[str, list[dict[str, Any]]] = msgspec.json.decode(await client.query(name, {"limit": 1_000}))
    return page["rows"]


async def entries_of(database: Database) -> list[Entry]:
    async with database.connect() as connection:
        rows = (await connection.execute(select(journal).order_by(journal.c.seq))).all()
    return [codec.decode(row.seq, row.payload, row.crc) for row in rows]


async def test_a_killed_engines_tables_follow_from_its_journal(market_data: Path, tmp_path: Path) -> None:
    recorded = tmp_path / FILE
    pq.write_table(pq.read_table(market_data / "candles" / FILE).slice(0, BARS), recorded)
    arguments = ["--replay", str(recorded), "--speed", "max", "--seed", "3"]
    async with rig(tmp_path / "demo", arguments) as one, one.client() as client:
        killed = one.start(crash="after_commit:400", lockstep=True)
        await until(lambda: killed.poll() is not None, "it was not killed")
        one.start(lockstep=True)
        await until(lambda: client.connected and client.desk.status.ready, "not ready")
        for _ in range(2_000):
            if (await one.state())["ended"]:
                break
            await asyncio.sleep(0.05)
        state = await one.state()
        assert (
            state["waits_timed_out"] == 0
        )  # the market waited for the second engine, and no longer than for the first
        equity = Decimal(state["margin_balance"])
        await until(lambda: Decimal(client.desk.account.equity) / 10**8 == equity, "the replica's equity differs")
        told = {
            name: await asked(client, name) for name in ("orders", "fills", "positions", "signals", "notes", "equity")
        }
        assert (await client.stop_engine()).ok
        engine = one.engine
        assert engine is not None
        await until(lambda: engine.poll() is not None, "it did not stop")

        database = Database(one.home.database_url)
        found = SqlJournal(database)
        await found.recover()
        await check(database, await entries_of(database), found, 500)
        await database.close()
    assert len(told["fills"]) > 5
    assert len(told["equity"]) > BARS // 2
    cash = Decimal(client.desk.account.cash) / 10**8
    start = Decimal(told["equity"][-1]["cash"])
    assert start == 10_000
    funding = sum(Decimal(row["funding"]) for row in told["positions"])
    assert sum(Decimal(row["realised"]) - Decimal(row["fee"]) for row in told["fills"]) + funding == cash - start
    assert {row["client_id"] for row in told["fills"]} <= {row["client_id"] for row in told["orders"]}
