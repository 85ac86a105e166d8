"""How each event and each decision changes the state. Nothing here decides.

`apply_event` and `apply_decision` are the only writers. Recovery runs exactly these two over the journal, so a state
rebuilt after a crash equals the state that crashed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.core import booking, forecast_book, markets, vote_book
from engine.core.booking import step
from engine.core.markets import see
from engine.core.state import DAY_MS, KEEP_MS, REPORT_TIMER, Answered, State, SymbolState
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Autonomy
from engine.model.order import OrderStatus, OrderStep
from engine.model.signal import SignalStatus
from engine.strategies import NAMES

PENDING = frozenset({SignalStatus.WAITING, SignalStatus.VOTING})


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
            step(state, client_id, OrderStep.LOST, event.at, "the engine stopped before the venue answered")


def _command(state: State, event: e.CommandReceived) -> None:
    see(state, event.view)


def _fired(state: State, event: e.TimerFired) -> None:
    see(state, event.view)
    state.timers.pop(event.timer, None)


def _reconciled(state: State, event: e.Reconciled) -> None:
    see(state, event.view)
    for held in event.report.orders:
        order = state.orders.get(held.client_id)
        if order is not None and order.open:
            step(state, held.client_id, OrderStep.ACCEPTED, event.at, venue_id=held.venue_id, confirmed=event.at)
    theirs = {p.symbol: p for p in event.report.positions}
    for name, s in state.symbols.items():
        s.theirs = theirs.get(name)
        if s.ignored and s.differs_by + s.ignored == 0:
            s.ignored = 0  # whoever had it has closed it
        s.mismatches = s.mismatches + 1 if s.differs_by else 0
    state.outside = {held.client_id: held for held in event.report.orders if held.client_id not in state.orders}
    state.links["venue"] = True
    state.recovering = False
    state.fills_until = max(state.fills_until, event.report.venue_time)


def _link(state: State, event: e.LinkChanged) -> None:
    if event.link == "feed" or not event.up:
        state.links[event.link] = event.up  # the venue counts as up only once it is reconciled


def _votes(state: State, event: e.VotesCast) -> None:
    see(state, event.view)
    vote_book.cast(state, event)


def _nothing(_state: State, _event: object) -> None:
    return


_EVENTS: dict[type, Callable[[State, Any], None]] = {
    e.EngineStarted: _started,
    e.HistorySeeded: markets.seeded,
    e.BarClosed: markets.bar_closed,
    e.BarCorrected: _nothing,
    e.ClockTick: markets.clock,
    e.CommandReceived: _command,
    e.OrderAccepted: booking.accepted,
    e.OrderRefused: booking.refused,
    e.OrderLost: booking.lost,
    e.OrderGone: booking.gone,
    e.OrderNotFound: booking.not_found,
    e.CancelRefused: booking.cancel_refused,
    e.OrderFilled: booking.filled,
    e.FundingPaid: booking.funding,
    e.Reconciled: _reconciled,
    e.LinkChanged: _link,
    e.VotesCast: _votes,
    e.ForecasterSet: forecast_book.forecaster_set,
    e.OutcomesKnown: forecast_book.outcomes_known,
    e.TimerFired: _fired,
}


def apply_event(state: State, event: e.Event) -> None:
    """Take an event into the state; raises InvariantBroken where it contradicts what is known."""
    state.now = max(state.now, event.at)
    _EVENTS[type(event)](state, event)


def _signal(state: State, decision: d.SignalDecided) -> None:
    signal = decision.signal
    state.signals[signal.id] = signal
    state.last_signal = max(state.last_signal, signal.id)
    if len(state.signals) > 200:
        done = (i for i, s in state.signals.items() if s.status not in PENDING)
        state.signals.pop(next(done, -1), None)


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


def _ignored(state: State, decision: d.PositionIgnored) -> None:
    s = state.symbols[decision.symbol]
    s.ignored = decision.lots
    s.mismatches = 0


def _benched(state: State, decision: d.VoterBenched) -> None:
    others = [voter for voter in state.benched if voter != decision.voter]
    state.benched = sorted([*others, decision.voter] if decision.benched else others)


def _held(state: State, decision: d.SymbolHeld) -> None:
    state.symbols[decision.symbol].held = decision.reason


def _answered(state: State, decision: d.CommandAnswered) -> None:
    state.answered[decision.command_id] = Answered(state.now, decision.ok, decision.text)
    first = next(iter(state.answered))
    if state.answered[first].at < state.now - KEEP_MS:
        del state.answered[first]


_DECISIONS: dict[type, Callable[[State, Any], None]] = {
    d.SubmitOrder: booking.submitted,
    d.CancelSent: booking.cancel_sent,
    d.QueryOrder: _nothing,
    d.RequestReport: _nothing,
    d.SignalDecided: _signal,
    d.AskVotes: vote_book.asked,
    d.VoteScored: vote_book.scored,
    d.VoterBenched: _benched,
    d.ModelDistrusted: forecast_book.distrusted,
    d.PlanSet: _plan,
    d.EntryPlanned: _planned,
    d.TimerSet: _timer,
    d.ModeSet: _mode,
    d.CashSet: _cash,
    d.PositionAdopted: booking.adopted,
    d.PositionIgnored: _ignored,
    d.OutsideCanceled: _nothing,
    d.SymbolHeld: _held,
    d.CommandAnswered: _answered,
    d.Noted: _nothing,
}


def apply_decision(state: State, decision: d.Decision) -> None:
    """Take a decision into the state."""
    _DECISIONS[type(decision)](state, decision)
