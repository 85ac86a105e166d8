"""The engine process: the composition root that puts storage, feed, venue, core and control server together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import structlog

from engine.errors import BadInput, TrefoilError
from engine.model.settings import Settings
from engine.ports import Probe
from engine.probe import POINTS, no_probe
from engine.view import StepView, empty_desk
from headless.protocol import VERSION
from headless.publisher import Publisher
from headless.server import ControlServer
from headless.source import Answer
from storage.home import Home
from storage.lock import EngineLock

log = structlog.get_logger()

HISTORY_BARS = 2_500
LOADS_AT_ONCE = 4
STATUS_S = 0.25
TICK_S = 1.0
EQUITY_S = 60.0
SIMULATOR_WAIT_S = 30.0
STEPS = ("journal", "exchange client", "contracts", "history", "account", "live")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine is started.

    Attributes:
        home: data directory.
        mode: demo (simulated exchange) or paper (public data, paper account).
        simulator: file that holds the simulated exchange's addresses and keys (mode 0600), demo only.
        symbols: traded symbols; empty takes all the simulated exchange lists, or the configured ones.
        lockstep: the simulated exchange waits for us after each bar (maximum speed).
        snapshot_every: journal entries between two snapshots.
        settings: overrides of the configured trading numbers.
    """

    home: str
    mode: str = "demo"
    simulator: str = ""
    symbols: tuple[str, ...] = ()
    lockstep: bool = False
    base_ms: int = 60_000
    snapshot_every: int = 10_000
    settings: dict[str, Any] = {}


class Addresses(msgspec.Struct, frozen=True):
    """The first line of a simulated exchange."""

    rest: str
    ws: str
    keys: dict[str, str]
    symbols: tuple[str, ...] = ()
    timeframe_ms: int = 60_000


def crash_probe() -> Probe:
    """A probe that kills this process at the point (and visit) that ``TREFOIL_CRASH=point:n`` names."""
    wanted = os.environ.get("TREFOIL_CRASH", "")
    if not wanted:
        return no_probe
    wanted_point, _, count = wanted.partition(":")
    if wanted_point not in POINTS or not (count or "1").isdigit():
        raise BadInput("TREFOIL_CRASH", wanted, f"use POINT:COUNT with a point of {', '.join(POINTS)}")
    left = int(count or 1)

    def probe(point: str) -> None:
        nonlocal left
        if point == wanted_point:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return probe


