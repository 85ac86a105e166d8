"""The exchange's state without a server: arithmetic, candles, wire texts, lockstep."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bars import Bars, aggregate
from engine.errors import VenueRejected
from engine.model.instrument import Instrument, unit_of
from engine.model.market import Bar
from engine.model.order import OrderKind, Side
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.happenings import AccountMoved, Happening
from engine.simulator.lockstep import Lockstep, LockstepMessage
from engine.simulator.market import Step
from engine.simulator.orders import NewOrder
from engine.simulator.wire import Wire, exact, money_text

MINUTE = 60_000
CONTRACT = Instrument(
    symbol="SOL/USDT:USDT",
    venue_id="SOLUSDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.1"),
    min_lots=1,
    max_lots=100_000,
    min_notional=5_00000000,
    max_leverage=20,
    maintenance_ppm=5_000,
    maker_ppm=200,
    taker_ppm=500,
    unit=unit_of("SOL", Decimal("0.01"), Decimal("0.1")),
)

MOVES = st.tuples(
    st.integers(14_000, 16_000),
    st.sampled_from(list(Side)),
    st.sampled_from(list(OrderKind)),
    st.integers(1, 900),
    st.booleans(),
)


@given(st.lists(MOVES, min_size=1, max_size=30))
def test_wallet_and_balance_are_the_sum_of_their_bookings(moves: list[tuple[int, Side, OrderKind, int, bool]]) -> None:
    events: list[Happening] = []
    exchange = Exchange((CONTRACT,), 10_000_00000000, 0, events.append)
    cash, position, value = 10_000_00000000, 0, 0
    for number, (ticks, side, kind, lots, reduce_only) in enumerate(moves):
        exchange.step(Step(number * 1000, CONTRACT.symbol, ticks, ticks + 1, 500, 500, ticks, 1))
        price = ticks + side if kind in {OrderKind.LIMIT, OrderKind.POST_ONLY} else None
        trigger = ticks + 10 * side if kind in {OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET} else None
        new = NewOrder(
            symbol=CONTRACT.symbol,
            client_id=str(number),
            side=side,
            kind=kind,
            lots=lots,
            price=price,
            trigger=trigger,
            reduce_only=reduce_only,
        )
        before = len(exchange.trades)
        orders = len(exchange.orders)
        try:
            exchange.place(new)
        except VenueRejected:
            assert (len(exchange.trades), len(exchange.orders)) == (before, orders)
    fees = sum(trade.fee for trade in exchange.trades)
    for trade in exchange.trades:
        signed = trade.lots * trade.order.new.side
        position += signed
        value += signed * trade.ticks * CONTRACT.unit
    holding = exchange.account.holdings[CONTRACT.symbol]
    assert holding.lots == position == exchange.books[CONTRACT.symbol].position
    assert exchange.account.balance == cash - fees - value + position * holding.mark * CONTRACT.unit
    assert exchange.account.wallet == cash + sum(row.amount for row in exchange.income)
    assert sum(1 for e in events if isinstance(e, AccountMoved)) == len(exchange.trades)


def flat_bars(count: int, gaps: tuple[int, ...] = ()) -> list[Bar]:
    times = [i for i in range(count) if i not in gaps]
    return [Bar(i * MINUTE, 10.0 + i, 12.0 + i, 9.0 + i, 11.0 + i, 1.0 + i) for i in times]


@pytest.mark.parametrize("minutes", [1, 5, 15, 60])
@pytest.mark.parametrize("gaps", [(), (7, 8, 61)])
def test_candles_of_every_length_equal_the_aggregate(minutes: int, gaps: tuple[int, ...]) -> None:
    bars = flat_bars(130, gaps)
    candles = Candles(CONTRACT, Bars.of(bars[:50]), MINUTE)
    candles.running(minutes * MINUTE)
    for bar in bars[50:]:
        candles.close(bar)
    expected = list(aggregate(Bars.of(bars), minutes * MINUTE))
    assert candles.of(minutes * MINUTE, None, None, 1500) == expected
    assert candles.running(minutes * MINUTE) == (None if minutes == 1 else expected[-1])


@pytest.mark.parametrize(
    ("since", "until", "limit", "times"),
    [
        (None, None, 3, [7, 8, 9]),
        (None, 5 * MINUTE, 2, [4, 5]),
        (2 * MINUTE, None, 3, [2, 3, 4]),
        (2 * MINUTE + 1, None, 2, [3, 4]),
        (8 * MINUTE, 20 * MINUTE, 9, [8, 9]),
        (30 * MINUTE, None, 9, []),
    ],
)
def test_candles_are_chosen_as_binance_does(since: int | None, until: int | None, limit: int, times: list[int]) -> None:
    candles = Candles(CONTRACT, Bars.of(flat_bars(10)), MINUTE)
    assert [bar.open_time // MINUTE for bar in candles.of(MINUTE, since, until, limit)] == times


def test_the_open_bar_is_built_from_trades_and_comes_last() -> None:
    candles = Candles(CONTRACT, Bars.of(flat_bars(3)), MINUTE)
    for ticks in (1_500, 1_700, 1_400, 1_600):
        candles.trade(3 * MINUTE + 5, ticks, 20)
    assert candles.of(MINUTE, None, None, 1) == [Bar(3 * MINUTE, 15.0, 17.0, 14.0, 16.0, 8.0)]
    assert candles.of(5 * MINUTE, None, None, 1) == [Bar(0, 10.0, 17.0, 9.0, 16.0, 14.0)]
    candles.close(Bar(3 * MINUTE, 15.0, 17.5, 14.0, 16.0, 9.0))
    assert candles.open_bar() is None
    assert candles.day(4 * MINUTE)[:2] == (10.0, 17.5)


@given(st.integers(-(10**15), 10**15))
def test_money_is_written_exactly(money: int) -> None:
    assert Decimal(money_text(money)) * 100_000_000 == money


@given(st.floats(1e-9, 1e12))
def test_floats_are_written_so_that_they_read_back(value: float) -> None:
    text = exact(value)
    assert float(text) == value
    assert "e" not in text


@given(st.integers(1, 10**8), st.integers(1, 10**7))
def test_prices_and_quantities_travel_there_and_back(ticks: int, lots: int) -> None:
    wire = Wire(CONTRACT)
    assert wire.parse_price("price", wire.price(ticks)) == ticks
    assert wire.parse_quantity("quantity", wire.quantity(lots)) == lots


async def test_lockstep_waits_for_bar_and_updates_and_restarts_with_the_client() -> None:
    lockstep = Lockstep()
    assert lockstep.attach()
    assert not lockstep.attach()
    lockstep.sent()
    waiting: asyncio.Task[Any] = asyncio.create_task(lockstep.caught_up(60))
    for message, done in [
        (LockstepMessage(ready=True, bar=60), False),
        (LockstepMessage(bar=30, updates=0), False),
        (LockstepMessage(updates=1), True),
    ]:
        lockstep.hear(message)
        await asyncio.wait((waiting,), timeout=0.01)
        assert waiting.done() is done
    lockstep.detach()
    assert not lockstep.ready
    assert lockstep.attach()
    assert not lockstep.behind
