"""What commands do to positions, orders and modes."""

from __future__ import annotations

from decimal import Decimal

from engine.model import command as c
from engine.model.decision import CancelSent, EntryPlanned, ModeSet
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.desks import (
    flat,
    long,
    place,
    resting,
)
from tests.engine.core.scenario import every, only, sent

L = OrderKind.LIMIT


def test_a_persons_order_holds_the_symbol_until_it_is_released() -> None:
    desk = flat()
    desk.ask(place())
    desk.settle()
    assert desk.s().held == "a person's override"
    assert desk.position().origin == "person:keyboard"
    assert sent(desk.bar(side=-1)) == []
    desk.ask(c.ReleaseSymbol(symbol=BTC))
    desk.bar(side=0)
    assert [request.purpose for request in sent(desk.bar(side=-1))] == [Purpose.EXIT]


def test_an_order_has_the_default_protection_or_its_own() -> None:
    desk = flat()
    desk.ask(place())
    desk.settle()
    assert (desk.s().plan_stop, desk.s().plan_target) == (1_000_001 - 5_000, 1_000_001 + 15_000)
    desk = flat()
    desk.ask(place(kind=L, price="99000", stop="98000", target="101000"))
    (order,) = desk.orders(Purpose.ENTRY)
    assert (order.request.price, order.request.kind, order.request.leverage) == (990_000, L, 3)
    assert (desk.s().plan_stop, desk.s().plan_target) == (980_000, 1_010_000)


def test_adding_keeps_the_protection_that_is_there() -> None:
    desk = long()
    plan = (desk.s().plan_stop, desk.s().plan_target)
    desk.move(BTC, 1_003_000)
    desk.ask(place("0.01"))
    desk.settle()
    assert desk.position().lots == 51
    assert (desk.s().plan_stop, desk.s().plan_target) == plan
    assert [o.request.lots for o in desk.orders(Purpose.STOP)] == [51]


def test_half_of_an_odd_position_is_rounded_up() -> None:
    desk = long()
    (request,) = sent(desk.order(c.ReducePosition(symbol=BTC, percent=50)))
    assert (request.lots, request.reduce_only, request.side) == (21, True, Side.SELL)
    desk.settle()
    assert desk.position().lots == 20
    assert [o.request.lots for o in desk.orders(Purpose.STOP)] == [20]


def test_a_flip_closes_first_and_enters_when_flat() -> None:
    desk = long()
    decisions = desk.order(c.FlipPosition(symbol=BTC))
    assert [request.purpose for request in sent(decisions)] == [Purpose.EXIT]
    assert only(EntryPlanned, decisions).lots == 41
    decisions = desk.fill(desk.order_of(Purpose.EXIT))
    (entry,) = (request for request in sent(decisions) if request.purpose is Purpose.ENTRY)
    assert (entry.side, entry.lots) == (Side.SELL, 41)
    desk.fill(entry.client_id)
    assert desk.position().lots == -41
    (stop,) = desk.orders(Purpose.STOP)[-1:]
    assert (stop.request.side, stop.request.trigger) == (Side.BUY, 1_005_000)


def test_protection_moves_new_before_old() -> None:
    desk = long()
    old = desk.order_of(Purpose.STOP)
    decisions = desk.order(c.SetProtection(symbol=BTC, stop=Decimal(99_900)))
    (request,) = sent(decisions)
    assert (request.trigger, request.lots) == (999_000, 41)
    assert every(CancelSent, decisions) == []
    assert every(CancelSent, desk.accept(request.client_id)) == [CancelSent(client_id=old)]
    assert desk.position().stop == 999_000
    assert desk.s().plan_target == 1_015_001


def test_flatten_closes_all_and_cancels_entries_and_plans() -> None:
    desk = long()
    desk.hold(ETH, -1)
    desk.ask(c.FlipPosition(symbol=ETH))
    decisions = desk.order(c.FlattenAll())
    assert {request.symbol for request in sent(decisions)} == {BTC}  # ETH is already being closed
    desk.settle()
    assert all(desk.s(symbol).position is None and desk.s(symbol).orders == [] for symbol in desk.symbols)
    assert {desk.s(symbol).held for symbol in (BTC, ETH)} == {"flattened by a person"}


def test_kill_cancels_entries_and_keeps_protection() -> None:
    desk = long()
    desk.ask(place("0.001", kind=L, price="99900"))
    desk.settle()
    decisions = desk.order(c.Kill())
    assert only(ModeSet, decisions).paused
    (cancelled,) = every(CancelSent, decisions)
    assert desk.state.orders[cancelled.client_id].request.purpose is Purpose.ENTRY
    desk.settle()
    assert [o.status for o in desk.orders(Purpose.STOP)] == [OrderStatus.WORKING]
    assert desk.position().lots == 41


def test_kill_forgets_the_second_half_of_a_flip() -> None:
    desk = long()
    desk.order(c.FlipPosition(symbol=BTC))
    desk.order(c.Kill())
    desk.settle()
    assert desk.s().position is None
    assert desk.s().planned is None


def test_cancel_all_leaves_other_symbols_alone() -> None:
    desk = resting()
    desk.bar(ETH)
    desk.ask(c.PlaceOrder(symbol=ETH, side=Side.BUY, kind=L, quantity=Decimal("0.1"), price=Decimal(3_990)))
    desk.settle()
    desk.ask(c.CancelAll(symbol=BTC))
    desk.settle()
    assert desk.s().orders == []
    assert len(desk.s(ETH).orders) == 1


def test_modes_are_kept() -> None:
    desk = flat()
    desk.ask(c.SetAutonomy(autonomy=c.Autonomy.APPROVE))
    desk.ask(c.SetPaused(paused=True))
    desk.start()
    assert desk.state.autonomy is c.Autonomy.APPROVE
    assert desk.state.paused
