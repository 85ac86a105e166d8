"""How the parts of an engine are made and connected.

Importing this imports the heavy libraries, so the engine process does it when its control server already answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from engine import readings
from engine.core.checks import check_settings
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
from engine.ports import Clock
from engine.runtime import Runtime
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.paper import PaperVenue
from headless.accounts import access_of, check_key, make_venue
from headless.books import Books
from headless.charts import Charts
from headless.config import Config, read_config
from headless.deskwriter import DeskWriter
from headless.forecasting import Forecasting
from headless.leased import LeasedVenue
from headless.newsroom import newsroom
from headless.options import Addresses, Options, read_addresses
from headless.parts import AnyVenue, Given, Parts
from headless.persist import persist
from headless.voting import Voting
from storage.candles import ParquetCandles
from storage.journal import SqlJournal
from storage.keys.credentials import Account, Credentials


async def assemble(given: Given) -> Parts:
    """Make the parts and queue the event that says so; nothing trades yet.

    Raises:
        BadInput: a setting, a symbol, a key that may too much or too little, or a simulated exchange that does not say
            where it is.
        VenueRejected: the exchange refuses us; while it does not answer it is asked again.
    """
    options, home, clock, core = given.options, given.home, given.clock, given.recovered.core
    candles = ParquetCandles(home.candles, given.told)
    keeper = BarKeeper(candles, options.market, options.base_ms, given.told)
    given.resources.push_async_callback(keeper.flush)  # after the feed is closed: it brings bars to the last
    given.steps.step("exchange client", 0, 1)
    config = read_config(home.config)
    settings = _settings(given, config)
    addresses = await read_addresses(Path(options.simulator)) if options.demo else Addresses("", "", {})
    voting = await _voting(given, config, addresses)
    settings = voting.settings(settings)
    access = _access(options, addresses, given.credentials) or Access(config.feed.rest, config.feed.ws)
    await asyncio.to_thread(_import_ccxt)
    readings.warm_up()
    given.steps.step("exchange client", 1, 1)
    feed = CcxtFeed(access, clock, base_ms=options.base_ms, one_socket=options.lockstep)
    given.resources.push_async_callback(feed.close)
    instruments = await _contracts(given, feed, config)
    symbols = tuple(instrument.symbol for instrument in instruments)
    venue = _venue(given, access)
    given.resources.push_async_callback(venue.close)
    if options.live and not options.testnet and isinstance(venue, CcxtVenue):  # a test network has nothing to withdraw
        allow = options.allow_withdrawals
        for sentence in await persist(given.steps, "contracts", lambda: check_key(venue, allow_withdrawals=allow)):
            given.told(sentence)
    runtime = _runtime(given, venue, lambda names: market.view(names))  # noqa: PLW0108 - made below
    forecasting = Forecasting(home.models, generated=addresses.generated, told=given.told)
    forecaster = await forecasting.load(symbols, settings.timeframe_ms)
    given.resources.push_async_callback(forecasting.flush)
    live = readings.LiveReadings(settings)
    market = Market(symbols, options.base_ms, settings.timeframe_ms, live, clock, runtime.put, forecaster)
    charts = Charts(market, feed, lambda: parts.market_time())  # noqa: PLW0108 - made below
    charts.attach(given.publisher)
    books = Books(given.publisher, {instrument.symbol: instrument for instrument in instruments})
    book_feed = BookFeed(access, clock, books)
    given.resources.push_async_callback(book_feed.close)
    parts = Parts(
        options=options,
        addresses=addresses,
        settings=settings,
        instruments=instruments,
        clock=clock,
        feed=feed,
        venue=venue,
        runtime=runtime,
        market=market,
        writer=DeskWriter(given.publisher, core.state, market),
        charts=charts,
        books=books,
        book_feed=book_feed,
        candles=candles,
        keeper=keeper,
        forecasting=forecasting,
        voting=voting,
    )
    _connect(parts)
    await _announce(parts, given.recovered.journal, fresh=core.state.instance == "")
    forecasting.begin(core.state, runtime.put, clock, market.decision)
    return parts


def _settings(given: Given, config: Config) -> Settings:
    """The file's, with what the command line changes."""
    options = given.options
    settings = msgspec.structs.replace(config.trading.settings(), **options.settings)
    if options.live:  # an account's first start; later its own
        settings = msgspec.structs.replace(settings, autonomy=Autonomy.APPROVE)
    check_settings(settings, options.mode)
    return settings


async def _voting(given: Given, config: Config, addresses: Addresses) -> Voting:
    """The committee; its keyring and archive are opened off the event loop."""
    demo = given.options.demo
    news = newsroom(config.ensemble.news, given.clock, given.told, demo=demo)
    models = addresses.models if demo else None
    rates = given.publisher.desk.funding
    voting = await asyncio.to_thread(
        Voting, config.ensemble, given.home, given.clock, models, news, given.told,
        lambda symbol: rates[symbol].rate if symbol in rates else None,
    )  # fmt: skip
    given.resources.push_async_callback(voting.committee.close)
    return voting


async def _contracts(given: Given, feed: CcxtFeed, config: Config) -> tuple[Instrument, ...]:
    """Those that are traded."""
    given.steps.step("contracts", 0, 1)
    listed = {instrument.symbol: instrument for instrument in await persist(given.steps, "contracts", feed.instruments)}
    options = given.options
    wanted = options.symbols or (tuple(listed) if options.demo else config.feed.symbols)
    for symbol in wanted:
        if symbol not in listed:
            raise BadInput("symbol", symbol, f"the exchange lists {', '.join(list(listed)[:4])} ...")
    given.steps.step("contracts", 1, 1)
    return tuple(listed[symbol] for symbol in wanted)


def _runtime(given: Given, venue: AnyVenue, view: Callable[[Sequence[str]], MarketView]) -> Runtime:
    recovered, lease = given.recovered, given.lease
    return Runtime(
        recovered.core,
        recovered.journal,
        venue if lease is None else LeasedVenue(venue, lease, given.clock),
        given.clock,
        recovered.last_seq,
        probe=given.probe,
        view=view,
        snapshot_every=given.options.snapshot_every,
    )


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
    runtime.watch(parts.forecasting.committed)
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


def _venue(given: Given, access: Access) -> AnyVenue:
    options, clock = given.options, given.clock
    if options.demo or options.live:
        simulated = options.demo or bool(options.endpoint)
        return make_venue(access, clock, given.probe, simulated=simulated, heartbeat_ms=options.heartbeat_ms)
    return PaperVenue(clock, given.recovered.core.state)


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
