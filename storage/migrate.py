"""Bring a database to this program's schema: on start, under the engine lock, after a backup of the SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.errors import BadInput
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed

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


async def upgrade(database: Database) -> Path | None:
    """Migrate to the newest revision; returns the backup that was made, None where nothing was to be done or lost.

    Raises:
        BadInput: the database is newer than this program.
        JournalFailed: it cannot be read or written.
    """
    try:
        known = await database.write(revision_of)
        if known == newest():
            return None
        revisions = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if known is not None and known not in revisions:
            raise BadInput("database", database.where, f"its schema {known} is newer than this program; update Trefoil")
        backup = _backup(database.file, known) if known is not None and database.file is not None else None
        await database.write(lambda connection: command.upgrade(_config(connection), "head"))
    except DATABASE_ERRORS as error:
        raise journal_failed("be migrated", database.where, error) from error
    return backup


def _backup(file: Path, revision: str) -> Path:
    target = file.with_name(f"{file.name}.{revision}.backup")
    with sqlite3.connect(file) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target
