"""How the voters have done: the report of `engine.ai.scores` over what the journal has scored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, Table, func, select

from engine.ai.scores import report
from engine.model.standing import Report
from engine.model.vote import Score, Vote
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.tables import scores, votes

NAME = "standings"
NEWEST = 20_000


class Standings:
    """The report, made again only where votes have been cast or scored since: a screen asks every few seconds.

    Args:
        database: of the journal.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: tuple[int | None, int | None] | None = None
        self._report = Report((), (), ())

    async def read(self) -> Report:
        """Over the newest scores and votes; raises JournalFailed where the database cannot be read."""
        newest = await self._newest_id(scores), await self._newest_id(votes)
        if newest != self._newest:
            scored, cast = await _rows(self._database, _bodies(scores)), await _rows(self._database, _bodies(votes))
            # Some 20,000 of each in a thread: the engine's loop has bars to hear.
            self._report = await asyncio.to_thread(_reported, scored, cast)
            self._newest = newest
        return self._report

    async def _newest_id(self, table: Table) -> int | None:
        found: int | None = (await _rows(self._database, select(func.max(table.c.id))))[0]
        return found


def _bodies(table: Table) -> Select[Any]:
    return select(table.c.body).order_by(table.c.at.desc(), table.c.id.desc()).limit(NEWEST)


async def _rows(database: Database, query: Select[Any]) -> Sequence[Any]:
    """The first column of what is found."""
    try:
        async with database.connect() as connection:
            found: Sequence[Any] = (await connection.execute(query)).scalars().all()
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error
    return found


def _reported(scored: Sequence[str], cast: Sequence[str]) -> Report:
    score, vote = msgspec.json.Decoder(Score), msgspec.json.Decoder(Vote)
    return report([score.decode(body) for body in scored], [vote.decode(body) for body in cast])
