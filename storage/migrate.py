"""Bring a database to this program's schema: on start, under the engine lock, after a backup of the SQLite file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.errors import BadInput
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.lock import EngineLock

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


async def revision(database: Database) -> str | None:
    """The same for a database as a whole; JournalFailed where it cannot be read."""
    try:
        async with database.connect() as connection:
            return await connection.run_sync(revision_of)
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error


async def upgrade(database: Database) -> Path | None:
    """Migrate to the newest revision; returns the backup that was made, None where nothing was to be done or lost.

    Raises:
        BadInput: the database is newer than this program.
        JournalFailed: it cannot be read or written.
    """
    known = await revision(database)
    if known == newest():
        return None
    try:
        revisions = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if known is not None and known not in revisions:
            raise BadInput("database", database.where, f"its schema {known} is newer than this program; update Trefoil")
        backup = _backup(database.file, known) if known is not None and database.file is not None else None
        await database.write(lambda connection: command.upgrade(_config(connection), "head"))
    except DATABASE_ERRORS as error:
        raise journal_failed("be migrated", database.where, error) from error
    return backup


async def ready(database: Database, lock: Path) -> Path | None:
    """Migrate where that is needed, holding the engine's `lock` meanwhile; returns the backup that was made.

    Raises:
        EngineRunning: a migration is needed and an engine works on this data directory.
        BadInput, JournalFailed: as `upgrade`.
    """
    if await revision(database) == newest():
        return None
    with EngineLock(lock):
        return await upgrade(database)


def _backup(file: Path, revision: str) -> Path:
    """A whole copy under a name of its own; what was begun and not finished is not called a backup."""
    target = file.with_name(f"{file.name}.{revision}.backup")
    begun = target.with_name(f"{target.name}.part")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(begun)) as copy:
            source.backup(copy)
        begun.replace(target)
    except (sqlite3.Error, OSError) as error:
        begun.unlink(missing_ok=True)
        raise journal_failed("be copied before its migration", str(file), error) from error
    return target
