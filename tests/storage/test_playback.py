"""The journal read beside its writer: whole, in order, or refused naming what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from engine.errors import JournalFailed
from engine.model.event import BarClosed, ClockTick
from engine.ports import Entry
from storage import migrate, tables
from storage.database import Database
from storage.journal import SqlJournal
from storage.playback import Playback
from storage.tables import journal
from tests.engine.replay.day import Day


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(f"sqlite+aiosqlite:///{tmp_path / 'trefoil.db'}")
    await migrate.upgrade(one)
    yield one
    await one.close()


def day() -> list[Entry]:
    made = Day()
    for side in (0, 1, 1, -1, -1, 1):
        made.bar(side)
    return made.entries()


async def written(database: Database, entries: list[Entry]) -> SqlJournal:
    one = SqlJournal(database)
    await one.recover()
    await one.append(entries)
    return one


async def read(database: Database, chunk: int = 3, ticks_since: int = 0) -> list[Entry]:
    return [entry async for entry in Playback(database, chunk=chunk).entries(ticks_since)]


async def test_everything_comes_back_in_order(database: Database) -> None:
    entries = day()
    await written(database, entries)
    for chunk in (1, 7, len(entries), 10_000):
        assert await read(database, chunk) == entries


async def test_what_is_appended_meanwhile_is_read_too(database: Database) -> None:
    entries = day()
    half = len(entries) // 2
    writer = await written(database, entries[:half])
    found: list[Entry] = []
    async for entry in Playback(database, chunk=3).entries():
        found.append(entry)
        if entry.seq == 2:
            await writer.append(entries[half:])
    assert found == entries


async def test_old_clock_events_are_left_out(database: Database) -> None:
    entries = day()
    await written(database, entries)
    cut = entries[len(entries) // 2].event.at
    wanted = [one for one in entries if not isinstance(one.event, ClockTick) or one.event.at >= cut]
    assert await read(database, ticks_since=cut) == wanted
    assert 0 < len(wanted) < len(entries)


async def test_the_newest_bar_and_the_peak(database: Database) -> None:
    empty = Playback(database)
    assert (await empty.newest_bar(), await empty.peak(1 << 60), await read(database)) == (0, 0, [])
    entries = day()
    await written(database, entries)
    bars = [one.event.bar.open_time for one in entries if isinstance(one.event, BarClosed)]
    assert await empty.newest_bar() == bars[-1]
    rows = [{"at": at, "market_time": at, "equity": equity, "cash": 0} for at, equity in ((1, 5), (2, 9), (3, 12))]
    await database.write(lambda c: c.execute(insert(tables.equity), rows))
    assert (await empty.peak(3), await empty.peak(1)) == (9, 0)


async def test_a_part_by_received_time(database: Database) -> None:
    entries = day()
    await written(database, entries)
    times = [one.event.at for one in entries]
    begin, end = times[5], times[-5]
    found = [entry async for entry in Playback(database, chunk=2).between(begin, end)]
    assert found == [one for one in entries if begin <= one.event.at < end]
    assert 0 < len(found) < len(entries)
    assert [one.epoch for one in await Playback(database).started()] == [1]


async def test_missing_entries_are_refused(database: Database) -> None:
    await written(database, day())
    await database.write(lambda c: c.execute(delete(journal).where(journal.c.seq.in_((3, 4)))))
    with pytest.raises(JournalFailed, match=r"2 journal entries are missing .* restore the newest backup"):
        await read(database)


async def test_a_spoiled_entry_is_named(database: Database) -> None:
    await written(database, day())
    await database.write(lambda c: c.execute(update(journal).where(journal.c.seq == 5).values(payload=b"spoiled")))
    with pytest.raises(JournalFailed, match=r"Journal entry 5 .*its checksum does not match"):
        await read(database)
