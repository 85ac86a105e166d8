"""Why a matched pair of round trips differs: how each ended, how large it was, at which prices it was filled."""

from __future__ import annotations

from engine.model import command as c
from engine.replay.pairing import Difference
from engine.replay.reasons import Cause, Day, Reason
from engine.replay.trip import Ended, Trip
from engine.replay.words import clock, down_words, who

SMALL_BPS = 0.05
SMALL_SIZE = 0.01
LATE_S = 5.0
_BY_PERSON = (c.ReducePosition, c.PlaceOrder, c.FlipPosition, c.FlattenAll)
_LEVELS = frozenset({Ended.STOP, Ended.TARGET})


def both(day: Day, live: Trip, replayed: Trip, difference: Difference) -> Reason:
    """One sentence: the largest cause first."""
    clauses = [found for found in (_end(day, live, replayed), _size(day, live, replayed)) if found is not None]
    clauses.append(_prices(live, replayed, difference, ended=not clauses))
    texts = [clause.text for clause in clauses if clause.text]
    return Reason(clauses[0].cause, "; ".join(texts))


def _end(day: Day, live: Trip, replayed: Trip) -> Reason | None:
    """Why one of them ended otherwise or elsewhere; None where both ended alike within one bar."""
    frame = day.timeframe_ms
    apart = abs(live.closed // frame - replayed.closed // frame)
    if live.ended is replayed.ended and (live.open or apart <= (0 if live.ended in _LEVELS else 1)):
        return None
    if live.ended is replayed.ended is Ended.SIGNAL and _closing_bar(day, live) == day.bar_before(replayed.closed):
        return None
    match live.ended:
        case Ended.PERSON:
            after = "" if replayed.open else f" and ended by its {replayed.ended.value} at {clock(replayed.closed)}"
            return Reason(
                Cause.PERSON, f"{who(live.ender)} closed it at {clock(live.closed)}; the replay went on{after}"
            )
        case Ended.VENUE:
            return Reason(Cause.VENUE, f"the venue closed it at {clock(live.closed)} for want of margin")
        case Ended.OUTSIDE:
            return Reason(Cause.PERSON, f"an order from outside the desk closed it at {clock(live.closed)}")
        case _:
            return _moved(day, live, replayed) or _sooner(day, live, replayed)


def _moved(day: Day, live: Trip, replayed: Trip) -> Reason | None:
    """A person moved stop or target, or held the symbol, while it was open."""
    end = min(live.closed, replayed.closed) if live.closed > replayed.closed else live.closed
    said = day.evidence.said_in(day.symbol, live.opened, end + day.timeframe_ms, (c.SetProtection,))
    if said is None:
        return None
    text = f"a person ({said.source}) moved the protection at {clock(said.at)}: {_ends(live, replayed)}"
    return Reason(Cause.PERSON, text)


def _sooner(day: Day, live: Trip, replayed: Trip) -> Reason:
    """One of them ended first, at a level within a bar or by a signal."""
    first = min(live, replayed, key=lambda trip: (trip.open, trip.closed))
    ends = _ends(live, replayed)
    outage = day.evidence.outage_in(first.closed - day.timeframe_ms, first.closed + day.timeframe_ms)
    if outage is not None:
        return Reason(Cause.DOWN, f"{down_words(outage)}: {ends}")
    found = None
    if first is replayed and replayed.ended is Ended.SIGNAL:
        bar = day.bar_before(replayed.closed)
        found = day.silent_live(bar, -replayed.side) or day.silent_live(bar, 0)
    elif first is live and live.ended is Ended.SIGNAL:
        found = day.silent_replay(_closing_bar(day, live), -live.side)
    if found is not None:
        return Reason(found.cause, f"{ends}: {found.text}")
    if live.ended in _LEVELS or replayed.ended in _LEVELS:
        levels = _planned(day, live, replayed)
        within = "prices within a bar decide it, and the replay takes the worse extreme first"
        return Reason(Cause.BARS, f"{ends}; {levels or within}")
    return Reason(Cause.BARS, ends)


def _closing_bar(day: Day, live: Trip) -> int:
    """Open time of the bar whose signal ended a live round trip, 0 where none did."""
    kind, _, key = live.ender.partition(":")
    decided = day.evidence.signals.get(int(key)) if kind == "signal" else None
    return decided.first.bar_time if decided is not None else 0


def _ends(live: Trip, replayed: Trip) -> str:
    return f"live {_ended(live)}, the replay {_ended(replayed)}"


def _ended(trip: Trip) -> str:
    return "is still open" if trip.open else f"ended by {trip.ended.value} at {clock(trip.closed)}"


def _planned(day: Day, live: Trip, replayed: Trip) -> str:
    """The levels of both where they differ: live they are measured from the quote, replayed from the close."""
    decided = day.evidence.signals.get(live.signal)
    twin = next((s for s in day.rerun.signals.get(replayed.bar_time, []) if s.id == replayed.signal), None)
    if decided is None or twin is None:
        return ""
    real, ended = decided.signal, live.ended if live.ended in _LEVELS else replayed.ended
    ours, theirs = (real.stop, twin.stop) if ended is Ended.STOP else (real.target, twin.target)
    if ours == theirs:
        return ""
    prices = f"{day.instrument.price(ours)} live (from the quote) and at {day.instrument.price(theirs)} in the replay"
    return f"its {ended.value} lay at {prices} (from the close)"


def _size(day: Day, live: Trip, replayed: Trip) -> Reason | None:
    """Why it was larger or smaller; also that a person traded some of it where it ended by itself."""
    quantity = day.instrument.quantity
    text = f"{quantity(live.lots)} live, {quantity(replayed.lots)} replayed"
    said = day.evidence.said_in(day.symbol, live.opened, live.closed, _BY_PERSON)
    if said is not None and live.ended is not Ended.PERSON:
        return Reason(Cause.PERSON, f"a person ({said.source}) traded some of it at {clock(said.at)}; {text}")
    if abs(live.lots - replayed.lots) <= max(1, SMALL_SIZE * replayed.lots):
        return None
    return Reason(Cause.SIZE, f"{text}: equity and room differed, the replay has the account to itself")


def _prices(live: Trip, replayed: Trip, difference: Difference, *, ended: bool) -> Reason:
    """How the fills' prices differ; exits are compared only where both ended alike (`ended`)."""
    parts = [_worse("entry", difference.entry_bps)]
    if ended and not live.open:
        parts.append(_worse("exit", difference.exit_bps))
    said = [part for part in parts if part]
    money = (difference.fees, difference.funding)
    if not said:
        same = not any((difference.entry, difference.exit, difference.size, *money))
        return (
            Reason(Cause.SAME, "the same") if same else Reason(Cause.PRICE, "the same but for a tick" if ended else "")
        )
    level = ended and live.ended in _LEVELS
    cause = "its trigger met the market's next price" if level else "spread, latency and slippage"
    waits = [(live.opened - replayed.opened) / 1_000]
    if ended and live.ended is Ended.SIGNAL:
        waits.append((live.closed - replayed.closed) / 1_000)
    if max(waits) >= LATE_S:
        cause += f", filled {max(waits):g} s after the close that decided"
    if abs(difference.funding) > max(abs(difference.entry), abs(difference.exit)):
        cause += ", and funding of another position"
    return Reason(Cause.PRICE, f"{' and '.join(said)}: {cause}")


def _worse(what: str, bps: float) -> str:
    if abs(bps) < SMALL_BPS:
        return ""
    return f"{what} {abs(bps):.1f} bp {'worse' if bps > 0 else 'better'} live"
