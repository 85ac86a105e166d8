"""What the replay of a period needs of a journal: the bars that were decided on, and how the desk stood at its begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from engine.bars import Bars
from engine.core.booking import forget
from engine.core.core import Core
from engine.core.state import State, SymbolState
from engine.errors import InvariantBroken
from engine.model import event as e
from engine.model.forecast import Forecast
from engine.model.market import Bar
from engine.model.money import Money, booked
from engine.model.record import Record, Shadow
from engine.model.vote import Vote, VoterRecord
from engine.ports import Entry, Reading
from engine.replay.evidence import Evidence
from engine.replay.live import Trips
from engine.replay.trip import Trip

RATE_SCALE = 100_000_000
FORGET_EVERY = 20_000  # entries


class Begin(NamedTuple):
    """How the desk stood before a symbol's first bar of the period; money is 1e-8 quote units, times ms UTC."""

    equity: Money
    peak: Money
    day: int
    day_start: Money
    waived_day: int
    known: bool
    sides: tuple[int, ...]
    records: tuple[Record, ...]
    shadows: tuple[Shadow | None, ...]
    cooldown_until: int


class RecordedBar(NamedTuple):
    """A bar with what the strategies read at its close (and the forecaster said), under the settings of `started`.

    `missed`: no engine decided on it; it was put in from the stored history.
    """

    bar: Bar
    reading: Reading
    started: e.EngineStarted
    missed: bool = False
    forecast: Forecast | None = None


class Payment(NamedTuple):
    """A funding as the venue charged it: rate in 1e-8 at a mark price in ticks, venue time ms UTC."""

    at: int
    rate_e8: int
    ticks: int


class Ballot(NamedTuple):
    """The votes that were cast on a bar's candidate, and the voters' records by which they were weighed."""

    votes: tuple[Vote, ...]
    voters: dict[str, VoterRecord]


@dataclass(slots=True)
class SymbolDay:
    """One symbol of the period.

    By the open time of the bar: `wanted` is the deciding side as live had it, `held` the side of the position that the
    desk knew of, `ballots` what was voted on.

    `detail`: finer bars that say what came first within a bar; may be empty.
    """

    begin: Begin
    bars: list[RecordedBar] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    wanted: dict[int, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    ballots: dict[int, Ballot] = field(default_factory=dict)
    detail: Bars = field(default_factory=Bars.empty)


class Recording:
    """Takes a journal in, entry by entry from its first, and keeps what the period needs.

    The period is measured by the market's clock, which in a replayed demo is not the wall's.

    Args:
        begin: first market time of the period, ms UTC.
        end: the period ends before it, ms UTC; None for the journal's end.
        peak: the highest equity that is known of the time whose clock events are left out, 1e-8 quote units.
    """

    def __init__(self, begin: int = 0, end: int | None = None, peak: Money = 0) -> None:
        self.begin = begin
        self.end = end
        self.core = Core()
        self._peak = peak
        self.evidence = Evidence()
        self.days: dict[str, SymbolDay] = {}
        self.entries = 0
        self.first = 0
        self.last = 0
        self._trips = Trips()
        self._started: e.EngineStarted | None = None

    def take(self, entry: Entry) -> bool:
        """The next entry; False once the period is over, and then nothing more is needed."""
        state, event = self.core.state, entry.event
        before, held = state.market_time, 0
        if isinstance(event, e.BarClosed):
            position = state.symbols[event.symbol].position
            held = position.side if position is not None else 0
        if isinstance(event, e.EngineStarted):
            self._started = event
        elif isinstance(event, e.FundingPaid):
            self._paid(state, event)
        elif isinstance(event, e.VotesCast):
            self._voted(state, event)
        elif isinstance(event, e.BarClosed) and self._inside(event.bar.open_time):
            self._bar(state, event)
        self.core.recover(event, entry.decisions)
        if self.end is not None and state.market_time >= self.end + state.settings.timeframe_ms:
            return False
        if isinstance(event, e.BarClosed) and event.symbol in self.days:
            day, s = self.days[event.symbol], state.symbols[event.symbol]
            day.wanted.setdefault(event.bar.open_time, s.sides[state.decider])
            day.held.setdefault(event.bar.open_time, held)
            if day.bars[-1].bar is event.bar:  # a model that drifted at this very bar was not listened to
                day.bars[-1] = day.bars[-1]._replace(forecast=s.forecast)
        self._trips.take(entry)
        self.evidence.take(entry, self.core, before, state.market_time)
        self.entries += 1
        if self.entries % FORGET_EVERY == 0:
            forget(state)
        return True

    def done(self) -> None:
        """There are no more entries."""
        self.evidence.close(self.core.state.market_time)

    def trips(self) -> list[Trip]:
        """The live round trips that were open in the period, those from before it marked as carried in."""
        found = sorted([*self._trips.closed, *self._trips.still_open()], key=lambda t: (t.opened, t.symbol))
        return [
            replace(trip, carried=trip.opened < self.begin)
            for trip in found
            if (trip.open or trip.closed >= self.begin) and (self.end is None or trip.opened < self.end)
        ]

    def _inside(self, open_time: int) -> bool:
        return self.begin <= open_time and (self.end is None or open_time < self.end)

    def _bar(self, state: State, event: e.BarClosed) -> None:
        if self._started is None:
            raise InvariantBroken(f"{event.symbol} closed a bar before any engine started")
        day = self.days.get(event.symbol)
        if day is None:
            day = self.days[event.symbol] = SymbolDay(self._stands(state, event.symbol))
        elif event.bar.open_time <= day.bars[-1].bar.open_time:
            return  # a bar that was told again after a restart
        reading = Reading(event.readings, event.stops, event.targets)
        day.bars.append(RecordedBar(event.bar, reading, self._started, forecast=event.forecast))
        self.first = min(self.first or event.bar.open_time, event.bar.open_time)
        self.last = max(self.last, event.bar.open_time + state.settings.timeframe_ms)

    def _stands(self, state: State, symbol: str) -> Begin:
        begin = begin_of(state, state.symbols[symbol])
        return begin._replace(peak=max(begin.peak, self._peak))

    def _voted(self, state: State, event: e.VotesCast) -> None:
        day, signal = self.days.get(event.symbol), state.signals.get(event.signal_id)
        if day is not None and signal is not None:
            day.ballots.setdefault(signal.bar_time, Ballot(event.votes, dict(state.voters)))

    def _paid(self, state: State, event: e.FundingPaid) -> None:
        """The rate, from what the position of that moment was charged at its mark price."""
        day, s = self.days.get(event.symbol), state.symbols.get(event.symbol)
        if day is None or s is None or s.position is None or not s.mark:
            return
        notional = s.position.lots * s.mark * state.instruments[event.symbol].unit
        sign = 1 if notional > 0 else -1
        rate = booked(-event.amount * sign * RATE_SCALE, abs(notional))
        day.payments.append(Payment(event.venue_time, rate, s.mark))


def begin_of(state: State, s: SymbolState) -> Begin:
    """How the desk stands now."""
    return Begin(
        state.equity(),
        state.peak,
        state.day,
        state.day_start,
        state.waived_day,
        s.known,
        tuple(s.sides),
        tuple(s.records),
        tuple(s.shadows),
        s.cooldown_until,
    )
