"""Positions and cash, computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import event as e
from engine.model.order import Fill, Purpose, Side
from engine.model.position import Position, book, liquidation_ticks
from tests.engine.core.contracts import BTC, CONTRACTS, contract
from tests.engine.core.scenario import Desk, alarms

UNIT = 10_000  # a tick of 0.1 USDT times a lot of 0.001 BTC


@pytest.mark.parametrize(
    ("lots", "cost", "fill", "ticks", "unit", "expected"),
    [
        (0, 0, 10, 1_000_000, UNIT, (10, 100_000_000_000, 0)),
        (10, 100_000_000_000, 5, 1_000_300, UNIT, (15, 150_015_000_000, 0)),
        (15, 150_015_000_000, -6, 1_001_000, UNIT, (9, 90_009_000_000, 54_000_000)),
        (9, 90_009_000_000, -9, 999_000, UNIT, (0, 0, -99_000_000)),
        (9, 90_009_000_000, -12, 999_000, UNIT, (-3, -29_970_000_000, -99_000_000)),
        (0, 0, -4, 500, UNIT, (-4, -20_000_000, 0)),
        (-4, -20_000_000, -4, 700, UNIT, (-8, -48_000_000, 0)),
        (-8, -48_000_000, 2, 500, UNIT, (-6, -36_000_000, 2_000_000)),
        (-6, -36_000_000, 10, 650, UNIT, (4, 26_000_000, -3_000_000)),
        (3, 10, -1, 4, 1, (2, 7, 1)),  # a third of 10 is 3: the rest stays in the cost
        (2, 7, -2, 4, 1, (0, 0, 1)),
        (-3, -10, 1, 3, 1, (-2, -7, 0)),
        (-2, -7, 2, 3, 1, (0, 0, 1)),
    ],
)
def test_a_fill_books_by_average_cost(
    lots: int, cost: int, fill: int, ticks: int, unit: int, expected: tuple[int, int, int]
) -> None:
    done = book(lots, cost, fill, ticks, unit)
    assert (done.lots, done.cost, done.realised) == expected


@given(
    st.lists(st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 10**7)), min_size=1, max_size=30),
    st.integers(1, 10**6),
)
def test_no_unit_of_money_is_lost_over_any_fills(fills: list[tuple[int, int]], unit: int) -> None:
    lots = cost = realised = paid = 0
    for fill, ticks in fills:
        done = book(lots, cost, fill, ticks, unit)
        lots, cost, realised = done.lots, done.cost, realised + done.realised
        paid += fill * ticks * unit
    assert lots == sum(fill for fill, _ in fills)
    assert realised == cost - paid
    if lots == 0:
        assert cost == 0


@pytest.mark.parametrize(
    ("lots", "cost", "margin", "expected"),
    [
        (10, 100_000_000_000, 10_000_000_000, 903_614),  # 90e9 / (1e5 x 0.996), rounded down
        (-10, -100_000_000_000, 10_000_000_000, 1_095_618),  # 110e9 / (1e5 x 1.004), rounded up
        (10, 100_000_000_000, 100_000_000_000, None),  # its own money covers a price of nothing
        (0, 0, 0, None),
    ],
)
def test_where_a_position_is_liquidated(lots: int, cost: int, margin: int, expected: int | None) -> None:
    assert liquidation_ticks(CONTRACTS[BTC], lots, cost, margin) == expected


@given(
    st.integers(-5_000, 5_000).filter(bool),
    st.integers(10_000, 2_000_000),
    st.integers(2, 50),
    st.integers(1_000, 50_000),
)
def test_at_the_liquidation_price_margin_and_loss_meet_the_maintenance(
    lots: int, entry: int, leverage: int, ppm: int
) -> None:
    instrument = contract("BTC", "0.1", "0.001", maintenance_ppm=ppm)
    cost = lots * entry * UNIT
    margin = abs(cost) // leverage
    ticks = liquidation_ticks(instrument, lots, cost, margin)
    assert ticks is not None

    def spare(mark: int) -> int:
        position = Position(symbol=BTC, lots=lots, cost=cost, opened=0, origin="")
        notional = abs(lots) * mark * UNIT
        return (margin + position.unrealised(instrument, mark)) * 1_000_000 - notional * ppm

    side = 1 if lots > 0 else -1
    assert spare(ticks) <= 0
    assert spare(ticks + side) > 0


def test_profit_fees_and_funding_go_to_cash_and_to_the_position() -> None:
    desk = Desk()
    desk.cross()
    entry = desk.order_of(Purpose.ENTRY)
    desk.fill(entry, 10, 1_000_000, fee=300)
    desk.fill(entry, 5, 1_000_300, fee=-20)
    assert desk.state.cash == 10_000_00000000 - 280
    position = desk.position()
    assert (position.lots, position.cost, position.fees) == (15, 150_015_000_000, 280)
    assert position.entry_ticks(CONTRACTS[BTC]) == 1_000_100.0
    for amount in (-500, 120):
        desk.feed(e.FundingPaid(at=desk.now, symbol=BTC, amount=amount, venue_time=desk.now))
    assert desk.state.cash == 10_000_00000000 - 280 - 380
    assert desk.position().funding == -380
    desk.fill(desk.order_of(Purpose.STOP), 6, 1_001_000, fee=11)
    position = desk.position()
    assert (position.lots, position.cost, position.realised, position.fees) == (9, 90_009_000_000, 54_000_000, 291)
    assert desk.state.cash == 10_000_00000000 - 280 - 380 + 54_000_000 - 11


def test_equity_is_cash_and_profit_at_mark() -> None:
    desk = Desk()
    desk.hold()
    cash, lots = desk.state.cash, desk.position().lots
    desk.move(BTC, 1_002_000)
    desk.tick()
    assert desk.core.state.equity() == cash + lots * (1_002_000 - 1_000_001) * UNIT


def test_a_position_without_a_quote_has_no_profit_yet() -> None:
    desk = Desk()
    fill = Fill(
        trade_id="x", client_id="other", symbol=BTC, side=Side.BUY, ticks=1_000_000, lots=50, fee=5, maker=False,
        venue_time=desk.now,
    )  # fmt: skip
    decisions = desk.feed(e.OrderFilled(at=desk.now, fill=fill))
    assert alarms(decisions) == ["an execution from outside: buy 0.050 @ 100000.0 fee 0.0000"]
    assert desk.core.state.equity() == 10_000_00000000 - 5
    assert desk.position().origin == "outside"
