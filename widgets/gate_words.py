"""Gates in numbers: how near a value came to its threshold, and which gates stop candidates most. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.model.signal import Gate, Signal, SignalStatus, Verdict

_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_LIMIT = re.compile(r"(<=|<|>=|>)\s*([-+]?\d[\d,]*(?:\.\d+)?)")
MOST = 9.99
TRADED = frozenset({SignalStatus.SENT, SignalStatus.FILLED})
RISK = frozenset(
    {
        "running", "halt", "account", "day loss", "drawdown", "positions", "exposure", "in flight", "cool-down",
        "leverage", "size", "room", "drift", "position", "risk",
    }
)  # fmt: skip
FORECAST, VOTES = "forecast", "votes"


def used(gate: Gate) -> float | None:
    """How much of its threshold a value takes up: 1 is at the limit, more is over it, None where it is no number.

    For an upper limit value / limit, for a lower one limit / value, each at most `MOST`.
    """
    limit, value = _LIMIT.search(gate.threshold), _NUMBER.search(gate.value)
    if limit is None or value is None:
        return None
    bound, seen = float(limit[2].replace(",", "")), float(value[0].replace(",", ""))
    if bound <= 0.0:
        return None
    if limit[1].startswith("<"):
        return min(MOST, max(0.0, seen / bound))
    return MOST if seen <= 0.0 else min(MOST, bound / seen)


def stage(gate: Gate) -> str:
    """The stage of a candidate's way that a gate belongs to: market, risk, forecast or votes."""
    if gate.name in {FORECAST, VOTES}:
        return gate.name
    return "risk" if gate.name in RISK else "market"


class Stopper(NamedTuple):
    """A gate, how many candidates failed it, and how many of these failed nothing else."""

    name: str
    failed: int
    alone: int


def failures(signal: Signal) -> list[str]:
    """Names of the gates a signal failed."""
    return [gate.name for gate in signal.gates if gate.verdict is Verdict.FAIL]


def stoppers(signals: Iterable[Signal]) -> list[Stopper]:
    """The gates that failed, most often first."""
    failed: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for signal in signals:
        names = failures(signal)
        failed.update(set(names))
        if len(names) == 1:
            alone[names[0]] += 1
    return sorted(
        (Stopper(name, count, alone[name]) for name, count in failed.items()), key=lambda s: (-s.failed, s.name)
    )


def traded(signals: Sequence[Signal]) -> int:
    """How many became an order."""
    return sum(signal.status in TRADED for signal in signals)
