"""One run: a life full of faults, killed; then a calm one; then the invariants."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.model import command as c
from engine.model.order import OrderKind, Side
from tests.chaos.happenings import HAPPEN
from tests.chaos.invariants import broken, on_its_way
from tests.chaos.nursery import Nursery
from tests.chaos.plan import DEEDS, WIRE, Plan
from tests.chaos.stage import READY_S, SYMBOL, Stage, stage

SETTLE_S = 30.0
STAYS_S = 0.3
AGAIN_S = 1.0
CALM_LIVES = 3
MOST_LOOKS = 80
MOST_DEEDS = 40


@dataclass
class Result:
    """What a run came to."""

    seed: int
    faults: tuple[str, ...]
    hit: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    kills: int = 0
    orders: int = 0
    trades: int = 0
    bare_ms: int = 0
    venue: str = ""
    seconds: float = 0.0
    command: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


async def run(plan: Plan, folder: Path, nursery: Nursery, template: Path) -> Result:
    """Play a plan in a fresh folder."""
    began = time.monotonic()
    result = Result(plan.seed, plan.faults, venue=plan.venue, command=plan.command)
    async with stage(folder, nursery, plan, template) as one:
        await wild_life(one, plan)
        lives = 1
        while (calm := await calm_life(one)) and lives < CALM_LIVES and await on_its_way(one):
            lives += 1  # something was begun in the very moment of the stop: that is the next life's business
        if not calm:
            result.broken.append(f"the calm engine settles: {unsettled(one)}")
        else:
            result.broken = await broken(one)
        result.hit = sorted(one.hit)
        result.kills, result.bare_ms = one.kills, one.bare.longest_ms
        result.orders, result.trades = len(one.exchange.orders), len(one.exchange.trades)
    result.seconds = round(time.monotonic() - began, 2)
    return result


async def wild_life(one: Stage, plan: Plan) -> None:
    """Deeds of a person while faults strike; the engine is killed at the end, if it lives that long."""
    await one.start()
    await one.until(lambda: one.trading or one.stuck, READY_S)
    strikes = dict(zip(plan.faults, plan.at, strict=True))
    done = 0
    for number in range(MOST_LOOKS):
        for name in [name for name, at in strikes.items() if at <= done and one.trading]:
            if name in WIRE:
                one.strike(name)
            elif name in HAPPEN:
                if await HAPPEN[name](one):
                    one.hit.add(name)
                elif number < MOST_LOOKS // 2:
                    continue  # there was nothing to strike at; later there may be
            del strikes[name]
        if strikes and await one.crashed():
            await one.start()  # the others strike at its next life
        await one.until(lambda: one.trading or one.stuck, READY_S)
        if one.stuck or (done >= DEEDS and not strikes and (not one.crash or done >= MOST_DEEDS)):
            break
        if one.trading and len(one.asks) < 3:
            one.ask(deed(one, number))
            done += 1
        await one.pace(600 + 1200 * one.dice.random())
    await one.until(lambda: one.stuck, 0.3)
    await one.kill()
    for task in list(one.asks):
        task.cancel()


def deed(one: Stage, number: int) -> c.Command:
    """Buy, protect, add, reduce, close: so that every way of an order is walked."""
    desk, dice = one.client.desk, one.dice
    position = desk.positions.get(SYMBOL)
    instrument = one.exchange.instruments[SYMBOL]
    quote = one.exchange.books[SYMBOL].quote
    mid = quote.bid if quote is not None else one.exchange.account.holdings[SYMBOL].mark
    if position is None or (dice.random() < 0.3 and abs(position.lots) < 60):
        side = dice.choice(tuple(Side)) if position is None else Side.BUY if position.lots > 0 else Side.SELL
        stop = instrument.price(mid * (100 - 2 * side) // 100)
        lots = dice.choice((5, 10, 15))
        kind = dice.choice((OrderKind.MARKET, OrderKind.MARKET, OrderKind.LIMIT))
        price = None if kind is OrderKind.MARKET else instrument.price(mid + side * dice.randint(-40, 40))
        return c.PlaceOrder(
            symbol=SYMBOL, side=side, kind=kind, quantity=instrument.quantity(lots), price=price, stop=stop
        )
    sign = 1 if position.lots > 0 else -1
    match dice.randrange(6):
        case 0 | 1:
            away = Decimal(dice.randint(15, 40)) / 1000
            ticks = int(mid * (1 - sign * away))
            return c.SetProtection(symbol=SYMBOL, stop=instrument.price(ticks))
        case 2:
            return c.ReducePosition(symbol=SYMBOL, percent=dice.choice((30, 50)))
        case 3:
            return c.ReducePosition(symbol=SYMBOL)
        case 4:
            return c.CancelAll()
        case _:
            return c.FlattenAll() if dice.random() < 0.5 else c.FlipPosition(symbol=SYMBOL)


async def calm_life(one: Stage) -> bool:
    """Fair weather: an engine that reconciles, a person who resolves what is from outside, and an orderly stop."""
    one.calm()
    if one.running.player.paused:
        one.running.player.resume()
    await one.start()
    if not await one.until(lambda: one.ready or not one.alive, READY_S) or not one.alive:
        return False
    one.running.player.pause()
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until and await one.until(lambda: settled(one) or differs(one), until - time.monotonic()):
        if settled(one):
            if not await one.until(lambda: not settled(one), STAYS_S):
                return await stop(one)
        else:
            one.ask(c.ResolvePosition(symbol=SYMBOL, action=one.dice.choice((c.Outside.ADOPT, c.Outside.CLOSE))))
            await one.until(lambda: not differs(one), AGAIN_S)
    return False


def differs(one: Stage) -> bool:
    """The desk says that the venue has another position."""
    board = one.client.desk.boards.get(SYMBOL)
    return board is not None and "position differs" in board.held


def settled(one: Stage) -> bool:
    """Desk and exchange hold the same, nothing awaits an answer, and what is open is protected."""
    desk = one.client.desk
    position = desk.positions.get(SYMBOL)
    lots = position.lots if position is not None else 0
    waiting = [order for order in desk.orders.values() if order.status.value != "working"]
    return (
        one.ready
        and desk.status.venue_up
        and not waiting
        and lots == one.lots
        and desk.orders.keys() == one.open_ids
        and desk.account.cash == one.exchange.account.wallet
    )


def unsettled(one: Stage) -> str:
    """What stands in the way, in a line."""
    desk = one.client.desk
    position = desk.positions.get(SYMBOL)
    return (
        f"alive {one.alive}, ready {one.ready}, venue {desk.status.venue_up}, read-only {desk.status.read_only!r}, "
        f"lots {position.lots if position else 0} and {one.lots}, "
        f"orders {[(o.client_id, o.status.value, o.purpose.value) for o in desk.orders.values()]} "
        f"and {sorted(one.open_ids)}, "
        f"cash {desk.account.cash} and {one.exchange.account.wallet}, held {differs(one)}"
    )


async def stop(one: Stage) -> bool:
    """An orderly end."""
    answer = await one.client.stop_engine()
    return answer.ok and await one.nursery.end(one.engine) == 0
