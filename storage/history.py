"""History for the screens: rows of the journal's notes and events, newest first, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from engine.errors import BadInput
from storage import codec
from storage.database import Database
from storage.tables import journal

LIMIT = 200
MOST = 1_000
KINDS: dict[str, tuple[str, ...]] = {
    "fills": ("OrderFilled",),
    "commands": ("CommandReceived",),
    "orders": ("OrderAccepted", "OrderRefused", "OrderGone", "OrderLost"),
}


class History:
    """Reads beside the engine that writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def query(self, name: str, args: Mapping[str, str | int | float | None]) -> bytes:
        """Entries of a kind before sequence `before`, at most `limit`; raises BadInput for an unknown name."""
        kinds = KINDS.get(name)
        if kinds is None:
            raise BadInput("query", name, f"use one of {', '.join(KINDS)}")
        limit = min(MOST, int(args.get("limit") or LIMIT))
        before = int(args.get("before") or 2**62)
        chosen = (
            select(journal)
            .where(journal.c.kind.in_(kinds), journal.c.seq < before)
            .order_by(journal.c.seq.desc())
            .limit(limit)
        )
        async with self._database.connect() as connection:
            rows = (await connection.execute(chosen)).all()
        entries = [codec.decode(row.seq, row.payload, row.crc) for row in rows]
        return msgspec.json.encode([{"seq": entry.seq, "event": entry.event} for entry in entries])
