"""Research runs: what is saved is had again, listed newest first, and removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadInput, EngineRunning, TrefoilError
from storage import migrate, research, tables
from storage.database import Database
from storage.home import Home
from storage.lock import EngineLock
from storage.research import Research, Run, new_id


def run(number: int, **changes: object) -> Run:
    values = {
        "id": f"run{number:03d}", "kind": "backtest", "name": "ema-cross", "created": 1_000 + number // 2,
        "symbol": "BTC/USDT:USDT", "timeframe": "15m", "params": {"fast": 12, "slow": 26.5, "exits": "none"},
        "summary": {"trades": number, "sharpe": 1.25, "curve": [1.0, None]},
    }  # fmt: skip
    return Run(**{**values, **changes})  # type: ignore[arg-type] # values of a test


async def test_a_run_and_its_payload_are_had_again(database: Database) -> None:
    runs = Research(database)
    payload = bytes(range(256)) * 4_000
    await runs.save(run(1), payload)
    assert await runs.get("run001") == run(1)
    assert await runs.payload("run001") == payload
    assert (await runs.get("run002"), await runs.payload("run002")) == (None, None)
    await runs.save(run(1, summary={"trades": 7}), b"")
    assert await runs.get("run001") == run(1, summary={"trades": 7})
    assert await runs.payload("run001") == b""


async def test_runs_are_listed_newest_first_by_the_page(database: Database) -> None:
    runs = Research(database)
    for number in (3, 1, 4, 0, 2):
        await runs.save(run(number), b"x")
    await runs.save(run(9, kind="scan", name="board", symbol="", timeframe="1h"))
    listed = await runs.list()
    assert [one.id for one in listed] == ["run009", "run004", "run003", "run002", "run001", "run000"]
    assert await runs.list(kind="backtest") == listed[1:]
    assert await runs.list(name="board") == await runs.list(timeframe="1h") == listed[:1]
    assert await runs.list(symbol="BTC/USDT:USDT", kind="scan") == ()
    first = await runs.list(limit=2)
    assert first + await runs.list(limit=2, after=first[-1]) == listed[:4]


async def test_removed_runs_are_gone_and_counted(database: Database) -> None:
    runs = Research(database)
    for number in range(3):
        await runs.save(run(number))
    assert await runs.remove("run000", "run002", "none") == 2
    assert await runs.remove() == 0
    assert [one.id for one in await runs.list()] == ["run001"]


async def test_numbers_that_json_has_not_come_back_as_none(database: Database) -> None:
    await Research(database).save(run(1, summary={"sharpe": float("nan"), "factor": float("inf")}))
    found = await Research(database).get("run001")
    assert found is not None
    assert found.summary == {"sharpe": None, "factor": None}


async def test_numbers_of_numpy_are_numbers(database: Database) -> None:
    summary = {"sharpe": np.float64(1.5), "trades": np.int64(3), "won": np.bool_(1), "none": np.float64("nan")}
    await Research(database).save(run(1, summary=summary))
    found = await Research(database).get("run001")
    assert found is not None
    assert found.summary == {"sharpe": 1.5, "trades": 3, "won": True, "none": None}


@pytest.mark.parametrize("value", [object(), np.zeros(3), "\ud800", {(1, 2): 3, object(): 4}])
async def test_values_that_json_cannot_hold_are_refused_whole(database: Database, value: object) -> None:
    with pytest.raises(BadInput, match=r"run001 params.*JSON values"):
        await Research(database).save(run(1, params={"model": value}))
    assert await Research(database).list() == ()


async def test_many_writers_beside_each_other(database: Database, database_url: str) -> None:
    other = Database(database_url)
    await asyncio.gather(
        *(Research(one).save(run(number), b"x" * 1_000) for number, one in enumerate((database, other) * 10))
    )
    assert len(await Research(database).list()) == 20
    await other.close()


async def test_a_directory_is_opened_whatever_state_it_is_in(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    async with research.opened(home) as runs:
        await runs.save(run(1))
    with EngineLock(home.lock):  # nothing is to be migrated, so an engine may run
        async with research.opened(home) as runs:
            assert await runs.list() == (run(1),)


async def test_a_migration_waits_for_no_engine(tmp_path: Path) -> None:
    home = Home(tmp_path / "new").create()
    with EngineLock(home.lock), pytest.raises(EngineRunning):
        async with research.opened(home):
            pass


async def test_a_failure_is_one_sentence(sqlite_database: Database) -> None:
    await sqlite_database.write(tables.research_runs.drop)
    runs = Research(sqlite_database)
    for asking in (runs.list(), runs.save(run(1)), runs.remove("a")):
        with pytest.raises(TrefoilError, match=r"A research run could not be \w+ in .*no such table"):
            await asking


async def test_old_rows_survive_the_migration(sqlite_url: str) -> None:
    from alembic import command

    database = Database(sqlite_url)
    await database.write(lambda connection: command.upgrade(migrate._config(connection), "0001"))
    backup = await migrate.upgrade(database)
    assert backup is not None
    assert backup.name == "trefoil.db.0001.backup"
    copy = Database(f"sqlite+aiosqlite:///{backup}")
    assert await migrate.revision(copy) == "0001"
    await copy.close()
    await database.close()


def test_ids_differ() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000
