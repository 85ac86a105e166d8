"""Making the history tables again: all or nothing, with progress, and whenever they do not follow from the journal."""

from __future__ import annotations

import asyncio
import threading
from random import Random

import pytest
from alembic import command
from sqlalchemy import delete, insert, select, text, update

from engine.errors import JournalFailed
from engine.model.decision import Level, Noted
from engine.model.event import ClockTick
from engine.ports import Entry
from storage import codec, migrate, rebuild, tables
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import journal, meta
from tests.storage.desk_journal import Dump, dump, random_journal, recovered, write
from tests.storage.test_projection import says_what_the_core_knows

WAIT_S = 60.0


@pytest.fixture
async def day(database: Database) -> Dump:
    """A random day is in the database; what its tables hold."""
    await write(database, random_journal(7, 60, 0.2), Random(7))
    return await database.write(dump)


async def spoil(database: Database) -> Dump:
    await database.write(lambda connection: connection.execute(delete(tables.fills)))
    await database.write(lambda connection: connection.execute(update(tables.orders).values(status="expired")))
    return await database.write(dump)


async def test_spoiled_tables_are_made_again_and_progress_is_told(database: Database, day: Dump) -> None:
    assert await spoil(database) != day
    told: list[tuple[int, int]] = []
    made = await rebuild.rebuild(database, lambda done, total: told.append((done, total)), chunk=10)
    assert await database.write(dump) == day
    assert made.rows == {name.removeprefix("trading_"): len(rows) for name, rows in day.items() if name != "cash"}
    assert [done for done, _ in told] == [*range(10, made.entries, 10), made.entries]
    assert {total for _, total in told} == {made.entries}


async def test_a_cancelled_rebuild_changes_nothing(database: Database, day: Dump) -> None:
    spoiled = await spoil(database)
    loop, cancelled = asyncio.get_running_loop(), threading.Event()

    def progress(done: int, total: int) -> None:
        loop.call_soon_threadsafe(task.cancel)
        if database.sqlite:  # from the database's own thread: it goes on once the task has ended
            assert cancelled.wait(WAIT_S)

    task = asyncio.create_task(rebuild.rebuild(database, progress, chunk=5))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, WAIT_S)
    cancelled.set()
    assert await database.write(dump) == spoiled
    await rebuild.rebuild(database)
    assert await database.write(dump) == day


@pytest.mark.parametrize("damage", ["unreadable", "missing"])
async def test_a_damaged_journal_leaves_the_tables_as_they_were(database: Database, day: Dump, damage: str) -> None:
    if damage == "missing":
        await database.write(lambda connection: connection.execute(delete(journal).where(journal.c.seq == 9)))
    else:
        await database.write(
            lambda connection: connection.execute(update(journal).where(journal.c.seq == 9).values(payload=b"torn"))
        )
    with pytest.raises(JournalFailed, match=r"entry 9 .*left as they were"):
        await rebuild.rebuild(database)
    assert await database.write(dump) == day


async def test_tables_of_another_version_are_made_again_at_the_start(database: Database, day: Dump) -> None:
    assert (await rebuild.state_of(database))[1]
    await spoil(database)
    await SqlJournal(database).recover()
    assert await database.write(dump) != day  # they are believed while their version is this program's
    await database.write(
        lambda connection: connection.execute(update(meta).where(meta.c.value == "1").values(value="0"))
    )
    assert not (await rebuild.state_of(database))[1]
    await SqlJournal(database).recover()
    assert await database.write(dump) == day
    assert (await rebuild.state_of(database))[1]


@pytest.mark.parametrize(
    "spoiling",
    [
        "UPDATE trading_orders SET status = 'lost'",
        "UPDATE trading_orders SET status = 'working', side = 7",
        "UPDATE trading_orders SET status = 'working', tick_size = 'small'",
        "UPDATE trading_orders SET status = 'working', tick_size = '0'",
        "UPDATE trading_meta SET value = 'much' WHERE key = 'cash'",
    ],
)
async def test_tables_that_cannot_be_understood_are_made_again_at_the_start(
    database: Database, day: Dump, spoiling: str
) -> None:
    await database.write(lambda connection: connection.execute(text(spoiling)))
    assert await database.write(dump) != day
    await SqlJournal(database).recover()
    assert await database.write(dump) == day


async def test_a_journal_from_before_there_were_tables_gets_them_at_the_first_start(sqlite_url: str) -> None:
    database, entries = Database(sqlite_url), random_journal(7, 60, 0.2)
    await database.write(lambda c: command.upgrade(migrate._config(c), "0001"))
    await database.write(lambda c: c.execute(insert(journal), [codec.encode(entry) for entry in entries]))
    assert await migrate.upgrade(database) is not None
    first = SqlJournal(database)
    await first.recover()
    await says_what_the_core_knows(database, recovered(entries), entries)
    await first.append([Entry(len(entries) + 1, ClockTick(at=5), ())])
    await database.close()


async def test_what_was_set_aside_leaves_the_tables_too(database: Database) -> None:
    entries = random_journal(7, 60, 0.2)
    torn, kept = entries[-4:], entries[:-4]
    await write(database, kept, Random(7))
    before = await database.write(dump)
    note = Noted(level=Level.INFO, text="never to be seen")
    again = SqlJournal(database)
    await again.recover()
    await again.append([Entry(entry.seq, entry.event, (*entry.decisions, note)) for entry in torn])
    await database.write(
        lambda connection: connection.execute(update(journal).where(journal.c.seq >= torn[0].seq).values(crc=0))
    )
    await again.recover()
    assert again.torn == tuple(entry.seq for entry in torn)
    assert await database.write(dump) == before


async def test_an_empty_journal_makes_empty_tables(database: Database) -> None:
    made = await rebuild.rebuild(database)
    assert made.entries == sum(made.rows.values()) == 0
    recovered = SqlJournal(database)
    await recovered.recover()
    await recovered.append([])
    await recovered.append([Entry(1, ClockTick(at=5), ())])
    assert await database.write(lambda connection: connection.execute(select(journal.c.seq)).scalars().all()) == [1]
