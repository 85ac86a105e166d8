"""How the voters have done: the report of `engine.ai.scores` over what the journal has scored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, func, select

from engine.ai.scores import report
from engine.model.standing import Report
from engine.model.vote import Score
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.tables import scores

NAME = "standings"
NEWEST = 20_000


class Standings:
    """The report, made again only where votes have been scored since: a screen asks every few seconds.

    Args:
        database: of the journal.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: int | None = None
        self._report = Report((), (), ())

    async def read(self) -> Report:
        """Over the newest scores; raises JournalFailed where the database cannot be read."""
        newest = (await _rows(self._database, select(func.max(scores.c.id))))[0]
        if newest != self._newest:
            found = await _rows(self._database, _NEWEST_SCORES)
            # Some 20,000 of them in a thread: the engine's loop has bars to hear.
            self._report = await asyncio.to_thread(_reported, found)
            self._newest = newest
        return self._report


_NEWEST_SCORES = select(scores.c.body).order_by(scores.c.at.desc(), scores.c.id.desc()).limit(NEWEST)


async def _rows(database: Database, query: Select[Any]) -> Sequence[Any]:
    """The first column of what is found."""
    try:
        async with database.connect() as connection:
            found: Sequence[Any] = (await connection.execute(query)).scalars().all()
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error
    return found


def _reported(bodies: Sequence[str]) -> Report:
    decoder = msgspec.json.Decoder(Score)
    return report([decoder.decode(body) for body in bodies])
