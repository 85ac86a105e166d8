"""Make the history tables again from the journal, all or nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select

from engine.errors import JournalFailed
from storage import codec, rows
from storage.codec import Unreadable
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.lines import Known
from storage.tables import PROJECTIONS, journal, meta

# Raised with every change of what the tables hold for the same journal; the engine then makes them again at its start.
VERSION = "1"
CHUNK = 2_000

Progress = Callable[[int, int], None]


class Rebuilt(msgspec.Struct, frozen=True):
    """How many journal entries were read, and how many rows each table has now."""

    entries: int
    rows: dict[str, int]


class Stopped(Exception):
    """The rebuild was asked to stop; nothing has changed."""


def is_current(connection: Connection) -> bool:
    """The tables were written by this version of the projection, from the journal's first entry on."""
    return connection.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar() == VERSION


async def state_of(database: Database) -> tuple[int, bool]:
    """How many entries the journal of a migrated database has, and whether the tables follow from it."""

    def work(connection: Connection) -> tuple[int, bool]:
        return _count(connection, journal), is_current(connection)

    try:
        async with database.connect() as connection:
            return await connection.run_sync(work)
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error


async def rebuild(database: Database, progress: Progress = lambda _done, _all: None, *, chunk: int = CHUNK) -> Rebuilt:
    """Make every table of PROJECTIONS again, in one transaction; cancelling leaves the tables as they were.

    Args:
        database: migrated, and locked by the caller.
        progress: called with (entries read, all entries) after each chunk; on SQLite from the database's thread.
        chunk: entries read and folded at once.

    Raises:
        JournalFailed: an entry is unreadable or missing, or the database cannot be written; nothing has changed.
    """
    stop = threading.Event()

    def work(connection: Connection) -> Rebuilt:
        rebuild_tables(connection, database.where, progress, stop.is_set, chunk)
        counts = {table.name.removeprefix("trading_"): _count(connection, table) for table in PROJECTIONS}
        return Rebuilt(_count(connection, journal), counts)

    try:
        return await database.write(work)
    except asyncio.CancelledError:
        stop.set()  # the transaction runs in a thread of its own on SQLite, and rolls back at its next chunk
        raise
    except DATABASE_ERRORS as error:
        raise journal_failed("be read again", database.where, error) from error


def rebuild_tables(
    connection: Connection,
    where: str,
    progress: Progress = lambda _done, _all: None,
    stopped: Callable[[], bool] = lambda: False,
    chunk: int = CHUNK,
) -> Known:
    """The same within a transaction of the caller's; raises Stopped where `stopped` says so between two chunks."""
    for table in PROJECTIONS:
        connection.execute(delete(table))
    connection.execute(delete(meta).where(meta.c.key.in_([*rows.KEYS, _KEY])))
    known = Known()
    last = connection.execute(select(func.max(journal.c.seq))).scalar() or 0
    done = 0
    while done < last:
        if stopped():
            raise Stopped
        chosen = select(journal).where(journal.c.seq > done).order_by(journal.c.seq).limit(chunk)
        entries = []
        for row in connection.execute(chosen):
            done += 1
            if row.seq != done:
                raise _unreadable(done, "it is missing", where)
            try:
                entries.append(codec.decode(row.seq, row.payload, row.crc))
            except Unreadable as error:
                raise _unreadable(row.seq, str(error), where) from error
        known = rows.keep(connection, entries, known)
        progress(done, last)
    connection.execute(insert(meta), {"key": _KEY, "value": VERSION})
    return known


_KEY = "projections"


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _unreadable(seq: int, reason: str, where: str) -> JournalFailed:
    return JournalFailed(
        f"Journal entry {seq} cannot be read ({reason}), so the history tables were left as they were: start the "
        f"engine once, which sets an unreadable end aside, or restore the newest backup of {where}."
    )
