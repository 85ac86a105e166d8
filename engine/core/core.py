"""The core: one event in, its decisions out. Synchronous, reads no clock, opens nothing, awaits nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine.core import ballots, drifting, outside, overdue, pipeline, protection, recall, reconcile
from engine.core.apply import apply_decision, apply_event
from engine.core.booking import forget, is_new, remember
from engine.core.checks import check_settings
from engine.core.commands import on_command, set_mode
from engine.core.deck import Deck
from engine.core.levels import needs_stop
from engine.core.state import DAY_LOSS, Answered, State
from engine.model import event as e
from engine.model.decision import Decision, Level, QueryOrder, RequestReport, TimerSet
from engine.model.order import Order, OrderStatus, Purpose
from engine.model.signal import SignalStatus

QUERY_AGAIN_MS = 2_000
NEED_VENUE = frozenset({"query", "protect", "exit", "cancel"})
DRAWDOWN = "drawdown"

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[State] = msgspec.msgpack.Decoder(State)


class Core:
    """Holds the state and decides. The shell journals what `process` returns before it acts on it."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()

    def process(self, event: e.Event) -> tuple[Decision, ...]:
        """Apply an event and decide on it. Raises InvariantBroken when the program contradicts itself.

        An `EngineStarted` whose settings cannot be used raises BadInput, and nothing has changed.
        """
        state, kind = self.state, type(event)
        before = _BEFORE.get(kind)
        fresh = before(state, event) if before is not None else True
        apply_event(state, event)
        decide = _DECIDE.get(kind)
        if not fresh or decide is None:
            return ()
        deck = Deck(state)
        decide(deck, event)
        return tuple(deck.decisions)

    def recover(self, event: e.Event, decisions: tuple[Decision, ...]) -> None:
        """Take in what was decided in the past, without deciding again."""
        apply_event(self.state, event)
        for decision in decisions:
            apply_decision(self.state, decision)

    def answered(self, command_id: str) -> Answered | None:
        """The first result of a command of the last 24 hours."""
        return self.state.answered.get(command_id)

    def snapshot(self) -> bytes:
        """The state as bytes (msgpack), old terminal orders dropped."""
        forget(self.state)
        return _encoder.encode(self.state)

    @classmethod
    def restore(cls, snapshot: bytes) -> Core:
        """A core from a snapshot's bytes."""
        state = _decoder.decode(snapshot)
        remember(state)
        return cls(state)


def _fresh_fill(state: State, event: e.OrderFilled) -> bool:
    return event.fill.symbol in state.symbols and is_new(state, event.fill)


def _checked_start(state: State, event: e.EngineStarted) -> bool:
    check_settings(event.settings, event.mode)
    for instrument in event.instruments:
        instrument.floor_lots(event.settings.size_quantity)
    return True


# What must be known before the event is applied: whether a fill is news, whether the settings can be used.
_BEFORE: dict[type, Callable[[State, Any], bool]] = {e.OrderFilled: _fresh_fill, e.EngineStarted: _checked_start}


def _on_start(deck: Deck, event: e.EngineStarted) -> None:
    deck.note(Level.INFO, f"engine started: {event.mode} on {event.venue}, epoch {event.epoch}")
    timers = dict(deck.state.timers)
    for signal in deck.state.signals.values():
        if signal.status is SignalStatus.WAITING:
            timers.setdefault(f"signal|{signal.id}", signal.expires)
    for s in deck.state.symbols.values():
        for client_id in s.orders:
            if deck.state.orders[client_id].status is OrderStatus.UNKNOWN:
                timers.setdefault(f"query|{client_id}", event.at + QUERY_AGAIN_MS)
    for symbol in deck.state.symbols:
        pipeline.give_up(deck, symbol, "reversal given up: the engine was started again")
    for timer, deadline in timers.items():
        deck.emit(TimerSet(timer=timer, deadline=deadline))


def _on_bar(deck: Deck, event: e.BarClosed) -> None:
    if deck.state.ballots:
        ballots.score_due(deck, deck.state.symbols[event.symbol])
    drifting.watch(deck, event)
    if not event.backfilled:
        pipeline.on_bar(deck, event.symbol)


def _on_clock(deck: Deck, event: e.ClockTick) -> None:
    overdue.ask(deck)
    state = deck.state
    if state.cash is None or state.day_start <= 0:
        return
    equity, settings = state.last_equity, state.settings  # as of this very event
    if state.day_loss_is_over():
        set_mode(deck, halt="")
        deck.note(Level.INFO, "a new day: the day-loss halt is lifted")
    if state.halt or state.waived_day == state.day:
        return
    if equity <= state.day_start * (1 - settings.day_loss):
        _halt(deck, DAY_LOSS, f"the day's loss reached {settings.day_loss:.1%}: entries are halted")
    elif state.peak > 0 and equity <= state.peak * (1 - settings.max_drawdown):
        _halt(deck, DRAWDOWN, f"drawdown reached {settings.max_drawdown:.1%}: entries are halted")


def _halt(deck: Deck, halt: str, text: str) -> None:
    set_mode(deck, halt=halt)
    deck.note(Level.ALARM, text)


def _on_accepted(deck: Deck, event: e.OrderAccepted) -> None:
    order = deck.state.orders.get(event.client_id)
    if order is not None:
        protection.protect(deck, order.request.symbol)
    else:
        outside.heard(deck, event.client_id, "")


