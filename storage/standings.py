"""How the voters have done: the report of `engine.ai.scores` over what the journal has scored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from engine.ai.scores import report
from engine.model.standing import Report
from engine.model.vote import Score
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.tables import scores

NAME = "standings"
NEWEST = 20_000


async def read(database: Database) -> Report:
    """Over the newest scores; raises JournalFailed where the database cannot be read."""
    query = select(scores.c.body).order_by(scores.c.at.desc(), scores.c.id.desc()).limit(NEWEST)
    try:
        async with database.connect() as connection:
            bodies = (await connection.execute(query)).scalars().all()
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error
    return await asyncio.to_thread(_report, bodies)  # some 20,000 of them: the engine's loop has bars to hear


def _report(bodies: Sequence[str]) -> Report:
    decoder = msgspec.json.Decoder(Score)
    return report([decoder.decode(body) for body in bodies])
