"""What the history tables hold, as data: one line a row, what is remembered between batches, what a batch changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from engine.model.decision import CommandAnswered, Noted
from engine.model.event import CommandReceived
from engine.model.money import Money
from engine.model.order import Fill, Order
from engine.model.signal import Signal
from engine.model.vote import Score, Vote


def storable(text: str) -> str:
    """`text` as every database can keep it: Postgres takes no NUL, and a venue may say anything."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


class Grid(msgspec.Struct, frozen=True):
    """A symbol's tick and lot size as text, and the value of one tick of one lot in 1e-8 quote units."""

    tick_size: str
    lot_size: str
    unit: Money


class OrderLine(msgspec.Struct, frozen=True):
    """An order, the place of its intent in the journal, and the grid its numbers are on."""

    id: int
    order: Order
    grid: Grid


class FillLine(msgspec.Struct, frozen=True):
    """An execution; `realised` is the profit it realised before fees, 1e-8 quote units; `at` ms UTC received.

    `outside` is that of an order that is not ours.
    """

    id: int
    fill: Fill
    realised: Money
    backfilled: bool
    at: int
    grid: Grid
    outside: bool = False


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One net position from flat to flat: signed `lots` and `cost` now; sums of lots and of their value in and out.

    `opened` and `closed` are venue time, ms UTC; `closed` is None while it is open. Money is 1e-8 quote units; `realised`
    is before fees. `grid` is the one of its newest fill: a venue may change a tick while a position is open.
    """

    id: int
    symbol: str
    lots: int
    cost: Money
    opened: int
    origin: str
    leverage: int
    side: int
    grid: Grid
    closed: int | None = None
    realised: Money = 0
    fees: Money = 0
    funding: Money = 0
    entry_lots: int = 0
    entry_value: Money = 0
    exit_lots: int = 0
    exit_value: Money = 0


class SignalLine(msgspec.Struct, frozen=True):
    """The newest version of a signal under the place of its first."""

    id: int
    signal: Signal
    grid: Grid


class CommandLine(msgspec.Struct, frozen=True):
    """A command as received, with its answer where the same entry holds it."""

    id: int
    event: CommandReceived
    answer: CommandAnswered | None


class NoteLine(msgspec.Struct, frozen=True):
    """One line of the log; `at` ms UTC."""

    id: int
    at: int
    note: Noted


class VoteLine(msgspec.Struct, frozen=True):
    """A vote on a signal; `at` ms UTC received."""

    id: int
    signal_id: int
    symbol: str
    at: int
    vote: Vote


class ScoreLine(msgspec.Struct, frozen=True):
    """What became of a vote."""

    id: int
    score: Score


class EquityLine(msgspec.Struct, frozen=True):
    """Equity (cash and unrealised profit at mark) and cash, 1e-8 quote units.

    `at` is received time, `market_time` the newest venue time seen; both ms UTC. They differ where the past is replayed.
    """

    at: int
    market_time: int
    equity: Money
    cash: Money


class Market(msgspec.Struct):
    """What events have told of the market since the engine started.

    Attributes:
        marks: newest mark price by symbol, ticks.
        time: newest venue time of a quote or the end of a bar, ms UTC.
        timeframe_ms: of the bars that decide.
    """

    marks: dict[str, int] = {}
    time: int = 0
    timeframe_ms: int = 0

    def copy(self) -> Market:
        """One that can be changed."""
        return Market(dict(self.marks), self.time, self.timeframe_ms)


@dataclass(frozen=True, slots=True)
class Known:
    """What a projection needs to remember between batches.

    Attributes:
        grids: by symbol.
        orders: open orders by client id; for `project` also the ended ones that its entries speak of.
        holdings: open positions by symbol.
        cash: 1e-8 quote units, None until the journal tells it.
        measured: newest row of equity, None before the first.
        market: not kept in a table; the engine's next start begins it anew.
        seen: for `project`, which executions of those its entries tell are kept already: (client id, trade id).
        now: received time of the newest event, ms UTC; never goes back, as a wall clock may.
    """

    grids: Mapping[str, Grid] = field(default_factory=dict)
    orders: Mapping[str, OrderLine] = field(default_factory=dict)
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    cash: Money | None = None
    measured: EquityLine | None = None
    seen: frozenset[tuple[str, str]] = frozenset()
    now: int = 0
    market: Market = field(default_factory=Market)

    def after(self, changes: Changes) -> Known:
        """What is known once `changes` are kept; orders that ended and positions that closed are let go."""
        orders, holdings = self.orders, self.holdings
        if changes.orders:
            merged = {**orders, **changes.orders}
            orders = {client_id: line for client_id, line in merged.items() if line.order.open}
        if changes.holdings:
            holdings = _open_holdings(holdings, changes.holdings)
        return Known(
            {**self.grids, **changes.grids} if changes.grids else self.grids,
            orders,
            holdings,
            changes.cash,
            changes.measured,
            now=changes.now,
            market=changes.market,
        )


def _open_holdings(before: Mapping[str, Holding], changed: Mapping[int, Holding]) -> dict[str, Holding]:
    holdings = dict(before)
    for holding in changed.values():  # in the order they were opened
        if holding.closed is None:
            holdings[holding.symbol] = holding
        elif holding.symbol in holdings and holdings[holding.symbol].id == holding.id:
            del holdings[holding.symbol]
    return holdings


@dataclass(slots=True)
class Changes:
    """Rows to write, and the running values after them.

    Maps hold the newest version by key; commands and fills that are there already stay as they are. `cash`,
    `measured`, `now` and `market` are as in `Known`.
    """

    cash: Money | None = None
    measured: EquityLine | None = None
    now: int = 0
    market: Market = field(default_factory=Market)
    grids: dict[str, Grid] = field(default_factory=dict)
    orders: dict[str, OrderLine] = field(default_factory=dict)
    fills: list[FillLine] = field(default_factory=list)
    holdings: dict[int, Holding] = field(default_factory=dict)
    signals: dict[int, SignalLine] = field(default_factory=dict)
    commands: list[CommandLine] = field(default_factory=list)
    notes: list[NoteLine] = field(default_factory=list)
    votes: list[VoteLine] = field(default_factory=list)
    scores: list[ScoreLine] = field(default_factory=list)
    equity: list[EquityLine] = field(default_factory=list)
