"""What others do at our account: manual closes and positions, orders from outside, another Trefoil."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.core import Core
from engine.model.command import CancelOrder, CancelOutside, Outside, PlaceOrder, ResolvePosition, SetPaused
from engine.model.decision import (
    CashSet,
    Decision,
    Level,
    Noted,
    OutsideCanceled,
    PositionAdopted,
    QueryOrder,
    RequestReport,
    TimerSet,
)
from engine.model.order import Fill, OrderKind, OrderStatus, Purpose, Side
from engine.model.position import Position
from engine.model.venue import VenueOrder, VenuePosition
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.scenario import Desk, alarms, every, only, sent


def held(client_id: str, symbol: str = BTC, filled: int = 0) -> VenueOrder:
    return VenueOrder(
        client_id=client_id,
        venue_id=f"v-{client_id}",
        symbol=symbol,
        status=OrderStatus.WORKING,
        filled=filled,
        reduce_only=True,
        venue_time=0,
    )


def holding() -> tuple[Desk, tuple[VenueOrder, ...]]:
    desk = Desk()
    desk.hold()
    desk.pending.clear()
    return desk, tuple(held(client_id) for client_id in desk.s().orders)


def position(desk: Desk, symbol: str = BTC) -> Position:
    found = desk.state.symbols[symbol].position
    assert isinstance(found, Position)
    return found


def thrice(
    desk: Desk, orders: tuple[VenueOrder, ...], lots: dict[str, int], balance: int | None = None
) -> tuple[Decision, ...]:
    return tuple(d for _ in range(3) for d in desk.report(orders=orders, lots=lots, balance=balance))


def test_a_manual_close_is_taken_over_when_it_is_sure() -> None:
    desk, orders = holding()
    protection = set(desk.s().orders)
    decisions = thrice(desk, orders, {})
    adopted = only(PositionAdopted, decisions)
    assert (adopted.symbol, adopted.lots, adopted.reason) == (BTC, 0, "reduced from outside")
    assert desk.s().position is None
    assert desk.s().plan_stop is None
    assert "reduced from outside: venue 0.000, desk 0.041 BTC" in alarms(decisions)
    assert {desk.state.orders[i].status for i in protection} == {OrderStatus.CANCELING}
    assert desk.s().held != ""  # until the next report agrees
    decisions = desk.report(balance=desk.state.cash - 5)
    assert every(CashSet, decisions) == []  # the cancels are still on their way
    for client_id in protection:
        desk.gone(client_id)
    assert only(CashSet, desk.report(balance=desk.state.cash - 5)).reason == "reconciled"
    assert desk.s().held == ""


def test_a_manual_reduction_moves_the_protection_to_what_is_left() -> None:
    desk, orders = holding()
    before = position(desk)
    decisions = thrice(desk, orders, {BTC: 5})
    assert position(desk).lots == 5
    assert position(desk).origin == before.origin
    assert [r.lots for r in sent(decisions) if r.purpose is Purpose.STOP] == [5]


def test_what_an_order_of_ours_may_explain_is_not_taken_over() -> None:
    desk, orders = holding()
    stop = desk.order_of(Purpose.STOP)
    assert every(PositionAdopted, thrice(desk, tuple(o for o in orders if o.client_id != stop), {})) == []
    desk, orders = holding()
    filled = tuple(replace(o, filled=3) for o in orders)
    assert every(PositionAdopted, thrice(desk, filled, {BTC: 38})) == []


@pytest.mark.parametrize("lots", [50, -5])
def test_more_or_the_other_side_is_never_taken_over_unasked(lots: int) -> None:
    desk, orders = holding()
    for _ in range(5):
        assert every(PositionAdopted, desk.report(orders=orders, lots={BTC: lots})) == []
    assert desk.s().held == f"position differs: venue {lots / 1000:.3f}, desk 0.041 BTC"


def test_a_position_from_outside_is_adopted_and_protected() -> None:
    desk = Desk()
    desk.bar(ETH)
    for _ in range(2):
        desk.report(lots={ETH: -3})
    s = desk.state.symbols[ETH]
    s.theirs = VenuePosition(symbol=ETH, lots=-3, entry=4_010.0, leverage=4)
    decisions = desk.order(ResolvePosition(symbol=ETH, action=Outside.ADOPT))
    adopted = position(desk, ETH)
    assert (adopted.lots, adopted.leverage, adopted.origin) == (-3, 4, "adopted")
    assert adopted.entry_ticks(desk.contracts[ETH]) == pytest.approx(401_000)
    assert [(r.purpose, r.lots, r.side) for r in sent(decisions)] == [(Purpose.STOP, 3, 1), (Purpose.TARGET, 3, 1)]
    assert desk.report(orders=tuple(held(i, ETH) for i in s.orders), lots={ETH: -3}) == ()
    assert s.held == "a person's override"


def test_after_an_adoption_the_venue_is_asked_for_its_balance() -> None:
    desk = Desk()
    desk.bar(ETH)
    for _ in range(2):
        desk.report(lots={ETH: -3}, balance=desk.state.cash - 9)
    desk.pending.clear()
    desk.order(ResolvePosition(symbol=ETH, action=Outside.ADOPT))
    assert only(RequestReport, desk.tick(1_000)).reason == "positions differed"


def test_a_position_from_outside_is_closed() -> None:
    desk = Desk()
    desk.report(lots={ETH: 4})
    desk.report(lots={ETH: 4})
    decisions = desk.order(ResolvePosition(symbol=ETH, action=Outside.CLOSE))
    exits = [r for r in sent(decisions) if r.purpose is Purpose.EXIT]
    assert [(r.lots, r.side, r.reduce_only) for r in exits] == [(4, -1, True)]


def test_a_position_from_outside_is_left_alone_until_it_changes() -> None:
    desk = Desk()
    desk.report(lots={ETH: 4})
    desk.report(lots={ETH: 4})
    assert desk.ask(ResolvePosition(symbol=ETH, action=Outside.IGNORE)).ok
    s = desk.state.symbols[ETH]
    assert desk.report(lots={ETH: 4}) == ()
    assert s.held == "a position from outside is left alone"
    assert s.position is None
    desk.report(lots={ETH: 9})
    assert alarms(desk.report(lots={ETH: 9}))
    desk.report(lots={})
    assert s.ignored == 0
    assert desk.report(lots={}) == ()


def bought_elsewhere(lots: int = 4) -> Desk:
    """Somebody else's order was executed, and heard of: the desk has booked it and does nothing with it."""
    desk = Desk()
    desk.bar(ETH)
    fill = Fill(
        trade_id="w1",
        client_id="web_9",
        symbol=ETH,
        side=Side.BUY,
        ticks=400_000,
        lots=lots,
        fee=0,
        maker=False,
        venue_time=desk.now,
    )
    desk.feed(desk.filled(fill))
    desk.pending.clear()
    return desk