def _on_ended(deck: Deck, event: e.OrderRefused | e.OrderGone | e.OrderNotFound) -> None:
    order = deck.state.orders.get(event.client_id)
    if order is None:
        return
    if order.open:  # not found yet, but it may still arrive: ask again
        if order.status is OrderStatus.UNKNOWN:
            deck.timer(f"query|{event.client_id}", QUERY_AGAIN_MS)
        return
    request = order.request
    if request.purpose is Purpose.ENTRY:
        if order.filled == 0:
            pipeline.refused(deck, request.origin, order.reason or order.status.value)
        if deck.state.symbols[request.symbol].position is None and not _entry_open(deck.state, request.symbol):
            deck.plan(request.symbol, None, None)
    elif order.status is OrderStatus.REJECTED or protection.market_exit(order):
        protection.refused(deck, order)
        return
    protection.protect(deck, request.symbol)
    protection.enter_planned(deck, request.symbol)


def _on_lost(deck: Deck, event: e.OrderLost) -> None:
    order = deck.state.orders.get(event.client_id)
    if order is None or order.status is not OrderStatus.UNKNOWN:
        return
    deck.note(Level.WARN, f"no answer for an order: {event.reason}; asking by id", order.request.symbol)
    if f"query|{event.client_id}" not in deck.state.timers:
        protection.stop_lost(deck, order)
    deck.emit(QueryOrder(client_id=event.client_id))
    deck.timer(f"query|{event.client_id}", QUERY_AGAIN_MS)
    protection.protect(deck, order.request.symbol)


def _on_cancel_refused(deck: Deck, event: e.CancelRefused) -> None:
    if event.client_id in deck.state.orders:
        deck.emit(QueryOrder(client_id=event.client_id))


def _on_fill(deck: Deck, event: e.OrderFilled) -> None:
    fill, state = event.fill, deck.state
    order = state.orders.get(fill.client_id)
    instrument = state.instruments[fill.symbol]
    text = (
        f"{'settled on bars: ' if event.backfilled else ''}{fill.side.name.lower()} {instrument.quantity(fill.lots)} "
        f"@ {instrument.price(fill.ticks)} fee {fill.fee / 1e8:.4f}"
    )
    if order is None:
        deck.note(Level.ALARM, f"an execution from outside: {text}", fill.symbol)
        deck.emit(RequestReport(reason="an execution from outside"))
        outside.heard(deck, fill.client_id, fill.symbol)
    else:
        deck.note(Level.GOOD, f"{order.request.purpose.value} {text}", fill.symbol)
        pipeline.filled(deck, order)
    s = state.symbols[fill.symbol]
    if s.position is None and not _entry_open(state, fill.symbol):
        deck.plan(fill.symbol, None, None)
    if order is not None and s.position is not None and s.plan_stop is None and needs_stop(state.settings):
        protection.plan_again(deck, fill.symbol)
    protection.protect(deck, fill.symbol)
    if order is not None:
        recall.flatten_fill(deck, order, fill.lots)
    if s.position is None:
        protection.enter_planned(deck, fill.symbol)


def _entry_open(state: State, symbol: str) -> bool:
    return any(o.request.purpose is Purpose.ENTRY for o in state.open_orders(symbol))


def _on_link(deck: Deck, event: e.LinkChanged) -> None:
    level = Level.INFO if event.up else Level.WARN
    deck.note(level, f"{event.link} {'connected' if event.up else 'lost'}{': ' + event.reason if event.reason else ''}")


def _on_timer(deck: Deck, event: e.TimerFired) -> None:
    kind, _, key = event.timer.partition("|")
    state = deck.state
    if state.recovering and kind in NEED_VENUE:  # the venue's report comes first
        deck.timer(event.timer, QUERY_AGAIN_MS)
        return
    match kind:
        case "signal":
            signal = state.signals.get(int(key))
            if signal is not None and signal.status is SignalStatus.WAITING:
                pipeline.expire(deck, signal)
        case "votes":
            signal = state.signals.get(int(key))
            if signal is not None and signal.status is SignalStatus.VOTING:
                ballots.late(deck, signal)
        case "query":
            order: Order | None = state.orders.get(key)
            if order is not None and order.status is OrderStatus.UNKNOWN:
                deck.emit(QueryOrder(client_id=key))
                deck.timer(event.timer, QUERY_AGAIN_MS)
        case "protect":
            protection.protect(deck, key)
        case "exit":
            protection.exit_again(deck, key)
        case "cancel":
            recall.recall_again(deck, key)
        case "flat":
            recall.flatten_again(deck, key)
        case "report":
            deck.emit(RequestReport(reason="positions differed"))
        case _:
            deck.note(Level.WARN, f"a timer nobody knows: {event.timer}")


def _on_corrected(deck: Deck, event: e.BarCorrected) -> None:
    deck.note(Level.INFO, f"bar {event.after.open_time} corrected by the venue", event.symbol)


def _on_funding(deck: Deck, event: e.FundingPaid) -> None:
    deck.note(Level.INFO, f"funding {event.amount / 1e8:+.4f}", event.symbol)


_DECIDE: dict[type, Callable[[Deck, Any], None]] = {
    e.EngineStarted: _on_start,
    e.BarClosed: _on_bar,
    e.BarCorrected: _on_corrected,
    e.ClockTick: _on_clock,
    e.CommandReceived: on_command,
    e.OrderAccepted: _on_accepted,
    e.OrderRefused: _on_ended,
    e.OrderGone: _on_ended,
    e.OrderNotFound: _on_ended,
    e.OrderLost: _on_lost,
    e.CancelRefused: _on_cancel_refused,
    e.OrderFilled: _on_fill,
    e.FundingPaid: _on_funding,
    e.Reconciled: reconcile.on_report,
    e.LinkChanged: _on_link,
    e.VotesCast: pipeline.on_votes,
    e.ForecasterSet: drifting.on_set,
    e.OutcomesKnown: drifting.watch,
    e.TimerFired: _on_timer,
}
