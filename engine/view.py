"""What a station replicates: small frozen pictures built from the engine's state, never the state itself.

A `Desk` holds the newest picture of everything on the desk. The engine keeps one and sends it whole as a snapshot, then
as changes; `Desk.apply` is the only way a change enters either copy, so that both stay equal. Prices are ticks,
quantities lots, money 1e-8 quote units; the screen formats them with the `InstrumentView`. Times are ms UTC.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from engine.model.forecast import ModelInUse, Outlook
from engine.model.market import Bar
from engine.model.money import Money
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.model.signal import Signal, SignalStatus

SIGNALS_KEPT = 100
FILLS_KEPT = 200
NOTES_KEPT = 300
TRADES_KEPT = 120
BARS_KEPT = 600


class InstrumentView(msgspec.Struct, frozen=True, tag=True):
    """Grid, caps and fees of a contract; `unit` is the value of one tick of one lot, 1e-8 quote units."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    price_decimals: int
    lot_decimals: int
    unit: Money
    min_notional: Money
    max_leverage: int
    maker_ppm: int
    taker_ppm: int
    maintenance_ppm: int


class StepView(msgspec.Struct, frozen=True, array_like=True):
    """One named step of the engine's start: done of total (0 of 0: not begun)."""

    name: str
    done: int
    total: int


class StatusView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The engine at a glance.

    Attributes:
        mode: demo, paper or live.
        venue: its name.
        autonomy: observe, approve or auto.
        paused: no entries by order of a person.
        halt: why entries are halted (day loss, drawdown, journal ...), or empty.
        read_only: why the engine takes no commands, or empty.
        ready: the start is over and the market is live.
        steps: the start, step by step.
        feed_up: market data flows. feed_age_ms: age of the newest quote of all.
        venue_up: the account's stream is connected and reconciled.
        voters: names of configured AI voters. benched: those of them that are not asked. forecaster: a trusted forecaster is configured.
        epoch: of this engine process. timeframe_ms: decision timeframe.
        clock: ms UTC by the market's clock (simulated in a replay). pid: of the engine.
        day_loss_limit, max_positions, max_leverage, risk_fraction: the limits in force, for previews.
    """

    mode: str
    venue: str
    autonomy: str
    paused: bool = False
    halt: str = ""
    read_only: str = ""
    ready: bool = False
    steps: tuple[StepView, ...] = ()
    feed_up: bool = False
    feed_age_ms: int = 0
    venue_up: bool = False
    voters: tuple[str, ...] = ()
    benched: tuple[str, ...] = ()
    forecaster: bool = False
    epoch: int = 0
    timeframe_ms: int = 0
    clock: int = 0
    pid: int = 0
    day_loss_limit: float = 0.0
    max_positions: int = 0
    max_leverage: int = 0
    risk_fraction: float = 0.0


class AccountView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Money in 1e-8 units; `drawdown` and `exposure` are fractions of peak equity and of equity."""

    equity: Money
    cash: Money
    unrealised: Money
    day_pnl: Money
    day_start: Money
    drawdown: float
    exposure: float
    day_loss_used: float


class QuoteView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Newest quote, ticks; `at` is received time ms UTC."""

    symbol: str
    bid: int
    ask: int
    last: int
    mark: int
    at: int


class Quotes(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Quotes that changed since the last update, conflated: one a symbol."""

    rows: tuple[QuoteView, ...]


