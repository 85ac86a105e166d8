"""`trefoil db`: the database's schema, and the history tables that follow from the journal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadInput

if TYPE_CHECKING:
    from storage.database import Database
    from storage.home import Home

app = typer.Typer(
    name="db", help="The database: its schema, and the history tables made from the journal.", no_args_is_help=True
)

Url = Annotated[
    str | None,
    typer.Option(
        "--database", envvar="TREFOIL_DATABASE_URL", help="SQLAlchemy URL; default: the file in TREFOIL_HOME."
    ),
]
INTERRUPTED = 130

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def upgrade(*, database: Url = None, json: Json = False) -> None:
    """Bring the schema to this program's; a SQLite file is copied first. Needs the engine to be stopped."""
    from storage.home import Home
    from storage.lock import EngineLock

    home = Home.locate().create()
    with EngineLock(home.lock):
        before, after, backup = asyncio.run(_upgrade(home, database))
    if before == after:
        text = f"The schema is {after} already, the newest."
    elif before is None:
        text = f"The database was made with schema {after}."
    else:
        text = f"The schema went from {before} to {after}." + (f" A copy from before: {backup}" if backup else "")
    _say({"before": before, "after": after, "backup": backup}, text, json=json)


@app.command()
def current(*, database: Url = None, json: Json = False) -> None:
    """Say which schema the database has, and whether the history tables follow from the journal."""
    from storage.home import Home

    found = asyncio.run(_current(Home.locate(), database))
    if found["schema"] != found["newest"]:
        schema = f"has schema {found['schema']}" if found["schema"] else "has no schema"
        text = f"{found['database']} {schema}; this program needs {found['newest']}: run trefoil db upgrade."
    else:
        tables = "follow from it" if found["current"] else "do not follow from it: run trefoil db rebuild"
        text = (
            f"{found['database']} has schema {found['schema']}, the newest, and {found['entries']:,} journal entries; "
            f"the history tables {tables}."
        )
    _say(found, text, json=json)


@app.command()
def rebuild(*, database: Url = None, json: Json = False) -> None:
    """Make the history tables again from the journal, all or nothing. Needs the engine to be stopped."""
    from storage.home import Home
    from storage.lock import EngineLock

    home = Home.locate().create()
    try:
        with EngineLock(home.lock):
            entries, rows = asyncio.run(_rebuild(home, database))
    except KeyboardInterrupt:
        typer.echo("Stopped; the history tables are as they were.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    listed = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    _say({"entries": entries, "rows": rows}, f"{entries:,} journal entries were read: {listed}.", json=json)


def _say(values: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        import msgspec

        text = msgspec.json.encode(values).decode()
    typer.echo(text)


@asynccontextmanager
async def _opened(home: Home, url: str | None, *, make: bool = False) -> AsyncIterator[Database]:
    from storage.database import Database

    if url is None and not make and not home.database.exists():
        raise BadInput("database", home.database, "there is none yet; run trefoil db upgrade, or start an engine")
    database = Database(url or home.database_url)
    try:
        yield database
    finally:
        await database.close()


async def _upgrade(home: Home, url: str | None) -> tuple[str | None, str, str | None]:
    from storage import migrate

    async with _opened(home, url, make=True) as database:
        before = await migrate.revision(database)
        backup = await migrate.upgrade(database)
    return before, migrate.newest(), None if backup is None else str(backup)


async def _current(home: Home, url: str | None) -> dict[str, Any]:
    from storage import migrate, rebuild

    async with _opened(home, url) as database:
        schema, newest = await migrate.revision(database), migrate.newest()
        entries, follows = await rebuild.state_of(database) if schema == newest else (None, None)
        return {
            "database": database.where, "schema": schema, "newest": newest, "entries": entries, "current": follows,
        }  # fmt: skip


async def _rebuild(home: Home, url: str | None) -> tuple[int, dict[str, int]]:
    from storage import migrate, rebuild

    async with _opened(home, url) as database:
        schema = await migrate.revision(database)
        if schema != migrate.newest():
            raise BadInput("schema", schema or "none", f"run trefoil db upgrade first: {migrate.newest()} is needed")
        made = await rebuild.rebuild(database, _progress())
    return made.entries, made.rows


def _progress() -> Callable[[int, int], None]:
    """A line that is written over on a terminal; elsewhere a line each tenth."""
    terminal = sys.stderr.isatty()
    step, shown = (1, -1) if terminal else (10, 0)

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // total
        if percent // step == shown:
            return
        shown = percent // step
        text = f"{percent:3d} % of {total:,} journal entries"
        typer.echo(f"\r{text}" if terminal else text, nl=not terminal or done == total, err=True)

    return show
