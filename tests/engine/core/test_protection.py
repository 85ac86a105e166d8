"""Stops and targets at the venue: placed, resized, refused, lost and late."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.command import PlaceOrder, ReducePosition, SetProtection
from engine.model.decision import CancelSent, Level, Noted, QueryOrder, RequestReport, TimerSet
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from tests.engine.core.contracts import BTC
from tests.engine.core.scenario import Desk, alarms, every, only, sent

STOP, TARGET, ENTRY, EXIT = Purpose.STOP, Purpose.TARGET, Purpose.ENTRY, Purpose.EXIT


def entered(lots: int | None = None) -> Desk:
    """A desk whose entry of 41 lots has filled by `lots`; its first legs are on their way."""
    desk = Desk()
    desk.cross()
    entry = desk.order_of(ENTRY)
    desk.accept(entry)
    desk.fill(entry, lots)
    return desk


def protected(lots: int | None = None) -> Desk:
    desk = entered(lots)
    desk.accept(desk.order_of(STOP))
    desk.accept(desk.order_of(TARGET))
    return desk


def limit(desk: Desk, price: str, stop: str, quantity: str = "0.01") -> str:
    """The client id of a resting entry."""
    (request,) = sent(
        desk.order(
            PlaceOrder(
                symbol=BTC,
                side=Side.BUY,
                kind=OrderKind.LIMIT,
                quantity=Decimal(quantity),
                price=Decimal(price),
                stop=Decimal(stop),
            )
        )
    )
    desk.accept(request.client_id)
    return request.client_id


@pytest.mark.parametrize("side", [1, -1])
def test_a_filled_entry_gets_its_stop_and_target(side: int) -> None:
    desk = Desk()
    desk.cross(side=side)
    signal = desk.signal()
    stop, target = sent(desk.fill(desk.order_of(ENTRY)))
    assert (stop.purpose, stop.kind, stop.trigger) == (STOP, OrderKind.STOP_MARKET, signal.stop)
    assert (target.purpose, target.kind, target.trigger) == (TARGET, OrderKind.TAKE_PROFIT_MARKET, signal.target)
    for leg in (stop, target):
        assert (leg.side, leg.lots, leg.reduce_only, leg.price) == (Side(-side), signal.lots, True, None)
        assert leg.origin == "protection"
    assert (desk.position().stop, desk.position().target) == (signal.stop, signal.target)


def test_a_growing_position_gets_new_legs_before_the_old_ones_go() -> None:
    desk = protected(20)
    old_stop, old_target = desk.order_of(STOP), desk.order_of(TARGET)
    decisions = desk.fill(desk.order_of(ENTRY))
    assert [(leg.purpose, leg.lots) for leg in sent(decisions)] == [(STOP, 41), (TARGET, 41)]
    assert every(CancelSent, decisions) == []
    new_stop, new_target = (leg.client_id for leg in sent(decisions))
    assert every(CancelSent, desk.accept(new_stop)) == [CancelSent(client_id=old_stop)]
    assert every(CancelSent, desk.accept(new_target)) == [CancelSent(client_id=old_target)]
    desk.gone(old_stop)
    desk.gone(old_target)
    assert (desk.order_of(STOP), desk.order_of(TARGET)) == (new_stop, new_target)


def test_a_leg_on_its_way_is_waited_for() -> None:
    desk = entered(20)
    stop = desk.order_of(STOP)
    assert sent(desk.fill(desk.order_of(ENTRY))) == []
    (resized,) = sent(desk.accept(stop))
    assert (resized.purpose, resized.lots) == (STOP, 41)
    assert every(CancelSent, desk.accept(resized.client_id)) == [CancelSent(client_id=stop)]


def test_a_leg_that_fills_in_part_still_fits() -> None:
    desk = protected()
    stop = desk.order_of(STOP)
    decisions = desk.fill(stop, 11)
    assert [(leg.purpose, leg.lots) for leg in sent(decisions)] == [(TARGET, 30)]
    assert desk.order_of(STOP) == stop


@pytest.mark.parametrize("leg", [STOP, TARGET])
def test_one_leg_filled_cancels_the_other(leg: Purpose) -> None:
    desk = protected()
    other = TARGET if leg is STOP else STOP
    decisions = desk.fill(desk.order_of(leg))
    assert every(CancelSent, decisions) == [CancelSent(client_id=desk.order_of(other))]
    assert desk.s().position is None
    assert (desk.s().plan_stop, desk.s().plan_target) == (None, None)
    desk.gone(desk.order_of(other))
    assert desk.s().orders == []


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
def test_a_stop_that_the_venue_ends_is_placed_again(status: OrderStatus) -> None:
    desk = protected()
    (again,) = sent(desk.gone(desk.order_of(STOP), status))
    assert (again.purpose, again.lots) == (STOP, 41)


def test_a_refused_stop_flattens_with_an_alarm() -> None:
    desk = entered()
    decisions = desk.refuse(desk.order_of(STOP), "-1", "no stops today")
    assert alarms(decisions) == ["stop refused: no stops today (-1); flattening"]
    (exit_,) = sent(decisions)
    assert (exit_.purpose, exit_.kind, exit_.lots, exit_.side) == (EXIT, OrderKind.MARKET, 41, Side.SELL)


def test_a_refused_larger_stop_flattens_though_the_smaller_one_works() -> None:
    desk = protected(20)
    stop, _ = sent(desk.fill(desk.order_of(ENTRY)))
    assert [r.lots for r in sent(desk.refuse(stop.client_id))] == [41]


def test_a_refused_target_leaves_the_stop_alone() -> None:
    desk = entered()
    desk.accept(desk.order_of(STOP))
    decisions = desk.refuse(desk.order_of(TARGET), "-4131", "no")
    assert sent(decisions) == []
    note = only(Noted, decisions)
    assert (note.level, note.text) == (Level.WARN, "target refused: no (-4131); the stop protects alone")
    assert desk.s().plan_target is None
    assert [o.status for o in desk.orders(STOP)] == [OrderStatus.WORKING]
    assert sent(desk.tick()) == []


@pytest.mark.parametrize("code", ["-2021", "51277", "51279", "110092", "110093"])
def test_a_target_that_is_reached_already_closes(code: str) -> None:
    desk = entered()
    (exit_,) = sent(desk.refuse(desk.order_of(TARGET), code, "Order would immediately trigger."))
    assert (exit_.purpose, exit_.lots) == (EXIT, 41)


def test_a_refused_exit_is_sent_again_after_a_second_with_an_alarm() -> None:
    desk = protected()
    desk.order(ReducePosition(symbol=BTC))
    exit_ = desk.order_of(EXIT)
    decisions = desk.refuse(exit_, "-4164", "busy")
    assert alarms(decisions) == ["exit refused: busy (-4164); asking the venue, then again"]
    assert only(RequestReport, decisions).reason == f"an exit of {BTC} was refused"
    assert only(TimerSet, decisions) == TimerSet(timer=f"exit|{exit_}", deadline=desk.now + 1_000)
    assert sent(desk.tick(999)) == []
    (again,) = sent(desk.tick(1))
    assert (again.purpose, again.lots, again.client_id != exit_) == (EXIT, 41, True)


def test_a_second_refused_exit_within_the_second_asks_for_no_other_report() -> None:
    desk = protected()
    desk.order(ReducePosition(symbol=BTC, percent=50))
    assert every(RequestReport, desk.refuse(desk.order_of(EXIT), "-1021", "clock"))
    (stop_exit,) = sent(desk.refuse(desk.order_of(STOP), "-1021", "clock"))
    assert every(RequestReport, desk.refuse(stop_exit.client_id, "-1021", "clock")) == []


def test_an_exit_refused_while_the_position_is_disputed_asks_for_no_report_of_its_own() -> None:
    desk = protected()
    desk.report(lots={})
    assert desk.state.symbols[BTC].mismatches == 1
    desk.order(ReducePosition(symbol=BTC))
    decisions = desk.refuse(desk.order_of(EXIT), "-2022", "nothing to reduce")
    assert alarms(decisions) == ["exit refused: nothing to reduce (-2022); asking the venue, then again"]
    assert every(RequestReport, decisions) == []
    assert only(RequestReport, desk.tick(1_000)).reason == "positions differed"


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
@pytest.mark.parametrize(("filled", "left"), [(0, [41]), (30, [11]), (41, [])])
def test_a_market_exit_that_the_venue_ends_is_sent_again(status: OrderStatus, filled: int, left: list[int]) -> None:
    desk = protected()
    desk.order(ReducePosition(symbol=BTC))
    exit_ = desk.order_of(EXIT)
    if filled:
        desk.fill(exit_, filled)
    decisions = desk.gone(exit_, status)
    word = "refused" if status is OrderStatus.REJECTED else status.value
    said = [f"exit {word}: no reason given; asking the venue, then again"] * len(left)
    assert alarms(decisions) == said
    assert [r.reason for r in every(RequestReport, decisions)] == [f"an exit of {BTC} was {word}"] * len(left)
    assert [r.lots for r in sent(desk.tick(1_000)) if r.purpose is EXIT] == left


def test_a_limit_exit_that_the_venue_ends_is_not_sent_again() -> None:
    desk = protected()
    order = PlaceOrder(
        symbol=BTC, side=Side.SELL, kind=OrderKind.LIMIT, quantity=Decimal("0.041"), price=Decimal(101_000)
    )
    (request,) = sent(desk.order(order))
    assert sent(desk.gone(request.client_id, OrderStatus.EXPIRED)) == []
    assert sent(desk.tick(2_000)) == []


def test_a_reversal_goes_on_when_its_exit_had_to_be_sent_twice() -> None:
    desk = protected()
    desk.bar(side=-1)
    desk.gone(desk.order_of(EXIT), OrderStatus.EXPIRED)
    (again,) = sent(desk.tick(1_000))
    decisions = desk.fill(again.client_id)
    assert [(r.purpose, r.side) for r in sent(decisions)] == [(ENTRY, Side.SELL)]


@pytest.mark.parametrize(("filled", "left"), [(41, []), (30, [11]), (0, [41])])
def test_only_what_is_left_is_sent_again(filled: int, left: list[int]) -> None:
    desk = protected()
    desk.order(ReducePosition(symbol=BTC))
    desk.refuse(desk.order_of(EXIT))
    if filled:
        desk.fill(desk.order_of(STOP), filled)
    again = [request.lots for request in sent(desk.tick(1_000)) if request.purpose is EXIT]
    assert again == left


def test_a_refused_limit_exit_is_no_reason_to_close_at_market() -> None:
    desk = protected()
    (request,) = sent(
        desk.order(
            PlaceOrder(
                symbol=BTC, side=Side.SELL, kind=OrderKind.POST_ONLY, quantity=Decimal("0.041"), price=Decimal(99_000)
            )
        )
    )
    decisions = desk.refuse(request.client_id, "-5022", "would take")
    assert only(Noted, decisions).text == "limit exit refused: would take (-5022); the position stays"
    assert desk.tick(2_000) == ()


@pytest.mark.parametrize("accepted", [False, True])
def test_a_limit_exit_goes_with_its_position(accepted: bool) -> None:  # noqa: FBT001 - a column
    desk = protected()
    order = PlaceOrder(
        symbol=BTC, side=Side.SELL, kind=OrderKind.LIMIT, quantity=Decimal("0.02"), price=Decimal(101_000)
    )
    (request,) = sent(desk.order(order))
    said: tuple[object, ...] = desk.accept(request.client_id) if accepted else ()
    assert every(CancelSent, said) == []
    said = desk.fill(desk.order_of(STOP))
    if not accepted:
        said = desk.accept(request.client_id)
    assert CancelSent(client_id=request.client_id) in said


def test_exits_on_their_way_count() -> None:
    desk = protected()
    desk.order(ReducePosition(symbol=BTC, percent=50))
    (rest,) = sent(desk.order(ReducePosition(symbol=BTC)))
    assert rest.lots == 20


def test_a_stop_without_an_answer_is_doubled_and_the_double_goes_when_it_turns_up() -> None:
    desk = entered()
    lost = desk.order_of(STOP)
    decisions = desk.lose(lost)
    assert every(QueryOrder, decisions) == [QueryOrder(client_id=lost)]
    (double,) = sent(decisions)
    assert (double.purpose, double.lots) == (STOP, 41)
    desk.accept(double.client_id)
    assert every(CancelSent, desk.accept(lost)) == [CancelSent(client_id=double.client_id)]


def test_a_venue_that_answers_nothing_is_not_flooded() -> None:
    desk = entered()
    for _ in range(5):
        for stop in desk.orders(STOP):
            desk.lose(stop.request.client_id)
    assert len(desk.orders(STOP)) == 2
    assert len(every(QueryOrder, desk.tick(2_000))) >= 2
    desk.accept(desk.orders(STOP)[0].request.client_id)
    assert next(o.status for o in desk.orders(STOP)) is OrderStatus.WORKING


def test_two_stops_without_an_answer_are_an_alarm_and_a_third_follows_a_second_later() -> None:
    desk = entered()
    (double,) = sent(desk.lose(desk.order_of(STOP)))
    said = desk.lose(double.client_id)
    assert alarms(said) == ["the venue does not say whether it holds a stop; asking, and trying again"]
    assert sent(said) == []
    assert alarms(desk.lose(double.client_id)) == []  # the question got no answer either: that is no news
    assert sent(desk.tick(999)) == []
    (third,) = sent(desk.tick(1))
    assert (third.purpose, third.lots) == (STOP, 41)
    desk.accept(third.client_id)
    assert sent(desk.tick(5_000)) == []


def test_stops_without_an_answer_are_no_more_than_five() -> None:
    desk = entered()
    for _ in range(20):
        for stop in desk.orders(STOP):
            desk.lose(stop.request.client_id)
        desk.tick(1_000)
    assert len(desk.orders(STOP)) == 5


def test_a_lost_stop_is_no_alarm_while_another_holds() -> None:
    desk = protected()
    (wider,) = sent(desk.order(SetProtection(symbol=BTC, stop=Decimal(98_000))))
    (again,) = sent(desk.lose(wider.client_id))
    assert alarms(desk.lose(again.client_id)) == []


def test_a_refused_exit_waits_longer_while_the_venue_has_another_position() -> None:
    desk = protected()
    desk.report(lots={BTC: 0})
    desk.order(ReducePosition(symbol=BTC))
    exit_ = desk.order_of(EXIT)
    deadlines = [t.deadline - desk.now for t in every(TimerSet, desk.refuse(exit_)) if t.timer == f"exit|{exit_}"]
    assert deadlines == [10_000]


def test_a_lost_stop_that_never_arrived_is_no_alarm_when_another_protects() -> None:
    desk = entered()
    lost = desk.order_of(STOP)
    (double,) = sent(desk.lose(lost))
    desk.accept(double.client_id)
    desk.now += 7_000
    decisions = desk.not_found(lost)
    assert desk.state.orders[lost].status is OrderStatus.REJECTED
    assert sent(decisions) == []
    assert alarms(decisions) == []
    assert desk.order_of(STOP) == double.client_id


def test_cancelling_one_of_two_entries_keeps_the_plan_for_the_other() -> None:
    desk = Desk()
    desk.bar()
    first, second = limit(desk, "99000", "97000"), limit(desk, "98900", "97000")
    desk.gone(first)
    (stop, _) = sent(desk.fill(second))
    assert (stop.purpose, stop.trigger, stop.lots) == (STOP, 970_000, 10)
    assert desk.s().plan_stop == 970_000


def test_an_entry_that_fills_after_it_was_given_up_is_protected_by_default() -> None:
    desk = Desk()
    desk.bar()
    entry = limit(desk, "99000", "97000")
    desk.gone(entry)
    assert desk.s().plan_stop is None
    decisions = desk.fill(entry, ticks=990_000)
    assert alarms(decisions) == ["a position without a stop: default stop and target"]
    assert [(leg.purpose, leg.trigger) for leg in sent(decisions)] == [(STOP, 985_000), (TARGET, 1_005_000)]


def test_where_no_default_is_known_it_is_flattened() -> None:
    desk = Desk()
    entry = limit(desk, "99000", "97000")
    desk.gone(entry)
    decisions = desk.fill(entry)
    assert alarms(decisions) == ["a position without a stop, and none is known: flattening"]
    assert [(request.purpose, request.lots) for request in sent(decisions)] == [(EXIT, 10)]


def test_a_stop_from_a_past_position_does_not_protect_the_next() -> None:
    desk = Desk()
    desk.bar()
    entry = limit(desk, "99000", "97000", "0.02")
    desk.fill(entry, 5, 990_000)
    desk.accept(desk.order_of(STOP))
    desk.fill(desk.order_of(STOP), ticks=970_000)
    assert desk.s().position is None
    assert desk.s().plan_stop == 970_000  # the rest of the entry still rests
    desk.gone(entry)
    assert desk.s().plan_stop is None
