"""The journal read from its first entry on, beside the engine that writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import func, select

from engine.errors import JournalFailed
from engine.model.event import BarClosed
from engine.ports import Entry
from storage import codec
from storage.codec import Unreadable
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.tables import journal

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

    async def count(self) -> int:
        """Entries there are."""
        try:
            async with self._database.connect() as connection:
                return (await connection.execute(select(func.count()).select_from(journal))).scalar_one()
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error

    async def entries(self) -> AsyncIterator[Entry]:
        """All of them in order; raises JournalFailed naming the first that is missing or cannot be read."""
        last = 0
        while True:
            query = select(journal).where(journal.c.seq > last).order_by(journal.c.seq).limit(self._chunk)
            try:
                async with self._database.connect() as connection:
                    rows = (await connection.execute(query)).all()
            except DATABASE_ERRORS as error:
                raise journal_failed("be read", self._database.where, error) from error
            for row in rows:
                last += 1
                if row.seq != last:
                    raise JournalFailed(
                        f"Journal entries {last} to {row.seq - 1} are missing in {self._database.where}: "
                        "the period cannot be replayed."
                    )
                yield self._decoded(row.seq, row.payload, row.crc)
            if len(rows) < self._chunk:
                return

    def _decoded(self, seq: int, payload: bytes, crc: int) -> Entry:
        try:
            return codec.decode(seq, payload, crc)
        except Unreadable as error:
            raise JournalFailed(
                f"Journal entry {seq} in {self._database.where} cannot be read ({error}): start the engine once, which "
                "sets an unreadable end aside, or restore the newest backup."
            ) from error
