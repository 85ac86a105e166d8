"""The journal on SQLAlchemy: entries, snapshots, epochs, and the history tables that follow from the entries.

One transaction a batch; what it cannot read it names.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from engine.errors import InvariantBroken, JournalFailed
from engine.ports import Entry, Probe, Recovery
from engine.probe import no_probe
from storage import codec, rebuild, rows
from storage.codec import Unreadable
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.lines import Known
from storage.tables import journal, meta, snapshots, torn

T = TypeVar("T")

INSTANCE_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
INSTANCE_LENGTH = 8
SNAPSHOTS_KEPT = 2

_INSERT = insert(journal)


class SqlJournal:
    """Implements Journal.

    Args:
        database: migrated, and locked by this engine.
        probe: told while a snapshot is half written.
    """

    def __init__(self, database: Database, probe: Probe = no_probe) -> None:
        self.torn: tuple[int, ...] = ()
        self._database = database
        self._probe = probe
        self._last = 0
        self._known = Known()

    async def recover(self) -> Recovery:
        """The newest readable snapshot and the entries after it.

        Unreadable rows at the very end are set aside (`torn` names them) so that nothing is lost and the engine starts;
        an unreadable row before a readable one raises JournalFailed naming it. The history tables are made again where
        they do not follow from the journal: after such a loss, where another version wrote them or a hand spoiled them.
        """
        try:
            recovery, self._known = await self._database.write(self._recover)
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error
        self._last = recovery.last_seq
        return recovery

    def _recover(self, connection: Connection) -> tuple[Recovery, Known]:
        seq, state = _newest_snapshot(connection)
        stored = connection.execute(select(journal).where(journal.c.seq > seq).order_by(journal.c.seq)).all()
        entries: list[Entry] = []
        bad: list[int] = []
        reason = ""
        expected = seq + 1
        for row in stored:
            try:
                entry = codec.decode(row.seq, row.payload, row.crc)
            except Unreadable as error:
                bad.append(row.seq)
                reason = str(error)
                continue
            if bad:
                raise JournalFailed(
                    f"Journal entry {bad[0]} cannot be read ({reason}) but later ones can: restore the newest backup of "
                    f"{self._database.where}, or ask the venue and start on a fresh data directory."
                )
            if row.seq != expected:
                raise JournalFailed(
                    f"Journal entries {expected} to {row.seq - 1} are missing: restore the newest backup of "
                    f"{self._database.where}."
                )
            entries.append(entry)
            expected += 1
        if bad:
            _set_aside(connection, bad)
            self.torn = tuple(bad)
        known = None if bad or not rebuild.is_current(connection) else rows.load(connection)
        if known is None:
            known = rebuild.rebuild_tables(connection, self._database.where)
        return Recovery(state, seq, tuple(entries), expected - 1), known

    async def instance(self) -> str:
        """This data directory's name in order ids: eight letters, made once."""
        return await self._write("name the instance", _instance)

    async def next_epoch(self) -> int:
        """Raise the epoch durably and return it."""
        return await self._write("raise the epoch", _next_epoch)

    async def append(self, entries: Sequence[Entry]) -> None:
        """Keep `entries` and what they change in the history tables in one durable transaction.

        Raises JournalFailed, and then nothing was kept.
        """
        for place, entry in enumerate(entries, self._last + 1):
            if entry.seq != place:
                raise InvariantBroken(f"journal entry {entry.seq} where {place} was due")
        if not entries:
            return
        encoded = [codec.encode(entry) for entry in entries]

        def work(connection: Connection) -> Known:
            connection.execute(_INSERT, encoded)
            return rows.keep(connection, entries, self._known)

        self._known = await self._write("be written", work)
        self._last += len(entries)

    async def snapshot(self, seq: int, state: bytes) -> None:
        """Keep the state as of `seq`; the two newest snapshots stay."""

        def work(connection: Connection) -> None:
            row = {"seq": seq, "state": state, "crc": codec.checksum(state, seq)}
            connection.execute(delete(snapshots).where(snapshots.c.seq == seq))
            connection.execute(insert(snapshots), row)
            self._probe("mid_snapshot")
            kept = select(snapshots.c.seq).order_by(snapshots.c.seq.desc()).limit(SNAPSHOTS_KEPT)
            newest = [one for (one,) in connection.execute(kept)]
            connection.execute(delete(snapshots).where(snapshots.c.seq.not_in(newest)))

        await self._write("keep a snapshot", work)

    async def _write(self, doing: str, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.write(work)
        except DATABASE_ERRORS as error:
            raise journal_failed(doing, self._database.where, error) from error


def _newest_snapshot(connection: Connection) -> tuple[int, bytes | None]:
    for row in connection.execute(select(snapshots).order_by(snapshots.c.seq.desc())):
        if codec.checksum(row.state, row.seq) == row.crc:
            return row.seq, row.state
    return 0, None


def _set_aside(connection: Connection, bad: Sequence[int]) -> None:
    columns = ["seq", "at", "kind", "payload", "crc"]
    chosen = select(*(journal.c[name] for name in columns)).where(journal.c.seq.in_(bad))
    connection.execute(insert(torn).from_select(columns, chosen))
    connection.execute(delete(journal).where(journal.c.seq.in_(bad)))


def _value(connection: Connection, key: str) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def _instance(connection: Connection) -> str:
    known = _value(connection, "instance")
    if known is None:
        known = "".join(secrets.choice(INSTANCE_LETTERS) for _ in range(INSTANCE_LENGTH))
        connection.execute(insert(meta), {"key": "instance", "value": known})
    return known


def _next_epoch(connection: Connection) -> int:
    known = _value(connection, "epoch")
    epoch = int(known or 0) + 1
    if known is None:
        connection.execute(insert(meta), {"key": "epoch", "value": str(epoch)})
    else:
        connection.execute(update(meta).where(meta.c.key == "epoch").values(value=str(epoch)))
    return epoch
