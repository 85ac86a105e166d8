"""The venue's report against the journal: orders, positions, cash."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.command import FlattenAll
from engine.model.decision import (
    CancelSent,
    CashSet,
    Level,
    Noted,
    PositionAdopted,
    QueryOrder,
    RequestReport,
    SymbolHeld,
    TimerSet,
)
from engine.model.event import Reconciled
from engine.model.order import OrderStatus, Purpose
from engine.model.venue import VenueOrder, VenuePosition, VenueReport
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.scenario import Desk, alarms, every, only, sent


def held(client_id: str, symbol: str = BTC, status: OrderStatus = OrderStatus.WORKING) -> VenueOrder:
    return VenueOrder(
        client_id=client_id,
        venue_id=f"v-{client_id}",
        symbol=symbol,
        status=status,
        filled=0,
        reduce_only=True,
        venue_time=0,
    )


def holding() -> tuple[Desk, tuple[VenueOrder, ...]]:
    """A desk with a protected position, and the orders its venue holds."""
    desk = Desk()
    desk.hold()
    desk.pending.clear()
    return desk, tuple(held(client_id) for client_id in desk.s().orders)


def test_what_agrees_changes_nothing() -> None:
    desk, orders = holding()
    assert desk.report(orders=orders) == ()
    assert desk.state.links["venue"]


def test_an_order_the_venue_does_not_show_is_asked_for() -> None:
    desk, orders = holding()
    stop = desk.order_of(Purpose.STOP)
    decisions = desk.report(orders=tuple(o for o in orders if o.client_id != stop))
    assert decisions == (QueryOrder(client_id=stop),)


def test_an_unknown_order_in_the_report_works() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.lose(entry)
    desk.report(orders=(held(entry),))
    assert desk.state.orders[entry].status is OrderStatus.WORKING
    assert desk.state.orders[entry].venue_id == f"v-{entry}"


@pytest.mark.parametrize(
    ("client_id", "level", "text"),
    [
        ("desk-0-9", Level.ALARM, "the venue holds order desk-0-9 that the journal does not know"),
        ("web_1", Level.WARN, "an order from outside is open: web_1"),
    ],
)
def test_orders_nobody_sent_are_named(client_id: str, level: Level, text: str) -> None:
    desk, orders = holding()
    assert desk.report(orders=(*orders, held(client_id))) == (Noted(level=level, text=text, symbol=BTC),)


def test_an_order_that_ended_here_and_lives_there_is_cancelled() -> None:
    desk, orders = holding()
    stop = desk.order_of(Purpose.STOP)
    desk.gone(stop)
    decisions = desk.report(orders=orders)
    assert CancelSent(client_id=stop) in decisions


def test_a_cancel_that_a_crash_swallowed_is_sent_again() -> None:
    desk, _ = holding()
    stop = desk.order_of(Purpose.STOP)
    desk.fill(desk.order_of(Purpose.TARGET))
    assert desk.state.orders[stop].status is OrderStatus.CANCELING
    desk.start()
    decisions = desk.report(orders=(held(stop),))
    assert every(CancelSent, decisions) == [CancelSent(client_id=stop)]


def test_a_position_that_differs_once_is_asked_for_again() -> None:
    desk, orders = holding()
    decisions = desk.report(orders=orders, lots={BTC: 5})
    assert decisions == (TimerSet(timer="report", deadline=desk.now + 1_000),)
    assert desk.s().held == ""
    desk.pending = list(decisions)
    assert only(RequestReport, desk.tick(1_000)).reason == "positions differed"
    assert desk.report(orders=orders) == ()
    assert desk.report(orders=orders, lots={BTC: 5}) == (TimerSet(timer="report", deadline=desk.now + 1_000),)


def test_a_position_that_differs_twice_is_held_with_an_alarm() -> None:
    desk, orders = holding()
    desk.report(orders=orders, lots={BTC: 50})
    decisions = desk.report(orders=orders, lots={BTC: 50})
    assert alarms(decisions) == ["position differs: venue 0.050, desk 0.041 BTC; entries of this symbol are held"]
    assert only(SymbolHeld, decisions).reason == "position differs: venue 0.050, desk 0.041 BTC"
    assert alarms(desk.report(orders=orders, lots={BTC: 50})) == []  # said once
    assert only(SymbolHeld, desk.report(orders=orders)) == SymbolHeld(symbol=BTC, reason="")


def test_a_position_only_the_venue_has_is_held_too() -> None:
    desk = Desk()
    desk.report(lots={ETH: -3})
    assert alarms(desk.report(lots={ETH: -3})) == [
        "position differs: venue -0.003, desk 0.000 ETH; entries of this symbol are held"
    ]
    desk.cross(ETH)
    assert desk.signal().reason == "held: position differs: venue -0.003, desk 0.000 ETH"


def test_agreement_does_not_release_what_a_person_holds() -> None:
    desk, orders = holding()
    desk.s().held = "a person's override"
    assert desk.report(orders=orders) == ()
    assert desk.s().held == "a person's override"


def test_the_first_balance_is_the_venues() -> None:
    desk = Desk(balance=None)
    assert desk.report(balance=123) == (CashSet(cash=123, reason="the venue's balance at the first sign-in"),)
    assert (desk.state.cash, desk.state.day_start, desk.state.peak) == (123, 123, 123)


def test_cash_is_corrected_when_all_is_quiet() -> None:
    desk, orders = holding()
    cash = desk.state.cash
    decisions = desk.report(orders=orders, balance=cash + 150_000_000)
    again, note, correction = decisions
    assert again == TimerSet(timer="report", deadline=desk.now + 1_000)  # and looked at once more
    assert note == Noted(level=Level.WARN, text="cash corrected by +1.50000000 to the venue's balance")
    assert correction == CashSet(cash=cash + 150_000_000, reason="reconciled")
    assert desk.state.cash == cash + 150_000_000


@pytest.mark.parametrize(
    ("off", "cash_off", "taken"),
    [
        pytest.param(70_000_000, 70_000_000, True, id="the same amount"),
        pytest.param(70_000_000, 20_000_000, True, id="a funding besides"),
        pytest.param(70_000_000, 0, False, id="the cash agrees"),
        pytest.param(90_000, 70_000_000, False, id="only rounded"),
    ],
)
def test_the_venues_costs_are_taken_over_with_its_cash(off: int, cash_off: int, *, taken: bool) -> None:
    """An exit was booked before an entry whose message was lost: what was realised is off by what the cost is."""
    desk, orders = holding()
    before, instrument = desk.position(), desk.contracts[BTC]
    entry = float(instrument.tick_size) * (before.cost + off) / before.lots / instrument.unit
    report = VenueReport(
        orders=orders,
        positions=(VenuePosition(symbol=BTC, lots=before.lots, entry=entry),),
        fills=(),
        balance=desk.state.cash + cash_off,
        venue_time=desk.now,
    )
    adopted = every(PositionAdopted, desk.feed(Reconciled(at=desk.now, report=report, view=desk.view())))
    assert len(adopted) == taken
    after = desk.position()
    assert after.cost == pytest.approx(before.cost + off * taken, abs=10)
    assert (after.lots, after.origin, after.stop) == (before.lots, before.origin, before.stop)


def test_cash_is_not_corrected_while_an_order_is_on_its_way() -> None:
    desk, orders = holding()
    desk.order(FlattenAll())
    assert every(CashSet, desk.report(orders=orders, balance=1)) == []


def test_cash_that_differs_while_an_order_is_on_its_way_is_asked_for_again() -> None:
    """Funding was paid while no engine ran, and the first report finds an order without its answer."""
    desk, orders = holding()
    stop = desk.order_of(Purpose.STOP)
    desk.state.orders[stop] = replace(desk.state.orders[stop], status=OrderStatus.UNKNOWN)
    desk.start()
    cash = desk.state.cash - 70_000_000
    others = tuple(o for o in orders if o.client_id != stop)
    decisions = desk.report(orders=others, balance=cash)
    assert every(CashSet, decisions) == []
    assert TimerSet(timer="report", deadline=desk.now + 1_000) in decisions
    desk.pending = [one for one in decisions if isinstance(one, TimerSet)]
    assert only(RequestReport, desk.tick(1_000)).reason == "positions differed"
    for order in list(desk.s().orders):
        desk.accept(order)
    decisions = desk.report(orders=tuple(held(o) for o in desk.s().orders), balance=cash)
    desk.gone(only(CancelSent, decisions).client_id)  # there were two stops; now nothing is on its way
    assert TimerSet(timer="report", deadline=desk.now + 1_000) in decisions
    decisions = desk.report(orders=tuple(held(o) for o in desk.s().orders), balance=cash)
    assert only(CashSet, decisions) == CashSet(cash=cash, reason="reconciled")


def test_cash_is_not_corrected_while_positions_differ() -> None:
    desk, orders = holding()
    assert every(CashSet, desk.report(orders=orders, lots={}, balance=1)) == []


def test_reconciling_protects_what_is_bare() -> None:
    desk, orders = holding()
    stop = desk.order_of(Purpose.STOP)
    desk.lose(stop)  # a working order stays one
    desk.state.orders[stop] = replace(desk.state.orders[stop], status=OrderStatus.UNKNOWN)
    decisions = desk.report(orders=tuple(o for o in orders if o.client_id != stop))
    assert [request.purpose for request in sent(decisions)] == [Purpose.STOP]
