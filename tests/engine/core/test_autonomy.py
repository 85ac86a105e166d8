"""What each autonomy mode makes of a signal: shown, waiting for a person, or sent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model import event as e
from engine.model.command import (
    ApproveSignal,
    Autonomy,
    RejectSignal,
    SetAutonomy,
    SetPaused,
)
from engine.model.decision import SignalDecided, TimerSet
from engine.model.order import Purpose, Side
from engine.model.signal import Action, SignalStatus
from tests.engine.core.contracts import BTC
from tests.engine.core.scenario import Desk, every, only, sent

MINUTE = 60_000


def waiting(**settings: object) -> Desk:
    """A desk with one signal that waits for approval."""
    desk = Desk(autonomy=Autonomy.APPROVE, **settings)  # type: ignore[arg-type] # a table's values
    desk.cross()
    assert desk.signal().status is SignalStatus.WAITING
    return desk


def test_observe_shows_and_sends_nothing() -> None:
    desk = Desk(autonomy=Autonomy.OBSERVE)
    assert sent(desk.cross()) == []
    assert (desk.signal().status, desk.signal().reason) == (
        SignalStatus.OBSERVED,
        "observe mode: shown, not traded",
    )
    assert len(desk.signal().gates) == 18


def test_approve_waits_and_sends_when_asked() -> None:
    desk = Desk(autonomy=Autonomy.APPROVE)
    decisions = desk.cross()
    assert sent(decisions) == []
    signal = desk.signal()
    assert (signal.status, signal.expires) == (SignalStatus.WAITING, desk.now + 5 * MINUTE)
    assert only(TimerSet, decisions) == TimerSet(timer=f"signal|{signal.id}", deadline=signal.expires)
    decisions = desk.order(ApproveSignal(signal_id=signal.id))
    (request,) = sent(decisions)
    assert (request.purpose, request.lots, request.origin) == (Purpose.ENTRY, 41, f"signal:{signal.id}")
    assert desk.signal().status is SignalStatus.SENT
    assert desk.signal().expires == 0
    desk.settle()
    assert desk.signal().status is SignalStatus.FILLED
    assert desk.orders(Purpose.STOP)[0].request.trigger == signal.stop


def test_nobody_approves_in_time() -> None:
    desk = waiting()
    desk.tick(5 * MINUTE - 1)
    assert desk.signal().status is SignalStatus.WAITING
    desk.tick(1)
    assert (desk.signal().status, desk.signal().reason) == (SignalStatus.EXPIRED, "nobody approved in time")
    answer = desk.ask(ApproveSignal(signal_id=1))
    assert not answer.ok
    assert "it does not wait for approval (any more)" in answer.text


def test_an_approved_signal_does_not_expire() -> None:
    desk = waiting()
    desk.order(ApproveSignal(signal_id=1))
    desk.settle()
    desk.tick(6 * MINUTE)
    assert desk.signal().status is SignalStatus.FILLED


def test_a_waiting_signal_outlives_a_restart() -> None:
    desk = waiting()
    desk.now += MINUTE
    assert only(TimerSet, desk.start()).deadline == desk.signal().expires


@pytest.mark.parametrize(("ticks", "ok"), [(1_002_000, True), (998_002, True), (1_002_100, False), (997_900, False)])
def test_approval_allows_a_drift_of_a_fifth_of_a_percent(ticks: int, ok: bool) -> None:  # noqa: FBT001 - a column
    desk = waiting()
    desk.move(BTC, ticks)
    answer = desk.ask(ApproveSignal(signal_id=1))
    assert answer.ok is ok
    assert desk.signal().status is (SignalStatus.SENT if ok else SignalStatus.REFUSED)
    if not ok:
        assert "approval refused: drift 0.21% (needs <= 0.20%)" in answer.text


def test_approval_wants_a_fresh_quote() -> None:
    desk = waiting()
    desk.now += 5_001
    answer = desk.ask(ApproveSignal(signal_id=1))
    assert not answer.ok
    assert "data fresh 5001 ms (needs <= 5000 ms)" in answer.text


def test_approval_runs_risk_again() -> None:
    desk = waiting()
    desk.ask(SetPaused(paused=True))
    answer = desk.ask(ApproveSignal(signal_id=1))
    assert not answer.ok
    assert "running paused (needs on)" in answer.text
    assert [g.name for g in desk.signal().gates[18:21]] == ["data fresh", "drift", "position"]


def test_approval_that_the_last_word_refuses_is_no_success() -> None:
    desk = waiting()
    desk.feed(e.FundingPaid(at=desk.now, symbol=BTC, amount=-9_900_00000000, venue_time=desk.now))
    desk.state.day_start = desk.state.peak = desk.state.cash
    answer = desk.ask(ApproveSignal(signal_id=1))
    assert not answer.ok
    assert "room: exposure or margin caps leave no room for it" in answer.text


def test_the_second_of_two_equal_signals_is_not_a_reversal() -> None:
    desk = waiting(approve_ms=60 * MINUTE)
    desk.bar(side=0)
    desk.bar(side=1)
    assert desk.ask(ApproveSignal(signal_id=1)).ok
    desk.settle()
    answer = desk.ask(ApproveSignal(signal_id=2))
    assert not answer.ok
    assert "position long (needs not long)" in answer.text
    desk.settle()
    assert desk.position().lots == 41


def test_in_approve_mode_an_opposite_score_closes_at_once_and_asks_for_the_rest() -> None:
    desk = Desk()
    desk.hold()
    desk.ask(SetAutonomy(autonomy=Autonomy.APPROVE))
    decisions = desk.bar(side=-1)
    closing, reversal = (decision.signal for decision in every(SignalDecided, decisions))
    assert (closing.action, closing.status) == (Action.CLOSE, SignalStatus.SENT)
    assert closing.reason == "opposite score; reversal waits for approval"
    assert (reversal.action, reversal.status) == (Action.SHORT, SignalStatus.WAITING)
    assert [request.purpose for request in sent(decisions)] == [Purpose.EXIT]
    desk.settle()
    assert desk.ask(ApproveSignal(signal_id=reversal.id)).ok
    desk.settle()
    assert desk.position().side == -1


HELD_BY = "position differs: venue 0.040, desk 0.041 BTC"


@pytest.mark.parametrize(
    ("mode", "paused", "held", "origin", "closes", "reason"),
    [
        (Autonomy.AUTO, False, "", "signal:1", True, "reverses the position"),
        (Autonomy.AUTO, True, "", "signal:1", True, "opposite score; no reversal: running"),
        (Autonomy.OBSERVE, False, "", "signal:1", True, "opposite score; no reversal: observe mode"),
        (Autonomy.OBSERVE, True, "", "signal:1", True, "opposite score; no reversal: observe mode"),
        (Autonomy.OBSERVE, False, "", "person:keyboard", True, "opposite score; no reversal: observe mode"),
        (Autonomy.OBSERVE, False, "", "outside", False, "observe mode: shown, not traded"),
        (Autonomy.AUTO, False, HELD_BY, "signal:1", True, "opposite score; no reversal: entries are held"),
        (Autonomy.AUTO, False, "a person's override", "signal:1", False, "held: a person's override"),
        (Autonomy.OBSERVE, False, "a person's override", "signal:1", False, "held: a person's override"),
    ],
)
def test_an_opposite_score_closes_what_the_desk_owns_in_every_mode(
    mode: Autonomy,
    paused: bool,  # noqa: FBT001 - a column
    held: str,
    origin: str,
    closes: bool,  # noqa: FBT001 - a column
    reason: str,
) -> None:
    desk = Desk()
    desk.hold()
    desk.ask(SetAutonomy(autonomy=mode))
    desk.ask(SetPaused(paused=paused))
    desk.s().held = held
    desk.s().position = replace(desk.position(), origin=origin)
    decisions = desk.bar(side=-1)
    assert [(r.purpose, r.side, r.lots) for r in sent(decisions)] == [(Purpose.EXIT, Side.SELL, 41)] * closes
    first = every(SignalDecided, decisions)[0].signal
    assert first.reason == reason
    assert (first.action is Action.CLOSE) is (closes and reason != "reverses the position")
    if mode is Autonomy.OBSERVE or held:
        assert desk.signal().status is SignalStatus.OBSERVED
        desk.settle()
        assert (desk.s().position is None) is closes


def test_a_rejected_signal_is_gone() -> None:
    desk = waiting()
    assert desk.ask(RejectSignal(signal_id=1)).text == f"rejected: long {BTC}"
    assert (desk.signal().status, desk.signal().reason) == (SignalStatus.REJECTED, "rejected by keyboard")
    assert not desk.ask(ApproveSignal(signal_id=1)).ok
