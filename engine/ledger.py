"""Rows of the trading history as a screen or a script reads them: decimals for money and prices, ms UTC for times.

Encoded as JSON, a decimal is a string. `id` is the row's place in the journal.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from engine.model.signal import Gate
from engine.model.vote import Score, Vote


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


class VoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A vote (or abstention) on a signal; `at` is received time."""

    id: int
    signal_id: int
    symbol: str
    at: int
    vote: Vote


class ScoreRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a vote; `at` by the bars, ms UTC."""

    id: int
    signal_id: int
    symbol: str
    at: int
    score: Score


class EquityRow(msgspec.Struct, frozen=True, kw_only=True):
    """Equity (the margin balance) and cash (the wallet balance) at a minute; `market_time` differs in a replay."""

    at: int
    market_time: int
    equity: Decimal
    cash: Decimal


Row: TypeAlias = OrderRow | FillRow | PositionRow | SignalRow | CommandRow | NoteRow | VoteRow | ScoreRow | EquityRow


class Page(msgspec.Struct, frozen=True):
    """Rows, newest first, and the cursor of the next page; None where there is nothing older."""

    rows: tuple[Row, ...]
    next: str | None


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to one position or one signal, oldest first.

    Attributes:
        position: None where nothing was opened.
        orders: entries, exits and protection.
        fills: executions of these orders, and of others that moved the position.
        accepted: when the venue acknowledged an order, ms UTC, by client id.
        votes: of a signal's voters; empty where none were asked.
        scores: what became of these votes, and of the candidate itself, once their horizon had passed.
    """

    position: PositionRow | None
    orders: tuple[OrderRow, ...]
    fills: tuple[FillRow, ...]
    accepted: dict[str, int]
    votes: tuple[Vote, ...] = ()
    scores: tuple[Score, ...] = ()
