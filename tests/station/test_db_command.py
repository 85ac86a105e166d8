"""`trefoil db`: plain sentences, exit codes, JSON, and a Ctrl-C that changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, text
from typer.testing import CliRunner, Result

from engine.errors import BadInput, EngineRunning, JournalFailed
from engine.model.decision import Level, Noted
from engine.model.event import ClockTick
from engine.ports import Entry
from station.commands.db import INTERRUPTED, app
from storage import migrate, tables
from storage.database import Database
from storage.home import Home
from storage.journal import SqlJournal
from storage.lock import EngineLock
from tests.storage.desk_journal import Dump, dump, random_journal, write


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def trefoil_db(home: Home, *arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"TREFOIL_HOME": str(home.root), **variables})


async def with_database(home: Home, work: Any) -> Any:
    database = Database(home.create().database_url)
    try:
        return await work(database)
    finally:
        await database.close()


async def fill(database: Database) -> Dump:
    await migrate.upgrade(database)
    await write(database, random_journal(7, 60, 0.2), Random(7))
    return await database.write(dump)


async def spoil(database: Database) -> Dump:
    await database.write(lambda connection: connection.execute(delete(tables.orders)))
    return await database.write(dump)


async def read(database: Database) -> Dump:
    return await database.write(dump)


def test_a_database_is_made_then_is_the_newest(home: Home) -> None:
    newest = migrate.newest()
    made = trefoil_db(home, "upgrade")
    assert (made.exit_code, made.stdout) == (0, f"The database was made with schema {newest}.\n")
    again = trefoil_db(home, "upgrade")
    assert (again.exit_code, again.stdout) == (0, f"The schema is {newest} already, the newest.\n")
    said = json.loads(trefoil_db(home, "upgrade", "--json").stdout)
    assert said == {"before": newest, "after": newest, "backup": None}


def test_an_old_schema_is_said_refused_and_upgraded(home: Home) -> None:
    from alembic import command

    asyncio.run(
        with_database(home, lambda database: database.write(lambda c: command.upgrade(migrate._config(c), "0001")))
    )
    told = trefoil_db(home, "current")
    assert told.exit_code == 0
    assert "has schema 0001" in told.stdout
    assert "run trefoil db upgrade" in told.stdout
    assert json.loads(trefoil_db(home, "current", "--json").stdout)["current"] is None
    refused = trefoil_db(home, "rebuild")
    assert isinstance(refused.exception, BadInput)
    assert "run trefoil db upgrade first" in str(refused.exception)
    done = trefoil_db(home, "upgrade")
    backup = home.root / "trefoil.db.0001.backup"
    assert done.stdout.startswith(f"The schema went from 0001 to {migrate.newest()}. A copy from before: {backup}")
    assert backup.exists()


def test_current_says_what_is_there(home: Home) -> None:
    asyncio.run(with_database(home, fill))
    said = json.loads(trefoil_db(home, "current", "--json").stdout)
    assert (said["schema"], said["current"]) == (migrate.newest(), True)
    assert said["entries"] > 50
    told = trefoil_db(home, "current").stdout
    assert f"{said['entries']:,} journal entries; the history tables follow from it." in told
    asyncio.run(
        with_database(
            home, lambda d: d.write(lambda c: c.execute(delete(tables.meta).where(tables.meta.c.value == "1")))
        )
    )
    assert "do not follow from it: run trefoil db rebuild" in trefoil_db(home, "current").stdout


def test_rebuild_makes_the_tables_again_and_counts_them(home: Home) -> None:
    day = asyncio.run(with_database(home, fill))
    assert asyncio.run(with_database(home, spoil)) != day
    done = trefoil_db(home, "rebuild")
    assert done.exit_code == 0
    assert f"{len(day['trading_orders']):,} orders" in done.stdout
    assert "100 % of" in done.stderr
    assert asyncio.run(with_database(home, read)) == day
    said = json.loads(trefoil_db(home, "rebuild", "--json").stdout)
    assert said["rows"] == {name.removeprefix("trading_"): len(rows) for name, rows in day.items() if name != "cash"}


@pytest.mark.parametrize("command", ["current", "rebuild"])
def test_without_a_database_nothing_is_made(home: Home, command: str) -> None:
    refused = trefoil_db(home, command)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, BadInput)
    assert "there is none yet" in str(refused.exception)
    assert not home.database.exists()


@pytest.mark.parametrize("command", ["upgrade", "rebuild"])
def test_a_running_engine_is_not_disturbed(home: Home, command: str) -> None:
    asyncio.run(with_database(home, fill))
    with EngineLock(home.lock):
        refused = trefoil_db(home, command)
        assert trefoil_db(home, "current").exit_code == 0
    assert refused.exit_code == 1
    assert isinstance(refused.exception, EngineRunning)


def test_a_damaged_journal_is_named(home: Home) -> None:
    asyncio.run(with_database(home, fill))
    torn = text("UPDATE trading_journal SET payload = x'00' WHERE seq = 12")
    asyncio.run(with_database(home, lambda database: database.write(lambda c: c.execute(torn))))
    refused = trefoil_db(home, "rebuild")
    assert isinstance(refused.exception, JournalFailed)
    assert "entry 12" in str(refused.exception)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "database URL"),
        ("mongodb://me:hidden@nowhere/x", "use sqlite"),
        ("sqlite+aiosqlite:////nowhere/x.db", "check that its folder exists"),
    ],
)
def test_a_wrong_database_is_one_sentence_without_its_password(home: Home, url: str, said: str) -> None:
    refused = trefoil_db(home, "current", TREFOIL_DATABASE_URL=url)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, BadInput | JournalFailed)
    assert said in str(refused.exception)
    assert "hidden" not in str(refused.exception)


def test_wrong_use_is_code_two(home: Home) -> None:
    assert trefoil_db(home, "downgrade").exit_code == 2
    assert trefoil_db(home, "rebuild", "--force").exit_code == 2


@pytest.mark.slow
def test_ctrl_c_leaves_the_tables_as_they_were(home: Home) -> None:
    async def many(database: Database) -> Dump:
        await migrate.upgrade(database)
        journal = SqlJournal(database)
        await journal.recover()
        note = (Noted(level=Level.INFO, text="a line"),) * 3
        await journal.append([Entry(seq, ClockTick(at=seq), note) for seq in range(1, 60_001)])
        await database.write(lambda c: c.execute(delete(tables.notes).where(tables.notes.c.id > 5_000)))
        return await database.write(dump)

    before = asyncio.run(with_database(home, many))
    command = [sys.executable, "-c", "from station.commands.db import app; app()", "rebuild"]
    environment = {**os.environ, "TREFOIL_HOME": str(home.root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        assert "% of 60,000 journal entries" in child.stderr.readline()
        os.kill(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == INTERRUPTED
    assert errors.splitlines()[-1] == "Stopped; the history tables are as they were."
    assert asyncio.run(with_database(home, read)) == before
