"""The parts of an engine, made and connected: feed, venue, core in its runtime, market, and what watches them.

Importing this imports the heavy libraries, so the engine process does it when its control server already answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from engine import readings
from engine.core.checks import check_settings
from engine.core.core import Core
from engine.errors import BadInput
from engine.feeds.book_feed import BookFeed
from engine.feeds.ccxt_feed import CcxtFeed
from engine.history.keep import BarKeeper
from engine.market import Market
from engine.model.command import Autonomy
from engine.model.event import EngineStarted, LinkChanged
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.settings import Settings
from engine.ports import Clock, Probe
from engine.runtime import Runtime, SystemClock
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.paper import PaperVenue
from headless.accounts import access_of, make_venue
from headless.books import Books
from headless.charts import Charts
from headless.config import read_config
from headless.deskwriter import DeskWriter
from headless.forecasting import Forecasting
from headless.leased import LeasedVenue
from headless.newsroom import newsroom
from headless.options import Addresses, Options, read_addresses
from headless.publisher import Publisher
from headless.steps import StartSteps
from headless.voting import Voting
from storage.candles import ParquetCandles
from storage.home import Home
from storage.journal import SqlJournal
from storage.keys.credentials import Account, Credentials
from storage.lease import Lease

AnyVenue: TypeAlias = CcxtVenue | PaperVenue


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the journal gave: the core, the newest sequence, and the journal to go on with."""

    core: Core
    last_seq: int
    journal: SqlJournal


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that makes an engine; `addresses` are the simulated exchange's, empty without one."""

    options: Options
    addresses: Addresses
    settings: Settings
    instruments: tuple[Instrument, ...]
    clock: Clock
    feed: CcxtFeed
    venue: AnyVenue
    runtime: Runtime
    market: Market
    writer: DeskWriter
    charts: Charts
    books: Books
    book_feed: BookFeed
    candles: ParquetCandles
    keeper: BarKeeper
    forecasting: Forecasting
    voting: Voting

    @property
    def venue_name(self) -> str:
        """The venue's, with its test network."""
        return f"{self.venue.name}-testnet" if self.options.live and self.options.testnet else self.venue.name

    @property
    def symbols(self) -> tuple[str, ...]:
        """Traded symbols."""
        return tuple(instrument.symbol for instrument in self.instruments)

    @property
    def candles_of(self) -> str:
        """Under which venue's name bars are kept."""
        return self.options.market

    def market_time(self) -> int:
        """The market's clock as its quotes tell it, wall time before the first; ms UTC."""
        return max((quote.venue_time for quote in self.market.quotes.values()), default=self.clock.now())


async def assemble(
    options: Options,
    home: Home,
    recovered: Recovered,
    publisher: Publisher,
    steps: StartSteps,
    resources: AsyncExitStack,
    *,
    credentials: Credentials | None,
    lease: Lease | None,
    probe: Probe,
    told: Callable[[str], None],
) -> Parts:
    """Make the parts and queue the event that says so; nothing trades yet.

    Args:
        options: how the engine is started.
        home: its data directory.
        recovered: from the journal.
        publisher: owner of the desk.
        steps: shows "exchange client" and "contracts".
        resources: closes what must be closed.
        credentials: of a live account.
        lease: held by this engine; nothing is sent to a live account without it.
        probe: told of the crash points.
        told: gets sentences about trouble that does not stop the engine.

    Raises:
        BadInput: a setting, a symbol, or a simulated exchange that does not say where it is.
        VenueError: the exchange does not list its contracts.
    """
    clock, core, journal = SystemClock(), recovered.core, recovered.journal
    candles = ParquetCandles(home.candles, told)
    keeper = BarKeeper(candles, options.market, options.base_ms, told)
    resources.push_async_callback(keeper.flush)  # after the feed is closed: it brings bars to the last
    steps.step("exchange client", 0, 1)
    config = read_config(home.config)
    settings = msgspec.structs.replace(config.trading.settings(), **options.settings)
    if options.live:
        settings = msgspec.structs.replace(
            settings, autonomy=Autonomy.APPROVE
        )  # an account's first start; later its own
    check_settings(settings, options.mode)
    addresses = await read_addresses(Path(options.simulator)) if options.demo else Addresses("", "", {})
    news = newsroom(config.ensemble.news, clock, told, demo=options.demo)
    models = addresses.models if options.demo else None
    voting = await asyncio.to_thread(Voting, config.ensemble, home, clock, models, news, told)
    resources.push_async_callback(voting.committee.close)
    settings = voting.settings(settings)
    access = _access(options, addresses, credentials) or Access(config.feed.rest, config.feed.ws)
    await asyncio.to_thread(_import_ccxt)
    readings.warm_up()
    steps.step("exchange client", 1, 1)
    feed = CcxtFeed(access, clock, base_ms=options.base_ms, one_socket=options.lockstep)
    resources.push_async_callback(feed.close)
    steps.step("contracts", 0, 1)
    listed = {instrument.symbol: instrument for instrument in await feed.instruments()}
    instruments = _traded(options, listed, config.feed.symbols)
    symbols = tuple(instrument.symbol for instrument in instruments)
    steps.step("contracts", 1, 1)
    venue = _venue(options, access, clock, probe, core)
    resources.push_async_callback(venue.close)
    runtime = Runtime(
        core,
        journal,
        venue if lease is None else LeasedVenue(venue, lease, clock),
        clock,
        recovered.last_seq,
        probe=probe,
        view=lambda names: market.view(names),  # noqa: PLW0108 - made below
        snapshot_every=options.snapshot_every,
    )
    live = readings.LiveReadings(settings)
    forecasting = Forecasting(home.models, generated=addresses.generated, told=told)
    forecaster = await forecasting.load(symbols, settings.timeframe_ms)
    resources.push_async_callback(forecasting.flush)
    market = Market(symbols, options.base_ms, settings.timeframe_ms, live, clock, runtime.put, forecaster)
    writer = DeskWriter(publisher, core.state, market)
    charts = Charts(market, feed, lambda: parts.market_time())  # noqa: PLW0108 - made below
    charts.attach(publisher)
    books = Books(publisher, {instrument.symbol: instrument for instrument in instruments})
    book_feed = BookFeed(access, clock, books)
    resources.push_async_callback(book_feed.close)
    parts = Parts(
        options,
        addresses,
        settings,
        instruments,
        clock,
        feed,
        venue,
        runtime,
        market,
        writer,
        charts,
        books,
        book_feed,
        candles,
        keeper,
        forecasting,
        voting,
    )
    _connect(parts)
    await _announce(parts, journal, fresh=core.state.instance == "")
    return parts


