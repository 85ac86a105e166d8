"""A paper engine is killed with a position and orders open; the next one settles on the bars it missed, once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select

from engine.core.state import State
from engine.model import event as e
from engine.model.command import Command, PlaceOrder
from engine.model.money import MONEY_SCALE
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.runtime import recover
from headless.client import EngineClient
from headless.options import Addresses
from storage import codec
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import journal
from tests.e2e.rig import Rig, until
from tests.engine.simulator.conftest import BTC, ETH
from tests.engine.venues.hand import FIRST, Hand

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BALANCE = 10_000
STOP, LIMIT = FIRST - 5_000, FIRST - 4_000
CONFIG = """
[trading]
timeframe = "1m"
autonomy = "observe"
paper_balance = {balance}

[feed]
symbols = ["{btc}", "{eth}"]
rest = "{rest}"
ws = "{ws}"
"""
PACE_S = 0.1


class Market:
    """Quotes that keep coming, at prices the test sets."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand

    async def run(self) -> None:
        """Both symbols, ten times a second; the size changes, since a book that stays the same is not published."""
        for lots in cycle((10_000, 9_000)):
            while self.hand.now >= self.hand.bar_end():
                self.minute()
            for instrument in (BTC, ETH):
                self.hand.quote(FIRST, lots, instrument, after=round(PACE_S * 500))
            await asyncio.sleep(PACE_S)

    def minute(self, low: int = FIRST) -> None:
        """A bar of both symbols that falls to `low` and comes back."""
        for instrument in (BTC, ETH):
            self.hand.bar(FIRST, FIRST, low, FIRST, instrument)


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A market over real sockets in this process."""
    made = Market(await Hand.start())
    moving = asyncio.create_task(made.run())
    yield made
    moving.cancel()
    await asyncio.gather(moving, return_exceptions=True)
    await made.hand.stop()


@pytest.fixture
async def one(market: Market, tmp_path: Path) -> AsyncIterator[Rig]:
    """A data directory whose feed is that market."""
    async with aiohttp.ClientSession() as session:
        made = Rig(tmp_path / "paper", Addresses("", "", {}), session)
        running = market.hand.running
        text = CONFIG.format(balance=BALANCE, btc=BTC.symbol, eth=ETH.symbol, rest=running.rest, ws=running.ws)
        made.home.config.write_text(text)
        yield made
        kill(made)


def kill(one: Rig) -> None:
    """kill -9, whether it lives or not."""
    assert one.engine is not None
    one.engine.send_signal(signal.SIGKILL)
    one.engine.wait()


async def live(one: Rig, client: EngineClient, crash: str = "") -> None:
    """Start an engine and wait until it trades."""
    engine = one.start(crash, mode="paper", simulator="", settings={})
    desk = client.desk

    def ready() -> bool:
        return client.connected and desk.status.ready and desk.status.pid == engine.pid and len(desk.quotes) == 2

    await until(ready, f"the engine does not get ready: {one.log()}")


async def do(client: EngineClient, command: Command) -> None:
    answer = await client.ask(command)
    assert answer.ok, answer.text


async def read(one: Rig) -> tuple[State, list[e.OrderFilled]]:
    """The state a new engine would begin with, and every execution in the journal."""
    database = Database(one.home.database_url)
    try:
        core, _ = await recover(SqlJournal(database))
        async with database.connect() as connection:
            rows = (await connection.execute(select(journal).where(journal.c.kind == "OrderFilled"))).all()
        found = [codec.decode(row.seq, row.payload, row.crc).event for row in rows]
        return core.state, [event for event in found if isinstance(event, e.OrderFilled)]
    finally:
        await database.close()


def booked(fills: list[e.OrderFilled]) -> int:
    """Cash that the executions leave of a closed position, 1e-8 units."""
    return -sum(f.fill.side * f.fill.lots * f.fill.ticks * BTC.unit for f in fills)


async def check(one: Rig) -> list[e.OrderFilled]:
    """The stop filled once at its trigger, the entry once at its limit; cash is what that leaves."""
    state, fills = await read(one)
    assert max(Counter(event.fill.trade_id for event in fills).values()) == 1
    settled = [event for event in fills if event.backfilled]
    assert [(f.fill.symbol, f.fill.side, f.fill.ticks, f.fill.maker) for f in settled] == [
        (BTC.symbol, Side.SELL, STOP, False),
        (ETH.symbol, Side.BUY, LIMIT, True),
    ]
    assert state.symbols[BTC.symbol].position is None
    held = state.symbols[ETH.symbol].position
    assert held is not None
    assert held.lots == settled[1].fill.lots == 100
    btc = [event for event in fills if event.fill.symbol == BTC.symbol]
    fees = sum(event.fill.fee for event in fills)
    assert state.cash == BALANCE * MONEY_SCALE + booked(btc) - fees
    stops = [o for o in state.open_orders(ETH.symbol) if o.request.purpose is Purpose.STOP]
    assert [o.remaining for o in stops if o.status is OrderStatus.WORKING] == [100]
    assert state.open_orders(BTC.symbol) == []
    return fills


async def trade(client: EngineClient) -> None:
    """A protected long in BTC, and a resting buy of ETH with a stop to come."""
    size = Decimal("0.020")
    stop, limit = BTC.price(STOP), ETH.price(LIMIT)
    await do(client, PlaceOrder(symbol=BTC.symbol, side=Side.BUY, kind=OrderKind.MARKET, quantity=size, stop=stop))
    await do(
        client,
        PlaceOrder(
            symbol=ETH.symbol,
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            quantity=Decimal("1.00"),
            price=limit,
            stop=ETH.price(LIMIT - 3_000),
        ),
    )


async def test_killed_with_a_position_and_orders_open(market: Market, one: Rig) -> None:
    async with one.client() as client:
        desk = client.desk
        await live(one, client)
        await trade(client)
        await until(lambda: BTC.symbol in desk.positions and desk.positions[BTC.symbol].stop_confirmed > 0, "no stop")
        await until(lambda: any(o.symbol == ETH.symbol for o in desk.orders.values()), "no limit order")
        kill(one)

        market.minute()  # the bar in which it died: its beginning was seen, so it settles nothing
        market.minute(low=LIMIT - 2_000)
        market.minute()

        await live_until_death(one, client)  # after the journal has the settlement, before the new stop is sent
        await live(one, client)
        await until(
            lambda: ETH.symbol in desk.positions and desk.positions[ETH.symbol].stop_confirmed > 0, "no new stop"
        )
        kill(one)
        fills = await check(one)

        market.minute()
        await live(one, client)
        await until(lambda: ETH.symbol in desk.positions and desk.positions[ETH.symbol].stop_confirmed > 0, "no stop")
        kill(one)
        assert await check(one) == fills


async def test_a_position_that_a_missed_bar_opens_is_protected_in_the_next(market: Market, one: Rig) -> None:
    async with one.client() as client:
        desk = client.desk
        await live(one, client)
        await trade(client)
        await until(lambda: BTC.symbol in desk.positions and desk.positions[BTC.symbol].stop_confirmed > 0, "no stop")
        working = OrderStatus.WORKING
        await until(
            lambda: any(o.symbol == ETH.symbol and o.status is working for o in desk.orders.values()), "no order"
        )
        kill(one)
        market.minute()
        market.minute(low=LIMIT - 500)
        market.minute(low=LIMIT - 5_000)
        await live(one, client)
        await until(lambda: BTC.symbol not in desk.positions, "the stop of BTC did not settle")
        kill(one)
        state, fills = await read(one)
        settled = [event.fill for event in fills if event.backfilled and event.fill.symbol == ETH.symbol]
        assert [(fill.side, fill.ticks) for fill in settled] == [(Side.BUY, LIMIT), (Side.SELL, LIMIT - 3_000)]
        assert state.symbols[ETH.symbol].position is None
        assert state.open_orders(ETH.symbol) == []


async def live_until_death(one: Rig, client: EngineClient) -> None:
    """An engine that dies by SIGKILL when it is about to protect the position that the settlement opened."""
    engine = one.start("filled_not_protected:1", mode="paper", simulator="", settings={})
    await until(lambda: engine.poll() is not None, f"the engine did not die: {one.log()}")
    assert engine.poll() == -signal.SIGKILL
    assert client.desk.status.pid != 0
