"""Databases for the storage tests: a SQLite file always, a Postgres where one can be had."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from storage import migrate
from storage.database import Database
from tests.absent import absent

NOBODY = "nobody"


def _program(name: str) -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name) or next((str(p / name) for p in places if (p / name).is_file()), None)


def _as_user(*command: str) -> None:
    """Postgres refuses to run as root; then it runs as nobody."""
    prefix = ("runuser", "-u", NOBODY, "--") if os.getuid() == 0 else ()
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a Postgres that may make databases: TREFOIL_TEST_POSTGRES, or one started here on a socket of its own."""
    if importlib.util.find_spec("asyncpg") is None:
        absent("Postgres is not tested: asyncpg is not installed")
    given = os.environ.get("TREFOIL_TEST_POSTGRES")
    if given:
        yield given
        return
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        absent("Postgres is not tested: set TREFOIL_TEST_POSTGRES to a URL, or install its server")
    folder = Path(tempfile.mkdtemp(prefix="trefoil-pg-"))  # short: the socket's path has about 100 bytes
    folder.chmod(0o777)
    data = str(folder / "data")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=40"
    try:
        _as_user(initdb, "-D", data, "-U", "trefoil", "-A", "trust", "-E", "UTF8", "--no-sync")
        _as_user(control, "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start")
        yield f"postgresql+asyncpg://trefoil@/postgres?host={folder}"
        _as_user(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


async def _on_server(server: str, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate.upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Name of a migrated database that the tests' own are copies of."""
    name = f"trefoil_{secrets.token_hex(4)}"
    asyncio.run(_on_server(postgres_server, f"CREATE DATABASE {name}"))
    asyncio.run(_migrate(_named(postgres_server, name)))
    yield name
    asyncio.run(_on_server(postgres_server, f"DROP DATABASE {name}"))


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'trefoil.db'}"


@pytest.fixture
def sqlite_migrated(sqlite_url: str) -> str:
    """URL of a migrated SQLite file."""
    asyncio.run(_migrate(sqlite_url))
    return sqlite_url


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """A migrated SQLite file."""
    database = Database(sqlite_url)
    await migrate.upgrade(database)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        asyncio.run(_migrate(url))
        yield url
        return
    server: str = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("postgres_template")
    name = f"{template}_{secrets.token_hex(4)}"
    asyncio.run(_on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _named(server, name)
    asyncio.run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database, SQLite and Postgres in turn."""
    database = Database(database_url)
    yield database
    await database.close()
