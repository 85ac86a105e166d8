"""What strikes from the exchange's side or the machine's, by name."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from decimal import Decimal

from engine.model import command as c
from engine.model.order import OrderKind, Side
from engine.simulator.market import Step
from tests.chaos.stage import SYMBOL, Stage


async def listen_key(stage: Stage) -> bool:
    """The key of the user stream ends."""
    heard = bool(stage.running.simulation.users.sockets())
    stage.running.simulation.users.close_key()
    return heard


def limit(stage: Stage, lots: int, away: int) -> c.PlaceOrder | None:
    """A person's limit order `away` ticks from the touch, with a stop."""
    quote = stage.exchange.books[SYMBOL].quote
    if quote is None:
        return None
    instrument = stage.exchange.instruments[SYMBOL]
    side = Side.BUY if stage.lots >= 0 else Side.SELL
    best = quote.ask if side is Side.BUY else quote.bid
    price = best - side * away
    stop = price * (100 - 3 * side) // 100
    return c.PlaceOrder(
        symbol=SYMBOL,
        side=side,
        kind=OrderKind.LIMIT,
        quantity=instrument.quantity(lots),
        price=instrument.price(price),
        stop=instrument.price(stop),
    )


async def partial_then_cancel(stage: Stage) -> bool:
    """A limit order meets a thin quote, and is cancelled with the rest of it open."""
    order = limit(stage, 30, 0)
    return order is not None and await cancel_after(stage, order)


async def cancel_race(stage: Stage) -> bool:
    """A limit order is cancelled in the moment in which the market reaches it."""
    order = limit(stage, 20, 5)
    return order is not None and await cancel_after(stage, order)


async def cancel_after(stage: Stage, order: c.PlaceOrder) -> bool:
    """Cancel the order as soon as it works, while the market comes to it; False when it never worked."""
    known = set(stage.client.desk.orders)
    stage.ask(order)

    def fresh() -> list[str]:
        """Limit orders that were not there before."""
        orders = stage.client.desk.orders.items()
        return [client_id for client_id, o in orders if client_id not in known and o.kind is OrderKind.LIMIT]

    if not await stage.until(lambda: bool(fresh()), 1.0):
        return False
    stage.ask(c.CancelOrder(client_id=fresh()[0]))
    await stage.until(lambda: not stage.alive, stage.dice.random() * 0.01)
    price = stage.exchange.instruments[SYMBOL].exact_ticks(order.price or Decimal(1))
    move(stage, price - (order.side > 0), lots=stage.dice.choice((7, 10_000)))
    return True


def move(stage: Stage, bid: int, lots: int = 10_000) -> None:
    """The market is there now."""
    exchange = stage.exchange
    stage.running.simulation.apply(Step(exchange.now + 1, SYMBOL, bid, bid + 1, lots, lots, bid, 1))


async def liquidation(stage: Stage) -> bool:
    """The exchange takes the position."""
    holding = stage.exchange.account.holdings[SYMBOL]
    had = holding.lots
    if had:
        stage.exchange._liquidate(holding)
    return had != holding.lots


async def adl(stage: Stage) -> bool:
    """The exchange takes a part of the position away."""
    return abs(stage.lots) > 1 and stage.outside(-(stage.lots // 2), name="adl_autoclose", reduce_only=True)


async def funding(stage: Stage) -> bool:
    """Paid while no engine runs."""
    if stage.lots == 0:
        return False
    await stage.kill()
    stage.exchange._fund(stage.exchange.now)
    await stage.start()
    return stage.lots != 0


async def manual_close(stage: Stage) -> bool:
    """With or without an engine to see it."""
    if stage.lots == 0:
        return False
    blind = stage.dice.random() < 0.5
    if blind:
        await stage.kill()
    struck = stage.lots != 0 and stage.outside(-stage.lots, reduce_only=True)
    if blind:
        await stage.start()
    return struck


async def manual_order(stage: Stage) -> bool:
    """Somebody adds to the position, or opens one."""
    blind = stage.dice.random() < 0.5
    if blind:
        await stage.kill()
    struck = stage.outside(stage.dice.choice((-5, 5)))
    if blind:
        await stage.start()
    return struck


async def outlier(stage: Stage) -> bool:
    """One wild price, and back."""
    quote = stage.exchange.books[SYMBOL].quote
    if quote is not None:
        move(stage, quote.bid * stage.dice.choice((94, 106)) // 100)
        move(stage, quote.bid)
    return quote is not None


async def stale(stage: Stage) -> bool:
    """The market says nothing for a while; orders are answered."""
    stage.running.player.pause()
    await stage.until(lambda: stage.stuck, 1.0)
    stage.running.player.resume()
    return True


async def locked(stage: Stage) -> bool:
    """Another program keeps the database for longer than the engine waits, or for less."""
    connection = sqlite3.connect(stage.home.database, isolation_level=None, timeout=2.0)
    try:
        connection.execute("BEGIN IMMEDIATE")
        await stage.until(lambda: stage.stuck, stage.dice.choice((0.3, 6.0)))
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False  # the engine is writing all the time, or has not made its tables
    else:
        return True
    finally:
        connection.close()


async def disk_full(stage: Stage) -> bool:
    """The next life cannot let its files grow."""
    await stage.kill()
    wal = stage.home.database.with_name(stage.home.database.name + "-wal")
    size = max(stage.home.database.stat().st_size, wal.stat().st_size if wal.exists() else 0)
    await stage.start(file_limit=size + stage.dice.choice((40_000, 200_000)))
    return True


async def second(stage: Stage) -> bool:
    """Another engine on the same data directory, or on the same account: it must refuse."""
    first = stage.engine
    if not await stage.until(lambda: stage.ready or stage.stuck, 10.0) or not stage.alive:
        return False
    elsewhere = stage.plan.live and stage.dice.random() < 0.5
    await stage.start(home=stage.copy("elsewhere") if elsewhere else None)
    rival, stage.engine = stage.engine, first
    if await stage.until(lambda: not stage.nursery.alive(rival), 20.0):
        if await stage.nursery.end(rival) == 0:
            stage.wrong.append("a second engine refuses to start: it ended as if all were well")
        return True
    os.kill(rival, signal.SIGKILL)
    if stage.alive:
        stage.wrong.append("a second engine refuses to start: it runs beside the first")
    return True


HAPPEN: dict[str, Callable[[Stage], Awaitable[bool]]] = {
    "listen key expiry": listen_key,
    "partial fill then cancel": partial_then_cancel,
    "cancel and fill race": cancel_race,
    "liquidation": liquidation,
    "ADL": adl,
    "funding between": funding,
    "manual close": manual_close,
    "manual order": manual_order,
    "outlier price": outlier,
    "stale price": stale,
    "database locked": locked,
    "disk full": disk_full,
    "second engine": second,
}
