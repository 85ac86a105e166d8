"""A history download and an order desk share one address, and the exchange never has to say 429."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.booking import NOT_FOUND_GRACE_MS
from engine.feeds.ccxt_feed import CcxtFeed
from engine.model.order import OrderKind, OrderStatus, Side
from engine.runtime import SystemClock
from engine.venues.binance_manners import LIMITS, WEIGHT
from engine.venues.ccxt_api import PATIENCE_MS
from engine.venues.ccxt_client import RECV_WINDOW_MS, Access
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.gate import RequestGate
from engine.venues.weight import Lane
from tests.engine.simulator.conftest import BTC, MINUTE
from tests.engine.venues.hand import FIRST, Hand
from tests.engine.venues.mini_desk import MiniDesk

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

PAGES = 200
STEP_MS = 2_000


class VenueTime:
    """The clock that the simulated exchange counts requests by."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def now(self) -> int:
        return int(self._hand.simulation.limit_clock() * 1000)


async def test_orders_pass_a_download_that_fills_its_share() -> None:
    hand = await Hand.start()
    hand.quote(FIRST)
    running, clock = hand.running, SystemClock()
    gate = RequestGate(LIMITS, VenueTime(hand))
    access = Access(running.rest, running.ws, running.keys.api_key, running.keys.secret, gate)
    feed, venue, desk = CcxtFeed(access, clock), CcxtVenue(access, clock), MiniDesk(BTC, clock)
    try:
        await feed.instruments()
        await venue.open([BTC], [], desk)
        end = hand.now // MINUTE * MINUTE
        download = asyncio.create_task(feed.history(BTC.symbol, MINUTE, end - PAGES * 1_500 * MINUTE, end))
        fullest = 0
        while not download.done():
            hand.quote(FIRST, after=STEP_MS)
            request = desk.request(Side.BUY, 1)
            assert (await desk.send(venue, request)).status is not OrderStatus.REJECTED
            fullest = max(fullest, gate.queue.budgets[WEIGHT].used(gate.now()))
        assert len(await download) == 300  # all there is
        assert hand.simulation.limits.refused == 0
        assert fullest > 0.55 * LIMITS[0].most  # the download had to wait
        assert len(desk.orders) > 15  # and no order had to
        await desk.until(lambda: len(desk.fills) == len(desk.orders))
    finally:
        await venue.close()
        await feed.close()
        await hand.stop()


async def test_too_many_orders_hold_up_orders_and_not_cancels() -> None:
    hand = await Hand.start()
    hand.quote(FIRST)
    running, clock = hand.running, SystemClock()
    venue = CcxtVenue(Access(running.rest, running.ws, running.keys.api_key, running.keys.secret), clock)
    desk = MiniDesk(BTC, clock)
    try:
        await venue.open([BTC], [], desk)
        resting = desk.request(Side.BUY, 100, OrderKind.LIMIT, price=FIRST - 100)
        await desk.send(venue, desk.request(Side.BUY, 100))
        await desk.send(venue, resting)
        hand.faults("reject:code=-1015,count=1")
        exit_ = desk.request(Side.SELL, 100, reduce_only=True)
        sending = asyncio.create_task(desk.send(venue, exit_))
        while hand.hits() == 0:
            await asyncio.wait([sending], timeout=0.001)
        assert (await desk.cancel(venue, resting.client_id)).status is OrderStatus.CANCELED
        assert not sending.done()
        await sending
        await desk.until(lambda: desk.status(exit_) is OrderStatus.FILLED)
    finally:
        await venue.close()
        await hand.stop()


def test_the_longest_way_of_an_order_ends_before_the_core_believes_it_never_arrived() -> None:
    assert (PATIENCE_MS[Lane.TRADE] or 0) + RECV_WINDOW_MS <= NOT_FOUND_GRACE_MS
