"""Who may trade an account: one row that its holder keeps renewing.

An exchange cannot check who is allowed to send, so the holder checks itself: before each send the rest of the lease must
be longer than a request can take. Whoever wants to take a lease over waits until it has not been renewed for its whole
length and a request's time after that; then nothing of the old holder can arrive any more. Both measure by clocks of
their own that never go back, so that no two clocks need to agree.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.errors import EngineRunning
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed, remedy
from storage.tables import meta

T = TypeVar("T")

KEY = "lease"
TTL_MS = 60_000
SEND_MS = 20_000
"""The longest that an order takes from its send to its last byte: leverage, margin mode and the order itself, each with
its wait for the rate limit and its time-out."""
RENEWALS = 6  # within a lease's length


class Row(msgspec.Struct, frozen=True):
    """The lease as the database keeps it; `beat` rises with each renewal."""

    holder: str
    beat: int


def uptime_ms() -> int:
    """Ms since some moment; never goes back."""
    return time.monotonic_ns() // 1_000_000


class Lease:
    """The right to send orders.

    Args:
        database: migrated.
        holder: names this process, unlike any other.
        ttl_ms: how long a renewal lasts.
        send_ms: what must be left of it before a send.
        clock: ms, never goes back.
    """

    def __init__(
        self,
        database: Database,
        holder: str,
        *,
        ttl_ms: int = TTL_MS,
        send_ms: int = SEND_MS,
        clock: Callable[[], int] = uptime_ms,
    ) -> None:
        self.lost = ""
        self._database = database
        self._row = Row(holder, 0)
        self._ttl_ms = ttl_ms
        self._send_ms = send_ms
        self._clock = clock
        self._until = 0

    @property
    def remaining_ms(self) -> int:
        """How long it still lasts; 0 when it is lost."""
        return 0 if self.lost else max(0, self._until - self._clock())

    @property
    def may_send(self) -> bool:
        """What is left is longer than a send can take."""
        return self.remaining_ms > self._send_ms

    async def take(self, *, alone: bool) -> None:
        """Take the lease, waiting for one that is not renewed any more.

        Args:
            alone: a lock keeps every other process off this database: a lease that is found is a dead engine's.

        Raises:
            EngineRunning: somebody renews it.
            JournalFailed: the database cannot be read or written.
        """
        found, since = await self._read(), self._clock()
        while True:
            began = self._clock()
            patient = alone or found is None or began - since > self._ttl_ms + self._send_ms
            if patient and await self._swap(found, self._row):
                self._until = began + self._ttl_ms
                return
            await asyncio.sleep(self._ttl_ms / 1000 / RENEWALS / 10)
            now = await self._read()
            if now != found and now is not None and found is not None:
                raise EngineRunning(
                    f"Another engine ({now.holder}) trades this account on this database: stop it first, or wait until "
                    f"its lease has ended."
                )
            found = now

    async def keep(self, on_lost: Callable[[str], None]) -> None:
        """Renew until cancelled, or until it is lost: then `on_lost` hears why, once."""
        while not self.lost:
            await asyncio.sleep(self._ttl_ms / 1000 / RENEWALS)
            self.lost = await self._renewed()
        on_lost(self.lost)

    async def release(self) -> None:
        """Give it back, so that the next engine need not wait; somebody else's is left alone."""
        held = self._row
        self.lost = self.lost or "it was given back"
        await self._write(
            "give the lease back",
            lambda connection: connection.execute(delete(meta).where(meta.c.key == KEY, meta.c.value == _text(held))),
        )

    async def _renewed(self) -> str:
        """Renew once; answers why it is lost, or empty."""
        began, fresh = self._clock(), Row(self._row.holder, self._row.beat + 1)
        try:
            kept = await self._database.write(lambda connection: _swap(connection, self._row, fresh))
        except DATABASE_ERRORS as error:
            return "" if self.may_send else f"the lease could not be renewed: {remedy(error)}"
        if not kept:
            other = await self._read()
            return f"another engine ({other.holder if other else 'gone already'}) has taken the account over"
        self._row, self._until = fresh, began + self._ttl_ms
        return ""

    async def _read(self) -> Row | None:
        return await self._write("read the lease", _read)

    async def _swap(self, old: Row | None, new: Row) -> bool:
        return await self._write("take the lease", lambda connection: _swap(connection, old, new))

    async def _write(self, doing: str, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.write(work)
        except DATABASE_ERRORS as error:
            raise journal_failed(doing, self._database.where, error) from error


def _text(row: Row) -> str:
    return msgspec.json.encode(row).decode()


def _read(connection: Connection) -> Row | None:
    text = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return None if text is None else msgspec.json.decode(text, type=Row)


def _swap(connection: Connection, old: Row | None, new: Row) -> bool:
    """Replace the row if it still is `old`."""
    if old is not None:
        changed = update(meta).where(meta.c.key == KEY, meta.c.value == _text(old)).values(value=_text(new))
        return connection.execute(changed).rowcount == 1
    try:
        with connection.begin_nested():
            connection.execute(insert(meta).values(key=KEY, value=_text(new)))
    except IntegrityError:
        return False
    return True
