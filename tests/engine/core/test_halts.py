"""Halts by the day's loss and by drawdown, and the cool-down after a stop."""

from __future__ import annotations

from engine.model import event as e
from engine.model.command import SetPaused
from engine.model.decision import Decision, Level, ModeSet, Noted
from engine.model.order import Purpose
from engine.model.signal import SignalStatus
from tests.engine.core.contracts import BTC, DAY, ETH, T0
from tests.engine.core.scenario import Desk, alarms, every, gate, only

USDT = 100_000_000


def earn(desk: Desk, usdt: int) -> tuple[Decision, ...]:
    """Cash changes, and the next second is judged."""
    desk.feed(e.FundingPaid(at=desk.now, symbol=BTC, amount=usdt * USDT, venue_time=desk.now))
    return desk.tick()


def next_day(desk: Desk) -> tuple[Decision, ...]:
    return desk.tick(DAY - (desk.now - T0) % DAY)


def test_the_days_loss_halts_entries_at_its_limit() -> None:
    desk = Desk()
    desk.tick()
    assert every(ModeSet, earn(desk, -299)) == []
    decisions = earn(desk, -1)
    assert only(ModeSet, decisions).halt == "day loss"
    assert alarms(decisions) == ["the day's loss reached 3.0%: entries are halted"]
    desk.cross()
    assert desk.signal().reason == "halt day loss (needs none)"


def test_it_is_judged_at_the_mark_and_leaves_positions_alone() -> None:
    desk = Desk()
    desk.hold()
    desk.tick()
    desk.move(BTC, 926_000)  # 41 lots lose 303 USDT and 4 of fees
    decisions = desk.tick()
    assert only(ModeSet, decisions).halt == "day loss"
    assert desk.position().lots == 41
    assert len(desk.orders(Purpose.STOP)) == 1


def test_it_holds_for_the_rest_of_the_day_whatever_is_earned_back() -> None:
    desk = Desk()
    desk.tick()
    earn(desk, -400)
    assert every(ModeSet, earn(desk, +500)) == []
    assert desk.state.halt == "day loss"


def test_a_new_day_lifts_it_and_judges_afresh() -> None:
    desk = Desk()
    desk.tick()
    earn(desk, -400)
    decisions = next_day(desk)
    assert only(ModeSet, decisions).halt == ""
    assert Noted(level=Level.INFO, text="a new day: the day-loss halt is lifted") in decisions
    assert desk.state.day_start == 9_600 * USDT
    assert every(ModeSet, earn(desk, -287)) == []
    assert only(ModeSet, earn(desk, -2)).halt == "day loss"


def test_a_person_lifts_it_for_the_rest_of_the_day_only() -> None:
    desk = Desk()
    desk.tick()
    earn(desk, -400)
    assert desk.ask(SetPaused(paused=False)).text == "resumed (halt lifted for today: day loss)"
    assert every(ModeSet, earn(desk, -100)) == []
    desk.cross()
    assert desk.signal().status is SignalStatus.SENT
    desk.settle()
    next_day(desk)
    assert only(ModeSet, earn(desk, -300)).halt == "day loss"


def test_drawdown_halts_until_a_person_lifts_it() -> None:
    desk = Desk(day_loss=0.5)
    desk.tick()
    earn(desk, +10_000)
    decisions = earn(desk, -3_000)
    assert only(ModeSet, decisions).halt == "drawdown"
    assert alarms(decisions) == ["drawdown reached 15.0%: entries are halted"]
    next_day(desk)
    assert desk.state.halt == "drawdown"
    desk.ask(SetPaused(paused=False))
    assert every(ModeSet, desk.tick()) == []
    assert only(ModeSet, next_day(desk)).halt == "drawdown"


def test_days_are_the_markets() -> None:
    """A replay of an old month begins its days by the month's own clock."""
    desk = Desk()
    desk.feed(e.ClockTick(at=desk.now + 400 * DAY))  # wall time is far ahead of the market's
    desk.tick()
    earn(desk, -400)
    assert desk.state.halt == "day loss"
    next_day(desk)
    assert desk.state.halt == ""


def test_without_an_account_nothing_is_judged() -> None:
    desk = Desk(balance=None)
    assert desk.tick() == ()


def test_a_symbol_cools_down_after_its_stop() -> None:
    desk = Desk(cooldown_ms=3_600_000)
    desk.hold()
    desk.fill(desk.order_of(Purpose.STOP))
    desk.cross()
    assert desk.signal().reason == "cool-down 1800 s (needs 0 s)"
    desk.cross(ETH)
    assert desk.signal().status is SignalStatus.SENT
    desk.cross()
    assert gate(desk.signal(), "cool-down").value == "0 s"


def test_it_does_not_after_its_target() -> None:
    desk = Desk(cooldown_ms=3_600_000)
    desk.hold()
    desk.fill(desk.order_of(Purpose.TARGET))
    desk.cross()
    assert desk.signal().status is SignalStatus.SENT
