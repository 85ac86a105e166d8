"""Connections: one writer, many readers, the same SQL on SQLite and Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from engine.errors import BadInput

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
_PRAGMAS = ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}")


class Database:
    """A database by URL (``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://...``).

    Writes are functions of a synchronous SQLAlchemy connection, each run as one transaction. On SQLite they run in one
    thread of their own: a whole transaction costs one hop off the event loop (0.3 ms with its fsync), where aiosqlite
    takes one for every statement (0.9 ms), and the loop stays free meanwhile. Elsewhere the same functions run on the
    async driver through `run_sync`. Reads go through `connect`, on connections of their own.

    Args:
        url: SQLAlchemy URL; BadInput when it cannot be understood or its driver is not installed.
        own_thread: whether writes run in a thread; by default on SQLite.
        durable: a commit waits for the disk. Without it SQLite still loses nothing when the process dies, only when the
            power fails: for a market that is not real and would be waited for.
    """

    def __init__(self, url: str, *, own_thread: bool | None = None, durable: bool = True) -> None:
        try:
            parsed = make_url(url)
            self.sqlite = parsed.get_backend_name() == "sqlite"
            self.where = parsed.database if self.sqlite and parsed.database else parsed.render_as_string()
            self._async = create_async_engine(parsed, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise BadInput(
                "database URL",
                url.rsplit("@", maxsplit=1)[-1],
                f"use sqlite+aiosqlite:///FILE or postgresql+asyncpg://... ({error})",
            ) from error
        self._turn = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._sync: Engine | None = None
        if self.sqlite:
            _listen(self._async.sync_engine, "BEGIN", durable=durable)
        if self.sqlite if own_thread is None else own_thread:
            self._sync = create_engine(parsed.set(drivername="sqlite"), hide_parameters=True, pool_size=1)
            _listen(self._sync, "BEGIN IMMEDIATE", durable=durable)
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trefoil-database")

    @property
    def file(self) -> Path | None:
        """The SQLite file, None elsewhere."""
        return Path(self.where) if self.sqlite else None

    @property
    def readers(self) -> AsyncEngine:
        """The engine that hands out reading connections."""
        return self._async

    def connect(self) -> AsyncConnection:
        """A connection for reading: ``async with database.connect() as connection``."""
        return self._async.connect()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, after the writes before it; any exception rolls it back and comes out."""
        if self._thread is not None and self._sync is not None:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _transaction, self._sync, work)
        async with self._turn, self._async.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close every connection after the writes that wait."""
        if self._thread is not None and self._sync is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._sync.dispose)
            self._thread.shutdown()
        await self._async.dispose()


def _transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _listen(engine: Engine, begin: str, *, durable: bool) -> None:
    """Set the pragmas on each new SQLite connection, and begin transactions by hand so that they cover DDL too."""

    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, f"synchronous={'FULL' if durable else 'NORMAL'}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
