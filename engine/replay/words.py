"""How the comparison speaks: times, sides, origins and gates in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.model.signal import Gate, Signal, Verdict
from engine.replay.evidence import Outage


def clock(at: int) -> str:
    """A market time, ms UTC, like ``05-04 12:30`` or ``05-04 12:30:07``."""
    when = datetime.fromtimestamp(at / 1000, UTC)
    return when.strftime("%m-%d %H:%M:%S" if at % 60_000 else "%m-%d %H:%M")


def side_word(side: int) -> str:
    """Long, short or flat."""
    return {1: "long", -1: "short", 0: "flat"}[side]


def who(origin: str) -> str:
    """Who asked, from an order's origin."""
    kind, _, key = origin.partition(":")
    match kind:
        case "person":
            return f"a person ({key})" if key else "a person"
        case "signal":
            return f"signal {key}"
        case "outside":
            return "somebody outside the desk"
        case _:
            return "the desk's protection"


def failed(signal: Signal) -> Gate | None:
    """The first gate that failed."""
    return next((gate for gate in signal.gates if gate.verdict is Verdict.FAIL), None)


def gate_words(gate: Gate, other: Signal | None, where: str) -> str:
    """A gate that said no, and what it said `where` the other signal was decided."""
    text = f"the gate '{gate.name}' said no: {gate.value or 'nothing'} (needs {gate.threshold})"
    counterpart = next((g for g in other.gates if g.name == gate.name), None) if other is not None else None
    if counterpart is None or counterpart.verdict is Verdict.FAIL:
        return text
    return f"{text}, against {counterpart.value or counterpart.verdict.value.replace('_', ' ')} {where}"


def down_words(outage: Outage) -> str:
    """An outage as a clause."""
    return f"{outage.what} was down from {clock(outage.begin)} to {clock(outage.end)}"
