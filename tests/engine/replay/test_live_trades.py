"""Round trips from executions: by hand, and against the history tables' own positions on random bad days."""

from __future__ import annotations

import pytest

from engine.errors import InvariantBroken
from engine.model import command as c
from engine.model.event import FundingPaid, OrderFilled
from engine.model.order import Fill, Side
from engine.replay.live import live_trades
from engine.replay.trip import Ended, Trip
from storage.lines import Known
from storage.projection import project
from tests.engine.core.contracts import BTC, CONTRACTS, PRICES, T0
from tests.engine.replay.day import FRAME, Day
from tests.storage.desk_journal import random_journal

UNIT = CONTRACTS[BTC].unit
START = PRICES[BTC]


def test_a_trade_from_its_signal_to_its_turn() -> None:
    day = Day()
    for side, close in ((0, 0), (1, 0), (1, 200), (-1, 100), (-1, -50)):
        day.bar(side, close)
    first, second = live_trades(day.entries())
    assert (first.side, first.opened, first.closed) == (1, T0 + 2 * FRAME, T0 + 4 * FRAME)
    assert (first.entry, first.exit) == (START + 1, START + 300)
    assert (first.origin, first.ended, first.ender, first.bar_time) == (
        "signal:1",
        Ended.SIGNAL,
        "signal:2",
        T0 + FRAME,
    )
    rate = CONTRACTS[BTC].taker_ppm
    fees = sum(first.lots * ticks * UNIT * rate // 10**6 for ticks in (START + 1, START + 300))
    assert abs(first.fees - fees) <= 1
    assert first.net == first.lots * 299 * UNIT - first.fees
    # the turn is one close and one entry; it is still open and worth the last close
    assert (second.side, second.ended, second.open, second.exit) == (-1, Ended.OPEN, True, START + 250)
    assert second.net == second.side * (second.exit_value - second.entry_value) - second.fees


def test_an_execution_told_twice_counts_once() -> None:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    once = live_trades(day.entries())
    for event, _ in list(day.desk.log):
        if isinstance(event, OrderFilled):
            day.desk.feed(event)
    assert live_trades(day.entries()) == once


def test_parts_and_more_on_the_same_side_are_one_trade() -> None:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    lots = day.desk.position().lots
    day.quote(BTC, START + 1_000)
    assert day.desk.ask(c.ReducePosition(symbol=BTC, percent=50)).ok
    day.desk.settle()
    day.quote(BTC, START + 3_000)
    assert day.desk.ask(c.ReducePosition(symbol=BTC)).ok
    day.desk.settle()
    (trip,) = live_trades(day.entries())
    half = -(-lots // 2)
    assert trip.lots == lots
    assert trip.exit_value == UNIT * (half * (START + 1_000) + (lots - half) * (START + 3_000))
    assert (trip.ended, trip.ender) == (Ended.PERSON, "person:keyboard")


def test_a_fill_through_zero_is_split() -> None:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    desk = day.desk
    lots = desk.position().lots
    fill = Fill(
        trade_id="x",
        client_id="web_1",
        symbol=BTC,
        side=Side.SELL,
        ticks=START + 10,
        lots=lots + 7,
        fee=lots + 7,
        maker=False,
        venue_time=desk.now,
    )
    desk.feed(desk.filled(fill))
    long, short = live_trades(day.entries())
    assert (long.ended, long.ender, short.origin, short.side, short.lots) == (
        Ended.OUTSIDE,
        "outside",
        "outside",
        -1,
        7,
    )
    assert short.fees == 7  # the fee goes with the lots


def test_funding_belongs_to_the_trade_that_paid_it() -> None:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    now = day.desk.now
    day.desk.feed(FundingPaid(at=now, symbol=BTC, amount=-123, venue_time=now))
    (trip,) = live_trades(day.entries())
    assert trip.funding == -123


def test_an_order_of_nobody_is_a_broken_journal() -> None:
    from engine.replay.live import _ending  # the one branch that no journal of this program reaches

    day = Day()
    for side in (0, 1):
        day.bar(side)
    request = next(o.request for o in day.desk.state.orders.values() if o.request.purpose.value == "entry")
    strange = type(request)(
        **{name: getattr(request, name) for name in request.__struct_fields__} | {"origin": "ghost:1"}
    )
    fill = next(event.fill for event, _ in day.desk.log if isinstance(event, OrderFilled))
    with pytest.raises(InvariantBroken, match="ghost:1"):
        _ending(fill, strange)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_trades_as_the_history_tables_keep(seed: int) -> None:
    """Refused, lost, doubled and reordered messages, restarts with another tick, orders from outside."""
    entries = random_journal(seed, 60, 0.2)
    holdings = project(entries, Known()).holdings.values()
    found = live_trades(entries)
    assert [key(trip) for trip in found] == sorted(
        (h.opened, h.symbol, h.side, h.entry_lots, h.fees, h.funding, h.origin, h.closed is None) for h in holdings
    )
    closed = {(h.opened, h.symbol): h for h in holdings if h.closed is not None}
    for trip in found:
        if not trip.open:
            holding = closed[trip.opened, trip.symbol]
            assert trip.side * (trip.exit_value - trip.entry_value) == holding.realised


def key(trip: Trip) -> tuple[object, ...]:
    return (
        trip.opened,
        trip.symbol,
        trip.side,
        trip.lots,
        trip.fees,
        trip.funding,
        trip.origin,
        trip.open,
    )
