"""Gates and signals: every verdict on a candidate is kept."""

from __future__ import annotations

from enum import Enum

import msgspec


class Verdict(Enum):
    """What a gate said. NOT_ASKED: a later, costly gate that an earlier failure made needless."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"
    NOT_ASKED = "not_asked"


class Gate(msgspec.Struct, frozen=True):
    """One named check: its verdict, the value it saw against its threshold (with units), and the reason in words."""

    name: str
    verdict: Verdict
    value: str = ""
    threshold: str = ""
    reason: str = ""


class Action(Enum):
    """What a signal wants."""

    LONG = "long"
    SHORT = "short"
    CLOSE = "close"

    @property
    def side(self) -> int:
        """+1, -1 or 0."""
        return {"long": 1, "short": -1, "close": 0}[self.value]


class SignalStatus(Enum):
    """Where a signal is in its life."""

    VOTING = "voting"
    REFUSED = "refused"
    OBSERVED = "observed"
    WAITING = "waiting"
    SENT = "sent"
    FILLED = "filled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class Signal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A decision for a symbol with every gate it met.

    Attributes:
        id: running number within this journal.
        symbol: unified symbol.
        action: LONG, SHORT or CLOSE.
        status: where it is in its life.
        at: ms UTC it was decided.
        bar_time: open time of the bar that decided it, ms UTC.
        score: board score in [-1, 1].
        price: reference price (ask for a long, bid for a short), ticks.
        stop: planned stop, ticks, 0 for CLOSE.
        target: planned target, ticks, 0 for CLOSE.
        lots: planned size, lots.
        gates: every verdict, in order.
        reason: one sentence.
        expires: ms UTC a WAITING or VOTING signal lapses, else 0.
        client_id: the order it became, or empty.
    """

    id: int
    symbol: str
    action: Action
    status: SignalStatus
    at: int
    bar_time: int
    score: float
    price: int
    stop: int
    target: int
    lots: int
    gates: tuple[Gate, ...] = ()
    reason: str = ""
    expires: int = 0
    client_id: str = ""
