"""The journal on real databases: what is said to be kept is kept, what cannot be read is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from engine.errors import BadInput, EngineRunning, InvariantBroken, JournalFailed
from engine.model.decision import Level, Noted
from engine.model.event import ClockTick
from engine.ports import Entry
from storage import migrate
from storage.database import Database
from storage.home import Home
from storage.journal import SqlJournal
from storage.lock import EngineLock
from storage.tables import journal as rows
from storage.tables import metadata, snapshots, torn


def entry(seq: int) -> Entry:
    return Entry(seq, ClockTick(at=1_000 + seq), (Noted(level=Level.INFO, text=f"note {seq}"),))


async def filled(database: Database, count: int) -> SqlJournal:
    journal = SqlJournal(database)
    await journal.recover()
    await journal.append([entry(seq) for seq in range(1, count + 1)])
    return journal


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_a_commit_waits_for_the_disk_where_the_market_is_real(
    tmp_path: Path, *, durable: bool, level: int
) -> None:
    """SQLite's levels: 2 is FULL, 1 is NORMAL."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", durable=durable)
    try:
        found = await database.write(lambda connection: connection.execute(text("PRAGMA synchronous")).scalar())
        assert found == level
    finally:
        await database.close()


async def test_what_was_appended_is_recovered_in_order(database: Database) -> None:
    await filled(database, 5)
    recovery = await SqlJournal(database).recover()
    assert recovery.entries == tuple(entry(seq) for seq in range(1, 6))
    assert (recovery.snapshot, recovery.last_seq) == (None, 5)


async def test_a_hole_or_a_repetition_in_the_sequence_is_a_broken_invariant(database: Database) -> None:
    journal = await filled(database, 2)
    for wrong in (2, 4):
        with pytest.raises(InvariantBroken, match=f"entry {wrong} where 3 was due"):
            await journal.append([entry(wrong)])
    assert (await SqlJournal(database).recover()).last_seq == 2


async def test_recovery_begins_at_the_newest_readable_snapshot(database: Database) -> None:
    journal = await filled(database, 9)
    await journal.snapshot(3, b"three")
    await journal.snapshot(6, b"six")
    recovery = await SqlJournal(database).recover()
    assert (recovery.snapshot, recovery.snapshot_seq, len(recovery.entries)) == (b"six", 6, 3)
    await database.write(lambda c: c.execute(update(snapshots).where(snapshots.c.seq == 6).values(state=b"sex")))
    recovery = await SqlJournal(database).recover()
    assert (recovery.snapshot, recovery.snapshot_seq, len(recovery.entries)) == (b"three", 3, 6)


async def test_only_two_snapshots_stay(database: Database) -> None:
    journal = await filled(database, 4)
    for seq in range(1, 5):
        await journal.snapshot(seq, b"state")
    kept = await database.write(lambda c: [seq for (seq,) in c.execute(select(snapshots.c.seq))])
    assert sorted(kept) == [3, 4]


async def test_an_unreadable_tail_is_set_aside_and_the_engine_goes_on(database: Database) -> None:
    await filled(database, 5)
    await database.write(lambda c: c.execute(update(rows).where(rows.c.seq >= 4).values(payload=b"torn")))
    journal = SqlJournal(database)
    recovery = await journal.recover()
    assert (recovery.last_seq, journal.torn) == (3, (4, 5))
    await journal.append([entry(4)])
    aside = await database.write(lambda c: [seq for (seq,) in c.execute(select(torn.c.seq))])
    assert sorted(aside) == [4, 5]


@pytest.mark.parametrize("damage", ["payload", "missing"])
async def test_a_damaged_middle_is_named_and_nothing_is_changed(database: Database, damage: str) -> None:
    await filled(database, 5)
    if damage == "payload":
        await database.write(lambda c: c.execute(update(rows).where(rows.c.seq == 3).values(payload=b"torn")))
    else:
        await database.write(lambda c: c.execute(delete(rows).where(rows.c.seq == 3)))
    with pytest.raises(JournalFailed, match=r"3 .*backup"):
        await SqlJournal(database).recover()
    left = await database.write(lambda c: len(c.execute(select(rows.c.seq)).all()))
    assert left == (5 if damage == "payload" else 4)


