"""What the core knows, and how each event and decision changes it. Nothing here decides.

`apply_event` and `apply_decision` are the only writers. Recovery runs exactly these two over the journal, so a state
rebuilt after a crash equals the state that crashed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from engine import shadow
from engine.errors import InvariantBroken
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Autonomy
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.money import PPM, Money
from engine.model.order import TERMINAL, TRANSITIONS, Fill, Order, OrderStatus, OrderStep, Purpose
from engine.model.position import Position, book
from engine.model.record import Record, Shadow
from engine.model.settings import Settings
from engine.model.signal import Signal, SignalStatus
from engine.strategies import NAMES, board

DAY_MS = 86_400_000
KEEP_MS = DAY_MS
NO_QUOTE = Quote(0, 0, 0, 0, 0, 0, 0, 0)
DAY_LOSS = "day loss"
DIFFERS = "position differs"  # how the reason begins for which the desk itself holds a symbol
OUTSIDE = "outside"  # origin of a position that somebody else opened
TRACKED = 7
KEPT_TRADES = 16  # an order remembers the ids of so many of its newest executions
REPORT_TIMER = "report"


class SymbolState(msgspec.Struct, kw_only=True):
    """One traded symbol.

    Attributes:
        quote: newest quote an event carried.
        bar: newest decision bar.
        sides: wanted side of the six strategies and, last, the board's zone, at that bar.
        side_before: the deciding side one bar earlier (the present one while there is nothing to compare with).
        stop_distance: the deciding strategy's stop distance, quote currency; `target_distance` likewise.
        plan_stop: where the position is to be protected, ticks; `plan_target` likewise.
        planned: an entry that waits for flat.
        held: why automatic trading is off, or empty.
        cooldown_until: no entries before this market time, ms UTC.
        orders: client ids of open orders, oldest first.
        mismatches: reports in a row whose position differed from ours.
    """

    symbol: str
    quote: Quote = NO_QUOTE
    bar: Bar | None = None
    sides: list[int] = msgspec.field(default_factory=lambda: [0] * TRACKED)
    side_before: int = 0
    known: bool = False
    score: float = 0.0
    weights: tuple[float, ...] = (1 / 6,) * 6
    records: list[Record] = msgspec.field(default_factory=lambda: [Record()] * TRACKED)
    shadows: list[Shadow | None] = msgspec.field(default_factory=lambda: [None] * TRACKED)
    stop_distance: float = 0.0
    target_distance: float = 0.0
    plan_stop: int | None = None
    plan_target: int | None = None
    planned: d.EntryPlanned | None = None
    held: str = ""
    cooldown_until: int = 0
    position: Position | None = None
    orders: list[str] = msgspec.field(default_factory=list)
    mismatches: int = 0

    @property
    def zone(self) -> int:
        """Side of the board score beyond its threshold, or 0."""
        return self.sides[-1]

    @property
    def mark(self) -> int:
        """Mark price in ticks; the middle of the quote where no mark is known; 0 where nothing is."""
        quote = self.quote
        return quote.mark or (quote.bid + quote.ask) // 2


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """A command's first result and when it was given."""

    at: int
    ok: bool
    text: str


