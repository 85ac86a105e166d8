"""Everything the core can be told. `at` is always received time, ms UTC; only events carry time into the core."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.model.command import Command
from engine.model.forecast import Forecast, ModelInUse
from engine.model.instrument import Instrument
from engine.model.market import EMPTY_VIEW, Bar, MarketView
from engine.model.money import Money
from engine.model.order import Fill, OrderStatus
from engine.model.record import Record, Shadow
from engine.model.settings import Settings
from engine.model.venue import VenueReport
from engine.model.vote import Vote


class EngineStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A new epoch began: `mode` is demo, paper or live; `balance` funds a new paper account (None: the venue tells)."""

    at: int
    instance: str
    epoch: int
    mode: str
    venue: str
    settings: Settings
    instruments: tuple[Instrument, ...]
    symbols: tuple[str, ...]
    balance: Money | None = None


class HistorySeeded(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Records of the loaded history for a symbol the journal did not know yet.

    `records`, `shadows` and `readings` are in the order of `engine.strategies.NAMES` (board last; no reading for it).
    """

    at: int
    symbol: str
    open_time: int
    records: tuple[Record, ...]
    shadows: tuple[Shadow | None, ...]
    readings: tuple[int, ...]


class BarClosed(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A decision-timeframe bar closed, with what the strategies read at its close.

    Attributes:
        readings: wanted side of each strategy, in the order of `engine.strategies.NAMES` without the board.
        stops: stop distance of each strategy and, last, of the board; quote currency.
        targets: target distances likewise.
        backfilled: fetched after the fact; records learn from it, nothing is decided on it.
        forecast: of the forecaster at this close, where one has a model of the symbol.
    """

    at: int
    symbol: str
    bar: Bar
    readings: tuple[int, ...]
    stops: tuple[float, ...]
    targets: tuple[float, ...]
    view: MarketView = EMPTY_VIEW
    backfilled: bool = False
    forecast: Forecast | None = None


class BarCorrected(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue changed a bar after it had closed. Records what was; decides nothing."""

    at: int
    symbol: str
    timeframe_ms: int
    before: Bar
    after: Bar


class ClockTick(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Once a second, with the quotes that changed."""

    at: int
    view: MarketView = EMPTY_VIEW


class CommandReceived(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Somebody asked. `command_id` is chosen by the asker; the same id within 24 h gets the first result."""

    at: int
    command_id: str
    source: str
    command: Command
    view: MarketView = EMPTY_VIEW


class OrderAccepted(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue holds the order."""

    at: int
    client_id: str
    venue_id: str
    venue_time: int


class OrderRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue said no, or the request never left."""

    at: int
    client_id: str
    code: str
    reason: str


class OrderLost(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The request went out and no answer came: UNKNOWN until the venue is asked by id."""

    at: int
    client_id: str
    reason: str


class OrderGone(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue ended the order without (more) fills: CANCELED, EXPIRED or REJECTED."""

    at: int
    client_id: str
    status: OrderStatus
    venue_time: int
    reason: str = ""


class OrderNotFound(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Asked by id, the venue does not know the order (and its fills have been asked for)."""

    at: int
    client_id: str


class CancelRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue would not cancel; the order's true state is asked for separately."""

    at: int
    client_id: str
    code: str
    reason: str


class OrderFilled(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An execution. The same trade id twice is one execution. `backfilled`: settled on bars after downtime (paper)."""

    at: int
    fill: Fill
    view: MarketView = EMPTY_VIEW
    backfilled: bool = False


class FundingPaid(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Funding booked by the venue: positive is received, 1e-8 quote units."""

    at: int
    symbol: str
    amount: Money
    venue_time: int


class Reconciled(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The venue was asked for everything. Its fills have been put into the queue before this event."""

    at: int
    report: VenueReport
    view: MarketView = EMPTY_VIEW


class LinkChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A connection (``feed``, ``venue``) came or went."""

    at: int
    link: str
    up: bool
    reason: str = ""


class VotesCast(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The voters were asked about a signal (`AskVotes`): one vote or abstention of each seat."""

    at: int
    signal_id: int
    symbol: str
    votes: tuple[Vote, ...]
    view: MarketView = EMPTY_VIEW


class ForecasterSet(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A model is put to use for a symbol, trusted no longer, trusted again, or taken away (None), while the engine runs too.

    `forecast` is the model's at the newest bar, where it has one. A model of the same round keeps its live record.
    """

    at: int
    symbol: str
    model: ModelInUse | None
    forecast: Forecast | None = None


class OutcomesKnown(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Bars that closed while no engine ran and on which forecasts were waiting: (open time ms UTC, close)."""

    at: int
    symbol: str
    closes: tuple[tuple[int, float], ...]


class TimerFired(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A deadline the core had set has passed by wall time."""

    at: int
    timer: str
    view: MarketView = EMPTY_VIEW


Event: TypeAlias = (
    EngineStarted
    | HistorySeeded
    | BarClosed
    | BarCorrected
    | ClockTick
    | CommandReceived
    | OrderAccepted
    | OrderRefused
    | OrderLost
    | OrderGone
    | OrderNotFound
    | CancelRefused
    | OrderFilled
    | FundingPaid
    | Reconciled
    | LinkChanged
    | VotesCast
    | ForecasterSet
    | OutcomesKnown
    | TimerFired
)
