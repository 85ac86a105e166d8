"""Seeded storms: orders, moves and faults at random over real sockets; afterwards desk and exchange tell the same story."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.hand import FIRST
from tests.engine.venues.simulated_bench import BENCHES, SimulatedBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

SEEDS = range(4)
ROUNDS = 20
FAULTS = (
    "lost-ack:share=0.5",
    "lost-ack:share=0.5,method=DELETE",
    "server-error:status=503,after,share=0.5",
    "server-error:status=503,before,share=0.5",
    "reject:code={margin},share=0.5",
    "rate-limit:retry=1,count=1,path=rder",
    "duplicate:target=user,share=0.5",
    "reorder:target=user,share=0.5",
    "lose:target=user,share=0.5",
    "delay:when=after,ms=30,path=rder",
)


class Storm:
    """One seed's way through it."""

    def __init__(self, bench: SimulatedBench, seed: int) -> None:
        self.bench, self.hand, self.venue, self.desk = bench, bench.hand, bench.venue, bench.desk
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
            self.bench.cut_user_stream()
        await asyncio.gather(*doing)

    async def settle(self) -> None:
        """Fair weather again: ask until nothing is open that the exchange does not hold."""
        self.hand.calm()
        await self.desk.until(lambda: self.desk.links[-1][0], "the stream did not come back")
        await self.desk.reconcile(self.venue, self.bench.since)


@pytest.mark.parametrize("bench_class", BENCHES)
async def test_after_the_storm_desk_and_exchange_agree(bench_class: type[SimulatedBench]) -> None:
    """The seeds side by side: each storm waits for its venue most of the time."""
    async with asyncio.TaskGroup() as group:
        for seed in SEEDS:
            group.create_task(weather(bench_class, seed), name=f"seed {seed}")


async def weather(bench_class: type[SimulatedBench], seed: int) -> None:
    """One seed's storm, and what is true after it."""
    async with bench_class.running() as bench:
        storm, desk = Storm(bench, seed), bench.desk
        for number in range(ROUNDS):
            if number % 5 == 0:
                bench.calm()
                bench.faults(*(text.format(margin=bench.codes["margin"]) for text in storm.dice.sample(FAULTS, 2)))
            await storm.round()
        await storm.settle()
        exchange = bench.hand.simulation.exchange
        assert desk.lots == exchange.account.holdings[BTC.symbol].lots
        assert {bench.theirs(name) for name, order in desk.orders.items() if order.open} == {
            o.new.client_id for o in exchange.active()
        }
        assert sorted(desk.fills) == sorted(str(trade.trade_id) for trade in exchange.trades)
        assert sum(fill.fee for fill in desk.fills.values()) == sum(trade.fee for trade in exchange.trades)
        filled = {bench.theirs(name): order.filled for name, order in desk.orders.items()}
        for client_id, theirs in exchange.orders.items():
            assert filled[client_id] == theirs.filled
        taken = [order.new.client_id for order in exchange.orders.values()]
        assert len(taken) == len(set(taken)) > 10