class State(msgspec.Struct, kw_only=True):
    """Everything the core knows. `cash` is None until the venue or the paper balance has told it.

    `decider` is the place in `SymbolState.sides` of the strategy whose side decides.
    `now` is received time of the newest event, `market_time` the newest venue time seen; both ms UTC. `timers` are the
    deadlines that have not passed (ms UTC), `booked` the executions of the last day (``client id|trade id``) and when they
    were booked, `recovering` is true from a restart until the venue has been asked.
    """

    instance: str = ""
    epoch: int = 0
    mode: str = "paper"
    venue: str = ""
    settings: Settings = msgspec.field(default_factory=Settings)
    decider: int = -1
    instruments: dict[str, Instrument] = msgspec.field(default_factory=dict)
    symbols: dict[str, SymbolState] = msgspec.field(default_factory=dict)
    orders: dict[str, Order] = msgspec.field(default_factory=dict)
    signals: dict[int, Signal] = msgspec.field(default_factory=dict)
    answered: dict[str, Answered] = msgspec.field(default_factory=dict)
    booked: dict[str, int] = msgspec.field(default_factory=dict)
    links: dict[str, bool] = msgspec.field(default_factory=dict)
    timers: dict[str, int] = msgspec.field(default_factory=dict)
    recovering: bool = False
    cash: Money | None = None
    autonomy: Autonomy = Autonomy.AUTO
    paused: bool = False
    halt: str = ""
    halted_day: int = -1
    waived_day: int = -2
    day: int = -1
    day_start: Money = 0
    peak: Money = 0
    last_equity: Money = 0
    sequence: int = 0
    last_signal: int = 0
    trades: int = 0
    now: int = 0
    market_time: int = 0
    fills_until: int = 0

    def equity(self) -> Money:
        """Cash and unrealised profit at mark, 1e-8 units: what the venue calls the margin balance."""
        total = self.cash or 0
        for name, s in self.symbols.items():
            position = s.position
            if position is not None:
                quote = s.quote
                mark = quote.mark or (quote.bid + quote.ask) // 2
                if mark:  # before the first quote nothing is known of a position's profit
                    total += position.lots * mark * self.instruments[name].unit - position.cost
        return total

    def exposure(self) -> Money:
        """Sum of the positions' notionals at mark and of working entries, 1e-8 units."""
        total = 0
        for name, s in self.symbols.items():
            if s.position is None and not s.orders:
                continue
            unit = self.instruments[name].unit
            if s.position is not None:
                total += abs(s.position.lots) * s.mark * unit
            for client_id in s.orders:
                order = self.orders[client_id]
                if order.request.purpose is Purpose.ENTRY:
                    total += order.remaining * (order.request.price or s.mark) * unit
        return total

    def day_loss_is_over(self) -> bool:
        """Entries are halted by the loss of a day that has passed."""
        return self.halt == DAY_LOSS and self.day > self.halted_day

    def open_orders(self, symbol: str) -> list[Order]:
        """Open orders of a symbol, oldest first."""
        return [self.orders[client_id] for client_id in self.symbols[symbol].orders]

    def busy(self) -> bool:
        """Some order awaits its acknowledgement or the rest of its fills at market."""
        for s in self.symbols.values():
            for client_id in s.orders:
                if self.orders[client_id].status in AWAITING or not _rests(self.orders[client_id]):
                    return True
        return False


AWAITING = frozenset({OrderStatus.INTENT, OrderStatus.UNKNOWN, OrderStatus.CANCELING})


def _rests(order: Order) -> bool:
    return order.request.price is not None or order.request.trigger is not None


def cost_fraction(instrument: Instrument) -> float:
    """Cost of one side of a shadow trade as a fraction: taker fee and one basis point of slippage."""
    return instrument.taker_ppm / PPM + 0.0001


def _see(state: State, view: MarketView) -> None:
    symbols = state.symbols
    for name, quote in view.quotes:
        s = symbols.get(name)
        if s is not None:
            s.quote = quote
            state.market_time = max(state.market_time, quote.venue_time)


def _started(state: State, event: e.EngineStarted) -> None:
    first = state.instance == ""
    state.instance = event.instance
    state.epoch = event.epoch
    state.mode = event.mode
    state.venue = event.venue
    state.settings = event.settings
    state.decider = NAMES.index(event.settings.strategy)
    state.instruments.update({i.symbol: i for i in event.instruments})
    for symbol in event.symbols:
        state.symbols.setdefault(symbol, SymbolState(symbol=symbol))
    state.links.clear()
    state.recovering = not first
    state.timers.pop(REPORT_TIMER, None)  # every start asks for a report
    if first:
        state.autonomy = event.settings.autonomy
        state.cash = event.balance
        state.day_start = state.peak = event.balance or 0
    for client_id, order in state.orders.items():
        if order.status is OrderStatus.INTENT:
            _step(state, client_id, OrderStep.LOST, event.at, "the engine stopped before the venue answered")


def _seeded(state: State, event: e.HistorySeeded) -> None:
    s = state.symbols[event.symbol]
    s.records = list(event.records)
    s.shadows = list(event.shadows)
    s.weights = board.weights(s.records[:-1], state.settings.weight_trades)
    s.score = board.score(event.readings, s.weights)
    zone = board.zone(s.score, state.settings.entry_score)
    s.sides = [*event.readings, zone]
    s.side_before = s.sides[state.decider]
    s.known = True


