"""Research runs (backtests, optimisations, scans): kept, listed, compared and removed. Any process may write."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, tuple_

from engine.errors import BadInput
from storage import migrate
from storage.database import Database
from storage.failures import DATABASE_ERRORS, research_failed
from storage.home import Home
from storage.tables import research_runs as runs

T = TypeVar("T")

LIMIT = 50


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run without its whole result.

    Attributes:
        id: chosen by `new_id`; saving another run under it replaces the first.
        kind: ``backtest``, ``optimisation``, ``scan`` ...
        name: what was run, e.g. the strategy.
        symbol: unified symbol, or empty.
        timeframe: ``15m`` and so on, or empty.
        created: ms UTC.
        params: what it was run with; JSON values or numpy numbers.
        summary: the numbers that a list shows and a comparison sorts by, likewise; NaN and infinity come back as None.
    """

    id: str
    kind: str
    name: str
    created: int
    symbol: str = ""
    timeframe: str = ""
    params: dict[str, Any] = {}
    summary: dict[str, Any] = {}


def new_id() -> str:
    """Twelve letters and digits that no other run has."""
    return secrets.token_hex(6)


@asynccontextmanager
async def opened(home: Home) -> AsyncIterator[Research]:
    """The runs of a data directory; its database is made or migrated first where that is needed.

    Raises:
        EngineRunning: the database needs a migration while an engine works on it.
        BadInput: it is newer than this program.
        JournalFailed: it cannot be read or written.
    """
    home.create()
    database = Database(home.database_url)
    try:
        await migrate.ready(database, home.lock)
        yield Research(database)
    finally:
        await database.close()


class Research:
    """The runs in a migrated database. Every method raises TrefoilError where the database cannot be read or written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, run: Run, payload: bytes = b"") -> None:
        """Keep a run and its whole result, replacing the one of the same id."""
        row = {
            **msgspec.structs.asdict(run),
            "params": _json(run, "params"),
            "summary": _json(run, "summary"),
            "payload": payload,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(runs).where(runs.c.id == run.id))
            connection.execute(insert(runs), row)

        await self._write("be saved", work)

    async def get(self, run_id: str) -> Run | None:
        """A run without its payload; None where there is none of this id."""
        found = await self._read(_listed().where(runs.c.id == run_id))
        return _run(found[0]) if found else None

    async def payload(self, run_id: str) -> bytes | None:
        """A run's whole result as it was given; None where there is no such run."""
        found = await self._read(select(runs.c.payload).where(runs.c.id == run_id))
        return bytes(found[0].payload) if found else None

    async def list(
        self,
        *,
        kind: str = "",
        name: str = "",
        symbol: str = "",
        timeframe: str = "",
        limit: int = LIMIT,
        after: Run | None = None,
    ) -> tuple[Run, ...]:
        """Runs, newest first; what is empty is not asked for. `after`: the last run of the page before."""
        query = _listed().order_by(runs.c.created.desc(), runs.c.id.desc()).limit(limit)
        wanted = {"kind": kind, "name": name, "symbol": symbol, "timeframe": timeframe}
        for column, value in wanted.items():
            if value:
                query = query.where(runs.c[column] == value)
        if after is not None:
            query = query.where(tuple_(runs.c.created, runs.c.id) < tuple_(after.created, after.id))
        return tuple(_run(row) for row in await self._read(query))

    async def remove(self, *run_ids: str) -> int:
        """Forget runs; returns how many there were."""

        def work(connection: Connection) -> int:
            return connection.execute(delete(runs).where(runs.c.id.in_(run_ids))).rowcount

        return await self._write("be removed", work)

    async def _read(self, query: Select[Any]) -> tuple[Row[Any], ...]:
        try:
            async with self._database.connect() as connection:
                return tuple(await connection.execute(query))
        except DATABASE_ERRORS as error:
            raise research_failed("be read", self._database.where, error) from error

    async def _write(self, doing: str, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.write(work)
        except DATABASE_ERRORS as error:
            raise research_failed(doing, self._database.where, error) from error


def _listed() -> Select[Any]:
    return select(*(column for column in runs.c if column.name != "payload"))


def _run(row: Row[Any]) -> Run:
    values = row._asdict()
    return Run(**{**values, **{name: msgspec.json.decode(values[name]) for name in ("params", "summary")}})


def _json(run: Run, name: str) -> str:
    try:
        return msgspec.json.encode(getattr(run, name), enc_hook=_plain).decode()
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"run {run.id} {name}", type(getattr(run, name)).__name__, f"use JSON values ({error})"
        ) from error


def _plain(value: Any) -> Any:
    """A numpy number as Python's."""
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"{type(value).__name__} is none")
