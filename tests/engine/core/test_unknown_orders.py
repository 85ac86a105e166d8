"""Orders without an answer: asked for by id, never sent again blindly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.core import Core
from engine.model.command import ReducePosition
from engine.model.decision import Noted, QueryOrder, TimerSet
from engine.model.order import OrderStatus, Purpose
from engine.model.signal import SignalStatus
from tests.engine.core.contracts import BTC
from tests.engine.core.scenario import Desk, every, only, sent


def lost() -> tuple[Desk, str]:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.now += 500
    decisions = desk.lose(entry)
    assert every(QueryOrder, decisions) == [QueryOrder(client_id=entry)]
    assert only(TimerSet, decisions) == TimerSet(timer=f"query|{entry}", deadline=desk.now + 2_000)
    assert sent(decisions) == []
    assert desk.state.orders[entry].status is OrderStatus.UNKNOWN
    return desk, entry


def test_a_found_order_works() -> None:
    desk, entry = lost()
    desk.accept(entry)
    order = desk.state.orders[entry]
    assert (order.status, order.venue_id) == (OrderStatus.WORKING, f"v-{entry}")
    desk.now += 2_000
    assert every(QueryOrder, desk.fire()) == []  # the timer of the question has nothing to ask any more


@pytest.mark.parametrize(("after", "status"), [(5_999, OrderStatus.UNKNOWN), (6_000, OrderStatus.REJECTED)])
def test_not_found_is_believed_only_when_the_request_is_void(after: int, status: OrderStatus) -> None:
    desk, entry = lost()
    desk.now = desk.state.orders[entry].created + after
    decisions = desk.not_found(entry)
    assert desk.state.orders[entry].status is status
    if status is OrderStatus.UNKNOWN:
        assert only(TimerSet, decisions).timer == f"query|{entry}"
        assert desk.signal().status is SignalStatus.SENT
    else:
        assert every(TimerSet, decisions) == []
        assert desk.state.orders[entry].reason == "the venue never had it"
        assert desk.signal().status is SignalStatus.REJECTED


def test_it_is_asked_for_until_something_is_known() -> None:
    desk, entry = lost()
    for _ in range(3):
        decisions = desk.tick(2_000)
        assert every(QueryOrder, decisions) == [QueryOrder(client_id=entry)]
    desk.fill(entry)
    assert desk.state.orders[entry].status is OrderStatus.FILLED
    assert every(QueryOrder, desk.tick(2_000)) == []


def test_a_fill_is_an_answer_too() -> None:
    desk, entry = lost()
    desk.fill(entry, 1)
    assert desk.state.orders[entry].status is OrderStatus.WORKING


def test_an_order_in_flight_at_a_crash_is_unknown_after_it() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.start()
    order = desk.state.orders[entry]
    assert (order.status, order.reason) == (OrderStatus.UNKNOWN, "the engine stopped before the venue answered")
    assert every(QueryOrder, desk.report()) == [QueryOrder(client_id=entry)]


def unanswered(desk: Desk) -> str:
    desk.cross()
    return f"query|{desk.order_of(Purpose.ENTRY)}"


def asked(desk: Desk) -> str:
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.lose(entry)
    return f"query|{entry}"


def refused_exit(desk: Desk) -> str:
    desk.hold()
    desk.ask(ReducePosition(symbol=BTC))
    exit_ = desk.order_of(Purpose.EXIT)
    desk.refuse(exit_)
    return f"exit|{exit_}"


def bare(desk: Desk) -> str:
    """A refused stop while the exit is already on its way."""
    desk.cross()
    desk.fill(desk.order_of(Purpose.ENTRY))
    stop = desk.order_of(Purpose.STOP)
    desk.ask(ReducePosition(symbol=BTC))
    desk.refuse(stop)
    return f"protect|{BTC}"


@pytest.mark.parametrize("happen", [unanswered, asked, refused_exit, bare])
def test_what_was_to_be_done_later_is_done_after_a_restart(happen: Callable[[Desk], str]) -> None:
    desk = Desk()
    timer = happen(desk)
    desk.core = Core.restore(desk.core.snapshot())
    rearmed = {decision.timer for decision in every(TimerSet, desk.start())}
    assert timer in rearmed
    before_the_report = desk.tick(2_000)
    assert every(QueryOrder, before_the_report) == []
    assert sent(before_the_report) == []
    desk.report()
    desk.pending.clear()
    later = desk.tick(2_000)
    kind, _, key = timer.partition("|")
    if kind == "query":
        assert every(QueryOrder, later) == [QueryOrder(client_id=key)]
    elif kind == "exit":
        assert [r.purpose for r in sent(later)] == [Purpose.EXIT]
    else:
        assert timer not in desk.state.timers  # fired: `protect` found what the report had not put right already


def test_an_exit_that_was_sent_again_is_not_sent_once_more_after_a_restart() -> None:
    desk = Desk()
    refused_exit(desk)
    desk.pending = [*every(TimerSet, desk.pending)]  # the exit itself never reached this venue
    desk.tick(1_000)
    desk.settle()
    assert desk.s().position is None
    desk.s().held = ""
    desk.hold()
    assert [t for t in every(TimerSet, desk.start()) if t.timer.startswith("exit|")] == []


def test_news_of_a_lost_answer_after_the_fill_changes_nothing() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.fill(entry)
    assert desk.lose(entry) == ()
    assert desk.state.orders[entry].status is OrderStatus.FILLED


def test_a_refused_cancel_is_followed_by_the_question() -> None:
    desk = Desk()
    desk.hold()
    stop = desk.order_of(Purpose.STOP)
    desk.fill(desk.order_of(Purpose.TARGET))
    assert desk.state.orders[stop].status is OrderStatus.CANCELING
    decisions = desk.cancel_refused(stop)
    assert every(QueryOrder, decisions) == [QueryOrder(client_id=stop)]
    assert desk.state.orders[stop].status is OrderStatus.WORKING


def test_a_timer_nobody_knows_is_noted() -> None:
    desk = Desk()
    desk.timers.append((desk.now, "tea"))
    notes = [note.text for note in every(Noted, desk.fire())]
    assert notes == ["a timer nobody knows: tea"]
