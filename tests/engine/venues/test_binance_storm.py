"""Seeded storms: orders, moves and faults at random over real sockets; afterwards desk and exchange tell the same story."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.runtime import SystemClock
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.hand import FIRST, Hand
from tests.engine.venues.mini_desk import MiniDesk

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

SEEDS = range(4)
ROUNDS = 20
FAULTS = (
    "lost-ack:share=0.5",
    "lost-ack:share=0.5,method=DELETE",
    "server-error:status=503,after,share=0.5",
    "server-error:status=503,before,share=0.5",
    "reject:code=-2019,share=0.5",
    "rate-limit:retry=1,count=1,path=rder",
    "duplicate:target=user,share=0.5",
    "reorder:target=user,share=0.5",
    "lose:target=user,share=0.5",
    "delay:when=after,ms=30,path=rder",
)


class Storm:
    """One seed's way through it."""

    def __init__(self, hand: Hand, venue: CcxtVenue, desk: MiniDesk, seed: int) -> None:
        self.hand, self.venue, self.desk = hand, venue, desk
        self.dice = Random(seed)
        self.price = FIRST
        self.deeds: list[Callable[[], Awaitable[object]]] = [
            self.market,
            self.limit,
            self.limit,
            self.stop,
            self.cancel,
        ]

    async def market(self) -> None:
        side = self.dice.choice(tuple(Side))
        request = self.desk.request(side, self.dice.randint(1, 9) * 10, reduce_only=self.dice.random() < 0.4)
        await self.desk.send(self.venue, request)

    async def limit(self) -> None:
        side = self.dice.choice(tuple(Side))
        price = self.price - side * self.dice.randint(-5, 60)
        await self.desk.send(self.venue, self.desk.request(side, 20, OrderKind.LIMIT, price=price))

    async def stop(self) -> None:
        side = Side.SELL if self.desk.lots > 0 else Side.BUY
        trigger = self.price + side * self.dice.randint(5, 60)
        request = self.desk.request(
            side, 20, OrderKind.STOP_MARKET, trigger=trigger, reduce_only=True, purpose=Purpose.STOP
        )
        await self.desk.send(self.venue, request)

    async def cancel(self) -> None:
        working = [name for name, order in self.desk.orders.items() if order.status is OrderStatus.WORKING]
        if working:
            await self.desk.cancel(self.venue, self.dice.choice(working))

    async def round(self) -> None:
        """Some deeds at once, the market moving among them."""
        doing = [asyncio.ensure_future(self.dice.choice(self.deeds)()) for _ in range(self.dice.randint(1, 4))]
        if self.dice.random() < 0.7:
            self.price = FIRST + self.dice.randint(-80, 80)
            self.hand.quote(self.price, lots=self.dice.choice((15, 10_000)))
        if self.dice.random() < 0.1:
            for socket in self.hand.simulation.users.sockets():
                socket.drop()
        await asyncio.gather(*doing)

    async def settle(self) -> None:
        """Fair weather again: ask until nothing is open that the exchange does not hold."""
        self.hand.calm()
        await self.desk.until(lambda: self.desk.links[-1][0], "the stream did not come back")
        await self.desk.reconcile(self.venue, self.since)

    @property
    def since(self) -> int:
        return self.hand.simulation.source.start


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_the_storm_desk_and_exchange_agree(seed: int) -> None:
    hand = await Hand.start()
    hand.quote(FIRST)
    running, clock = hand.running, SystemClock()
    access = Access(running.rest, running.ws, running.keys.api_key, running.keys.secret)
    venue, desk = CcxtVenue(access, clock, heartbeat_ms=200), MiniDesk(BTC, clock)
    storm = Storm(hand, venue, desk, seed)
    try:
        await venue.open([BTC], [], desk)
        await desk.until(lambda: bool(desk.links))
        for number in range(ROUNDS):
            if number % 5 == 0:
                hand.calm()
                hand.faults(*storm.dice.sample(FAULTS, 2))
            await storm.round()
        await storm.settle()
        exchange = hand.simulation.exchange
        held = exchange.account.holdings[BTC.symbol]
        assert desk.lots == held.lots
        assert {name for name, order in desk.orders.items() if order.open} == {
            o.new.client_id for o in exchange.active()
        }
        assert sorted(desk.fills) == sorted(str(trade.trade_id) for trade in exchange.trades)
        assert sum(fill.fee for fill in desk.fills.values()) == sum(trade.fee for trade in exchange.trades)
        for client_id, theirs in exchange.orders.items():
            assert desk.orders[client_id].filled == theirs.filled
        taken = [order.new.client_id for order in exchange.orders.values()]
        assert len(taken) == len(set(taken)) > 10
    finally:
        await venue.close()
        await hand.stop()