def _connect(parts: Parts) -> None:
    """Everybody hears what they live on."""
    market, runtime, clock = parts.market, parts.runtime, parts.clock
    for watcher in (parts.writer, parts.charts, parts.keeper):
        market.watch(watcher)
    if isinstance(parts.venue, PaperVenue):
        market.watch(_PaperTap(parts.venue, clock))
    runtime.asker = lambda asked: parts.voting.ask(asked, market, runtime.core.state)
    runtime.watch(parts.writer.committed)
    runtime.watch(parts.keeper.committed)
    market.on_link(lambda name, up, why: runtime.put(LinkChanged(at=clock.now(), link=name, up=up, reason=why)))


async def _announce(parts: Parts, journal: SqlJournal, *, fresh: bool) -> None:
    paper = parts.options.mode == "paper"
    epoch = await journal.next_epoch()
    parts.runtime.put(
        EngineStarted(
            at=parts.clock.now(),
            instance=await journal.instance(),
            epoch=epoch,
            mode=parts.options.mode,
            venue=parts.venue_name,
            settings=parts.settings,
            instruments=parts.instruments,
            symbols=parts.symbols,
            balance=parts.settings.paper_balance if fresh and paper else None,
        )
    )


def _access(options: Options, addresses: Addresses, credentials: Credentials | None) -> Access | None:
    """How to sign in, None where nobody signs in."""
    if options.demo:
        return Access(addresses.rest, addresses.ws, addresses.keys["apiKey"], addresses.keys["secret"])
    if credentials is None:
        return None
    return access_of(Account(options.venue, options.testnet), credentials, options.endpoint)


def _venue(options: Options, access: Access, clock: Clock, probe: Probe, core: Core) -> AnyVenue:
    if options.demo or options.live:
        simulated = options.demo or bool(options.endpoint)
        return make_venue(access, clock, probe, simulated=simulated, heartbeat_ms=options.heartbeat_ms)
    return PaperVenue(clock, core.state)


def _traded(options: Options, listed: Mapping[str, Instrument], configured: tuple[str, ...]) -> tuple[Instrument, ...]:
    wanted = options.symbols or (tuple(listed) if options.demo else configured)
    for symbol in wanted:
        if symbol not in listed:
            raise BadInput("symbol", symbol, f"the exchange lists {', '.join(list(listed)[:4])} ...")
    return tuple(listed[symbol] for symbol in wanted)


def _import_ccxt() -> None:
    import ccxt.pro  # noqa: F401 - 3 s off the event loop


class _PaperTap:
    """Hands every quote to the paper venue."""

    def __init__(self, venue: PaperVenue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock

    def quoted(self, symbol: str, quote: Quote) -> None:
        """A quote the venue fills on."""
        self._venue.market(MarketView(((symbol, quote),)), self._clock.now())

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """The paper venue lives on quotes."""
