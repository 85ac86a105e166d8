"""Entries of the journal -> what the history tables hold. Pure: reads no database and no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from engine.errors import InvariantBroken
from engine.model.decision import (
    CancelSent,
    CashSet,
    CommandAnswered,
    Decision,
    Noted,
    PositionAdopted,
    SignalDecided,
    SubmitOrder,
    VoteScored,
)
from engine.model.event import (
    BarClosed,
    CancelRefused,
    ClockTick,
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
    Reconciled,
    VotesCast,
)
from engine.model.market import MINUTE_MS, MarketView
from engine.model.money import Money
from engine.model.order import TRANSITIONS, Order, OrderStatus, OrderStep
from engine.model.position import book
from engine.ports import Entry
from storage.lines import (
    Changes,
    CommandLine,
    EquityLine,
    FillLine,
    Grid,
    Holding,
    Known,
    Market,
    NoteLine,
    OrderLine,
    ScoreLine,
    SignalLine,
    VoteLine,
    storable,
)
from storage.tables import PLACES

# "Not found" is no news before the venue's receive window has passed; `engine.core.booking` has the same number, and
# importing it would bring numba along.
NOT_FOUND_GRACE_MS = 6_000
OUTSIDE = "outside"
ADOPTED = "adopted"

_ORDER_EVENTS = (OrderAccepted, OrderRefused, OrderLost, OrderGone, OrderNotFound, CancelRefused)


def touched(entries: Iterable[Entry], seen: Collection[tuple[str, str]]) -> set[str]:
    """Client ids of the orders that `entries` change, where `seen` executions are kept; `project` must know them."""
    ids: set[str] = set()
    for entry in entries:
        if isinstance(entry.event, _ORDER_EVENTS):
            ids.add(entry.event.client_id)
        elif isinstance(entry.event, OrderFilled) and _execution(entry.event) not in seen:
            ids.add(entry.event.fill.client_id)
        ids.update(decision.client_id for decision in entry.decisions if isinstance(decision, CancelSent))
    return ids


def executions(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Client and trade ids of the executions that `entries` tell; `project` must know which of them are kept."""
    return {_execution(entry.event) for entry in entries if isinstance(entry.event, OrderFilled)}


def _execution(event: OrderFilled) -> tuple[str, str]:
    return storable(event.fill.client_id), storable(event.fill.trade_id)


def project(entries: Sequence[Entry], known: Known) -> Changes:
    """What `entries` change in the history tables.

    Statuses, positions and cash move exactly as the core's state does. A fill of an order that is not ours is booked when
    its symbol is traded here. Equity is measured at the first ClockTick of each minute of the market, or a minute after the
    last where the market is silent, once cash and, since the engine started, the mark price of every open position are
    known; without them there is no row rather than a wrong one.
    InvariantBroken where an order or a signal of ours names a symbol that no EngineStarted listed.
    """
    fold = _Fold(known)
    for entry in entries:
        fold.entry(entry)
    return fold.changes


