"""Rows of history as a screen or a script reads them: decimals for money and prices, ms UTC for times.

Encoded as JSON, a decimal is a string. `id` is the row's place in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from engine.model.money import MONEY_SCALE, to_decimal
from engine.model.signal import Gate

_QUANTUM = Decimal("1e-8")

Values: TypeAlias = Mapping[str, Any]


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is now; `average` is the mean price of its fills, None before the first."""

    id: int
    client_id: str
    venue_id: str
    symbol: str
    side: int
    kind: str
    purpose: str
    quantity: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    leverage: int
    origin: str
    status: str
    filled: Decimal
    average: Decimal | None
    fees: Decimal
    created: int
    updated: int
    reason: str


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """An execution. `realised` is before its fee; `outside`: of an order that is not ours; `at` is received time."""

    id: int
    client_id: str
    trade_id: str
    symbol: str
    side: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    realised: Decimal
    maker: bool
    backfilled: bool
    outside: bool
    at: int
    venue_time: int


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One net position from flat to flat.

    `entry` and `exit` are mean prices; `quantity` is what is open, `entered` all that was; `net` is realised profit after
    fees and funding.
    """

    id: int
    symbol: str
    side: int
    quantity: Decimal
    entered: Decimal
    entry: Decimal
    exit: Decimal | None
    opened: int
    closed: int | None
    origin: str
    leverage: int
    realised: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a signal with its gates; `stop` and `target` are None for CLOSE."""

    id: int
    signal_id: int
    symbol: str
    action: str
    status: str
    at: int
    bar_time: int
    score: float
    price: Decimal
    stop: Decimal | None
    target: Decimal | None
    quantity: Decimal
    gates: tuple[Gate, ...]
    reason: str
    expires: int
    client_id: str


class CommandRow(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it came, who sent it, and its first answer."""

    id: int
    command_id: str
    at: int
    source: str
    symbol: str
    command: msgspec.Raw
    ok: bool | None
    answer: str


class NoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    id: int
    at: int
    level: str
    symbol: str
    text: str


class EquityRow(msgspec.Struct, frozen=True, kw_only=True):
    """Equity (the margin balance) and cash (the wallet balance) at a minute; `market_time` differs in a replay."""

    at: int
    market_time: int
    equity: Decimal
    cash: Decimal


Row: TypeAlias = OrderRow | FillRow | PositionRow | SignalRow | CommandRow | NoteRow | EquityRow


class Page(msgspec.Struct, frozen=True):
    """Rows, newest first, and the cursor of the next page; None where there is nothing older."""

    rows: tuple[Row, ...]
    next: str | None


def order_row(row: Values) -> OrderRow:
    """A row of `trading_orders`."""
    tick, lot = Decimal(row["tick_size"]), Decimal(row["lot_size"])
    return OrderRow(
        **_same(row, OrderRow),
        quantity=row["lots"] * lot,
        price=_price(row["price"], tick),
        trigger=_price(row["trigger_price"], tick),
        filled=row["filled"] * lot,
        average=(row["value"] * tick / row["filled"]).quantize(_QUANTUM) if row["filled"] else None,
        fees=to_decimal(row["fees"]),
    )


def fill_row(row: Values) -> FillRow:
    """A row of `trading_fills`."""
    return FillRow(
        **_same(row, FillRow),
        price=row["ticks"] * Decimal(row["tick_size"]),
        quantity=row["lots"] * Decimal(row["lot_size"]),
        fee=to_decimal(row["fee"]),
        realised=to_decimal(row["realised"]),
    )


def position_row(row: Values) -> PositionRow:
    """A row of `trading_positions`."""
    lot = Decimal(row["lot_size"])
    exit_lots = row["exit_lots"]
    return PositionRow(
        **_same(row, PositionRow),
        quantity=abs(row["lots"]) * lot,
        entered=row["entry_lots"] * lot,
        entry=_mean(row["entry_value"], row["entry_lots"] * lot),
        exit=_mean(row["exit_value"], exit_lots * lot) if exit_lots else None,
        realised=to_decimal(row["realised"]),
        fees=to_decimal(row["fees"]),
        funding=to_decimal(row["funding"]),
        net=to_decimal(row["realised"] - row["fees"] + row["funding"]),
    )


def signal_row(row: Values) -> SignalRow:
    """A row of `trading_signals`."""
    tick = Decimal(row["tick_size"])
    return SignalRow(
        **_same(row, SignalRow),
        price=row["price"] * tick,
        stop=_price(row["stop"] or None, tick),
        target=_price(row["target"] or None, tick),
        quantity=row["lots"] * Decimal(row["lot_size"]),
        gates=msgspec.json.decode(row["gates"], type=tuple[Gate, ...]),
    )


def command_row(row: Values) -> CommandRow:
    """A row of `trading_commands`."""
    return CommandRow(**_same(row, CommandRow), command=msgspec.Raw(row["body"].encode()))


def note_row(row: Values) -> NoteRow:
    """A row of `trading_notes`."""
    return NoteRow(**_same(row, NoteRow))


def equity_row(row: Values) -> EquityRow:
    """A row of `trading_equity`."""
    return EquityRow(
        at=row["at"],
        market_time=row["market_time"],
        equity=to_decimal(row["equity"]),
        cash=to_decimal(row["cash"]),
    )


# Columns that are counted in ticks, lots or 1e-8 units, and are therefore not taken over as they are.
_COUNTED = frozenset({"price", "stop", "target", "filled", "fee", "fees", "realised", "funding", "gates"})


def _same(row: Values, kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: row[name] for name in kind.__struct_fields__ if name in row and name not in _COUNTED}


def _price(ticks: int | None, tick: Decimal) -> Decimal | None:
    return None if ticks is None else ticks * tick


def _mean(value: int, quantity: Decimal) -> Decimal:
    return (Decimal(value) / MONEY_SCALE / quantity).quantize(_QUANTUM)
