"""History for the screens: pages of the history tables, newest first, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Column, Select, Table, func, select, tuple_

from engine.errors import BadInput
from engine.ledger import Page, Row
from storage import pages, standings, tables, trail
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed

LIMIT = 200
MOST = 1_000
_TIMES = 2**53

Time = Annotated[int, Meta(ge=0, le=_TIMES)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page is to hold.

    Attributes:
        symbol: only this one; empty for all.
        since: rows at or after it, ms UTC.
        until: rows before it, ms UTC.
        limit: at most so many rows.
        before: the cursor that the page before this one named; empty for the newest page.
        every: of equity, only the last row of each stretch of so many ms; 0 for all.
    """

    symbol: str = ""
    since: Time = 0
    until: Time = _TIMES
    limit: Annotated[int, Meta(ge=1, le=MOST)] = LIMIT
    before: Annotated[str, Meta(pattern=r"^(\d{1,18}\.\d{1,18})?$")] = ""
    every: Time = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table, the time its rows are ordered by, and how a row is read."""

    table: Table
    time: str
    row: Callable[[Mapping[str, Any]], Row]

    @property
    def place(self) -> Column[int]:
        """Tells rows of one time apart."""
        found: Column[int] = self.table.c.get("id", self.table.c[self.time])
        return found


_KINDS: dict[str, _Kind] = {
    "orders": _Kind(tables.orders, "created", pages.order_row),
    "fills": _Kind(tables.fills, "at", pages.fill_row),
    "positions": _Kind(tables.positions, "opened", pages.position_row),
    "closed": _Kind(tables.positions, "closed", pages.position_row),
    "signals": _Kind(tables.signals, "at", pages.signal_row),
    "commands": _Kind(tables.commands, "at", pages.command_row),
    "notes": _Kind(tables.notes, "at", pages.note_row),
    "votes": _Kind(tables.votes, "at", pages.vote_row),
    "scores": _Kind(tables.scores, "at", pages.score_row),
    "equity": _Kind(tables.equity, "at", pages.equity_row),
}


class History:
    """Reads beside the engine that writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings = standings.Standings(database)

    async def query(self, name: str, args: Mapping[str, str | int | float | None]) -> bytes:
        """A page as JSON: ``{"rows": [...], "next": cursor or null}``; the rows are those of `engine.ledger`.

        Args:
            name: orders, fills, positions, closed (positions by the time they closed), signals, commands, notes, votes,
                scores or equity; `trail` answers an `engine.ledger.Trail`,
                `standings` an `engine.model.standing.Report`.
            args: the fields of `Wanted` (for a trail of `storage.trail.Of`) by name; None counts as not given.

        Raises:
            BadInput: an unknown name or argument, or a value out of its bounds.
            JournalFailed: the database cannot be read.
        """
        given = {key: value for key, value in args.items() if value is not None}
        try:
            if name == trail.NAME:
                return msgspec.json.encode(await trail.read(self._database, msgspec.convert(given, trail.Of)))
            if name == standings.NAME:
                return msgspec.json.encode(await self._standings.read())
            wanted = msgspec.convert(given, Wanted)
        except msgspec.ValidationError as error:
            raise BadInput(f"query {name}", given, str(error)) from error
        return msgspec.json.encode(await self.page(name, wanted))

    async def page(self, name: str, wanted: Wanted) -> Page:
        """The same for a caller in this process."""
        kind = _KINDS.get(name)
        if kind is None:
            raise BadInput("query", name, f"use one of {', '.join(_KINDS)}")
        if wanted.every and kind.table is not tables.equity:
            raise BadInput(f"query {name}", wanted.every, "only equity can be thinned out")
        if wanted.symbol and "symbol" not in kind.table.c:
            raise BadInput(f"query {name}", wanted.symbol, "ask without a symbol: it is that of the whole account")
        try:
            async with self._database.connect() as connection:
                found = (await connection.execute(chosen(kind, wanted))).mappings().all()
        except DATABASE_ERRORS as error:
            raise journal_failed("be read", self._database.where, error) from error
        shown = found[: wanted.limit]
        last = shown[-1] if len(found) > wanted.limit else None
        cursor = None if last is None else f"{last[kind.time]}.{last[kind.place.name]}"
        return Page(tuple(kind.row(row) for row in shown), cursor)


def chosen(kind: _Kind, wanted: Wanted) -> Select[Any]:
    """The one statement a page costs: a walk along an index, one row further than the page shows."""
    table, time = kind.table, kind.table.c[kind.time]
    query = select(table).order_by(time.desc(), kind.place.desc()).limit(wanted.limit + 1)
    if time.nullable:
        query = query.where(time.is_not(None))
    if wanted.symbol:
        query = query.where(table.c.symbol == wanted.symbol)
    if wanted.since:
        query = query.where(time >= wanted.since)
    if wanted.until < _TIMES:
        query = query.where(time < wanted.until)
    if wanted.every:
        query = query.where(time.in_(select(func.max(time)).where(time >= wanted.since).group_by(time // wanted.every)))
    if wanted.before:
        at, place = wanted.before.split(".")
        query = query.where(tuple_(time, kind.place) < tuple_(int(at), int(place)))
    return query
