"""From the history tables to rows of `engine.ledger`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, TypeAlias

import msgspec

from engine.ledger import CommandRow, EquityRow, FillRow, NoteRow, OrderRow, PositionRow, ScoreRow, SignalRow, VoteRow
from engine.model.money import MONEY_SCALE, to_decimal
from engine.model.signal import Gate
from engine.model.vote import Score, Vote

_QUANTUM = Decimal("1e-8")

Values: TypeAlias = Mapping[str, Any]


def order_row(row: Values) -> OrderRow:
    """A row of `trading_orders`."""
    tick, lot = Decimal(row["tick_size"]), Decimal(row["lot_size"])
    return OrderRow(
        **_same(row, OrderRow),
        quantity=row["lots"] * lot,
        price=_price(row["price"], tick),
        trigger=_price(row["trigger_price"], tick),
        filled=row["filled"] * lot,
        average=(row["value"] * tick / row["filled"]).quantize(_QUANTUM, ROUND_HALF_EVEN) if row["filled"] else None,
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


def vote_row(row: Values) -> VoteRow:
    """A row of `trading_votes`."""
    return VoteRow(**_same(row, VoteRow), vote=msgspec.json.decode(row["body"], type=Vote))


def score_row(row: Values) -> ScoreRow:
    """A row of `trading_scores`."""
    return ScoreRow(**_same(row, ScoreRow), score=msgspec.json.decode(row["body"], type=Score))


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
    return (Decimal(value) / MONEY_SCALE / quantity).quantize(_QUANTUM, ROUND_HALF_EVEN)