async def test_a_full_disk_keeps_nothing_of_the_batch_and_says_what_to_do(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'trefoil.db'}")
    await migrate.upgrade(database)
    journal = await filled(database, 1)

    def limit(connection: object) -> None:
        pages = connection.execute(text("PRAGMA page_count")).scalar()  # type: ignore[attr-defined] # a Connection
        connection.execute(text(f"PRAGMA max_page_count={pages + 2}"))  # type: ignore[attr-defined] # a Connection

    await database.write(limit)
    with pytest.raises(JournalFailed, match=r"full.*free some space"):
        await journal.append([entry(seq) for seq in range(2, 2_000)])
    assert (await SqlJournal(database).recover()).last_seq == 1
    await database.close()


async def test_epochs_rise_and_the_instance_stays(database: Database) -> None:
    first, again = SqlJournal(database), SqlJournal(database)
    assert [await first.next_epoch(), await again.next_epoch()] == [1, 2]
    name = await first.instance()
    assert (len(name), await again.instance()) == (8, name)


async def test_the_migrated_schema_is_the_programs(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    assert await database.write(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []
    assert await migrate.upgrade(database) is None


async def test_a_newer_database_is_refused(database: Database) -> None:
    await database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(BadInput, match="newer than this program"):
        await migrate.upgrade(database)


async def test_without_a_copy_there_is_no_migration(sqlite_url: str, tmp_path: Path) -> None:
    from alembic import command

    database = Database(sqlite_url)
    await database.write(lambda c: command.upgrade(migrate._config(c), "0001"))
    (tmp_path / "trefoil.db.0001.backup.part").mkdir()  # stands in for a disk that takes no copy
    with pytest.raises(JournalFailed, match=r"could not be .*trefoil\.db"):
        await migrate.upgrade(database)
    assert await migrate.revision(database) == "0001"
    assert not (tmp_path / "trefoil.db.0001.backup").exists()
    await database.close()


def test_a_second_engine_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, storage.lock as l; k = l.EngineLock(pathlib.Path(sys.argv[1])); k.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "engine.lock"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(EngineRunning, match=f"process {holder.pid}"):
            EngineLock(path).acquire()
        os.kill(holder.pid, signal.SIGKILL)
    with EngineLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


WRITER = """
import asyncio, sys
from storage.database import Database
from storage.journal import SqlJournal
from tests.storage.test_journal import entry
async def main():
    database = Database(sys.argv[1]); journal = SqlJournal(database); await journal.recover()
    seq = 0
    while True:
        await journal.append([entry(seq + 1), entry(seq + 2)]); seq += 2; print(seq, flush=True)
asyncio.run(main())
"""


@pytest.mark.slow
async def test_sigkill_loses_nothing_that_was_said_to_be_kept(database: Database, database_url: str) -> None:
    said = 0
    command = [sys.executable, "-c", WRITER, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: ASYNC220 - nothing else runs here
        assert writer.stdout is not None
        for line in writer.stdout:
            said = int(line)
            if said >= 100:
                os.kill(writer.pid, signal.SIGKILL)
    recovery = await SqlJournal(database).recover()
    assert said >= 100
    assert said <= recovery.last_seq <= said + 2
    assert recovery.entries == tuple(entry(seq) for seq in range(1, recovery.last_seq + 1))


def test_a_long_home_gets_a_short_socket_directory(tmp_path: Path) -> None:
    home = Home.locate({"TREFOIL_HOME": str(tmp_path / ("long" * 30))}).create()
    assert len(os.fsencode(home.socket)) <= 100
    assert home.run.stat().st_mode & 0o777 == 0o700