@pytest.mark.parametrize("reported", [False, True], ids=["before the next report", "after it"])
def test_what_was_booked_as_somebody_elses_is_adopted_and_protected(*, reported: bool) -> None:
    desk = bought_elsewhere()
    cost = position(desk, ETH).cost
    assert position(desk, ETH).origin == "outside"
    if reported:
        desk.report(lots={ETH: 4})
    assert desk.s(ETH).plan_stop is None
    decisions = desk.order(ResolvePosition(symbol=ETH, action=Outside.ADOPT))
    adopted = position(desk, ETH)
    assert (adopted.lots, adopted.cost, adopted.origin) == (4, cost, "adopted")
    assert {r.purpose for r in sent(decisions)} == {Purpose.STOP, Purpose.TARGET}
    assert desk.s(ETH).held == "a person's override"


def test_what_was_booked_as_somebody_elses_is_left_alone_or_closed() -> None:
    desk = bought_elsewhere()
    assert desk.ask(ResolvePosition(symbol=ETH, action=Outside.IGNORE)).ok
    assert desk.s(ETH).held == "a position from outside is left alone"
    assert desk.s(ETH).ignored == 0
    assert position(desk, ETH).origin == "outside"
    assert desk.report(lots={ETH: 4}) == ()
    decisions = desk.order(ResolvePosition(symbol=ETH, action=Outside.CLOSE))
    assert [(r.purpose, r.lots, r.side) for r in sent(decisions) if r.purpose is Purpose.EXIT] == [
        (Purpose.EXIT, 4, -1)
    ]


@pytest.mark.parametrize("action", [Outside.ADOPT, Outside.CLOSE])
def test_what_was_left_alone_may_be_taken_after_all(action: Outside) -> None:
    desk = Desk()
    desk.bar(ETH)
    for _ in range(2):
        desk.report(lots={ETH: 4})
    assert desk.ask(ResolvePosition(symbol=ETH, action=Outside.IGNORE)).ok
    desk.report(lots={ETH: 4})
    desk.order(ResolvePosition(symbol=ETH, action=action))
    assert (position(desk, ETH).lots, desk.s(ETH).ignored, desk.s(ETH).differs_by) == (4, 0, 0)
    assert position(desk, ETH).origin == "adopted"