def _bar(state: State, event: e.BarClosed) -> None:
    s = state.symbols[event.symbol]
    _see(state, event.view)
    state.market_time = max(state.market_time, event.bar.open_time + state.settings.timeframe_ms)
    score = board.score(event.readings, s.weights)
    before, sides = s.sides, [*event.readings, board.zone(score, state.settings.entry_score)]
    if state.settings.track:
        _track(state, s, event, before, sides)
    decider = state.decider
    s.side_before = before[decider] if s.known else sides[decider]
    s.known = True
    s.sides = sides
    s.score = score
    s.bar = event.bar
    s.stop_distance = event.stops[decider]
    s.target_distance = event.targets[decider]


def _track(state: State, s: SymbolState, event: e.BarClosed, before: list[int], sides: list[int]) -> None:
    """Follow the shadow trades of the six strategies and of the board; a closed one may move the weights."""
    cost = cost_fraction(state.instruments[event.symbol])
    changed = False
    for i in range(TRACKED):
        if s.shadows[i] is None and sides[i] == before[i]:
            continue
        s.shadows[i], record = shadow.step(
            s.shadows[i], s.records[i], before[i], sides[i], event.bar, event.stops[i], event.targets[i], cost
        )
        if record is not s.records[i]:
            s.records[i] = record
            changed = True
    if changed:
        s.weights = board.weights(s.records[:-1], state.settings.weight_trades)


def _clock(state: State, event: e.ClockTick) -> None:
    _see(state, event.view)
    if state.cash is None:
        return
    equity = state.last_equity = state.equity()
    state.peak = max(state.peak, equity)
    day = state.market_time // DAY_MS
    if state.market_time and day > state.day:  # days are the market's: a replay's lie in the past
        state.day = day
        state.day_start = equity


def _command(state: State, event: e.CommandReceived) -> None:
    _see(state, event.view)


def _fired(state: State, event: e.TimerFired) -> None:
    _see(state, event.view)
    state.timers.pop(event.timer, None)


def _step(state: State, client_id: str, step: OrderStep, at: int, reason: str = "", **changes: Any) -> Order | None:
    """Move an order one step along its table and keep the symbol's list of open orders true."""
    order = state.orders.get(client_id)
    if order is None:
        return None
    status = TRANSITIONS.get((order.status, step))
    if status is None:
        raise InvariantBroken(f"order {client_id}: {step.value} cannot happen to an order that is {order.status.value}")
    order = replace(order, status=status, updated=at, reason=reason or order.reason, **changes)
    state.orders[client_id] = order
    open_ids = state.symbols[order.request.symbol].orders
    if status in TERMINAL and client_id in open_ids:
        open_ids.remove(client_id)
    return order


def _accepted(state: State, event: e.OrderAccepted) -> None:
    _step(state, event.client_id, OrderStep.ACCEPTED, event.at, venue_id=event.venue_id, confirmed=event.at)


def _refused(state: State, event: e.OrderRefused) -> None:
    _step(state, event.client_id, OrderStep.REFUSED, event.at, _coded(event.reason, event.code))


def _lost(state: State, event: e.OrderLost) -> None:
    _step(state, event.client_id, OrderStep.LOST, event.at, event.reason)


_GONE = {
    OrderStatus.CANCELED: OrderStep.CANCELED,
    OrderStatus.EXPIRED: OrderStep.EXPIRED,
    OrderStatus.REJECTED: OrderStep.REFUSED,
}


def _gone(state: State, event: e.OrderGone) -> None:
    _step(state, event.client_id, _GONE[event.status], event.at, event.reason)


NOT_FOUND_GRACE_MS = 6_000


def _not_found(state: State, event: e.OrderNotFound) -> None:
    # A request is void after the venue's receive window (5 s): before that it may still arrive, so "not found" is no news.
    order = state.orders.get(event.client_id)
    if order is None or (order.status is OrderStatus.UNKNOWN and event.at - order.created < NOT_FOUND_GRACE_MS):
        return
    if order.status is OrderStatus.INTENT:
        return
    _step(state, event.client_id, OrderStep.NOT_FOUND, event.at, "the venue never had it")


def _cancel_refused(state: State, event: e.CancelRefused) -> None:
    order = state.orders.get(event.client_id)
    if order is not None and order.status in {OrderStatus.CANCELING, OrderStatus.UNKNOWN}:
        _step(state, event.client_id, OrderStep.CANCEL_REFUSED, event.at, _coded(event.reason, event.code))


