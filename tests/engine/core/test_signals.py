"""Crossings of the board's score: what becomes a signal, and how a signal ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model import event as e
from engine.model.command import (
    Autonomy,
    Command,
    FlattenAll,
    FlipPosition,
    Kill,
    PlaceOrder,
    ReducePosition,
    SetPaused,
    SetProtection,
)
from engine.model.decision import EntryPlanned, SignalDecided
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.model.record import Record
from engine.model.signal import Action, SignalStatus
from tests.engine.core.contracts import BTC, FRAME, T0
from tests.engine.core.scenario import Desk, every, gate, only, sent


@pytest.mark.parametrize("side", [1, -1])
def test_a_crossing_becomes_an_order(side: int) -> None:
    desk = Desk()
    desk.bar()
    decisions = desk.bar(side=side)
    signal = desk.signal()
    price = 1_000_001 if side > 0 else 1_000_000
    assert signal.action is (Action.LONG if side > 0 else Action.SHORT)
    assert (signal.price, signal.stop, signal.target) == (price, price - side * 5_000, price + side * 15_000)
    assert signal.score == pytest.approx(side)
    assert (signal.bar_time, signal.at) == (T0 + FRAME, desk.now)
    (request,) = sent(decisions)
    assert (request.side, request.kind, request.purpose) == (Side(side), OrderKind.MARKET, Purpose.ENTRY)
    assert (request.lots, request.leverage, request.reduce_only) == (41, 3, False)


def test_there_is_no_crossing_at_the_start() -> None:
    desk = Desk()
    assert every(SignalDecided, desk.bar(side=1)) == []
    assert every(SignalDecided, desk.bar(side=1)) == []
    assert every(SignalDecided, desk.bar(side=-1)) != []


def test_there_is_none_where_the_history_already_stood() -> None:
    desk = Desk()
    desk.feed(
        e.HistorySeeded(
            at=desk.now,
            symbol=BTC,
            open_time=T0 - FRAME,
            records=(Record(),) * 7,
            shadows=(None,) * 7,
            readings=(1,) * 6,
        )
    )
    assert every(SignalDecided, desk.bar(side=1)) == []
    desk.bar(side=0)
    assert desk.signal_or_none() is None
    desk.bar(side=1)
    assert desk.signal().status is SignalStatus.SENT


@pytest.mark.parametrize(
    ("readings", "crosses"),
    [((1, 1, 0, 0, 0, 0), False), ((1, 1, 1, 0, 0, 0), True), ((1, 1, 1, 1, -1, -1), False), ((1,) * 5 + (-1,), True)],
)
def test_three_voices_of_six_are_needed(readings: tuple[int, ...], crosses: bool) -> None:  # noqa: FBT001 - a column
    desk = Desk()
    desk.bar()
    desk.bar(readings=readings)
    assert (desk.signal_or_none() is not None) is crosses


def test_after_a_refusal_the_score_must_leave_and_return() -> None:
    desk = Desk()
    desk.ask(SetPaused(paused=True))
    desk.cross()
    assert desk.signal().status is SignalStatus.REFUSED
    desk.ask(SetPaused(paused=False))
    for _ in range(3):
        assert every(SignalDecided, desk.bar(side=1)) == []
    desk.bar(side=0)
    desk.bar(side=1)
    assert desk.signal().status is SignalStatus.SENT


def test_after_a_stop_the_score_must_leave_and_return() -> None:
    desk = Desk(cooldown_ms=0)
    desk.hold()
    desk.fill(desk.order_of(Purpose.STOP))
    assert desk.s().position is None
    assert every(SignalDecided, desk.bar(side=1)) == []
    desk.bar(side=0)
    assert sent(desk.bar(side=1)) != []


def test_a_position_is_not_added_to() -> None:
    desk = Desk()
    desk.hold()
    desk.bar(side=0)
    assert every(SignalDecided, desk.bar(side=1)) == []


def test_an_entry_on_its_way_lets_no_other_one_out() -> None:
    desk = Desk()
    (request,) = sent(desk.cross())
    desk.lose(request.client_id)  # UNKNOWN: it may be filled any moment
    desk.bar(side=0)
    assert sent(desk.bar(side=-1)) == []
    assert desk.signal().status is SignalStatus.REFUSED
    assert gate(desk.signal(), "in flight").value == "an entry"


def test_a_backfilled_bar_teaches_and_decides_nothing() -> None:
    desk = Desk()
    desk.bar()
    assert desk.bar(side=1, backfilled=True) == ()
    assert every(SignalDecided, desk.bar(side=1)) == []  # what stood in the gap is no crossing now


def test_an_opposite_score_that_fails_its_gates_only_closes() -> None:
    desk = Desk()
    desk.hold()
    desk.ask(SetPaused(paused=True))
    decisions = desk.bar(side=-1)
    signal = only(SignalDecided, decisions).signal
    assert (signal.action, signal.status) == (Action.CLOSE, SignalStatus.SENT)
    assert signal.reason == "opposite score; no reversal: running"
    (request,) = sent(decisions)
    assert (request.purpose, request.side, request.lots, request.reduce_only) == (Purpose.EXIT, Side.SELL, 41, True)
    desk.settle()
    assert desk.s().position is None
    assert desk.s().orders == []


def test_an_exit_is_not_held_up_by_a_stale_quote() -> None:
    desk = Desk()
    desk.hold()
    (request,) = sent(desk.bar(side=-1, fresh=False))
    assert request.purpose is Purpose.EXIT
    assert desk.signal().reason == "opposite score; no reversal: data fresh"


def test_an_opposite_score_that_passes_reverses() -> None:
    desk = Desk()
    desk.hold()
    decisions = desk.bar(side=-1)
    signal = only(SignalDecided, decisions).signal
    assert (signal.action, signal.status, signal.reason) == (Action.SHORT, SignalStatus.SENT, "reverses the position")
    planned = only(EntryPlanned, decisions)
    assert (planned.side, planned.lots, planned.signal_id) == (-1, signal.lots, signal.id)
    (request,) = sent(decisions)
    assert (request.purpose, request.lots) == (Purpose.EXIT, 41)
    desk.settle()
    assert desk.position().lots == -signal.lots
    assert desk.s().planned is None
    assert desk.signal().status is SignalStatus.FILLED
    (stop,) = desk.orders(Purpose.STOP)
    assert (stop.request.side, stop.request.lots, stop.request.trigger) == (Side.BUY, signal.lots, signal.stop)


def test_a_reversal_whose_entry_is_refused_says_so() -> None:
    desk = Desk()
    desk.hold()
    desk.bar(side=-1)
    exit_ = desk.order_of(Purpose.EXIT)
    desk.ask(SetPaused(paused=True))
    decisions = desk.fill(exit_)
    assert Purpose.ENTRY not in [request.purpose for request in sent(decisions)]
    assert desk.signal().status is SignalStatus.REFUSED
    assert desk.signal().reason == "entry after the flip refused: running: entries are paused"
    assert desk.s().planned is None


STOP_AT = Decimal(99_000)


@pytest.mark.parametrize(
    ("command", "why", "exits"),
    [
        (Kill(), "killed", 41),
        (FlattenAll(), "flattened by a person", 41),
        (ReducePosition(symbol=BTC), "a person's override", 41),
        (SetProtection(symbol=BTC, stop=STOP_AT), "a person's override", 41),
        (
            PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.001")),
            "a person's override",
            41,
        ),
        (
            PlaceOrder(symbol=BTC, side=Side.SELL, kind=OrderKind.MARKET, quantity=Decimal("0.001")),
            "a person's override",
            41,
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_reversal_that_a_person_stops_leaves_no_signal_behind(command: Command, why: str, exits: int) -> None:
    desk = Desk()
    desk.hold()
    (exit_,) = sent(desk.bar(side=-1))
    assert exit_.lots == exits
    assert desk.ask(command).ok
    assert desk.s().planned is None
    assert (desk.signal().status, desk.signal().reason) == (SignalStatus.REJECTED, f"reversal given up: {why}")
    desk.settle()
    assert desk.s().position is None or desk.position().side > 0


def test_a_flip_takes_the_place_of_a_reversal() -> None:
    desk = Desk()
    desk.hold()
    desk.bar(side=-1)
    desk.ask(FlipPosition(symbol=BTC))
    assert desk.signal().status is SignalStatus.REJECTED
    desk.settle()
    assert (desk.position().lots, desk.position().origin) == (-41, "person:keyboard")


def test_a_persons_flip_outlives_a_moved_stop() -> None:
    desk = Desk()
    desk.hold()
    desk.ask(FlipPosition(symbol=BTC))
    desk.ask(SetProtection(symbol=BTC, stop=STOP_AT))
    desk.settle()
    assert desk.position().lots == -41


@pytest.mark.parametrize(("status", "reason"), [(OrderStatus.CANCELED, "canceled"), (OrderStatus.EXPIRED, "expired")])
def test_an_entry_that_ends_without_a_fill_ends_its_signal_too(status: OrderStatus, reason: str) -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.gone(entry, status)
    assert (desk.signal().status, desk.signal().reason) == (SignalStatus.REJECTED, reason)
    desk.fill(entry, 1)
    assert desk.signal().status is SignalStatus.FILLED


def test_a_close_is_filled_with_its_exit() -> None:
    desk = Desk()
    desk.hold()
    desk.ask(SetPaused(paused=True))
    desk.bar(side=-1)
    desk.settle()
    assert (desk.signal().action, desk.signal().status) == (Action.CLOSE, SignalStatus.FILLED)


def test_an_entry_the_venue_refuses_is_a_rejected_signal() -> None:
    desk = Desk()
    desk.cross()
    desk.refuse(desk.order_of(Purpose.ENTRY), "-2019", "margin is insufficient")
    assert desk.signal().status is SignalStatus.REJECTED
    assert desk.signal().reason == "margin is insufficient (-2019)"
    assert (desk.s().plan_stop, desk.s().plan_target) == (None, None)


def test_a_held_symbol_is_shown_and_not_traded() -> None:
    desk = Desk()
    desk.s().held = "a person's override"
    assert sent(desk.cross()) == []
    assert desk.signal().status is SignalStatus.OBSERVED
    assert desk.signal().reason == "held: a person's override"


def test_more_than_200_signals_may_wait() -> None:
    desk = Desk(autonomy=Autonomy.APPROVE, approve_ms=10**9, record_trades=10**6)
    desk.bar()
    for i in range(210):
        desk.bar(side=1 if i % 2 else -1)
    assert {s.status for s in desk.state.signals.values()} == {SignalStatus.WAITING}
    assert len(desk.state.signals) == 210


def test_the_last_200_signals_are_kept() -> None:
    desk = Desk(autonomy=Autonomy.OBSERVE)
    desk.bar()
    for i in range(230):
        desk.bar(side=1 if i % 2 else -1)
    assert list(desk.state.signals) == list(range(31, 231))
