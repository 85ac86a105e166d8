"""What must hold after every run: the journal and the exchange tell one story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from engine.core.core import Core
from engine.core.state import OUTSIDE, State
from engine.errors import TrefoilError
from engine.model import event as e
from engine.model.decision import SubmitOrder
from engine.model.order import Purpose
from engine.ports import Entry
from engine.runtime import recover
from storage import codec
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import journal
from tests.chaos.stage import SYMBOL, Stage

BARE_MS = 2_000


async def broken(stage: Stage, allowed_bare_ms: int) -> list[str]:
    """The invariants that do not hold, each with what was found."""
    database = Database(stage.home.database_url)
    try:
        core, _ = await recover(SqlJournal(database))
        async with database.connect() as connection:
            rows = (await connection.execute(select(journal).order_by(journal.c.seq))).all()
        entries = [codec.decode(row.seq, row.payload, row.crc) for row in rows]
    except TrefoilError as error:
        return [f"the journal can be read: {error}"]
    finally:
        await database.close()
    found = [*agreement(stage, core.state), *bookings(stage, core.state, entries), *replayed(core, entries)]
    found += [text.removeprefix("BROKEN: ") for text in stage.alarms if text.startswith("BROKEN")]
    if stage.bare_ms > allowed_bare_ms and not stage.alarms:
        found.append(f"a position is protected within 2 s or there is an alarm: bare for {stage.bare_ms} ms")
    return found


async def on_its_way(stage: Stage) -> bool:
    """The journal ends with an order that awaits its answer."""
    database = Database(stage.home.database_url)
    try:
        core, _ = await recover(SqlJournal(database))
    finally:
        await database.close()
    return core.state.busy()


def agreement(stage: Stage, state: State) -> Iterator[str]:
    """Position, open orders and cash are the exchange's."""
    s = state.symbols[SYMBOL]
    ours = s.position.lots if s.position is not None else 0
    if ours != stage.lots:
        yield f"position equals the exchange's: {ours} and {stage.lots} lots"
    if state.cash != stage.exchange.account.wallet:
        yield f"cash equals the exchange's: {state.cash} and {stage.exchange.account.wallet}"
    open_ours = set(s.orders)
    open_theirs = {order.new.client_id for order in stage.exchange.active()}
    if open_ours != open_theirs:
        yield f"open orders equal the exchange's: {sorted(open_ours)} and {sorted(open_theirs)}"
    if s.position is not None and s.position.origin != OUTSIDE:
        stops = [order.remaining for order in state.open_orders(SYMBOL) if order.request.purpose is Purpose.STOP]
        if stops != [abs(s.position.lots)]:
            yield f"a position has one stop over all of it: {ours} lots, stops {stops}"


def bookings(stage: Stage, state: State, entries: list[Entry]) -> Iterator[str]:
    """Every execution of ours is booked once, no id is used twice, and no order was sent without its intent."""
    fills = [entry.event.fill for entry in entries if isinstance(entry.event, e.OrderFilled)]
    booked = {f"{fill.client_id}|{fill.trade_id}" for fill in fills}
    ours = f"{state.instance}-"
    for trade in stage.exchange.trades:
        client_id = trade.order.new.client_id
        if client_id.startswith(ours) and f"{client_id}|{trade.trade_id}" not in booked:
            yield f"fills equal the exchange's: {client_id} trade {trade.trade_id} is not booked"
    known = {f"{trade.order.new.client_id}|{trade.trade_id}" for trade in stage.exchange.trades}
    for one in sorted(booked - known):
        yield f"fills equal the exchange's: {one} never was"
    intents = Counter(
        decision.approved.request.client_id
        for entry in entries
        for decision in entry.decisions
        if isinstance(decision, SubmitOrder)
    )
    for client_id, times in intents.items():
        if times > 1:
            yield f"an order id is used once: {client_id}"
    for client_id in stage.exchange.orders:
        if client_id.startswith(ours) and client_id not in intents:
            yield f"an order has its intent before it: {client_id}"


def replayed(core: Core, entries: list[Entry]) -> Iterator[str]:
    """Deciding everything again comes to the same decisions and the same state."""
    again = Core()
    for entry in entries:
        decisions = again.process(entry.event)
        if decisions != entry.decisions:
            yield f"the journal replays to the same decisions: entry {entry.seq} {type(entry.event).__name__}"
            return
    one, other = (msgspec.msgpack.encode(c.state) for c in (again, core))
    if one != other:
        yield "the journal replays to the same state"
