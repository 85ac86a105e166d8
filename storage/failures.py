"""What a database error means, and what a person can do about it."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.errors import JournalFailed, TrefoilError

# A database that cannot be reached at all answers with the operating system's error.
DATABASE_ERRORS = (SQLAlchemyError, OSError)

# SQLite's error names by prefix (extended codes carry a suffix); the first that fits wins.
_REMEDIES: tuple[tuple[str, str], ...] = (
    ("SQLITE_FULL", "the disk or the database's size limit is full; free some space and start the engine again"),
    ("SQLITE_READONLY", "the database may not be written; check who owns the file and whether its disk is read-only"),
    ("SQLITE_BUSY", "another program keeps the database locked; close it and start the engine again"),
    ("SQLITE_LOCKED", "another program keeps the database locked; close it and start the engine again"),
    ("SQLITE_CORRUPT", "the database file is damaged; restore the newest backup beside it, or move it away"),
    ("SQLITE_NOTADB", "the file is not a database; restore the newest backup beside it, or move it away"),
    ("SQLITE_CANTOPEN", "the database cannot be opened; check that its folder exists and may be written"),
    ("SQLITE_IOERR", "the disk did not read or write; check its health and its free space"),
)


def remedy(error: Exception) -> str:
    """What happened and what to do, in one clause; never the statement's parameters."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    while cause is not None:
        name = str(getattr(cause, "sqlite_errorname", ""))
        for prefix, text in _REMEDIES:
            if name.startswith(prefix):
                return text
        if cause.__cause__ is None:
            break
        cause = cause.__cause__
    lines = str(cause).splitlines()  # a server's further lines may repeat values
    return f"the database answered: {lines[0] if lines else type(cause).__name__}"


def journal_failed(doing: str, where: str, error: Exception) -> JournalFailed:
    """One sentence: what was being done, on which database, why it failed and what helps."""
    return JournalFailed(f"The journal could not {doing} in {where}: {remedy(error)}.")


def research_failed(doing: str, where: str, error: Exception) -> TrefoilError:
    """The same sentence for research runs."""
    return TrefoilError(f"A research run could not {doing} in {where}: {remedy(error)}.")
