"""What a station replicates: small frozen pictures built from the engine's state, never the state itself.

A `Desk` holds the newest picture of everything on the desk. The engine keeps one and sends it whole as a snapshot, then
as changes; `Desk.apply` is the only way a change enters either copy, so that both stay equal. Prices are ticks,
quantities lots, money 1e-8 quote units; the screen formats them with the `InstrumentView`. Times are ms UTC.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from engine.model.money import Money
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.model.signal import Signal, SignalStatus
from engine.view_board import BallotView, BoardView
from engine.view_market import DepthView, FundingView, Quotes, QuoteView, TapeView, TradeView, WatchView

SIGNALS_KEPT = 100
FILLS_KEPT = 200
NOTES_KEPT = 300
TRADES_KEPT = 120


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
    """One named step of the engine's start: done of total (0 of 0: not begun), and why it waits, if it does."""

    name: str
    done: int
    total: int
    waits: str = ""


class StatusView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The engine at a glance.

    Attributes:
        mode: demo, paper or live.
        venue: its name.
        autonomy: observe, approve or auto.
        paused: no entries by order of a person.
        halt: why entries are halted (day loss, drawdown, journal ...), or empty.
        read_only: why the engine takes no commands, or empty.
        stalled: what keeps the engine from deciding and sending for the moment, or empty.
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
    stalled: str = ""
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
    """A desk before the engine has said anything; `mode` may be empty where it is not known yet."""
    return Desk(status=StatusView(mode=mode, venue=venue, autonomy="observe"), account=EMPTY_ACCOUNT)


DESK_TOPIC = "desk"
