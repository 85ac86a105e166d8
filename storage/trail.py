"""Everything of one position, or of one signal: its orders, when the venue acknowledged them, and its fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import BadInput, JournalFailed
from engine.ledger import FillRow, OrderRow, PositionRow, Trail
from engine.model.event import OrderAccepted, VotesCast
from engine.model.vote import Vote
from storage import codec, pages
from storage.codec import Unreadable
from storage.database import Database
from storage.failures import DATABASE_ERRORS, journal_failed
from storage.pages import Values
from storage.tables import PLACES, fills, journal, orders, positions, scores, signals

NAME = "trail"
MOST_FILLS = 400
MOST_ORDERS = 120
ACKNOWLEDGED = 40
"""Orders whose acknowledgement is looked up, newest first; a position that is trailed for days has hundreds."""
ENTRIES_TO_ACK = 400
"""Journal entries after an intent in which its acknowledgement is looked for."""
ENTRIES_TO_VOTES = 4_000
"""Likewise for the votes on a signal: they have seconds, but other symbols' events come between."""
SIGNAL_TO_ORDER_MS = 3_600_000

Id = Annotated[int, Meta(ge=0, le=2**62)]


class Of(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose trail; exactly one is given.

    Attributes:
        position: id of its row.
        symbol: the newest position of it.
        signal: id of the signal.
    """

    position: Id | None = None
    symbol: str | None = None
    signal: Id | None = None


async def read(database: Database, of: Of) -> Trail:
    """The trail; without rows where there is no such position or signal.

    Raises:
        BadInput: not exactly one of the three is given.
        JournalFailed: the database cannot be read.
    """
    if (of.position is not None) + (of.symbol is not None) + (of.signal is not None) != 1:
        raise BadInput(f"query {NAME}", of, "give one of position, symbol, signal")
    try:
        async with database.connect() as connection:
            if of.signal is not None:
                return await _of_signal(connection, of.signal)
            query = select(positions)
            if of.symbol is not None:
                query = query.where(positions.c.symbol == of.symbol)
                query = query.order_by(positions.c.opened.desc(), positions.c.id.desc()).limit(1)
            else:
                query = query.where(positions.c.id == of.position)
            found = await _rows(connection, query)
            return await _of_position(connection, pages.position_row(found[0])) if found else _NONE
    except DATABASE_ERRORS as error:
        raise journal_failed("be read", database.where, error) from error
    except Unreadable as error:
        raise JournalFailed(f"A journal entry of this trail in {database.where} cannot be read: {error}.") from error


_NONE = Trail(position=None, orders=(), fills=(), accepted={})


async def _rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Values]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _of_position(connection: AsyncConnection, position: PositionRow) -> Trail:
    """From the fill that opened it to the one that left it flat, with every order between."""
    begin = select(fills.c.at).where(fills.c.symbol == position.symbol, fills.c.id == position.id)
    first = await _rows(connection, begin)
    if not first:
        return msgspec.structs.replace(_NONE, position=position)
    query = (
        select(fills)
        .where(fills.c.symbol == position.symbol, fills.c.at >= first[0]["at"], fills.c.id >= position.id)
        .order_by(fills.c.at, fills.c.id)
        .limit(MOST_FILLS)
    )
    own = until_flat([pages.fill_row(row) for row in await _rows(connection, query)], position)
    last = own[-1].id if position.closed is not None else None
    return await _with_orders(connection, position, own, last)


def until_flat(rows: list[FillRow], position: PositionRow) -> tuple[FillRow, ...]:
    """The fills up to the one that closes the position: what was taken out is then all that was put in."""
    out = position.entered * 0
    for index, row in enumerate(rows):
        out += row.quantity if row.side != position.side else 0
        if position.closed is not None and out >= position.entered:
            return tuple(rows[: index + 1])
    return tuple(rows)


async def _with_orders(
    connection: AsyncConnection, position: PositionRow, own: tuple[FillRow, ...], last: int | None
) -> Trail:
    names = list(dict.fromkeys(row.client_id for row in own))
    moved = [
        pages.order_row(row) for row in await _rows(connection, select(orders).where(orders.c.client_id.in_(names)))
    ]
    found = {row.client_id: row for row in moved}
    entry = found.get(own[0].client_id)
    if entry is not None:
        query = (
            select(orders)
            .where(orders.c.symbol == position.symbol, orders.c.created >= entry.created, orders.c.id >= entry.id)
            .order_by(orders.c.created, orders.c.id)
            .limit(MOST_ORDERS)
        )
        if last is not None:
            query = query.where(orders.c.id < last)
        found.update({row["client_id"]: pages.order_row(row) for row in await _rows(connection, query)})
    listed = tuple(sorted(found.values(), key=lambda row: row.id))
    return Trail(position=position, orders=listed, fills=own, accepted=await _accepted(connection, listed))


async def _of_signal(connection: AsyncConnection, signal_id: int) -> Trail:
    """The orders a signal became, their fills, and the position these fills opened or moved."""
    found = await _rows(connection, select(signals).where(signals.c.signal_id == signal_id))
    if not found:
        return _NONE
    signal = found[0]
    query = (
        select(orders)
        .where(
            orders.c.symbol == signal["symbol"],
            orders.c.created >= signal["at"],
            orders.c.created < signal["at"] + SIGNAL_TO_ORDER_MS,
            or_(orders.c.origin == f"signal:{signal_id}", orders.c.client_id == (signal["client_id"] or "-")),
        )
        .order_by(orders.c.created, orders.c.id)
        .limit(8)
    )
    listed = tuple(pages.order_row(row) for row in await _rows(connection, query))
    votes = await _votes(connection, signal_id, signal["id"] // PLACES)
    judged = await _rows(connection, select(scores).where(scores.c.signal_id == signal_id).order_by(scores.c.id))
    became = tuple(pages.score_row(row).score for row in judged)
    if not listed:
        return msgspec.structs.replace(_NONE, votes=votes, scores=became)
    names = [row.client_id for row in listed]
    done = select(fills).where(fills.c.client_id.in_(names)).order_by(fills.c.id).limit(MOST_FILLS)
    own = tuple(pages.fill_row(row) for row in await _rows(connection, done))
    position = await _position_of(connection, own, listed)
    accepted = await _accepted(connection, listed)
    return Trail(position=position, orders=listed, fills=own, accepted=accepted, votes=votes, scores=became)


async def _votes(connection: AsyncConnection, signal_id: int, seq: int) -> tuple[Vote, ...]:
    """What the voters said of a signal that was first decided in journal entry `seq`."""
    near = and_(journal.c.seq >= seq, journal.c.seq < seq + ENTRIES_TO_VOTES)
    for row in await _rows(connection, select(journal).where(journal.c.kind == VotesCast.__name__, near)):
        event = codec.decode(row["seq"], row["payload"], row["crc"]).event
        if isinstance(event, VotesCast) and event.signal_id == signal_id:
            return event.votes
    return ()


async def _position_of(
    connection: AsyncConnection, own: tuple[FillRow, ...], listed: tuple[OrderRow, ...]
) -> PositionRow | None:
    """The position of the newest entry fill (of an exit where there is none): the last that began by then."""
    purposes = {row.client_id: row.purpose for row in listed}
    entries = [row for row in own if purposes.get(row.client_id) == "entry"] or list(own)
    if not entries:
        return None
    begun = positions.c.id <= entries[-1].id
    query = (
        select(positions)
        .where(positions.c.symbol == entries[-1].symbol, begun)
        .order_by(positions.c.opened.desc(), positions.c.id.desc())
        .limit(1)
    )
    found = await _rows(connection, query)
    return pages.position_row(found[0]) if found else None


async def _accepted(connection: AsyncConnection, listed: tuple[OrderRow, ...]) -> dict[str, int]:
    """The first acknowledgement of each of the newest orders: the history tables keep only the last change."""
    newest = listed[-ACKNOWLEDGED:]
    if not newest:
        return {}
    near = [and_(journal.c.seq >= seq, journal.c.seq < seq + ENTRIES_TO_ACK) for seq in _seqs(newest)]
    query = select(journal).where(journal.c.kind == OrderAccepted.__name__, or_(*near)).order_by(journal.c.seq.desc())
    wanted = {row.client_id for row in newest}
    accepted: dict[str, int] = {}
    for row in await _rows(connection, query):
        event = codec.decode(row["seq"], row["payload"], row["crc"]).event
        if isinstance(event, OrderAccepted) and event.client_id in wanted:
            accepted[event.client_id] = event.at
    return accepted


def _seqs(listed: tuple[OrderRow, ...]) -> list[int]:
    """Journal places of the intents, those of one stretch told once."""
    seqs: list[int] = []
    for row in listed:
        seq = row.id // PLACES
        if not seqs or seq != seqs[-1]:
            seqs.append(seq)
    return seqs