class DepthView(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The order book of a symbol on screen: (ticks, lots) from the best price outwards; `at` is received ms UTC."""

    symbol: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    at: int


class TradeView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One trade of the market: `side` is the taker's (+1 bought, -1 sold), `at` the venue's time, ms UTC."""

    at: int
    ticks: int
    lots: int
    side: int


class TapeView(msgspec.Struct, frozen=True, tag=True):
    """New trades of a symbol on screen, oldest first."""

    symbol: str
    trades: tuple[TradeView, ...]


class WatchView(msgspec.Struct, frozen=True, tag=True):
    """A row of the watchlist.

    `change` is the fraction over 24 h (since the oldest bar where there is less), `volume` base currency over 24 h,
    `spark` the newest closes, quote currency, oldest first.
    """

    symbol: str
    change: float
    volume: float
    spark: tuple[float, ...]


class ReadingView(msgspec.Struct, frozen=True, array_like=True):
    """One strategy on one symbol: wanted side, weight in the board, shadow record (expectancy: fraction a trade)."""

    strategy: str
    side: int
    weight: float
    trades: int
    win_rate: float
    expectancy: float


class BoardView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The six readings of a symbol and their weighted score in [-1, 1].

    `record` is the board's own; `held` is why automatic trading of the symbol is off, or empty; `stop_ticks` and
    `target_ticks` are the default protection distances; `outlook` is the forecaster's at `bar_time`, `model` is
    what speaks there.
    """

    symbol: str
    score: float
    zone: int
    readings: tuple[ReadingView, ...]
    record: ReadingView
    held: str
    bar_time: int
    stop_ticks: int
    target_ticks: int
    outlook: Outlook | None = None
    model: ModelInUse | None = None


class VoteView(msgspec.Struct, frozen=True, array_like=True):
    """One seat's vote: `stance` is LONG, SHORT, NEUTRAL or empty for an abstention, whose `reason` says why.

    `confidence` is 0 to 100, `cost` 1e-8 USD or None where it is not known; `flags` counts numbers that contradict the prompt.
    """

    voter: str
    model: str
    stance: str
    confidence: int
    reason: str
    latency_ms: int
    cost: Money | None
    flags: int = 0
    simulated: bool = False


class BallotView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The newest question to the voters about a symbol; without `votes` it is still open.

    `side` is the candidate's; `at` when it was asked, ms UTC; `stance`, `confidence` and `reason` are the consensus;
    `least` is the confidence it needs.
    """

    symbol: str
    signal_id: int
    side: int
    at: int
    votes: tuple[VoteView, ...] = ()
    stance: str = ""
    confidence: float = 0.0
    least: float = 0.0
    reason: str = ""


class PositionView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A position with the proof of its protection.

    `*_confirmed` is when the venue confirmed the leg, ms UTC, or 0; `*_id` is then the venue's own order id of it.
    """

    symbol: str
    lots: int
    entry: float
    mark: int
    unrealised: Money
    realised: Money
    fees: Money
    funding: Money
    margin: Money
    leverage: int
    stop: int | None
    target: int | None
    stop_confirmed: int
    target_confirmed: int
    liquidation: int | None
    opened: int
    origin: str
    stop_id: str = ""
    target_id: str = ""


class OrderView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An open order. `confirmed` is when the venue confirmed it, ms UTC, or 0."""

    client_id: str
    symbol: str
    side: Side
    kind: OrderKind
    purpose: Purpose
    status: OrderStatus
    lots: int
    filled: int
    price: int | None
    trigger: int | None
    reduce_only: bool
    created: int
    confirmed: int
    origin: str


class OutsideView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A position of which at least a part is not the desk's doing.

    Lots are signed, entries are ticks (0.0: not known). `ours` is what the desk answers for, `theirs` what the venue
    holds; `leverage` is the venue's, 0 where it does not tell. `left`: a person has said that it is to be left alone.
    """

    symbol: str
    ours: int
    theirs: int
    our_entry: float
    entry: float
    leverage: int
    left: bool = False


class OutsideOrderView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An open order at the venue that the journal does not know. `side` 0 and None: the venue did not tell; `at` ms UTC."""

    client_id: str
    venue_id: str
    symbol: str
    side: int
    lots: int
    filled: int
    price: int | None
    trigger: int | None
    reduce_only: bool
    conditional: bool
    at: int


class FundingView(msgspec.Struct, frozen=True, tag=True):
    """What longs pay shorts at the next funding time: a fraction of the notional, and when, ms UTC by the venue's clock."""

    symbol: str
    rate: float
    at: int


class FillView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An execution, for chart marks and the blotter; `fee` in 1e-8 units, `at` by the venue's clock."""

    trade_id: str
    symbol: str
    side: Side
    ticks: int
    lots: int
    fee: Money
    purpose: Purpose
    at: int


class NoteView(msgspec.Struct, frozen=True, tag=True):
    """One line of the log: level is info, good, warn or alarm; `seq` is its journal sequence."""

    at: int
    level: str
    text: str
    symbol: str
    seq: int


class Gone(msgspec.Struct, frozen=True, tag=True):
    """What is no more: `kind` is position, order, outside, outside order, or book (depth and tape); `key` its symbol or id."""

    kind: str
    key: str


Change: TypeAlias = (
    InstrumentView
    | StatusView
    | AccountView
    | Quotes
    | DepthView
    | TapeView
    | WatchView
    | BoardView
    | BallotView
    | Signal
    | PositionView
    | OrderView
    | OutsideView
    | OutsideOrderView
    | FundingView
    | FillView
    | NoteView
    | Gone
)


class Desk(msgspec.Struct, kw_only=True):
    """Everything on the desk, newest version of each."""

    status: StatusView
    account: AccountView
    instruments: dict[str, InstrumentView] = msgspec.field(default_factory=dict)
    quotes: dict[str, QuoteView] = msgspec.field(default_factory=dict)
    watch: dict[str, WatchView] = msgspec.field(default_factory=dict)
    depths: dict[str, DepthView] = msgspec.field(default_factory=dict)
    tapes: dict[str, list[TradeView]] = msgspec.field(default_factory=dict)
    boards: dict[str, BoardView] = msgspec.field(default_factory=dict)
    ballots: dict[str, BallotView] = msgspec.field(default_factory=dict)
    signals: dict[int, Signal] = msgspec.field(default_factory=dict)
    positions: dict[str, PositionView] = msgspec.field(default_factory=dict)
    orders: dict[str, OrderView] = msgspec.field(default_factory=dict)
    outside: dict[str, OutsideView] = msgspec.field(default_factory=dict)
    outside_orders: dict[str, OutsideOrderView] = msgspec.field(default_factory=dict)
    funding: dict[str, FundingView] = msgspec.field(default_factory=dict)
    fills: list[FillView] = msgspec.field(default_factory=list)
    notes: list[NoteView] = msgspec.field(default_factory=list)

    def apply(self, change: Change) -> None:
        """Take one change in."""
        match change:
            case Quotes(rows=rows):
                for row in rows:
                    self.quotes[row.symbol] = row
            case DepthView():
                self.depths[change.symbol] = change
            case TapeView(symbol=symbol, trades=trades):
                tape = self.tapes.setdefault(symbol, [])
                tape.extend(trades)
                del tape[:-TRADES_KEPT]
            case StatusView():
                self.status = change
            case AccountView():
                self.account = change
            case InstrumentView():
                self.instruments[change.symbol] = change
            case WatchView():
                self.watch[change.symbol] = change
            case BoardView():
                self.boards[change.symbol] = change
            case BallotView():
                self.ballots[change.symbol] = change
            case Signal():
                self.signals[change.id] = change
                if len(self.signals) > SIGNALS_KEPT:
                    del self.signals[min(self.signals)]
            case PositionView():
                self.positions[change.symbol] = change
            case OrderView():
                self.orders[change.client_id] = change
            case OutsideView():
                self.outside[change.symbol] = change
            case OutsideOrderView():
                self.outside_orders[change.client_id] = change
            case FundingView():
                self.funding[change.symbol] = change
            case FillView():
                self.fills.append(change)
                del self.fills[:-FILLS_KEPT]
            case NoteView():
                self.notes.append(change)
                del self.notes[:-NOTES_KEPT]
            case Gone(kind="book", key=key):
                self.depths.pop(key, None)
                self.tapes.pop(key, None)
            case Gone(kind=kind, key=key):
                self.kept(kind).pop(key, None)

    def kept(self, kind: str) -> dict[str, Any]:
        """The things of a kind that `Gone` names, by key."""
        kinds: dict[str, dict[str, Any]] = {
            "position": self.positions,
            "order": self.orders,
            "outside": self.outside,
            "outside order": self.outside_orders,
        }
        return kinds[kind]

    def waiting(self) -> list[Signal]:
        """Signals that wait for a person, oldest first."""
        return [s for _, s in sorted(self.signals.items()) if s.status is SignalStatus.WAITING]


EMPTY_ACCOUNT = AccountView(
    equity=0, cash=0, unrealised=0, day_pnl=0, day_start=0, drawdown=0.0, exposure=0.0, day_loss_used=0.0
)


def empty_desk(mode: str = "demo", venue: str = "") -> Desk:
    """A desk before the engine has said anything."""
    return Desk(status=StatusView(mode=mode, venue=venue, autonomy="observe"), account=EMPTY_ACCOUNT)


class BarsView(msgspec.Struct, kw_only=True):
    """A chart's newest bars, oldest first (the last may be unfinished), with overlays aligned (None: not yet)."""

    symbol: str
    timeframe_ms: int
    bars: list[Bar]
    overlays: dict[str, list[float | None]]

    def apply(self, change: BarChange) -> None:
        """Take one bar in: the newest is replaced when the open time is the same, else one is added."""
        if self.bars and self.bars[-1].open_time == change.bar.open_time:
            self.bars[-1] = change.bar
            for name, value in change.overlays.items():
                column = self.overlays.setdefault(name, [None] * len(self.bars))
                column[-1] = value
            return
        self.bars.append(change.bar)
        for column in self.overlays.values():
            column.append(None)
        for name, value in change.overlays.items():
            column = self.overlays.setdefault(name, [None] * len(self.bars))
            column[-1] = value
        del self.bars[:-BARS_KEPT]
        for column in self.overlays.values():
            del column[:-BARS_KEPT]


class BarChange(msgspec.Struct, frozen=True, kw_only=True):
    """The newest bar of a chart; `overlays` come with closed bars."""

    bar: Bar
    closed: bool
    overlays: dict[str, float | None] = {}


def bars_topic(symbol: str, timeframe_ms: int) -> str:
    """The protocol's topic name of a chart."""
    return f"bars|{symbol}|{timeframe_ms}"


DESK_TOPIC = "desk"