class _Fold:
    """One pass over entries: `changes` over `known`."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.changes = Changes(known.cash, known.measured, known.now, known.market.copy())
        self._open = dict(known.holdings)
        self._seen = set(known.seen)

    def entry(self, entry: Entry) -> None:
        """Fold one entry: its event first, then its decisions in order."""
        if len(entry.decisions) >= PLACES - 1:
            raise InvariantBroken(f"journal entry {entry.seq} has {len(entry.decisions)} decisions")
        first = entry.seq * PLACES
        self.changes.now = max(self.changes.now, entry.event.at)
        self._event(first, entry.event, entry.decisions)
        for place, decision in enumerate(entry.decisions, first + 1):
            self._decision(place, decision)

    def _event(self, place: int, event: Event, decisions: tuple[Decision, ...]) -> None:
        view: MarketView | None = getattr(event, "view", None)
        if view is not None:
            self._see(view)
        match event:
            case ClockTick():
                self._measure()
            case BarClosed():
                market = self.changes.market
                market.time = max(market.time, event.bar.open_time + market.timeframe_ms)
            case EngineStarted():
                self._started(event)
            case CommandReceived():
                answers = (d for d in decisions if isinstance(d, CommandAnswered) and d.command_id == event.command_id)
                self.changes.commands.append(CommandLine(place, event, next(answers, None)))
            case OrderAccepted():
                self._step(event.client_id, OrderStep.ACCEPTED, event.at, venue_id=event.venue_id)
            case OrderRefused():
                self._step(event.client_id, OrderStep.REFUSED, event.at, reason=_coded(event.reason, event.code))
            case OrderLost():
                self._step(event.client_id, OrderStep.LOST, event.at, reason=event.reason)
            case OrderGone():
                self._step(event.client_id, _GONE[event.status], event.at, reason=event.reason)
            case OrderNotFound():
                self._not_found(event)
            case CancelRefused():
                self._cancel_refused(event)
            case OrderFilled():
                self._fill(place, event)
            case FundingPaid():
                self._funding(event)
            case Reconciled():
                self._reconciled(event)
            case VotesCast():
                self.changes.votes += (
                    VoteLine(place, event.signal_id, event.symbol, event.at, vote) for vote in event.votes
                )
            case _:
                pass  # other events change nothing a history table shows

    def _decision(self, place: int, decision: Decision) -> None:
        at = self.changes.now  # decisions are timed by the core's clock, which never goes back
        match decision:
            case SubmitOrder():
                request = decision.approved.request
                order = Order(request=request, status=OrderStatus.INTENT, created=at, updated=at)
                self.changes.orders[request.client_id] = OrderLine(place, order, self._grid(request.symbol))
            case CancelSent():
                self._cancel_sent(decision.client_id, at)
            case CashSet():
                self.changes.cash = decision.cash
            case PositionAdopted():
                self._adopted(place, decision, at)
            case SignalDecided():
                signal = decision.signal
                first = self.changes.signals.get(signal.id)
                line = SignalLine(first.id if first else place, signal, self._grid(signal.symbol))
                self.changes.signals[signal.id] = line
            case VoteScored():
                self.changes.scores.append(ScoreLine(place, decision.score))
            case Noted():
                self.changes.notes.append(NoteLine(place, at, decision))
            case _:
                pass  # other decisions change nothing a history table shows

    def _started(self, event: EngineStarted) -> None:
        changes = self.changes
        known = {*self.known.grids, *changes.grids}
        if not known and changes.cash is None:  # the very first start brings the paper balance
            changes.cash = event.balance
        known.update(event.symbols)
        changes.grids.update(
            (i.symbol, Grid(str(i.tick_size), str(i.lot_size), i.unit)) for i in event.instruments if i.symbol in known
        )
        changes.market = Market(timeframe_ms=event.settings.timeframe_ms)
        for client_id, line in {**self.known.orders, **changes.orders}.items():
            if line.order.status is OrderStatus.INTENT:
                reason = "the engine stopped before the venue answered"
                self._step(client_id, OrderStep.LOST, event.at, reason=reason)

    def _see(self, view: MarketView) -> None:
        market = self.changes.market
        for name, quote in view.quotes:
            market.marks[name] = quote.mark or (quote.bid + quote.ask) // 2
            market.time = max(market.time, quote.venue_time)

    def _measure(self) -> None:
        """Keep the equity of a new minute, where it can be known."""
        changes, last = self.changes, self.changes.measured
        market_time = max(changes.market.time, last.market_time) if last else changes.market.time
        if last is not None:
            passed = market_time // MINUTE_MS > last.market_time // MINUTE_MS  # a replay's minutes may be short
            if changes.now == last.at or (not passed and changes.now - last.at < MINUTE_MS):
                return
        equity = self._equity()
        if equity is not None and changes.cash is not None:
            changes.measured = EquityLine(changes.now, market_time, equity, changes.cash)
            changes.equity.append(changes.measured)

    def _equity(self) -> Money | None:
        total = self.changes.cash
        for symbol, holding in self._open.items():
            mark = self.changes.market.marks.get(symbol, 0)
            if total is None or not mark:
                return None
            total += holding.lots * mark * self._grid(symbol).unit - holding.cost
        return total

    def _not_found(self, event: OrderNotFound) -> None:
        line = self._line(event.client_id)
        if line is None or line.order.status is OrderStatus.INTENT:
            return
        if line.order.status is OrderStatus.UNKNOWN and event.at - line.order.created < NOT_FOUND_GRACE_MS:
            return
        self._step(event.client_id, OrderStep.NOT_FOUND, event.at, reason="the venue never had it")

    def _cancel_sent(self, client_id: str, at: int) -> None:
        line = self._line(client_id)
        if line is not None and line.order.open:
            self._step(client_id, OrderStep.CANCEL_SENT, at)

    def _cancel_refused(self, event: CancelRefused) -> None:
        line = self._line(event.client_id)
        if line is not None and line.order.status in {OrderStatus.CANCELING, OrderStatus.UNKNOWN}:
            reason = _coded(event.reason, event.code)
            self._step(event.client_id, OrderStep.CANCEL_REFUSED, event.at, reason=reason)

    def _reconciled(self, event: Reconciled) -> None:
        for held in event.report.orders:
            line = self._line(held.client_id)
            if line is not None and line.order.open:
                self._step(held.client_id, OrderStep.ACCEPTED, event.at, venue_id=held.venue_id)

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
        fill, execution = event.fill, _execution(event)
        listed = fill.symbol in self.changes.grids or fill.symbol in self.known.grids
        if not listed or execution in self._seen:
            return
        self._seen.add(execution)
        line = self._line(fill.client_id)
        if line is None:
            self._book(place, event, OUTSIDE, 1)
            return
        order = line.order
        filled = order.filled + fill.lots
        step = OrderStep.LAST_FILL if filled >= order.request.lots else OrderStep.PART_FILL
        changed = msgspec.structs.replace(
            order,
            status=TRANSITIONS.get((order.status, step), order.status),
            updated=event.at,
            filled=filled,
            value=order.value + fill.ticks * fill.lots,
            fees=order.fees + fill.fee,
        )
        self.changes.orders[fill.client_id] = OrderLine(line.id, changed, line.grid)
        self._book(place, event, order.request.origin, order.request.leverage)

    def _book(self, place: int, event: OrderFilled, origin: str, leverage: int) -> None:
        """Book a fill into the symbol's position and the cash, at the grid of today; and list it."""
        fill, holding, grid = event.fill, self._open.get(event.fill.symbol), self._grid(event.fill.symbol)
        before, cost = (holding.lots, holding.cost) if holding else (0, 0)
        signed = int(fill.side) * fill.lots
        booking = book(before, cost, signed, fill.ticks, grid.unit)
        self.changes.fills.append(
            FillLine(place, fill, booking.realised, event.backfilled, event.at, grid, origin == OUTSIDE)
        )
        self.changes.cash = (self.changes.cash or 0) + booking.realised - fill.fee
        closing = min(abs(before), fill.lots) if before * signed < 0 else 0
        opening = fill.lots - closing
        fee_out = fill.fee * closing // fill.lots
        if holding is not None and closing:
            flat = booking.lots == 0 or opening > 0
            holding = msgspec.structs.replace(
                holding,
                lots=0 if flat else booking.lots,
                cost=0 if flat else booking.cost,
                closed=fill.venue_time if flat else None,
                realised=holding.realised + booking.realised,
                fees=holding.fees + fee_out,
                grid=grid,
                exit_lots=holding.exit_lots + closing,
                exit_value=holding.exit_value + closing * fill.ticks * grid.unit,
            )
            self._keep(holding)
            holding = None
        if opening:
            holding = holding or Holding(
                id=place, symbol=fill.symbol, lots=0, cost=0, opened=fill.venue_time, origin=origin,
                leverage=leverage, side=int(fill.side), grid=grid,
            )  # fmt: skip
            self._keep(
                msgspec.structs.replace(
                    holding,
                    lots=booking.lots,
                    cost=booking.cost,
                    fees=holding.fees + fill.fee - fee_out,
                    grid=grid,
                    entry_lots=holding.entry_lots + opening,
                    entry_value=holding.entry_value + opening * fill.ticks * grid.unit,
                )
            )

    def _adopted(self, place: int, decision: PositionAdopted, at: int) -> None:
        """The venue's word for a position: no execution is known, so entry and exit values stay what was executed here."""
        holding = self._open.get(decision.symbol)
        if holding is not None and holding.lots * decision.lots <= 0:
            self._keep(msgspec.structs.replace(holding, lots=0, cost=0, closed=at))
            holding = None
        if decision.lots == 0:
            return
        grid = self._grid(decision.symbol)
        holding = holding or Holding(
            id=place, symbol=decision.symbol, lots=0, cost=0, opened=at, origin=ADOPTED,
            leverage=decision.leverage, side=1 if decision.lots > 0 else -1, grid=grid,
        )  # fmt: skip
        self._keep(msgspec.structs.replace(holding, lots=decision.lots, cost=decision.cost))

    def _keep(self, holding: Holding) -> None:
        self.changes.holdings[holding.id] = holding
        if holding.closed is None:
            self._open[holding.symbol] = holding
        else:
            del self._open[holding.symbol]

    def _funding(self, event: FundingPaid) -> None:
        self.changes.cash = (self.changes.cash or 0) + event.amount
        holding = self._open.get(event.symbol)
        if holding is not None:
            self._keep(msgspec.structs.replace(holding, funding=holding.funding + event.amount))


_GONE = {
    OrderStatus.CANCELED: OrderStep.CANCELED,
    OrderStatus.EXPIRED: OrderStep.EXPIRED,
    OrderStatus.REJECTED: OrderStep.REFUSED,
}


def _coded(reason: str, code: str) -> str:
    return f"{reason} ({code})" if code else reason