def _coded(reason: str, code: str) -> str:
    return f"{reason} ({code})" if code else reason


def is_new(state: State, fill: Fill) -> bool:
    """This execution has not been booked yet."""
    return f"{fill.client_id}|{fill.trade_id}" not in state.booked


def remember(state: State) -> None:
    """A state kept before executions had a list of their own gets it from its orders."""
    if not state.booked:
        for client_id, order in state.orders.items():
            state.booked.update(dict.fromkeys([f"{client_id}|{trade}" for trade in order.trade_ids], order.updated))


def _filled(state: State, event: e.OrderFilled) -> None:
    _see(state, event.view)
    fill = event.fill
    s = state.symbols.get(fill.symbol)
    execution = f"{fill.client_id}|{fill.trade_id}"
    if s is None or execution in state.booked:
        return
    order = state.orders.get(fill.client_id)
    state.booked[execution] = event.at
    state.fills_until = max(state.fills_until, fill.venue_time)
    state.market_time = max(state.market_time, fill.venue_time)
    if order is not None:
        filled = order.filled + fill.lots
        if filled > order.request.lots:
            raise InvariantBroken(f"order {fill.client_id}: filled {filled} of {order.request.lots} lots")
        _step(
            state,
            fill.client_id,
            OrderStep.LAST_FILL if filled == order.request.lots else OrderStep.PART_FILL,
            event.at,
            filled=filled,
            value=order.value + fill.ticks * fill.lots,
            fees=order.fees + fill.fee,
            trade_ids=(*order.trade_ids[1 - KEPT_TRADES :], fill.trade_id),
            fills=order.executions + 1,
            confirmed=order.confirmed or event.at,
        )
    _book(state, s, fill, order)


def _book(state: State, s: SymbolState, fill: Fill, order: Order | None) -> None:
    unit = state.instruments[fill.symbol].unit
    position = s.position
    before = position.lots if position is not None else 0
    result = book(before, position.cost if position is not None else 0, fill.side * fill.lots, fill.ticks, unit)
    state.cash = (state.cash or 0) + result.realised - fill.fee
    if before and result.lots * before <= 0:
        state.trades += 1  # flat again, or reversed
    if result.lots == 0:
        s.position = None
    elif position is not None and before * result.lots > 0:
        s.position = replace(
            position,
            lots=result.lots,
            cost=result.cost,
            realised=position.realised + result.realised,
            fees=position.fees + fill.fee,
        )
    else:
        s.position = Position(
            symbol=fill.symbol,
            lots=result.lots,
            cost=result.cost,
            opened=fill.venue_time,
            origin=order.request.origin if order else OUTSIDE,
            stop=s.plan_stop,
            target=s.plan_target,
            leverage=order.request.leverage if order else 1,
            fees=fill.fee,
        )
    if order is not None and order.request.purpose is Purpose.STOP and s.position is None:
        s.cooldown_until = fill.venue_time + state.settings.cooldown_ms


def _funding(state: State, event: e.FundingPaid) -> None:
    state.cash = (state.cash or 0) + event.amount
    s = state.symbols.get(event.symbol)
    if s is not None and s.position is not None:
        s.position = replace(s.position, funding=s.position.funding + event.amount)


def _reconciled(state: State, event: e.Reconciled) -> None:
    _see(state, event.view)
    for held in event.report.orders:
        order = state.orders.get(held.client_id)
        if order is not None and order.open:
            _step(state, held.client_id, OrderStep.ACCEPTED, event.at, venue_id=held.venue_id, confirmed=event.at)
    theirs = {p.symbol: p.lots for p in event.report.positions}
    for name, s in state.symbols.items():
        ours = s.position.lots if s.position is not None else 0
        s.mismatches = s.mismatches + 1 if ours != theirs.get(name, 0) else 0
    state.links["venue"] = True
    state.recovering = False
    state.fills_until = max(state.fills_until, event.report.venue_time)


def _link(state: State, event: e.LinkChanged) -> None:
    if event.link == "feed" or not event.up:
        state.links[event.link] = event.up  # the venue counts as up only once it is reconciled


def _nothing(_state: State, _event: object) -> None:
    return


