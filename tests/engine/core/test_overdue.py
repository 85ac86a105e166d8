"""Orders that the market has reached, and whose executions are not heard of: the venue is asked within two seconds."""

from __future__ import annotations

import pytest

from engine.core.overdue import reached
from engine.model.decision import QueryOrder
from engine.model.market import Quote
from engine.model.order import OrderKind, OrderRequest, OrderStatus, Purpose, Side
from tests.engine.core.contracts import BTC
from tests.engine.core.desks import flat, long, place
from tests.engine.core.scenario import Desk, every, sent

K, B, S = OrderKind, Side.BUY, Side.SELL


def quote(bid: int, ask: int, mark: int) -> Quote:
    return Quote(bid, ask, 10, 10, mark, mark, 1, 1)


def request(kind: OrderKind, side: Side, level: int | None = None) -> OrderRequest:
    conditional = kind in {K.STOP_MARKET, K.TAKE_PROFIT_MARKET}
    return OrderRequest(
        client_id="x",
        symbol=BTC,
        side=side,
        kind=kind,
        lots=1,
        purpose=Purpose.ENTRY,
        origin="test",
        price=None if conditional else level,
        trigger=level if conditional else None,
    )


@pytest.mark.parametrize(
    ("kind", "side", "level", "expected"),
    [
        (K.MARKET, B, None, True),
        (K.LIMIT, B, 101, True),
        (K.LIMIT, B, 100, False),
        (K.LIMIT, S, 99, True),
        (K.LIMIT, S, 100, False),
        (K.POST_ONLY, B, 101, True),
        (K.STOP_MARKET, S, 105, True),
        (K.STOP_MARKET, S, 104, False),
        (K.STOP_MARKET, B, 105, True),
        (K.STOP_MARKET, B, 106, False),
        (K.TAKE_PROFIT_MARKET, S, 105, True),
        (K.TAKE_PROFIT_MARKET, S, 106, False),
        (K.TAKE_PROFIT_MARKET, B, 105, True),
        (K.TAKE_PROFIT_MARKET, B, 104, False),
    ],
)
def test_what_the_market_has_reached(kind: OrderKind, side: Side, level: int | None, *, expected: bool) -> None:
    assert reached(request(kind, side, level), quote(99, 101, 105)) is expected


@pytest.mark.parametrize("kind", [K.LIMIT, K.STOP_MARKET, K.TAKE_PROFIT_MARKET])
@pytest.mark.parametrize("side", Side)
def test_without_a_price_nothing_is_reached(kind: OrderKind, side: Side) -> None:
    assert not reached(request(kind, side, 100), quote(0, 0, 0))


def bought(desk: Desk) -> str:
    """A market entry that the venue holds."""
    assert desk.ask(place(stop="98000")).ok
    entry = desk.order_of(Purpose.ENTRY)
    desk.accept(entry)
    return entry


def asked(desk: Desk, ms: int) -> list[str]:
    return [one.client_id for one in every(QueryOrder, desk.tick(ms))]


def test_a_market_order_without_its_execution_is_asked_for_every_second() -> None:
    desk = flat()
    entry = bought(desk)
    assert asked(desk, 249) == []
    assert asked(desk, 1) == [entry]
    assert asked(desk, 1_000) == [entry]
    desk.accept(entry)  # the answer: it works still
    assert asked(desk, 249) == []
    assert asked(desk, 751) == [entry]
    desk.fill(entry)
    assert asked(desk, 1_000) == []


def test_an_execution_whose_message_is_lost_is_protected_with_the_answer() -> None:
    desk = flat()
    assert desk.ask(place(stop="98000")).ok
    desk.carry_out()
    lost = [event for event in desk.venue.outbox if type(event).__name__ == "OrderFilled"]
    desk.venue.outbox = [event for event in desk.venue.outbox if event not in lost]
    desk.settle()
    assert lost
    assert desk.s().position is None
    desk.tick(1_000)
    desk.settle()
    assert [order.status for order in desk.orders(Purpose.STOP)] == [OrderStatus.WORKING]


def test_a_limit_order_is_asked_for_once_the_market_has_reached_it() -> None:
    desk = flat()
    assert desk.ask(place(kind=K.LIMIT, price="99000", stop="98000")).ok
    entry = desk.order_of(Purpose.ENTRY)
    desk.accept(entry)
    assert asked(desk, 1_000) == []
    desk.move(BTC, 989_999)
    assert asked(desk, 1_000) == [entry]


def test_a_stop_is_asked_for_once_the_mark_has_reached_it() -> None:
    desk = long()
    stop = desk.orders(Purpose.STOP)[0]
    trigger = stop.request.trigger
    assert trigger is not None
    desk.move(BTC, trigger)
    assert asked(desk, 1_000) == [stop.request.client_id]


def test_the_report_comes_first() -> None:
    desk = flat()
    bought(desk)
    desk.start()
    decisions = desk.tick(5_000)
    assert every(QueryOrder, decisions) == []
    assert sent(decisions) == []
