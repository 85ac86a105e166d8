"""What the state forgets with each snapshot, and what it must not."""

from __future__ import annotations

from engine.core.booking import ENDED_KEPT, EXECUTIONS_KEPT, forget
from engine.core.state import KEEP_MS, State
from engine.model.order import Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side

NOW = 10 * KEEP_MS
MORE = 100


def order(number: int, status: OrderStatus, updated: int = NOW) -> Order:
    request = OrderRequest(
        client_id=f"a-1-{number}",
        symbol="BTC/USDT:USDT",
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        lots=1,
        price=1,
        purpose=Purpose.ENTRY,
        origin="person:test",
    )
    return Order(request=request, status=status, created=updated, updated=updated)


def test_of_many_ended_orders_the_newest_stay_and_open_ones_always_do() -> None:
    state = State(now=NOW)
    oldest = order(0, OrderStatus.WORKING, updated=1)
    state.orders = {"a-1-0": oldest}
    state.orders |= {f"a-1-{n}": order(n, OrderStatus.FILLED) for n in range(1, ENDED_KEPT + MORE + 1)}
    forget(state)
    assert list(state.orders) == ["a-1-0", *(f"a-1-{n}" for n in range(MORE + 1, ENDED_KEPT + MORE + 1))]


def test_of_many_executions_the_newest_stay_and_those_of_open_orders_always_do() -> None:
    state = State(now=NOW)
    state.orders = {"a-1-0": order(0, OrderStatus.WORKING), "a-1-1": order(1, OrderStatus.FILLED)}
    state.booked = {"a-1-0|first": 1, "a-1-1|first": NOW}
    state.booked |= {f"a-1-1|{n}": NOW for n in range(EXECUTIONS_KEPT)}
    forget(state)
    assert len(state.booked) == EXECUTIONS_KEPT + 1
    assert "a-1-0|first" in state.booked
    assert "a-1-1|first" not in state.booked


def test_after_a_day_few_ended_orders_go_too() -> None:
    state = State(now=NOW)
    old = NOW - KEEP_MS - 1
    state.orders = {
        "a-1-0": order(0, OrderStatus.WORKING, updated=old),
        "a-1-1": order(1, OrderStatus.CANCELED, updated=old),
        "a-1-2": order(2, OrderStatus.FILLED, updated=NOW - KEEP_MS),
    }
    state.booked = {"a-1-0|x": old, "a-1-1|x": old, "a-1-2|x": NOW}
    forget(state)
    assert list(state.orders) == ["a-1-0", "a-1-2"]
    assert list(state.booked) == ["a-1-0|x", "a-1-2|x"]
