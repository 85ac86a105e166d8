"""What must hold after every run: the journal and the exchange tell one story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from engine.core.core import Core
from engine.core.state import OUTSIDE, State
from engine.errors import TrefoilError
from engine.model import event as e
from engine.model.decision import SubmitOrder
from engine.model.money import MONEY_SCALE, Money
from engine.model.order import Purpose
from engine.ports import Entry
from engine.runtime import recover
from storage import codec
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import journal
from tests.chaos.bare import Bare
from tests.chaos.stage import SYMBOL, Stage

BARE_MS = 2_000
CENT = MONEY_SCALE // 100


@dataclass(frozen=True)
class Theirs:
    """An account as the exchange has it, order ids as the engine writes them.

    Attributes:
        lots: signed position of the symbol.
        mark: its price, ticks.
        wallet: cash, 1e-8 units.
        equity: with what the position has gained, 1e-8 units.
        open: ids of the orders that work or wait.
        orders: ids of all orders there have been.
        trades: (order id, trade id) of every execution.
        duplicates: how often an id was sent again.
    """

    lots: int
    mark: int
    wallet: Money
    equity: Money
    open: frozenset[str]
    orders: tuple[str, ...]
    trades: tuple[tuple[str, str], ...]
    duplicates: int = 0


def theirs(stage: Stage) -> Theirs:
    """The exchange's account."""
    exchange = stage.exchange
    named = stage.named
    return Theirs(
        lots=stage.lots,
        mark=exchange.account.holdings[SYMBOL].mark,
        wallet=exchange.account.wallet,
        equity=exchange.account.balance,
        open=frozenset(stage.open_ids),
        orders=tuple(named(client_id) for client_id in exchange.orders),
        trades=tuple((named(trade.order.new.client_id), str(trade.trade_id)) for trade in exchange.trades),
        duplicates=exchange.duplicates,
    )


async def broken(stage: Stage) -> list[str]:
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
    return [*stage.wrong, *judged(core, entries, theirs(stage), SYMBOL), *protected(stage.bare)]


def judged(core: Core, entries: list[Entry], account: Theirs, symbol: str) -> list[str]:
    """What does not hold between a recovered core, its whole journal, and the exchange's account."""
    state = core.state
    return [
        *agreement(state, account, symbol),
        *fills(state, entries, account),
        *ids(state, entries, account),
        *replayed(core, entries),
    ]


async def on_its_way(stage: Stage) -> bool:
    """The journal ends with an order that awaits its answer."""
    database = Database(stage.home.database_url)
    try:
        core, _ = await recover(SqlJournal(database))
    finally:
        await database.close()
    return core.state.busy()


def agreement(state: State, account: Theirs, symbol: str) -> Iterator[str]:
    """Position, open orders, cash and equity are the exchange's."""
    s = state.symbols[symbol]
    ours = s.position.lots if s.position is not None else 0
    if ours != account.lots:
        yield f"position equals the exchange's: {ours} and {account.lots} lots"
    if state.cash != account.wallet:
        yield f"cash equals the exchange's: {state.cash} and {account.wallet}"
    gained = s.position.unrealised(state.instruments[symbol], account.mark) if s.position is not None else 0
    equity = (state.cash or 0) + gained
    if abs(equity - account.equity) > CENT:
        yield f"equity reconciles to the cent: {equity} and {account.equity}"
    if set(s.orders) != account.open:
        yield f"open orders equal the exchange's: {sorted(s.orders)} and {sorted(account.open)}"
    if s.position is not None and s.position.origin != OUTSIDE:
        stops = [order.remaining for order in state.open_orders(symbol) if order.request.purpose is Purpose.STOP]
        if stops != [abs(s.position.lots)]:
            yield f"a position has one stop over all of it: {ours} lots, stops {stops}"


def fills(state: State, entries: list[Entry], account: Theirs) -> Iterator[str]:
    """Every execution of ours is booked, and no other."""
    heard = [entry.event.fill for entry in entries if isinstance(entry.event, e.OrderFilled)]
    booked = {(fill.client_id, fill.trade_id) for fill in heard}
    for client_id, trade_id in account.trades:
        if client_id.startswith(f"{state.instance}-") and (client_id, trade_id) not in booked:
            yield f"fills equal the exchange's: {client_id} trade {trade_id} is not booked"
    for client_id, trade_id in sorted(booked - set(account.trades)):
        yield f"fills equal the exchange's: {client_id} trade {trade_id} never was"


def ids(state: State, entries: list[Entry], account: Theirs) -> Iterator[str]:
    """No id is used twice, and no order was sent without its intent."""
    intents = Counter(
        decision.approved.request.client_id
        for entry in entries
        for decision in entry.decisions
        if isinstance(decision, SubmitOrder)
    )
    for client_id, times in intents.items():
        if times > 1:
            yield f"an order id is used once: {client_id}"
    if account.duplicates:
        yield f"an order id is used once: {account.duplicates} were sent again"
    for client_id in account.orders:
        if client_id.startswith(f"{state.instance}-") and client_id not in intents:
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


def protected(bare: Bare) -> Iterator[str]:
    """No position was without protection for longer than that, unless there was an alarm meanwhile."""
    if bare.silent_ms > BARE_MS:
        yield f"a position is protected within 2 s or there is an alarm: bare for {bare.silent_ms} ms"
