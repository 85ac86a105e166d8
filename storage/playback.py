"""The journal read from its first entry on, beside the engine that writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import func, or_, select

from engine.errors import JournalFailed
from engine.model.event import BarClosed, ClockTick, EngineStarted
from engine.ports import Entry
from storage import codec
from storage.codec import Unreadable
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.tables import equity, journal

CHUNK = 2_000


class Playback:
    """Reads; nothing is written or locked, and what the engine appends meanwhile is read too.

    Args:
        database: migrated.
        chunk: entries read at once.
    """

    def __init__(self, database: Database, *, chunk: int = CHUNK) -> None:
        self._database = database
        self._chunk = chunk

    @property
    def where(self) -> str:
        """Which database, for a sentence."""
        return self._database.where

    async def newest_bar(self) -> int:
        """Open time of the newest closed bar, ms UTC of the market; 0 where no bar was recorded."""
        query = select(journal).where(journal.c.kind == BarClosed.__name__).order_by(journal.c.seq.desc()).limit(1)
        try:
            async with self._database.connect() as connection:
                row = (await connection.execute(query)).first()
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error
        if row is None:
            return 0
        event = self._decoded(row.seq, row.payload, row.crc).event
        assert isinstance(event, BarClosed)
        return event.bar.open_time

    async def peak(self, before: int) -> int:
        """The highest equity that was measured before a received time (ms UTC), 1e-8 quote units; 0 where none was."""
        query = select(func.max(equity.c.equity)).where(equity.c.at < before)
        try:
            async with self._database.connect() as connection:
                return (await connection.execute(query)).scalar() or 0
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error

    async def entries(self, ticks_since: int = 0) -> AsyncIterator[Entry]:
        """The journal in order from its first entry; raises JournalFailed naming what is missing or cannot be read.

        Args:
            ticks_since: clock events received before it, ms UTC, are left out; a year of them is most of a journal.
        """
        await self._whole()
        wanted = or_(journal.c.kind != ClockTick.__name__, journal.c.at >= ticks_since)
        last = 0
        while True:
            query = select(journal).where(journal.c.seq > last, wanted).order_by(journal.c.seq).limit(self._chunk)
            try:
                async with self._database.connect() as connection:
                    rows = (await connection.execute(query)).all()
            except DATABASE_ERRORS as error:
                raise journal_failed("be read", self._database.where, error) from error
            for row in rows:
                last = row.seq
                yield self._decoded(row.seq, row.payload, row.crc)
            if len(rows) < self._chunk:
                return

    async def _whole(self) -> None:
        """Refuse a journal with entries missing."""
        query = select(func.count(), func.max(journal.c.seq)).select_from(journal)
        try:
            async with self._database.connect() as connection:
                count, last = (await connection.execute(query)).one()
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error
        if count != (last or 0):
            raise JournalFailed(
                f"{(last or 0) - count:,} journal entries are missing in {self._database.where}: it cannot be replayed; "
                "restore the newest backup."
            )

    async def between(self, begin: int, end: int) -> AsyncIterator[Entry]:
        """Entries received at or after `begin` and before `end`, ms UTC, in order; JournalFailed for an unreadable one."""
        last = 0
        while True:
            chosen = select(journal).where(journal.c.seq > last, journal.c.at >= begin, journal.c.at < end)
            try:
                async with self._database.connect() as connection:
                    rows = (await connection.execute(chosen.order_by(journal.c.seq).limit(self._chunk))).all()
            except DATABASE_ERRORS as error:
                raise journal_failed("be read", self._database.where, error) from error
            for row in rows:
                last = row.seq
                yield self._decoded(row.seq, row.payload, row.crc)
            if len(rows) < self._chunk:
                return

    async def started(self) -> tuple[EngineStarted, ...]:
        """Every start of an engine, oldest first."""
        query = select(journal).where(journal.c.kind == EngineStarted.__name__).order_by(journal.c.seq)
        try:
            async with self._database.connect() as connection:
                rows = (await connection.execute(query)).all()
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error
        events = [self._decoded(row.seq, row.payload, row.crc).event for row in rows]
        return tuple(event for event in events if isinstance(event, EngineStarted))

    def _decoded(self, seq: int, payload: bytes, crc: int) -> Entry:
        try:
            return codec.decode(seq, payload, crc)
        except Unreadable as error:
            raise JournalFailed(
                f"Journal entry {seq} in {self._database.where} cannot be read ({error}): start the engine once, which "
                "sets an unreadable end aside, or restore the newest backup."
            ) from error