class Daemon:
    """One engine. `run` returns when it was stopped in good order and raises what stopped it otherwise."""

    def __init__(self, options: Options, probe: Probe | None = None) -> None:
        self.options = options
        self._probe = probe or crash_probe()
        self.home = Home(Path(options.home)).create()
        self.publisher = Publisher(empty_desk(options.mode), self._chart)
        self.stopped = asyncio.Event()
        self.ready = asyncio.Event()
        self.errors: list[str] = []
        self.runtime: Any = None
        self.market: Any = None
        self.venue: Any = None
        self._feed: Any = None
        self._charts: Any = None
        self._writer: Any = None
        self._history: Any = None
        self._addresses = Addresses("", "", {})
        self._done = dict.fromkeys(STEPS, (0, 0))

    async def run(self) -> None:
        """Start, serve, and stop in good order."""
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
        from storage import migrate
        from storage.database import Database
        from storage.history import History
        from storage.journal import SqlJournal

        self._step("journal", 0, 1)
        database = Database(self.home.database_url)
        try:
            await migrate.upgrade(database)
            probe = self._probe
            journal = SqlJournal(database, probe)
            self._history = History(database)
            from engine.runtime import recover

            core, last = await recover(journal)
            for seq in journal.torn:
                self.errors.append(f"journal entry {seq} could not be read and was set aside")
            self._step("journal", 1, 1)
            async with AsyncExitStack() as resources:
                await self._trade(core, last, journal, probe, resources)
        finally:
            await database.close()

    async def _trade(self, core: Any, last: int, journal: Any, probe: Probe, resources: AsyncExitStack) -> None:
        from engine import readings
        from engine.feeds.ccxt_feed import CcxtFeed
        from engine.market import Market
        from engine.model.event import EngineStarted, LinkChanged
        from engine.runtime import Runtime, SystemClock
        from engine.venues.ccxt_client import Access
        from headless.charts import Charts
        from headless.config import read_config
        from headless.deskwriter import DeskWriter

        options, clock = self.options, SystemClock()
        self._step("exchange client", 0, 1)
        config = read_config(self.home.config)
        settings = msgspec.structs.replace(config.trading.settings(), **options.settings)
        if options.mode == "demo":
            self._addresses = await read_addresses(Path(options.simulator))
            access = Access(
                self._addresses.rest, self._addresses.ws, self._addresses.keys["apiKey"], self._addresses.keys["secret"]
            )
        else:
            access = Access(config.feed.rest, config.feed.ws)
        await asyncio.to_thread(_import_ccxt)
        readings.warm_up()
        self._step("exchange client", 1, 1)
        feed = self._feed = CcxtFeed(access, clock, base_ms=options.base_ms, one_socket=options.lockstep)
        resources.push_async_callback(feed.close)
        self._step("contracts", 0, 1)
        listed = {i.symbol: i for i in await feed.instruments()}
        symbols = self._symbols(listed, config.feed.symbols)
        instruments = tuple(listed[s] for s in symbols)
        self._step("contracts", 1, 1)
        venue = self.venue = self._make_venue(access, clock, probe, core)
        resources.push_async_callback(venue.close)
        runtime = self.runtime = Runtime(
            core,
            journal,
            venue,
            clock,
            last,
            probe=probe,
            view=lambda names: self.market.view(names),  # noqa: PLW0108 - made below
            snapshot_every=options.snapshot_every,
        )
        market = self.market = Market(
            symbols, options.base_ms, settings.timeframe_ms, readings.LiveReadings(settings), clock, runtime.put
        )
        writer = self._writer = DeskWriter(self.publisher, core.state, market)
        self._charts = Charts(
            market, feed, lambda: max((q.venue_time for q in market.quotes.values()), default=clock.now())
        )
        self._charts.attach(self.publisher)
        for watcher in (writer, self._charts):
            market.watch(watcher)
        if options.mode != "demo":
            market.watch(_PaperTap(venue, clock))
        runtime.watch(writer.committed)
        market.on_link(lambda name, up, why: runtime.put(LinkChanged(at=clock.now(), link=name, up=up, reason=why)))
        fresh = core.state.instance == ""
        epoch = await journal.next_epoch()
        runtime.put(
            EngineStarted(
                at=clock.now(),
                instance=await journal.instance(),
                epoch=epoch,
                mode=options.mode,
                venue=venue.name,
                settings=settings,
                instruments=instruments,
                symbols=symbols,
                balance=settings.paper_balance if fresh and options.mode != "demo" else None,
            )
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(runtime.run())
            group.create_task(self._report_status(clock))
            step = None
            if options.lockstep:
                from headless.lockstep import Lockstep

                step = Lockstep(self._addresses.ws, runtime, market, lambda: venue.user_events)
                venue.on_user_event = runtime.settle
                group.create_task(step.run(self.ready))
            await self._load(feed, market, runtime, settings, symbols)
            writer.begin()
            self._step("account", 0, 1)
            await venue.open(instruments, [o for o in core.state.orders.values() if o.open], runtime)
            if options.mode != "demo":
                self._settle(core)
            await runtime.reconciled()
            self._step("account", 1, 1)
            feed.resume({s: market.last_base(s) for s in symbols})
            group.create_task(feed.run(symbols, market))
            self._step("live", 1, 1)
            self.ready.set()
            if not options.lockstep:
                group.create_task(self._tick())

    def _make_venue(self, access: Any, clock: Any, probe: Probe, core: Any) -> Any:
        if self.options.mode == "demo":
            from engine.venues.ccxt_venue import CcxtVenue

            # the simulated exchange's clock is simulated; its signatures are judged by wall time
            return CcxtVenue(access, clock, probe=probe, measure_clock=False)
        from engine.venues.paper import PaperVenue

        return PaperVenue(clock, core.state)

    def _symbols(self, listed: dict[str, Any], configured: tuple[str, ...]) -> tuple[str, ...]:
        wanted = self.options.symbols or (tuple(listed) if self.options.mode == "demo" else configured)
        for symbol in wanted:
            if symbol not in listed:
                raise BadInput("symbol", symbol, f"the exchange lists {', '.join(list(listed)[:4])} ...")
        return tuple(wanted)

    async def _load(self, feed: Any, market: Any, runtime: Any, settings: Settings, symbols: tuple[str, ...]) -> None:
        """Bars before the live ones; symbols the journal does not know get their records from them."""
        from engine.core.state import cost_fraction
        from engine.readings import MIN_BARS, seed

        now = await feed.server_time()
        turn = asyncio.Semaphore(LOADS_AT_ONCE)
        loaded = 0
        base_ms, timeframe_ms = market.base_ms, settings.timeframe_ms

        async def load(symbol: str) -> None:
            nonlocal loaded
            async with turn:
                until = now // timeframe_ms * timeframe_ms
                decision = await feed.history(symbol, timeframe_ms, until - HISTORY_BARS * timeframe_ms, until)
                base = decision
                if base_ms != timeframe_ms:
                    end = now // base_ms * base_ms
                    base = await feed.history(symbol, base_ms, end - 1_500 * base_ms, end)
                market.load(symbol, base, decision)
                s = runtime.core.state.symbols.get(symbol)
                if (s is None or not s.known) and len(decision) >= MIN_BARS:
                    cost = cost_fraction(feed.instrument(symbol))
                    runtime.put(seed(symbol, decision, settings, cost, runtime.now()))
            loaded += 1
            self._step("history", loaded, len(symbols))

        self._step("history", 0, len(symbols))
        await asyncio.gather(*(load(symbol) for symbol in symbols))

    def _settle(self, core: Any) -> None:
        """Paper orders that were open while no engine ran settle on the whole bars since the last known quote."""
        for symbol, s in core.state.symbols.items():
            if s.orders and s.quote.venue_time:
                bars = self.market.base(symbol)
                after = s.quote.venue_time // self.market.base_ms * self.market.base_ms + self.market.base_ms
                self.venue.settle(symbol, bars[int(bars.open_time.searchsorted(after)) :])

    def _chart(self, symbol: str, timeframe_ms: int) -> Any:
        return self._charts.load(symbol, timeframe_ms) if self._charts is not None else None

    def _step(self, name: str, done: int, total: int) -> None:
        self._done[name] = (done, total)
        status = self.publisher.desk.status
        self.publisher.publish(
            msgspec.structs.replace(status, steps=self._steps(), ready=name == "live", pid=os.getpid())
        )

    def _steps(self) -> tuple[StepView, ...]:
        return tuple(StepView(name, *progress) for name, progress in self._done.items())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.runtime.tick()

    async def _report_status(self, clock: Any) -> None:
        while True:
            at = max((q.venue_time for q in self.market.quotes.values()), default=clock.now())
            self._writer.status(
                venue=self.venue.name,
                ready=self.ready.is_set(),
                steps=self._steps(),
                read_only=self.runtime.read_only,
                clock=at,
                now=clock.now(),
            )
            await asyncio.sleep(STATUS_S)

    # Backend of the control server

    async def command(self, command_id: str, source: str, command: Any) -> Answer:
        """Through the one door."""
        if self.runtime is None:
            return Answer(ok=False, text="the engine is still starting")
        answer = await self.runtime.command(command_id, source, command)
        return Answer(answer.ok, answer.text)

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> bytes:
        """History rows."""
        if self._history is None:
            raise BadInput("query", name, "the engine is still starting")
        rows: bytes = await self._history.query(name, args)
        return rows

    async def stop(self) -> None:
        """Stop in good order."""
        self.stopped.set()


class _PaperTap:
    """Hands every quote to the paper venue."""

    def __init__(self, venue: Any, clock: Any) -> None:
        self._venue = venue
        self._clock = clock

    def quoted(self, symbol: str, quote: Any) -> None:
        """A quote the venue fills on."""
        from engine.model.market import MarketView

        self._venue.market(MarketView(((symbol, quote),)), self._clock.now())

    def barred(self, symbol: str, bar: Any, *, closed: bool) -> None:
        """The paper venue lives on quotes."""


def _import_ccxt() -> None:
    import ccxt.pro  # noqa: F401 - 3 s off the event loop


async def read_addresses(file: Path) -> Addresses:
    """Wait for the simulated exchange to say where it is; raises BadInput when it does not in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SIMULATOR_WAIT_S
    while loop.time() < until:
        if file.is_file():
            line, newline, _ = file.read_text(encoding="utf-8").partition("\n")
            if newline:
                return msgspec.json.decode(line, type=Addresses)
        await asyncio.sleep(0.02)
    raise BadInput("simulated exchange", file, "it did not start in time; see its log")


def main() -> int:
    """``python -m headless.daemon OPTIONS`` with the options as JSON; one line on stderr when it fails."""
    options = msgspec.json.decode(sys.argv[1], type=Options)

    async def run() -> None:
        daemon = Daemon(options)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stopped.set)
        await daemon.run()

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    log.info("engine starts", mode=options.mode, protocol=VERSION, pid=os.getpid())
    code = 0
    try:
        asyncio.run(run())
    except* TrefoilError as group:
        for error in leaves(group):
            print(f"engine: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the sentence whoever started us reads
        code = 1
    return code


def leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The single exceptions inside a group."""
    out: list[BaseException] = []
    for error in group.exceptions:
        out += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return out


if __name__ == "__main__":
    sys.exit(main())
