"""Why a live and a replayed round trip differ, found from the evidence of the journal: one plain sentence a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from engine.model import command as c
from engine.model.command import Autonomy
from engine.model.signal import Action, Gate, Signal, SignalStatus
from engine.replay.evidence import Decided, Evidence, Mode
from engine.replay.recording import SymbolDay
from engine.replay.rerun import Rerun
from engine.replay.trip import Trip
from engine.replay.words import clock, down_words, failed, gate_words, side_word, who


class Cause(Enum):
    """What kind of reason it is.

    PRICE: fills at other prices. BARS: a bar does not tell what happened within it. SIZE: another equity or size. PERSON:
    somebody's command. GATE: a gate that judged otherwise. DOWN: the engine or a link was down. VENUE: the venue refused,
    lost or closed. PERIOD: the edges of the recording. OPEN_QUESTION: nothing that was checked explains it.
    """

    SAME = "same"
    PRICE = "price"
    BARS = "bars"
    SIZE = "size"
    PERSON = "person"
    GATE = "gate"
    DOWN = "down"
    VENUE = "venue"
    PERIOD = "period"
    OPEN_QUESTION = "open question"


class Reason(NamedTuple):
    """One sentence, without its full stop, and its kind."""

    cause: Cause
    text: str


_SHARED = frozenset({"exposure", "positions", "room", "account", "day loss", "drawdown"})
_QUOTED = frozenset({"spread", "slippage", "data fresh"})
_ASKED = frozenset({"forecast", "votes"})


class Day:
    """What is known of one symbol's day on both sides.

    Args:
        symbol: unified symbol.
        day: its recording.
        rerun: its replay.
        live: its live round trips.
        evidence: of the whole journal.
    """

    def __init__(self, symbol: str, day: SymbolDay, rerun: Rerun, live: Sequence[Trip], evidence: Evidence) -> None:
        self.symbol = symbol
        self.rerun = rerun
        self.live = live
        self.evidence = evidence
        self.timeframe_ms = max(row.started.settings.timeframe_ms for row in day.bars)
        self.times = [row.bar.open_time for row in day.bars]
        self.missed = {row.bar.open_time for row in day.bars if row.missed}
        self.wanted = day.wanted
        self.held = day.held
        self.instrument = next(one for one in day.bars[-1].started.instruments if one.symbol == symbol)

    def bar_before(self, at: int) -> int:
        """Open time of the newest bar that was closed at `at`, ms UTC; the first bar where none was."""
        place = bisect_left(self.times, at // self.timeframe_ms * self.timeframe_ms)
        return self.times[max(0, place - 1)]

    # A live round trip that the replay has not.

    def only_live(self, trip: Trip) -> Reason:
        """Why the replay has nothing like it."""
        if trip.carried:
            return Reason(Cause.PERIOD, f"opened at {clock(trip.opened)}, before the period: the replay begins flat")
        if not trip.signal:
            return Reason(Cause.PERSON, f"opened by {who(trip.origin)}: a backtest trades the desk's own signals alone")
        bar = trip.bar_time
        if bar < self.times[0]:
            return Reason(Cause.PERIOD, f"decided at the bar of {clock(bar)}, before the first bar of the period")
        if bar >= self.times[-1]:
            return Reason(Cause.PERIOD, "decided at the last bar: the replay has no bar after it to fill at")
        part = next((t for t in self.live if t.signal == trip.signal and t is not trip), None)
        if part is not None:
            text = f"its entry was filled in parts: the part of {clock(part.opened)} is a trade of its own"
            return Reason(Cause.VENUE, text)
        return self.silent_replay(bar, trip.side) or self._open_question(bar)

    def silent_replay(self, bar: int, side: int) -> Reason | None:
        """Why the replay did not go to `side` at a bar at which live did."""
        found = newest(self.rerun.signals.get(bar, []), side)
        real = newest([one.signal for one in self.evidence.signals_at(self.symbol, bar)], side)
        if found is not None and found.status in (SignalStatus.REFUSED, SignalStatus.REJECTED):
            gate = failed(found)
            text = gate_words(gate, real, "live") if gate is not None else found.reason
            return Reason(Cause.GATE, f"in the replay {text}")
        if self.rerun.sides.get(bar) == side:
            return self._already(bar, side)
        wanted = self.rerun.wanted.get(bar)
        if wanted is None:
            return Reason(Cause.DOWN, f"the journal has no closed bar of {clock(bar)} to replay")
        if wanted != side:
            text = (
                f"at {clock(bar)} the deciding side is {side_word(wanted)} in the replay: its records weigh otherwise"
            )
            return Reason(Cause.GATE, text)
        return None

    def _already(self, bar: int, side: int) -> Reason:
        """The replay held that side before."""
        trip = next((t for t in self.rerun.trips if t.covers(bar + self.timeframe_ms - 1)), None)
        if trip is None:
            return Reason(Cause.BARS, f"the replay was {side_word(side)} already")
        text = f"the replay was {side_word(side)} already, since {clock(trip.opened)}"
        if trip.bar_time in self.missed:
            return Reason(Cause.DOWN, f"{text}, by a bar on which no engine decided live")
        return Reason(Cause.BARS, text)

    # A replayed round trip that live has not.

    def only_replayed(self, trip: Trip) -> Reason:
        """Why live did not trade it."""
        return self.silent_live(trip.bar_time, trip.side) or self._open_question(trip.bar_time)

    def silent_live(self, bar: int, side: int) -> Reason | None:
        """Why live did not go to `side` (0: did not close) at a bar at which the replay did."""
        evidence, after = self.evidence, bar + self.timeframe_ms
        outage = evidence.outage_in(bar, after + 1)
        if bar in self.missed:
            why = down_words(outage) if outage is not None else "no engine was told of this bar"
            return Reason(Cause.DOWN, f"{why}: the bar of {clock(bar)} was not decided on")
        if (self.symbol, bar) in evidence.backfilled:
            return Reason(
                Cause.DOWN, f"the bar of {clock(bar)} was only fetched after the fact: nothing was decided on it"
            )
        signals = evidence.signals_at(self.symbol, bar)
        decided = next((one for one in reversed(signals) if one.signal.action.side == side), None)
        if decided is None and signals:
            decided = signals[-1]
        if decided is not None:
            return self._unsent(decided, side)
        if side and self.held.get(bar) == side:
            return self._live_already(after, side)
        wanted = self.wanted.get(bar)
        if wanted is not None and side and wanted != side:
            text = f"at {clock(bar)} the deciding side was {side_word(wanted)} live: its records weigh otherwise"
            return Reason(Cause.GATE, text)
        return Reason(Cause.DOWN, down_words(outage)) if outage is not None else None

    def _live_already(self, at: int, side: int) -> Reason:
        """Live held that side when the bar closed."""
        held = next((t for t in self.live if t.side == side and t.opened <= at and (t.open or t.closed >= at)), None)
        if held is None:
            text = f"live took itself for {side_word(side)}: it heard of the execution that ended the position later"
            return Reason(Cause.VENUE, text)
        if held.carried:
            return Reason(
                Cause.PERIOD, f"live still held what it had opened at {clock(held.opened)}, before the period"
            )
        cause = Cause.BARS if held.signal else Cause.PERSON
        return Reason(cause, f"live was {side_word(side)} already, since {clock(held.opened)}, by {who(held.origin)}")

    def _unsent(self, decided: Decided, side: int) -> Reason | None:
        """What became of a live signal that is no live trade."""
        signal = decided.signal
        match signal.status:
            case SignalStatus.OBSERVED:
                return self._observed(decided)
            case SignalStatus.WAITING:
                return Reason(Cause.PERSON, "it still waits for a person's approval")
            case SignalStatus.VOTING:
                return Reason(Cause.GATE, "its votes were asked for, and the journal ends before they are in")
            case SignalStatus.EXPIRED:
                return Reason(Cause.PERSON, "it waited for approval, and nobody approved in time")
            case SignalStatus.REFUSED:
                gate = failed(signal)
                if gate is not None:
                    return self._gate(gate, decided)
                return Reason(Cause.GATE, f"live it was refused: {signal.reason}")
            case SignalStatus.REJECTED if signal.reason.startswith("rejected by"):
                return Reason(Cause.PERSON, f"the signal was {signal.reason}")
            case _ if signal.action is Action.CLOSE and side:
                return self._closed_only(decided)
            case _:
                return self._fate(signal)

    def _observed(self, decided: Decided) -> Reason:
        hold = self.evidence.hold_at(self.symbol, decided.seq)
        if hold is not None:
            return Reason(Cause.PERSON, f"the symbol was held since {clock(hold.at)}: {hold.reason}")
        mode = self.evidence.mode_at(decided.seq)
        since = f", since {clock(mode.at)} by {mode.by}" if mode is not None else ""
        return Reason(Cause.PERSON, f"the desk only observed{since}")

    def _gate(self, gate: Gate, decided: Decided) -> Reason:
        paused = self.evidence.paused_since(decided.seq)
        if gate.name == "running" and paused is not None:
            how = "killed" if self._killed(paused) else "paused"
            return Reason(Cause.PERSON, f"entries were {how} since {clock(paused.at)} by {paused.by}")
        if gate.name == "halt":
            return Reason(Cause.GATE, f"live all entries were halted: {gate.value}")
        signal = decided.first
        twin = newest(self.rerun.signals.get(signal.bar_time, []), signal.action.side)
        text = f"live {gate_words(gate, twin, 'in the replay')}"
        if gate.name in _SHARED:
            text += "; the replay trades each symbol alone, on the whole account"
        elif gate.name in _QUOTED:
            text += "; bars have no quotes"
        elif gate.name in _ASKED:
            text += "; a backtest does not ask for it"
        elif gate.name == "drift":
            text += "; it waited for votes or a person, and the replay waits for nobody"
        return Reason(Cause.GATE, text)

    def _killed(self, paused: Mode) -> bool:
        return any(said.seq == paused.seq and isinstance(said.command, c.Kill) for said in self.evidence.commands)

    def _closed_only(self, decided: Decided) -> Reason:
        """Live closed the position and opened nothing on the other side."""
        gate, hold = failed(decided.first), self.evidence.hold_at(self.symbol, decided.seq)
        if hold is not None:
            why = Reason(Cause.PERSON, f"the symbol was held since {clock(hold.at)}: {hold.reason}")
        elif gate is not None:
            why = self._gate(gate, decided)
        else:
            mode = self.evidence.mode_at(decided.seq)
            cause = Cause.GATE if mode is None or mode.autonomy is Autonomy.AUTO else Cause.PERSON
            why = Reason(cause, decided.first.reason)
        return Reason(why.cause, f"live closed and did not turn: {why.text}")

    def _fate(self, signal: Signal) -> Reason | None:
        """The signal was sent: what the venue made of its orders."""
        origin = f"signal:{signal.id}"
        for client_id, fate in self.evidence.fates.items():
            if client_id == signal.client_id or fate.request.origin == origin:
                return Reason(Cause.VENUE, f"the order came to nothing at {clock(fate.at)}, {fate.text}")
        if signal.status is SignalStatus.REJECTED:
            return Reason(Cause.VENUE, f"the order came to nothing: {signal.reason}")
        if signal.status is SignalStatus.SENT:
            return Reason(Cause.VENUE, "the order was sent, and the journal ends before its answer")
        trade = next((t for t in self.live if t.signal == signal.id), None)
        if trade is not None:
            return Reason(Cause.BARS, f"live it is the trade of {clock(trade.opened)}")
        held = next((t for t in self.live if t.covers(signal.at) or t.opened > signal.at), None)
        if held is None:
            return None
        cause = Cause.BARS if held.signal else Cause.PERSON
        return Reason(
            cause, f"live its order went into the position of {clock(held.opened)}, opened by {who(held.origin)}"
        )

    def _open_question(self, bar: int) -> Reason:
        return Reason(
            Cause.OPEN_QUESTION,
            f"not explained: signals, gates, positions, modes, holds, orders' fates and outages at the bar of {clock(bar)} "
            "were checked, and none differs",
        )


def newest(signals: Sequence[Signal], side: int) -> Signal | None:
    """The newest signal that wanted to be on `side`."""
    return next((one for one in reversed(signals) if one.action.side == side), None)
