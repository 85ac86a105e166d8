"""A recorded symbol through the faithful backtest engine: the live core over a matching book, bar by bar."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from engine.backtest.result import Reason
from engine.backtest.simulation import Corners, Simulation, Trade
from engine.model.command import Autonomy
from engine.model.event import ClockTick, EngineStarted, HistorySeeded, VotesCast
from engine.model.instrument import Instrument
from engine.model.settings import Settings
from engine.model.signal import Signal, SignalStatus
from engine.replay.recording import Begin, RecordedBar, SymbolDay, begin_of
from engine.replay.trip import Ended, Trip
from engine.strategies import NAMES

AT_OPEN_MS = 1_000  # a venue charges funding within this after the full hour, before anything is filled at that open
READINGS = 6

_ENDED = {
    Reason.SIGNAL: Ended.SIGNAL,
    Reason.STOP: Ended.STOP,
    Reason.TARGET: Ended.TARGET,
    Reason.LIQUIDATION: Ended.VENUE,
    Reason.END: Ended.OPEN,
}


@dataclass(slots=True)
class Rerun:
    """What the replay of a symbol did.

    `signals` are by the open time of the bar that decided them, ms UTC; `sides` is the position at each bar's close and
    `wanted` the deciding side, by the bar's open time.
    """

    trips: list[Trip] = field(default_factory=list)
    signals: dict[int, list[Signal]] = field(default_factory=dict)
    sides: dict[int, int] = field(default_factory=dict)
    wanted: dict[int, int] = field(default_factory=dict)


def rerun(symbol: str, day: SymbolDay, slippage: float = 0.0) -> Rerun:
    """Replay a symbol's recorded bars under the settings of each.

    The desk trades on its own: what waited for a person, was paused or held live is traded here; forecasts and votes are
    those of the day. It begins flat, with the
    equity of that moment, and with the records, sides and cool-down that the symbol had. Where a restart changed the
    contract's grid the position is valued at the last close and the replay begins again.

    Args:
        symbol: unified symbol.
        day: its recording.
        slippage: taken from every fill at market, fraction of its price.
    """
    out = Rerun()
    begin, rest = day.begin, day.bars
    while rest:
        first = _instrument(symbol, rest[0].started)
        count = next((i for i, row in enumerate(rest) if _instrument(symbol, row.started) != first), len(rest))
        part, rest = rest[:count], rest[count:]
        begin = _Part(symbol, begin, part, day, slippage, out).run()
    return out


class _Part:
    """One pass over bars of one contract."""

    def __init__(
        self, symbol: str, begin: Begin, bars: list[RecordedBar], day: SymbolDay, slippage: float, out: Rerun
    ) -> None:
        self.symbol, self.bars, self.out = symbol, bars, out
        self.slippage = slippage
        self.detail = day.detail
        self.ballots = day.ballots
        self.instrument = _instrument(symbol, bars[0].started)
        first = bars[0].bar.open_time
        self.payments = deque(one for one in day.payments if one.at >= first)
        self.settings = settings_of(bars[0].started)
        seeded = HistorySeeded(
            at=first,
            symbol=symbol,
            open_time=first,
            records=begin.records,
            shadows=begin.shadows,
            readings=begin.sides[:READINGS],
        )
        self.simulation = Simulation(self.instrument, self.settings, begin.equity, 0, first, seeded)
        times = [row.bar.open_time for row in bars]
        self._before = dict(zip(times[1:], times, strict=False))
        self._teach(begin)

    def _teach(self, begin: Begin) -> None:
        """What the symbol's seed does not carry."""
        state = self.simulation.core.state
        s = state.symbols[self.symbol]
        s.known = begin.known
        s.sides = list(begin.sides)
        s.cooldown_until = begin.cooldown_until
        state.day, state.waived_day = begin.day, begin.waived_day
        state.day_start = begin.day_start or begin.equity
        state.peak = max(begin.peak, begin.equity)

    def run(self) -> Begin:
        """All bars; how the desk stands after them."""
        started = self.bars[0].started
        for number, row in enumerate(self.bars):
            if row.started is not started:
                started = row.started
                self._restart(started)
            self._bar(number, row)
        self._keep()
        state = self.simulation.core.state
        return begin_of(state, state.symbols[self.symbol])

    def _restart(self, started: EngineStarted) -> None:
        """The engine was started again: from now on its settings hold."""
        state = self.simulation.core.state
        self.settings = settings_of(started)
        state.decider = NAMES.index(self.settings.strategy)

    def _bar(self, number: int, row: RecordedBar) -> None:
        simulation, bar = self.simulation, row.bar
        opened, high, low, close = (self.instrument.nearest_ticks(p) for p in (bar.open, bar.high, bar.low, bar.close))
        simulation.begin_bar(number, bar.open_time, self.slippage)
        timeframe_ms = row.started.settings.timeframe_ms
        self._pay(bar.open_time + AT_OPEN_MS)
        simulation.core.process(ClockTick(at=bar.open_time))  # the day's first equity, and halts, at the close before
        if simulation.pending:
            simulation.open_bar(opened)
        self._pay(bar.open_time + timeframe_ms)
        if simulation.position is not None:
            simulation.within(
                (*self._finer(bar.open_time, timeframe_ms), Corners(bar.open_time, opened, high, low, close))
            )
        self._close(row, close)
        self._note(number)

    def _close(self, row: RecordedBar, ticks: int) -> None:
        """The bar closes. Its candidate meets the votes of the day; where nobody was asked then, nobody is now."""
        simulation, time = self.simulation, row.bar.open_time
        state, ballot, settings = simulation.core.state, self.ballots.get(time), row.started.settings
        state.settings = replace(self.settings, voters=settings.voters if ballot is not None else ())
        simulation.close_bar(row.bar, ticks, settings.timeframe_ms, row.reading, row.forecast)
        if ballot is None:
            return
        for signal in [one for one in state.signals.values() if one.status is SignalStatus.VOTING]:
            state.voters = dict(ballot.voters)
            simulation.hear(VotesCast(at=state.now, signal_id=signal.id, symbol=self.symbol, votes=ballot.votes))

    def _finer(self, open_time: int, timeframe_ms: int) -> Iterator[Corners]:
        """The detail bars within a bar, where they cover the whole of it."""
        times = self.detail.open_time
        first, last = (int(times.searchsorted(at)) for at in (open_time, open_time + timeframe_ms))
        if last == first or int(times[first]) != open_time:
            return
        for one in self.detail[first:last]:
            prices = (self.instrument.nearest_ticks(p) for p in (one.open, one.high, one.low, one.close))
            yield Corners(one.open_time, *prices)

    def _pay(self, until: int) -> None:
        """Fundings before `until`, ms UTC."""
        while self.payments and self.payments[0].at < until:
            one = self.payments.popleft()
            self.simulation.pay(one.rate_e8, one.ticks)

    def _note(self, number: int) -> None:
        """Keep what was decided at the bar, and what has become since of what was decided at the one before."""
        state, out = self.simulation.core.state, self.out
        s = state.symbols[self.symbol]
        times = [row.bar.open_time for row in self.bars[max(0, number - 1) : number + 1]]
        for time in times:
            out.signals[time] = [one for one in state.signals.values() if one.bar_time == time]
        out.sides[times[-1]] = s.position.side if s.position is not None else 0
        out.wanted[times[-1]] = s.sides[state.decider]

    def _keep(self) -> None:
        """The round trips of this part; one that is still open is valued at the last close."""
        out, position = self.out, self.simulation.position
        out.trips += [self._trip(trade) for trade in self.simulation.trades]
        if position is None:
            return
        last = self.bars[-1].bar
        lots = abs(position.lots)
        out.trips.append(
            Trip(
                symbol=self.symbol,
                side=position.side,
                lots=lots,
                unit=self.instrument.unit,
                opened=position.opened,
                closed=last.open_time,
                entry_value=abs(position.cost),
                exit_value=lots * self.instrument.nearest_ticks(last.close) * self.instrument.unit,
                fees=position.fees,
                funding=position.funding,
                origin=position.origin,
                ended=Ended.OPEN,
                bar_time=self._decided(position.opened),
            )
        )

    def _trip(self, trade: Trade) -> Trip:
        value = trade.lots * self.instrument.unit
        bar_time = self._decided(trade.entry_time)
        signals = [one for one in self.out.signals.get(bar_time, ()) if one.action.side == trade.side]
        return Trip(
            symbol=self.symbol,
            side=trade.side,
            lots=trade.lots,
            unit=self.instrument.unit,
            opened=trade.entry_time,
            closed=trade.exit_time,
            entry_value=value * trade.entry_ticks,
            exit_value=value * trade.exit_ticks,
            fees=trade.fee,
            funding=-trade.funding,
            origin=f"signal:{signals[-1].id}" if signals else "",
            ended=_ENDED[Reason(trade.reason)],
            ender="protection" if trade.reason in (Reason.STOP, Reason.TARGET) else "signal",
            bar_time=bar_time,
        )

    def _decided(self, opened: int) -> int:
        """Open time of the bar before the one that opened at `opened`: the entry was decided at its close."""
        return self._before[opened]


def settings_of(started: EngineStarted) -> Settings:
    """The settings of a start, for a desk that decides alone."""
    return replace(started.settings, autonomy=Autonomy.AUTO)


def _instrument(symbol: str, started: EngineStarted) -> Instrument:
    return next(one for one in started.instruments if one.symbol == symbol)
