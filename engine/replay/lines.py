"""Journal entries as lines for people: the event, and below it what was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.model import decision as d
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.ports import Entry

_LONG = frozenset(
    {"view", "settings", "instruments", "report", "records", "shadows", "stops", "targets", "gates", "type"}
)


def symbols_of(entry: Entry) -> set[str]:
    """Every symbol that an entry names."""
    found: set[str] = set()
    for part in (entry.event, *entry.decisions):
        inner: list[Any] = [part, *(getattr(part, name, None) for name in ("signal", "fill", "command"))]
        if isinstance(part, d.SubmitOrder):
            inner.append(part.approved.request)
        found |= {str(one.symbol) for one in inner if getattr(one, "symbol", None)}
    return found


def quiet(entry: Entry) -> bool:
    """Nothing worth a line: a clock event on which nothing was decided."""
    return isinstance(entry.event, e.ClockTick) and not entry.decisions


def time_words(at: int) -> str:
    """Received time, ms UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at % 1000:03d}"


def event_words(event: e.Event, instruments: dict[str, Instrument]) -> str:
    """One event in a line, without its time."""
    match event:
        case e.EngineStarted():
            return f"engine started: {event.mode} on {event.venue}, epoch {event.epoch}, {len(event.symbols)} symbols"
        case e.BarClosed(symbol=symbol, bar=bar):
            late = ", fetched after the fact" if event.backfilled else ""
            return (
                f"{symbol} bar closed at {bar.close:g}, sides {' '.join(f'{side:+d}' for side in event.readings)}{late}"
            )
        case e.OrderFilled(fill=fill) if fill.symbol in instruments:
            one = instruments[fill.symbol]
            side = fill.side.name.lower()
            return f"{fill.symbol} {side} {one.quantity(fill.lots)} filled @ {one.price(fill.ticks)}, {fill.client_id}"
        case e.VotesCast(signal_id=signal_id, votes=votes):
            said = ", ".join(
                f"{v.voter} {v.stance.value if v.stance is not None else 'abstains: ' + v.why} {v.confidence or ''}".rstrip()
                for v in votes
            )
            return f"{event.symbol} votes on signal {signal_id}: {said}"
        case e.ForecasterSet(symbol=symbol, model=model):
            if model is None:
                return f"{symbol} has no forecaster any more"
            standing = "trusted" if model.trusted else f"untrusted: {model.reason}"
            return f"{symbol} is forecast by {model.model}, round {model.round}, {standing}"
        case e.OutcomesKnown(symbol=symbol, closes=closes):
            return f"{symbol} outcomes of {len(closes)} forecasts that came due while no engine ran"
        case e.CommandReceived():
            return f"{event.source} asks: {type(event.command).__name__} {_rest(event.command)}"
        case _:
            return f"{type(event).__name__} {_rest(event)}"


def decision_words(decision: d.Decision, instruments: dict[str, Instrument]) -> str:
    """One decision in a line."""
    match decision:
        case d.SubmitOrder(approved=approved):
            r = approved.request
            one = instruments[r.symbol]
            at = "" if r.trigger is None and r.price is None else f" at {one.price(r.trigger or r.price or 0)}"
            side = r.side.name.lower()
            text = f"{r.purpose.value} {side} {one.quantity(r.lots)} {r.symbol} {r.kind.value}{at}"
            return f"send {r.client_id}: {text}, by {r.origin}"
        case d.SignalDecided(signal=s):
            return f"signal {s.id} {s.symbol} {s.action.value} {s.status.value}: {s.reason}"
        case d.Noted(level=level, text=text):
            return f"{level.value}: {text}"
        case d.CommandAnswered(ok=ok, text=text):
            return f"answer {'yes' if ok else 'no'}: {text}"
        case _:
            return f"{type(decision).__name__} {_rest(decision)}"


def _rest(part: Any) -> str:
    values = msgspec.to_builtins(part)
    return " ".join(f"{name}={value}" for name, value in values.items() if name not in _LONG and name != "at")
