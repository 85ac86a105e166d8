"""Journals for the history tables' tests: random days of a real core over a venue that behaves badly, made worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, delete, select

from engine.core.core import Core
from engine.model import event as e
from engine.model.instrument import Instrument, unit_of
from engine.model.order import TERMINAL, Fill, Side
from engine.ports import Entry
from storage import rows
from storage.database import Database
from storage.journal import SqlJournal
from storage.tables import PROJECTIONS, meta, metadata
from tests.engine.core.contracts import CONTRACTS, PRICES
from tests.engine.core.test_core_properties import play

Dump = dict[str, list[tuple[Any, ...]]]


def random_journal(seed: int, steps: int, faults: float) -> list[Entry]:
    """A random day's entries with what a day seldom brings put between them: see `_extra`."""
    dice = Random(seed)
    shadow, entries = Core(), list[Entry]()
    desk = play(seed, steps, faults)
    room = {client_id: order.remaining for client_id, order in desk.state.orders.items()}
    for told, decisions in desk.log:
        back = dice.randrange(1, 90_000) if dice.random() < 0.05 else 0  # the wall clock was set back
        event = replace(told, at=told.at - back)
        for one, decided in ((event, decisions), *((extra, ()) for extra in _extra(dice, shadow, entries, room))):
            shadow.recover(one, decided)
            entries.append(Entry(len(entries) + 1, one, decided))
    return entries


def _extra(dice: Random, core: Core, before: Sequence[Entry], room: dict[str, int]) -> Iterator[e.Event]:
    """A restart (perhaps with another tick), an execution told twice, one of somebody else, one after the end.

    `room` is how many lots of each order the day leaves unfilled.
    """
    state = core.state
    if not before or dice.random() < 0.75:
        return
    at = max(state.now, before[-1].event.at) + dice.randrange(30_000)
    symbol = dice.choice(sorted(PRICES))
    match dice.randrange(5):
        case 0:
            started = next(entry.event for entry in before if isinstance(entry.event, e.EngineStarted))
            instruments = tuple(_other_tick(i) if dice.random() < 0.2 else i for i in started.instruments)
            yield replace(started, at=at, epoch=state.epoch + 1, instruments=instruments)
        case 1:
            fills = [entry.event for entry in before if isinstance(entry.event, e.OrderFilled)]
            if fills:
                yield replace(dice.choice(fills), at=at)
        case 2:
            position = state.symbols[symbol].position
            lots = dice.randrange(1, 40) + (2 * abs(position.lots) if position else 0)  # often through zero
            side = Side(-position.side) if position else dice.choice((Side.BUY, Side.SELL))
            trade = f"theirs-{dice.randrange(12)}"
            yield _filled(dice, at, trade, dice.choice(("", "web_1")), symbol, side, lots)
        case 3:
            ended = [o for o in state.orders.values() if o.status in TERMINAL and room[o.request.client_id]]
            if ended:
                request = dice.choice(ended).request
                lots = dice.randrange(1, room[request.client_id] + 1)
                room[request.client_id] -= lots
                trade = f"late-{len(before)}"
                yield _filled(dice, at, trade, request.client_id, request.symbol, request.side, lots)
        case _:
            yield e.FundingPaid(at=at, symbol=symbol, amount=dice.randrange(-(10**9), 10**9), venue_time=at)


def _filled(dice: Random, at: int, trade: str, client_id: str, symbol: str, side: Side, lots: int) -> e.OrderFilled:
    ticks, fee = PRICES[symbol] + dice.randrange(-500, 500), dice.randrange(-(10**6), 10**7)
    fill = Fill(
        trade_id=trade, client_id=client_id, symbol=symbol, side=side, ticks=ticks, lots=lots, fee=fee, maker=fee < 0,
        venue_time=at,
    )  # fmt: skip
    return e.OrderFilled(at=at, fill=fill)


def _other_tick(instrument: Instrument) -> Instrument:
    tick = CONTRACTS[instrument.symbol].tick_size * 10
    return replace(instrument, tick_size=tick, unit=unit_of(instrument.symbol, tick, instrument.lot_size))


def recovered(entries: Sequence[Entry]) -> Core:
    """The core's own state after `entries`."""
    core = Core()
    for entry in entries:
        core.recover(entry.event, entry.decisions)
    return core


async def write(database: Database, entries: Sequence[Entry], dice: Random) -> SqlJournal:
    """Append in batches cut at random; before a restart the journal is sometimes opened anew, as after a SIGKILL."""
    journal = SqlJournal(database)
    await journal.recover()
    at = 0
    while at < len(entries):
        if isinstance(entries[at].event, e.EngineStarted) and dice.random() < 0.8:
            journal = SqlJournal(database)
            await journal.recover()
        until = at + dice.choice((1, 2, 5, 20, 60))
        restarts = (i for i in range(at + 1, until) if i < len(entries) and starts(entries[i]))
        until = next(restarts, until)
        await journal.append(entries[at:until])
        at = min(until, len(entries))
    return journal


def starts(entry: Entry) -> bool:
    """A new epoch begins with this entry."""
    return isinstance(entry.event, e.EngineStarted)


def empty(connection: Connection) -> None:
    """Take every row out."""
    for table in metadata.sorted_tables:
        connection.execute(delete(table))


def dump(connection: Connection) -> Dump:
    """Every row that follows from the journal."""
    found: Dump = {table.name: sorted(tuple(row) for row in connection.execute(select(table))) for table in PROJECTIONS}
    found["cash"] = [tuple(row) for row in connection.execute(select(meta.c.value).where(meta.c.key == rows.CASH))]
    return found
