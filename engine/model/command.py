"""Everything a person or a machine may ask of the engine: one type each, one door in."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TypeAlias

import msgspec

from engine.model.order import OrderKind, Side


class Autonomy(Enum):
    """How much the desk does by itself."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A person's order. Quantity is base currency; prices are quote currency; a missing stop gets the default one."""

    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None = None
    stop: Decimal | None = None
    target: Decimal | None = None


class ReducePosition(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close a share of a position at market; 100 closes all of it."""

    symbol: str
    percent: int = 100


class FlipPosition(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close at market, then open the same size the other way, with default protection."""

    symbol: str


class SetProtection(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move stop and/or target of a position; None keeps what is there. Quote currency."""

    symbol: str
    stop: Decimal | None = None
    target: Decimal | None = None


class FlattenAll(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close every position at market and cancel every entry."""


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel one working entry or exit order; protection of an open position is refused."""

    client_id: str


class CancelAll(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel every working order that is not protection, of one symbol or of all."""

    symbol: str | None = None


class SetPaused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Pause: no entries, protection continues. False resumes (and lifts a kill or halt)."""

    paused: bool


class Kill(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Pause and cancel all entries."""


class SetAutonomy(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Choose observe, approve or auto."""

    autonomy: Autonomy


class ApproveSignal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send a WAITING signal; freshness, price and risk are judged again."""

    signal_id: int


class RejectSignal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Drop a WAITING signal."""

    signal_id: int


class BenchVoter(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask a voter no more; False asks it again."""

    voter: str
    benched: bool


class ReleaseSymbol(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give a symbol back to automatic trading after a person's override."""

    symbol: str


class Outside(Enum):
    """What is to become of a position that somebody else opened or changed at the venue."""

    ADOPT = "adopt"
    IGNORE = "ignore"
    CLOSE = "close"


class ResolvePosition(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue has another position than the desk: take it over, leave it alone, or take it over and close it."""

    symbol: str
    action: Outside


class CancelOutside(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel an order that the venue holds and the journal does not know."""

    client_id: str


Command: TypeAlias = (
    PlaceOrder
    | ReducePosition
    | FlipPosition
    | SetProtection
    | FlattenAll
    | CancelOrder
    | CancelAll
    | SetPaused
    | Kill
    | SetAutonomy
    | ApproveSignal
    | RejectSignal
    | BenchVoter
    | ReleaseSymbol
    | ResolvePosition
    | CancelOutside
)
