"""The engine process: data directory, journal, control server, and the engine behind them."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from engine.errors import BadInput, TrefoilError
from engine.garbage import collect_seldom, pass_over_what_is_loaded
from engine.model.command import Command
from engine.ports import Probe
from engine.view import empty_desk
from engine.view_bars import BarsView
from headless.options import Options, crash_probe, read_options
from headless.protocol import VERSION
from headless.publisher import Publisher
from headless.server import ControlServer
from headless.source import Answer
from headless.steps import StartSteps
from storage.home import Home
from storage.keys.credentials import Account, Credentials, from_text
from storage.lock import EngineLock

if TYPE_CHECKING:
    from types import TracebackType

    # heavy: imported when the control server already answers
    from headless.parts import Parts
    from storage.database import Database
    from storage.history import History
    from storage.journal import SqlJournal
    from storage.lease import Lease

log = structlog.get_logger()

LAST_WORDS = 200


class Daemon:
    """One engine; the backend of its control server. `parts` is None until they have been made.

    Args:
        options: how it is started.
        probe: told of the crash points; default: the one that ``TREFOIL_CRASH`` names.
        credentials: of a live account; default: from the places of `storage.keys`.
    """

    def __init__(self, options: Options, probe: Probe | None = None, credentials: Credentials | None = None) -> None:
        self.options = options
        self.home = Home(Path(options.home)).create()
        self.publisher = Publisher(empty_desk(options.mode), self._chart)
        self.stopped = asyncio.Event()
        self.ready = asyncio.Event()
        self.errors: list[str] = []
        self._credentials = credentials
        self.lease: Lease | None = None
        self._probe = probe or crash_probe(os.environ.get("TREFOIL_CRASH", ""))
        self._steps = StartSteps(self.publisher, self._told)
        self.parts: Parts | None = None
        self._history: History | None = None

    async def run(self) -> None:
        """Start, serve, and return when it was stopped in good order; raises what stopped it otherwise."""
        with EngineLock(self.home.lock):
            server = ControlServer(self.publisher, self, name="trefoil")
            await server.listen_unix(self.home.socket)
            try:
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(server.run())
                    engine = group.create_task(self._engine())
                    await self.stopped.wait()
                    serving.cancel()
                    engine.cancel()
            finally:
                await server.close()

    async def _engine(self) -> None:
        from storage.database import Database

        self._steps.step("journal", 0, 1)
        database = Database(self.home.database_url, durable=not self.options.lockstep)
        try:
            async with AsyncExitStack() as resources:
                await self._trade(database, resources)
        finally:
            await database.close()

    async def _trade(self, database: Database, resources: AsyncExitStack) -> None:
        from engine.runtime import recover
        from storage import migrate
        from storage.history import History
        from storage.journal import SqlJournal

        await migrate.upgrade(database)
        journal = SqlJournal(database, self._probe)
        self._history = History(database)
        core, last_seq = await recover(journal)
        for seq in journal.torn:
            self._told(f"journal entry {seq} could not be read and was set aside")
        self._steps.step("journal", 1, 1)
        from headless import assembly, live
        from headless.parts import Given, Recovered

        credentials = self._credentials or needed_by(self.options, self.home)
        if credentials is not None:
            await self._hold(database, journal, credentials, resources)
        given = Given(
            options=self.options,
            home=self.home,
            recovered=Recovered(core, last_seq, journal),
            publisher=self.publisher,
            steps=self._steps,
            resources=resources,
            credentials=credentials,
            lease=self.lease,
            probe=self._probe,
            told=self._told,
        )
        self.parts = await assembly.assemble(given)
        if self.lease is not None and self.lease.lost:
            self.parts.runtime.stand_down(self.lease.lost)
        await live.trade(self.parts, self._steps, self.ready)

    async def _hold(
        self, database: Database, journal: SqlJournal, credentials: Credentials, resources: AsyncExitStack
    ) -> None:
        """Be the one engine of a real account, on this machine by a lock and on this database by a lease."""
        from headless.leased import AccountLock
        from storage.lease import Lease

        lock = AccountLock(Account(self.options.venue, self.options.testnet), credentials)
        lock.acquire()
        resources.callback(lock.release)
        lease = Lease(database, f"{await journal.instance()}, process {os.getpid()}, {secrets.token_hex(4)}")
        await lease.take(alone=database.sqlite)
        resources.push_async_callback(lease.release)
        keeping = asyncio.create_task(lease.keep(self._lost))
        resources.callback(keeping.cancel)
        self.lease = lease

    def _lost(self, reason: str) -> None:
        """Somebody else has the account now, or may have."""
        self._told(f"this engine is read-only: {reason}")
        if self.parts is not None:
            self.parts.runtime.stand_down(reason)

    def _told(self, sentence: str) -> None:
        """Trouble that does not stop the engine."""
        self.errors.append(sentence)
        log.warning(sentence)

    def _chart(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        return self.parts.charts.load(symbol, timeframe_ms) if self.parts is not None else None

    # Backend of the control server

    async def command(self, command_id: str, source: str, command: Command) -> Answer:
        """Through the one door."""
        if self.parts is None:
            return Answer(ok=False, text="the engine is still starting")
        answer = await self.parts.runtime.command(command_id, source, command)
        return Answer(answer.ok, answer.text)

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> bytes:
        """History rows."""
        if self._history is None:
            raise BadInput("query", name, "the engine is still starting")
        return await self._history.query(name, args)

    async def stop(self) -> None:
        """Stop in good order."""
        self.stopped.set()


def main() -> int:
    """``python -m headless.daemon OPTIONS`` with the options as JSON; one line on stderr when it fails."""

    async def run() -> None:
        """Until a signal, or until the engine stops."""
        options = read_options(sys.argv[1] if len(sys.argv) > 1 else "")
        credentials = None
        if options.live and options.keys == "pipe":
            credentials = from_text(sys.stdin.readline(), "stdin")
        log.info("engine starts", mode=options.mode, protocol=VERSION, pid=os.getpid())
        daemon = Daemon(options, credentials=credentials)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stopped.set)
        started = asyncio.create_task(_started(daemon.ready))
        try:
            await daemon.run()
        finally:
            started.cancel()

    collect_seldom()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.excepthook = tell_defect
    code = 0
    try:
        asyncio.run(run())
    except* TrefoilError as group:
        for error in leaves(group):
            _last_words(str(error))
        code = 1
    return code


async def _started(ready: asyncio.Event) -> None:
    """Once the start is over, what it loaded is left out of garbage collection."""
    await ready.wait()
    pass_over_what_is_loaded()


def tell_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody expected ended this process: all of it, then the line that a station shows."""
    sys.__excepthook__(kind, error, trace)
    first = leaves(error)[0] if isinstance(error, BaseExceptionGroup) else error
    said = " ".join(str(first).split())[:LAST_WORDS]
    _last_words(f"a defect of Trefoil ({type(first).__name__}: {said}); its log says more")


def _last_words(sentence: str) -> None:
    """What whoever started us reads."""
    print(f"engine: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - to a log, not to a person's terminal


def needed_by(options: Options, home: Home) -> Credentials | None:
    """The keys of a live account; BadInput with one sentence where there are none. Nobody is asked for a passphrase."""
    if not options.live:
        return None
    from storage.keys.find import needed

    return needed(home, Account(options.venue, options.testnet)).credentials


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The single exceptions inside a group."""
    out: list[BaseException] = []
    for error in group.exceptions:
        out += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return out


if __name__ == "__main__":
    sys.exit(main())
