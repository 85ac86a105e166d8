"""The life of an order: every state with every step."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.booking import step as move
from engine.core.core import Core
from engine.core.state import KEPT_TRADES, State, SymbolState
from engine.errors import InvariantBroken
from engine.model.command import PlaceOrder
from engine.model.order import (
    TERMINAL,
    Fill,
    Order,
    OrderKind,
    OrderRequest,
    OrderStatus,
    OrderStep,
    Purpose,
    Side,
)
from tests.engine.core.contracts import BTC, DAY
from tests.engine.core.scenario import Desk

LETTERS = {
    "I": OrderStatus.INTENT,
    "U": OrderStatus.UNKNOWN,
    "W": OrderStatus.WORKING,
    "C": OrderStatus.CANCELING,
    "F": OrderStatus.FILLED,
    "X": OrderStatus.CANCELED,
    "R": OrderStatus.REJECTED,
    "E": OrderStatus.EXPIRED,
    "-": None,
}
STEPS = [
    "accepted",
    "refused",
    "lost",
    "part_fill",
    "last_fill",
    "cancel_sent",
    "cancel_refused",
    "canceled",
    "expired",
    "not_found",
]
TABLE = """
intent    W R U W F C - X E R
unknown   W R U W F U U X E R
working   W R W W F C W X E E
canceling C R C C F C W X E X
filled    F F F F F F F F F F
canceled  X X X X F X X X X X
rejected  R R R R F R R R R R
expired   E E E E F E E E E E
"""
CASES = [
    (OrderStatus(row.split()[0]), OrderStep(step), LETTERS[letter])
    for row in TABLE.strip().splitlines()
    for step, letter in zip(STEPS, row.split()[1:], strict=True)
]


def test_the_table_has_every_pair() -> None:
    assert {(status, step) for status, step, _ in CASES} == {(a, b) for a in OrderStatus for b in OrderStep}


@pytest.mark.parametrize(("status", "step", "expected"), CASES)
def test_a_step_leads_where_the_table_says(status: OrderStatus, step: OrderStep, expected: OrderStatus | None) -> None:
    request = OrderRequest(
        client_id="a", symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, lots=1, purpose=Purpose.ENTRY, origin="x"
    )
    order = Order(request=request, status=status, created=1, updated=1)
    state = State(orders={"a": order}, symbols={BTC: SymbolState(symbol=BTC, orders=["a"] if order.open else [])})
    if expected is None:
        with pytest.raises(InvariantBroken, match=f"order a: {step.value} cannot happen to an order that is"):
            move(state, "a", step, 2)
        assert state.orders["a"] == order
        return
    assert move(state, "a", step, 2, "why") == replace(order, status=expected, updated=2, reason="why")
    assert state.symbols[BTC].orders == ([] if expected in TERMINAL else ["a"])


@pytest.mark.parametrize("end", ["canceled", "expired", "rejected"])
@pytest.mark.parametrize("lots", [15, 41])
def test_a_fill_that_comes_after_the_end_is_booked(end: str, lots: int) -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    if end == "rejected":
        desk.refuse(entry)
    else:
        desk.gone(entry, OrderStatus(end))
    assert desk.state.orders[entry].status is OrderStatus(end)
    desk.fill(entry, lots, fee=7)
    order = desk.state.orders[entry]
    assert order.filled == lots
    assert order.status is (OrderStatus.FILLED if lots == 41 else OrderStatus(end))
    assert desk.position().lots == lots
    assert desk.state.cash == desk.balance - 7  # type: ignore[operator] # this desk has one
    assert entry not in desk.s().orders


def test_the_same_execution_twice_is_one() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.fill(entry, 5, fee=3, trade="one")
    before = desk.core.snapshot()
    assert desk.fill(entry, 5, fee=3, trade="one") == ()
    assert desk.core.snapshot() == before


def test_every_execution_of_a_long_order_is_known_though_it_keeps_only_the_newest_ids() -> None:
    desk = Desk()
    entry = Decimal("0.09")
    desk.bar()
    desk.ask(PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, quantity=entry))
    order = desk.order_of(Purpose.ENTRY)
    for number in range(80):
        desk.fill(order, 1, fee=3, trade=f"t{number}")
    held = desk.state.orders[order]
    assert held.trade_ids == tuple(f"t{number}" for number in range(80 - KEPT_TRADES, 80))
    assert (held.executions, held.filled, desk.position().lots) == (80, 80, 80)
    desk.core = Core.restore(desk.core.snapshot())
    desk.now += 2 * DAY
    desk.core = Core.restore(desk.core.snapshot())  # still open: nothing of it is forgotten
    for number in range(80):
        assert desk.fill(order, 1, fee=3, trade=f"t{number}") == ()
    assert desk.position().lots == 80


def test_a_snapshot_from_before_executions_were_listed_knows_them_from_its_orders() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.fill(entry, 5, trade="one")
    desk.state.booked.clear()
    desk.core = Core.restore(desk.core.snapshot())
    assert desk.fill(entry, 5, trade="one") == ()
    assert desk.position().lots == 5


def test_executions_are_forgotten_a_day_after_their_order() -> None:
    desk = Desk()
    desk.hold()
    assert len(desk.state.booked) == 1
    desk.now += DAY + 1
    desk.tick()
    desk.core = Core.restore(desk.core.snapshot())
    assert desk.state.booked == {}


@pytest.mark.parametrize(
    ("fills", "trades"),
    [
        ([(1, 10)], 0),
        ([(1, 10), (-1, 4)], 0),
        ([(1, 10), (-1, 4), (-1, 5)], 0),
        ([(1, 10), (-1, 4), (-1, 6)], 1),
        ([(1, 10), (1, 5), (-1, 15)], 1),
        ([(-1, 10), (1, 10)], 1),
        ([(1, 10), (-1, 12)], 1),
        ([(1, 10), (-1, 12), (1, 2)], 2),
        ([(1, 10), (-1, 10), (-1, 3), (1, 1)], 1),
    ],
)
def test_a_trade_is_a_round_trip(fills: list[tuple[int, int]], trades: int) -> None:
    desk = Desk()
    for number, (side, lots) in enumerate(fills):
        desk.feed(
            desk.filled(
                Fill(
                    trade_id=str(number),
                    client_id="other",
                    symbol=BTC,
                    side=Side(side),
                    ticks=1_000_000 + number,
                    lots=lots,
                    fee=0,
                    maker=False,
                    venue_time=desk.now,
                )
            )
        )
    assert desk.state.trades == trades


def test_more_fills_than_the_order_is_a_contradiction() -> None:
    desk = Desk()
    desk.cross()
    with pytest.raises(InvariantBroken, match="filled 42 of 41 lots"):
        desk.fill(desk.order_of(Purpose.ENTRY), 42)


def test_news_of_orders_nobody_sent_changes_nothing() -> None:
    desk = Desk()
    before = desk.core.snapshot()
    for news in (desk.accept, desk.refuse, desk.lose, desk.not_found, desk.gone):
        assert news("stranger-1") == ()
    assert desk.core.snapshot() == before
