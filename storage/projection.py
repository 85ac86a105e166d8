"""Entries of the journal -> what the history tables hold. Pure: reads no database and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from engine.errors import InvariantBroken
from engine.model.decision import CancelSent, CommandAnswered, Decision, Noted, SignalDecided, SubmitOrder
from engine.model.event import (
    CancelRefused,
    CommandReceived,
    EngineStarted,
    Event,
    FundingPaid,
    OrderAccepted,
    OrderFilled,
    OrderGone,
    OrderLost,
    OrderNotFound,
    OrderRefused,
)
from engine.model.money import Money
from engine.model.order import TRANSITIONS, Fill, Order, OrderRequest, OrderStatus, OrderStep
from engine.model.position import book
from engine.model.signal import Signal
from engine.ports import Entry
from storage.tables import PLACES


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
    """An execution; `realised` is the profit it realised before fees, 1e-8 quote units; `at` ms UTC received."""

    id: int
    fill: Fill
    realised: Money
    backfilled: bool
    at: int
    grid: Grid


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One net position from flat to flat: signed `lots` and `cost` now; sums of lots and ticks x lots in and out.

    `closed` is ms UTC, None while it is open. Money is 1e-8 quote units; `realised` is before fees.
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
    entry_value: int = 0
    exit_lots: int = 0
    exit_value: int = 0


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


@dataclass(frozen=True, slots=True)
class Known:
    """What a projection needs to remember: grids by symbol, orders by client id, open positions by symbol."""

    grids: Mapping[str, Grid] = field(default_factory=dict)
    orders: Mapping[str, OrderLine] = field(default_factory=dict)
    holdings: Mapping[str, Holding] = field(default_factory=dict)

    def after(self, changes: Changes) -> Known:
        """What is known once `changes` are kept; orders that ended and positions that closed are let go."""
        holdings = dict(self.holdings)
        for holding in changes.holdings.values():  # in the order they were opened
            if holding.closed is None:
                holdings[holding.symbol] = holding
            elif holding.symbol in holdings and holdings[holding.symbol].id == holding.id:
                del holdings[holding.symbol]
        orders = {**self.orders, **changes.orders}
        return Known(
            {**self.grids, **changes.grids},
            {client_id: line for client_id, line in orders.items() if line.order.open},
            holdings,
        )


@dataclass(slots=True)
class Changes:
    """Rows to write: maps hold the newest version by key; commands and fills already there stay as they are."""

    grids: dict[str, Grid] = field(default_factory=dict)
    orders: dict[str, OrderLine] = field(default_factory=dict)
    fills: list[FillLine] = field(default_factory=list)
    holdings: dict[int, Holding] = field(default_factory=dict)
    signals: dict[int, SignalLine] = field(default_factory=dict)
    commands: list[CommandLine] = field(default_factory=list)
    answers: list[CommandAnswered] = field(default_factory=list)
    notes: list[NoteLine] = field(default_factory=list)


_ORDER_EVENTS = (OrderAccepted, OrderRefused, OrderLost, OrderGone, OrderNotFound, CancelRefused)


def touched(entries: Iterable[Entry]) -> set[str]:
    """Client ids of the orders that `entries` speak of; `project` must know those that exist."""
    ids: set[str] = set()
    for entry in entries:
        if isinstance(entry.event, _ORDER_EVENTS):
            ids.add(entry.event.client_id)
        elif isinstance(entry.event, OrderFilled):
            ids.add(entry.event.fill.client_id)
        ids.update(decision.client_id for decision in entry.decisions if isinstance(decision, CancelSent))
    return ids


def project(entries: Sequence[Entry], known: Known) -> Changes:
    """What `entries` change in the history tables.

    A fill of an order that is not ours is listed when its symbol is known, and books nothing: the core answers it by
    asking the venue. InvariantBroken where an order or a signal of ours names a symbol that no EngineStarted listed.
    """
    fold = _Fold(known)
    for entry in entries:
        fold.entry(entry)
    return fold.changes


class _Fold:
    """One pass over entries: `changes` over `known`."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.changes = Changes()
        self._open = dict(known.holdings)

    def entry(self, entry: Entry) -> None:
        """Fold one entry: its event first, then its decisions in order."""
        if len(entry.decisions) >= PLACES - 1:
            raise InvariantBroken(f"journal entry {entry.seq} has {len(entry.decisions)} decisions")
        first = entry.seq * PLACES
        self._event(first, entry.event, entry.decisions)
        for place, decision in enumerate(entry.decisions, first + 1):
            self._decision(place, entry.event.at, decision)
        asked = entry.event.command_id if isinstance(entry.event, CommandReceived) else None
        self.changes.answers.extend(
            decision
            for decision in entry.decisions
            if isinstance(decision, CommandAnswered) and decision.command_id != asked
        )

    def _event(self, place: int, event: Event, decisions: tuple[Decision, ...]) -> None:
        match event:
            case EngineStarted():
                self.changes.grids.update(
                    (i.symbol, Grid(str(i.tick_size), str(i.lot_size), i.unit)) for i in event.instruments
                )
            case CommandReceived():
                answers = (d for d in decisions if isinstance(d, CommandAnswered) and d.command_id == event.command_id)
                self.changes.commands.append(CommandLine(place, event, next(answers, None)))
            case OrderAccepted():
                self._step(event.client_id, OrderStep.ACCEPTED, event.at, venue_id=event.venue_id)
            case OrderRefused():
                self._step(event.client_id, OrderStep.REFUSED, event.at, reason=event.reason)
            case OrderLost():
                self._step(event.client_id, OrderStep.LOST, event.at, reason=event.reason)
            case OrderGone():
                self._step(event.client_id, _GONE[event.status], event.at, reason=event.reason)
            case OrderNotFound():
                self._step(event.client_id, OrderStep.NOT_FOUND, event.at)
            case CancelRefused():
                self._step(event.client_id, OrderStep.CANCEL_REFUSED, event.at)
            case OrderFilled():
                self._fill(place, event)
            case FundingPaid():
                self._funding(event)
            case _:
                pass  # other events change nothing a history table shows

    def _decision(self, place: int, at: int, decision: Decision) -> None:
        match decision:
            case SubmitOrder():
                request = decision.approved.request
                order = Order(request=request, status=OrderStatus.INTENT, created=at, updated=at)
                self.changes.orders[request.client_id] = OrderLine(place, order, self._grid(request.symbol))
            case CancelSent():
                self._step(decision.client_id, OrderStep.CANCEL_SENT, at)
            case SignalDecided():
                signal = decision.signal
                first = self.changes.signals.get(signal.id)
                line = SignalLine(first.id if first else place, signal, self._grid(signal.symbol))
                self.changes.signals[signal.id] = line
            case Noted():
                self.changes.notes.append(NoteLine(place, at, decision))
            case _:
                pass  # other decisions change nothing a history table shows

    def _grid(self, symbol: str) -> Grid:
        grid = self.changes.grids.get(symbol) or self.known.grids.get(symbol)
        if grid is None:
            raise InvariantBroken(f"the journal speaks of {symbol} before an EngineStarted listed it")
        return grid

    def _line(self, client_id: str) -> OrderLine | None:
        return self.changes.orders.get(client_id) or self.known.orders.get(client_id)

    def _step(self, client_id: str, step: OrderStep, at: int, *, venue_id: str = "", reason: str = "") -> None:
        line = self._line(client_id)
        if line is None:
            return  # an order of somebody else
        order = line.order
        changed = msgspec.structs.replace(
            order,
            # The core may have stepped on knowledge that is not an event (a restart); a shown status never stops it.
            status=TRANSITIONS.get((order.status, step), order.status),
            updated=at,
            venue_id=venue_id or order.venue_id,
            reason=reason or order.reason,
        )
        self.changes.orders[client_id] = OrderLine(line.id, changed, line.grid)

    def _fill(self, place: int, event: OrderFilled) -> None:
        fill = event.fill
        line = self._line(fill.client_id)
        if line is None:
            grid = self.changes.grids.get(fill.symbol) or self.known.grids.get(fill.symbol)
            if grid is not None:
                self.changes.fills.append(FillLine(place, fill, 0, event.backfilled, event.at, grid))
            return
        order = line.order
        if fill.trade_id in order.trade_ids:
            return
        filled = order.filled + fill.lots
        step = OrderStep.LAST_FILL if filled >= order.request.lots else OrderStep.PART_FILL
        changed = msgspec.structs.replace(
            order,
            status=TRANSITIONS.get((order.status, step), order.status),
            updated=event.at,
            filled=filled,
            value=order.value + fill.ticks * fill.lots,
            fees=order.fees + fill.fee,
            trade_ids=(*order.trade_ids, fill.trade_id),
        )
        self.changes.orders[fill.client_id] = OrderLine(line.id, changed, line.grid)
        realised = self._book(place, event, order.request, line.grid)
        self.changes.fills.append(FillLine(place, fill, realised, event.backfilled, event.at, line.grid))

    def _book(self, place: int, event: OrderFilled, request: OrderRequest, grid: Grid) -> Money:
        """Book a fill into the symbol's position and return the profit it realised."""
        fill, holding = event.fill, self._open.get(event.fill.symbol)
        signed = int(fill.side) * fill.lots
        before, cost, unit = (holding.lots, holding.cost, holding.grid.unit) if holding else (0, 0, grid.unit)
        booking = book(before, cost, signed, fill.ticks, unit)
        closing = min(abs(before), fill.lots) if before * signed < 0 else 0
        fee = fill.fee
        if holding is not None and closing:
            opening = fill.lots - closing
            share = fee * closing // fill.lots if opening else fee
            fee -= share
            flat = booking.lots == 0 or opening > 0
            holding = msgspec.structs.replace(
                holding,
                lots=0 if flat else booking.lots,
                cost=0 if flat else booking.cost,
                closed=event.at if flat else None,
                realised=holding.realised + booking.realised,
                fees=holding.fees + share,
                exit_lots=holding.exit_lots + closing,
                exit_value=holding.exit_value + closing * fill.ticks,
            )
            self._keep(holding)
            if not opening:
                return booking.realised
            holding = None
        if holding is None:
            holding = Holding(
                id=place, symbol=fill.symbol, lots=0, cost=0, opened=event.at, origin=request.origin,
                leverage=request.leverage, side=int(fill.side), grid=grid,
            )  # fmt: skip
        added = fill.lots - closing
        holding = msgspec.structs.replace(
            holding,
            lots=booking.lots,
            cost=booking.cost,
            fees=holding.fees + fee,
            entry_lots=holding.entry_lots + added,
            entry_value=holding.entry_value + added * fill.ticks,
        )
        self._keep(holding)
        return booking.realised

    def _keep(self, holding: Holding) -> None:
        self.changes.holdings[holding.id] = holding
        if holding.closed is None:
            self._open[holding.symbol] = holding
        else:
            del self._open[holding.symbol]

    def _funding(self, event: FundingPaid) -> None:
        holding = self._open.get(event.symbol)
        if holding is not None:
            self._keep(msgspec.structs.replace(holding, funding=holding.funding + event.amount))


_GONE = {
    OrderStatus.CANCELED: OrderStep.CANCELED,
    OrderStatus.EXPIRED: OrderStep.EXPIRED,
    OrderStatus.REJECTED: OrderStep.REFUSED,
}