_EVENTS: dict[type, Callable[[State, Any], None]] = {
    e.EngineStarted: _started,
    e.HistorySeeded: _seeded,
    e.BarClosed: _bar,
    e.BarCorrected: _nothing,
    e.ClockTick: _clock,
    e.CommandReceived: _command,
    e.OrderAccepted: _accepted,
    e.OrderRefused: _refused,
    e.OrderLost: _lost,
    e.OrderGone: _gone,
    e.OrderNotFound: _not_found,
    e.CancelRefused: _cancel_refused,
    e.OrderFilled: _filled,
    e.FundingPaid: _funding,
    e.Reconciled: _reconciled,
    e.LinkChanged: _link,
    e.TimerFired: _fired,
}


def apply_event(state: State, event: e.Event) -> None:
    """Take an event into the state; raises InvariantBroken where it contradicts what is known."""
    state.now = max(state.now, event.at)
    _EVENTS[type(event)](state, event)


def _submit(state: State, decision: d.SubmitOrder) -> None:
    request = decision.approved.request
    state.sequence += 1
    order = Order(request=request, status=OrderStatus.INTENT, created=state.now, updated=state.now)
    if request.client_id in state.orders:
        raise InvariantBroken(f"order id {request.client_id} used twice")
    state.orders[request.client_id] = order
    state.symbols[request.symbol].orders.append(request.client_id)


def _cancel(state: State, decision: d.CancelSent) -> None:
    order = state.orders.get(decision.client_id)
    if order is not None and order.open:
        _step(state, decision.client_id, OrderStep.CANCEL_SENT, state.now)


def _signal(state: State, decision: d.SignalDecided) -> None:
    signal = decision.signal
    state.signals[signal.id] = signal
    state.last_signal = max(state.last_signal, signal.id)
    if len(state.signals) > 200:
        oldest = next(i for i, s in state.signals.items() if s.status is not SignalStatus.WAITING)
        del state.signals[oldest]


def _plan(state: State, decision: d.PlanSet) -> None:
    s = state.symbols[decision.symbol]
    s.plan_stop, s.plan_target = decision.stop, decision.target
    if s.position is not None:
        s.position = replace(s.position, stop=decision.stop, target=decision.target)


def _planned(state: State, decision: d.EntryPlanned) -> None:
    state.symbols[decision.symbol].planned = decision if decision.lots else None


def _timer(state: State, decision: d.TimerSet) -> None:
    state.timers[decision.timer] = decision.deadline


def _mode(state: State, decision: d.ModeSet) -> None:
    if decision.halt and not state.halt:
        state.halted_day = state.day
    if state.halt and not decision.halt and not state.day_loss_is_over():
        state.waived_day = state.day  # lifted by a person: not again today
    state.autonomy = Autonomy(decision.autonomy)
    state.paused = decision.paused
    state.halt = decision.halt


def _cash(state: State, decision: d.CashSet) -> None:
    if state.cash is None:
        state.peak = state.day_start = decision.cash
        state.day = state.market_time // DAY_MS if state.market_time else -1
    state.cash = decision.cash


def _held(state: State, decision: d.SymbolHeld) -> None:
    state.symbols[decision.symbol].held = decision.reason


def _answered(state: State, decision: d.CommandAnswered) -> None:
    state.answered[decision.command_id] = Answered(state.now, decision.ok, decision.text)
    first = next(iter(state.answered))
    if state.answered[first].at < state.now - KEEP_MS:
        del state.answered[first]


_DECISIONS: dict[type, Callable[[State, Any], None]] = {
    d.SubmitOrder: _submit,
    d.CancelSent: _cancel,
    d.QueryOrder: _nothing,
    d.RequestReport: _nothing,
    d.SignalDecided: _signal,
    d.PlanSet: _plan,
    d.EntryPlanned: _planned,
    d.TimerSet: _timer,
    d.ModeSet: _mode,
    d.CashSet: _cash,
    d.SymbolHeld: _held,
    d.CommandAnswered: _answered,
    d.Noted: _nothing,
}


def apply_decision(state: State, decision: d.Decision) -> None:
    """Take a decision into the state."""
    _DECISIONS[type(decision)](state, decision)


def forget(state: State) -> None:
    """Drop terminal orders and executions older than a day; called with each snapshot, so that the state stays small."""
    old = state.now - KEEP_MS
    for key in [key for key, at in state.booked.items() if at < old]:
        order = state.orders.get(key.rpartition("|")[0])
        if order is None or not order.open:
            del state.booked[key]
    for client_id in [i for i, o in state.orders.items() if not o.open and o.updated < old]:
        del state.orders[client_id]
