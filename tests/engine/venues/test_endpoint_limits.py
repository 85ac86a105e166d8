"""Limits by endpoint are kept: an exchange that counts them never has to refuse."""

from __future__ import annotations

import asyncio

import pytest

from engine.feeds.ccxt_feed import CcxtFeed
from engine.model.order import OrderKind, OrderStatus, Side
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.okx_manners import LIMITS as OKX_LIMITS
from tests.engine.simulator.conftest import BTC, MINUTE
from tests.engine.venues.hand import FIRST
from tests.engine.venues.simulated_bench import BybitBench, OkxBench, SimulatedBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

ORDERS = 18


@pytest.mark.parametrize("bench_class", [OkxBench, BybitBench])
async def test_many_exits_at_once_wait_for_room_and_none_is_refused(bench_class: type[SimulatedBench]) -> None:
    async with bench_class.running() as bench:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(Side.BUY, 100))
        exits = [
            desk.request(Side.SELL, 1, OrderKind.LIMIT, price=FIRST + 500 + n, reduce_only=True) for n in range(ORDERS)
        ]
        sent = await asyncio.gather(*(desk.send(bench.venue, request) for request in exits))
        assert {order.status for order in sent} == {OrderStatus.WORKING}
        assert bench.hand.simulation.refused_by_endpoint == {"okx": 0, "bybit": 0}


async def test_who_does_not_wait_is_refused_by_the_exchange_and_comes_again() -> None:
    async with BybitBench.running() as bench:
        desk = bench.desk
        await desk.send(bench.venue, desk.request(Side.BUY, 100))
        others = [CcxtVenue(bench.access(), bench.clock) for _ in range(3)]  # gates of their own, as in four processes
        exits = [
            desk.request(Side.SELL, 1, OrderKind.LIMIT, price=FIRST + 500 + n, reduce_only=True) for n in range(40)
        ]
        try:
            for other in others:
                await other.open([bench.instrument], [], desk)
            venues = [*others, bench.venue]
            sending = (desk.send(venues[n % len(venues)], request) for n, request in enumerate(exits))
            sent = await asyncio.gather(*sending)
        finally:
            for other in others:
                await other.close()
        assert {order.status for order in sent} <= {OrderStatus.WORKING, OrderStatus.REJECTED}  # never LOST
        working = sum(order.status is OrderStatus.WORKING for order in sent)
        assert len(bench.hand.simulation.exchange.active()) == working
        # All forty go out at once and a window has room for ten: the rest are refused, most of them more than once.
        assert bench.hand.simulation.refused_by_endpoint["bybit"] + working > len(exits)


async def test_a_download_from_okx_takes_its_share_only() -> None:
    async with OkxBench.running() as bench:
        access = bench.access()
        feed = CcxtFeed(access, bench.clock)
        try:
            await feed.instruments()
            end = bench.hand.now // MINUTE * MINUTE
            pages = 20  # more than its share of one window
            bars = await feed.history(BTC.symbol, MINUTE, end - pages * 300 * MINUTE, end)
            assert len(bars) == 300  # all there is
            history = next(limit for limit in OKX_LIMITS if limit.name.endswith("history-candles"))
            budget = access.gate.queue.budgets[history.name]
            assert 0 < budget.used(access.gate.now()) <= 0.6 * history.most
            assert bench.hand.simulation.refused_by_endpoint["okx"] == 0
        finally:
            await feed.close()