def test_a_reduction_nobody_asked_for_does_not_make_it_the_desks_own() -> None:
    desk = bought_elsewhere()
    thrice(desk, (), {ETH: 2})
    assert (position(desk, ETH).lots, position(desk, ETH).origin) == (2, "outside")


def test_there_is_nothing_to_resolve_where_all_agree() -> None:
    desk, _ = holding()
    for action in Outside:
        answer = desk.ask(ResolvePosition(symbol=BTC, action=action))
        assert not answer.ok
        assert "nothing to resolve" in answer.text


def test_an_order_from_outside_is_cancelled_on_demand() -> None:
    desk, orders = holding()
    assert not desk.ask(CancelOutside(client_id="web_1")).ok
    desk.report(orders=(*orders, held("web_1")))
    decisions = desk.order(CancelOutside(client_id="web_1"))
    assert only(OutsideCanceled, decisions).order.client_id == "web_1"
    assert every(RequestReport, decisions)
    assert desk.gone("web_1") == ()
    desk.report(orders=orders)
    assert not desk.ask(CancelOutside(client_id="web_1")).ok


OTHER, SELF = "abcdefgh", "trefoil2"


def renamed(desk: Desk) -> Desk:
    desk.state.instance, desk.state.epoch = SELF, 3
    return desk


@pytest.mark.parametrize(
    ("client_id", "halts"),
    [
        (f"{OTHER}-1-7", True),
        (f"{SELF}-4-1", True),
        (f"{SELF}-3-900", False),
        (f"{SELF}-2-9", False),
        ("web_abcdefgh", False),
        ("autoclose-1700000000-12", False),
        ("adl_autoclose", False),
        ("x-abcdefgh-1-7", False),
    ],
)
def test_another_trefoil_halts_entries_with_an_alarm(client_id: str, *, halts: bool) -> None:
    for hear in ("report", "accepted"):
        desk = renamed(Desk())
        decisions = desk.report(orders=(held(client_id),)) if hear == "report" else desk.accept(client_id)
        assert bool(desk.state.halt) is halts
        assert any("another Trefoil's" in text for text in alarms(decisions)) is halts
        if halts:
            desk.cross()
            assert "another Trefoil" in desk.signal().reason
            assert desk.ask(SetPaused(paused=False)).ok
            assert desk.state.halt == ""
            desk.report(orders=(held(client_id),))
            assert desk.state.halt  # as long as it is there


def test_all_of_it_is_recovered_from_the_journal() -> None:
    desk = renamed(Desk())
    desk.bar(ETH)
    desk.report(lots={ETH: -3}, orders=(held("web_1"), held(f"{OTHER}-1-7")))
    desk.report(lots={ETH: -3}, orders=(held("web_1"),))
    desk.order(ResolvePosition(symbol=ETH, action=Outside.ADOPT))
    desk.report(lots={ETH: -3, BTC: 2})
    desk.order(ResolvePosition(symbol=BTC, action=Outside.IGNORE))
    again = Core()
    for event, decisions in desk.log:
        again.recover(event, decisions)
    again.state.instance, again.state.epoch = SELF, 3
    assert again.state == desk.state
    assert Core.restore(desk.core.snapshot()).state == desk.state


def test_a_note_names_the_order() -> None:
    desk = renamed(Desk())
    notes = every(Noted, desk.report(orders=(held(f"{OTHER}-1-7"),)))
    assert [n.level for n in notes] == [Level.WARN, Level.ALARM]
    assert f"{OTHER}-1-7" in notes[-1].text


def test_a_dispute_is_looked_at_again_and_again() -> None:
    desk, orders = holding()
    waits = []
    for _ in range(5):
        decisions = desk.report(orders=orders, lots={BTC: 50})
        waits.append(only(TimerSet, decisions).deadline - desk.now)
    assert waits == [1_000, 1_000, 5_000, 5_000, 5_000]


def test_a_limit_order_that_was_cancelled_is_asked_about_once_more() -> None:
    """A part of it may have been filled before, and the message of it lost."""
    desk = Desk()
    desk.bar()
    order = PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.LIMIT, quantity=Decimal("0.01"), price=Decimal(99_000))
    assert desk.ask(order).ok
    entry = desk.order_of(Purpose.ENTRY)
    desk.accept(entry)
    desk.ask(CancelOrder(client_id=entry))
    desk.gone(entry)
    assert every(QueryOrder, desk.tick(1_000)) == [QueryOrder(client_id=entry)]
    desk.gone(entry)
    assert every(QueryOrder, desk.tick(5_000)) == []
