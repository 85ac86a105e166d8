"""What an engine is made from, and the parts it is made of."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.core.core import Core
from engine.feeds.book_feed import BookFeed
from engine.feeds.ccxt_feed import CcxtFeed
from engine.history.keep import BarKeeper
from engine.market import Market
from engine.model.instrument import Instrument
from engine.model.settings import Settings
from engine.ports import Clock, Probe
from engine.runtime import Runtime, SystemClock
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.paper import PaperVenue
from headless.books import Books
from headless.charts import Charts
from headless.deskwriter import DeskWriter
from headless.forecasting import Forecasting
from headless.options import Addresses, Options
from headless.publisher import Publisher
from headless.steps import StartSteps
from headless.voting import Voting
from storage.candles import ParquetCandles
from storage.home import Home
from storage.journal import SqlJournal
from storage.keys.credentials import Credentials
from storage.lease import Lease

AnyVenue: TypeAlias = CcxtVenue | PaperVenue


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the journal gave: the core, the newest sequence, and the journal to go on with."""

    core: Core
    last_seq: int
    journal: SqlJournal


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an engine is made from.

    Attributes:
        options: how it is started.
        home: its data directory.
        recovered: from the journal.
        publisher: owner of the desk.
        steps: shows how far the start is.
        resources: closes what must be closed.
        credentials: of a live account.
        lease: held by this engine; nothing is sent to a live account without it.
        probe: told of the crash points.
        told: gets sentences about trouble that does not stop the engine.
        clock: wall time.
    """

    options: Options
    home: Home
    recovered: Recovered
    publisher: Publisher
    steps: StartSteps
    resources: AsyncExitStack
    credentials: Credentials | None
    lease: Lease | None
    probe: Probe
    told: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True, kw_only=True)
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
