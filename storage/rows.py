"""The history tables' rows: what a batch of entries changes is written here, and what is known is read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Insert, RowMapping, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.errors import BadInput
from engine.model.decision import SubmitOrder
from engine.model.instrument import unit_of
from engine.model.order import TERMINAL, Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.ports import Entry
from storage import tables
from storage.lines import (
    Changes,
    CommandLine,
    EquityLine,
    FillLine,
    Grid,
    Holding,
    Known,
    NoteLine,
    OrderLine,
    ScoreLine,
    SignalLine,
    VoteLine,
    storable,
)
from storage.projection import executions, project, touched

T = TypeVar("T")

# Keys of `trading_meta` that follow from the journal.
CASH, NOW = KEYS = ("cash", "now")

_ENDED = tuple(status.value for status in TERMINAL)
_IDS_A_QUERY = 5_000  # SQLite takes 32,766 parameters


def keep(connection: Connection, entries: Sequence[Entry], known: Known) -> Known:
    """Write what `entries` change; returns what is known once the transaction has been committed."""
    changes = project(entries, _completed(connection, entries, known))
    _write(connection, changes, known)
    if entries[-1].event.at < changes.now:  # else the journal's newest row tells it
        connection.execute(_insert(connection.dialect.name, tables.meta), {"key": NOW, "value": str(changes.now)})
    return known.after(changes)


def load(connection: Connection) -> Known | None:
    """What the tables know; None where they hold what this program never writes.

    The market comes with the next events: the first of them is an EngineStarted.
    """
    try:
        return _load(connection)
    except (ValueError, ArithmeticError, BadInput):  # an unknown word, no number, no grid: they are made again
        return None


def _load(connection: Connection) -> Known:
    grids = {
        row["symbol"]: Grid(row["tick_size"], row["lot_size"], row["unit"])
        for row in connection.execute(select(tables.instruments)).mappings()
    }
    orders = tables.orders
    chosen = connection.execute(select(orders).where(orders.c.status.not_in(_ENDED)).order_by(orders.c.id)).mappings()
    held = tables.positions
    positions = connection.execute(select(held).where(held.c.closed.is_(None)).order_by(held.c.id)).mappings()
    kept = select(tables.meta.c.key, tables.meta.c.value).where(tables.meta.c.key.in_(KEYS))
    meta = {key: int(value) for key, value in connection.execute(kept)}
    newest = connection.execute(select(tables.journal.c.at).order_by(tables.journal.c.seq.desc()).limit(1)).scalar()
    last = connection.execute(select(tables.equity).order_by(tables.equity.c.at.desc()).limit(1)).mappings().first()
    return Known(
        grids,
        {row["client_id"]: _order_line(row) for row in chosen},
        {row["symbol"]: _holding(row) for row in positions},
        meta.get(CASH),
        None if last is None else EquityLine(**last),
        now=max(meta.get(NOW, 0), newest or 0),
    )


def _completed(connection: Connection, entries: Sequence[Entry], known: Known) -> Known:
    """`known` with what `entries` speak of: ended orders (a fill may follow the cancel it raced with), kept executions."""
    seen = _seen(connection, executions(entries))
    ids = {storable(client_id) for client_id in touched(entries, seen) if client_id not in known.orders}
    if ids:
        ids -= {
            decision.approved.request.client_id
            for entry in entries
            for decision in entry.decisions
            if isinstance(decision, SubmitOrder)
        }
    orders = dict(known.orders) if ids else known.orders
    for part in _parts(ids):
        chosen = select(tables.orders).where(tables.orders.c.client_id.in_(part))
        orders = {**orders, **{row["client_id"]: _order_line(row) for row in connection.execute(chosen).mappings()}}
    return dataclasses.replace(known, orders=orders, seen=seen)


def _seen(connection: Connection, told: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    fills = tables.fills
    found: set[tuple[str, str]] = set()
    for part in _parts(told):
        orders, trades = {order for order, _ in part}, {trade for _, trade in part}
        chosen = select(fills.c.client_id, fills.c.trade_id).where(
            fills.c.client_id.in_(orders), fills.c.trade_id.in_(trades)
        )
        found.update((row.client_id, row.trade_id) for row in connection.execute(chosen))
    return frozenset(found)


def _parts(listed: Collection[T]) -> list[list[T]]:
    every = list(listed)
    return [every[i : i + _IDS_A_QUERY] for i in range(0, len(every), _IDS_A_QUERY)]


def _order_line(row: RowMapping) -> OrderLine:
    request = OrderRequest(
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        kind=OrderKind(row["kind"]),
        lots=row["lots"],
        purpose=Purpose(row["purpose"]),
        origin=row["origin"],
        price=row["price"],
        trigger=row["trigger_price"],
        reduce_only=row["reduce_only"],
        leverage=row["leverage"],
    )
    order = Order(
        request=request,
        status=OrderStatus(row["status"]),
        created=row["created"],
        updated=row["updated"],
        venue_id=row["venue_id"],
        filled=row["filled"],
        value=row["value"],
        fees=row["fees"],
        reason=row["reason"],
    )
    unit = unit_of(request.symbol, Decimal(row["tick_size"]), Decimal(row["lot_size"]))
    return OrderLine(row["id"], order, Grid(row["tick_size"], row["lot_size"], unit))


def _holding(row: RowMapping) -> Holding:
    values = dict(row)
    grid = Grid(values.pop("tick_size"), values.pop("lot_size"), values.pop("unit"))
    return Holding(**values, grid=grid)


def _write(connection: Connection, changes: Changes, known: Known) -> None:
    """Write the rows of `changes`; tables that nothing changes are not touched."""
    name = connection.dialect.name
    grids = [{"symbol": symbol, **msgspec.structs.asdict(grid)} for symbol, grid in changes.grids.items()]
    written: tuple[tuple[Table, list[dict[str, Any]]], ...] = (
        (tables.instruments, grids),
        (tables.orders, [_order_row(line) for line in changes.orders.values()]),
        (tables.fills, [_fill_row(line) for line in changes.fills]),
        (tables.positions, [_holding_row(line) for line in changes.holdings.values()]),
        (tables.signals, [_signal_row(line) for line in changes.signals.values()]),
        (tables.commands, [_command_row(line) for line in changes.commands]),
        (tables.notes, [_note_row(line) for line in changes.notes]),
        (tables.votes, [_vote_row(line) for line in changes.votes]),
        (tables.scores, [_score_row(line) for line in changes.scores]),
        (tables.equity, [msgspec.structs.asdict(line) for line in changes.equity]),
    )
    for table, values in written:
        if values:
            connection.execute(_insert(name, table), values)
    if changes.cash is not None and changes.cash != known.cash:
        connection.execute(_insert(name, tables.meta), {"key": CASH, "value": str(changes.cash)})


# The first version of these rows stays: executions, commands, lines of the log, votes and measurements do not change.
_ONCE = frozenset({tables.fills, tables.commands, tables.notes, tables.votes, tables.scores, tables.equity})


@cache
def _insert(dialect: str, table: Table) -> Insert:
    """Insert a row or change the one of its key; its place (`id`) in the journal stays."""
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if table in _ONCE:
        return statement.on_conflict_do_nothing()
    changed = [column.name for column in table.columns if not column.primary_key and column.name != "id"]
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={column: statement.excluded[column] for column in changed}
    )


def _order_row(line: OrderLine) -> dict[str, Any]:
    order, request = line.order, line.order.request
    return {
        "client_id": request.client_id,
        "id": line.id,
        "symbol": request.symbol,
        "side": int(request.side),
        "kind": request.kind.value,
        "purpose": request.purpose.value,
        "lots": request.lots,
        "price": request.price,
        "trigger_price": request.trigger,
        "reduce_only": request.reduce_only,
        "leverage": request.leverage,
        "origin": storable(request.origin),
        "status": order.status.value,
        "venue_id": storable(order.venue_id),
        "filled": order.filled,
        "value": order.value,
        "fees": order.fees,
        "created": order.created,
        "updated": order.updated,
        "reason": storable(order.reason),
        "tick_size": line.grid.tick_size,
        "lot_size": line.grid.lot_size,
    }


def _fill_row(line: FillLine) -> dict[str, Any]:
    fill = line.fill
    return {
        "client_id": storable(fill.client_id),
        "trade_id": storable(fill.trade_id),
        "id": line.id,
        "symbol": fill.symbol,
        "side": int(fill.side),
        "ticks": fill.ticks,
        "lots": fill.lots,
        "fee": fill.fee,
        "maker": fill.maker,
        "realised": line.realised,
        "backfilled": line.backfilled,
        "outside": line.outside,
        "at": line.at,
        "venue_time": fill.venue_time,
        "tick_size": line.grid.tick_size,
        "lot_size": line.grid.lot_size,
    }


def _holding_row(holding: Holding) -> dict[str, Any]:
    row = msgspec.structs.asdict(holding)
    return {**row, **msgspec.structs.asdict(row.pop("grid")), "origin": storable(holding.origin)}


def _signal_row(line: SignalLine) -> dict[str, Any]:
    signal = line.signal
    return {
        "signal_id": signal.id,
        "id": line.id,
        "symbol": signal.symbol,
        "action": signal.action.value,
        "status": signal.status.value,
        "at": signal.at,
        "bar_time": signal.bar_time,
        "score": signal.score,
        "price": signal.price,
        "stop": signal.stop,
        "target": signal.target,
        "lots": signal.lots,
        "gates": msgspec.json.encode(signal.gates).decode(),
        "reason": storable(signal.reason),
        "expires": signal.expires,
        "client_id": signal.client_id,
        "tick_size": line.grid.tick_size,
        "lot_size": line.grid.lot_size,
    }


def _command_row(line: CommandLine) -> dict[str, Any]:
    event, answer = line.event, line.answer
    return {
        "command_id": storable(event.command_id),
        "id": line.id,
        "at": event.at,
        "source": storable(event.source),
        "symbol": storable(getattr(event.command, "symbol", None) or ""),
        "body": msgspec.json.encode(event.command).decode(),
        "ok": None if answer is None else answer.ok,
        "answer": "" if answer is None else storable(answer.text),
    }


def _note_row(line: NoteLine) -> dict[str, Any]:
    note = line.note
    return {"id": line.id, "at": line.at, "level": note.level.value, "symbol": note.symbol, "text": storable(note.text)}


def _vote_row(line: VoteLine) -> dict[str, Any]:
    return {
        "signal_id": line.signal_id,
        "voter": storable(line.vote.voter),
        "id": line.id,
        "symbol": line.symbol,
        "at": line.at,
        "prompt_hash": line.vote.prompt_hash,
        "body": msgspec.json.encode(line.vote).decode(),
    }


def _score_row(line: ScoreLine) -> dict[str, Any]:
    score = line.score
    return {
        "signal_id": score.signal_id,
        "voter": storable(score.voter),
        "id": line.id,
        "symbol": score.symbol,
        "at": score.at,
        "body": msgspec.json.encode(score).decode(),
    }
