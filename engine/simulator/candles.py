"""Candles of one symbol: recorded base bars, the bar that is open now, and every longer timeframe made of them."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars, aggregate
from engine.model.instrument import Instrument
from engine.model.market import Bar


class _Table:
    """Closed bars that grow at the end; views handed out stay as they are."""

    def __init__(self, bars: Bars) -> None:
        self._n = len(bars)
        self._times = np.empty(max(1024, 2 * self._n), dtype=np.int64)
        self._rows = np.empty((5, len(self._times)), dtype=np.float64)
        self._times[: self._n] = bars.open_time
        for row, column in zip(self._rows, (bars.open, bars.high, bars.low, bars.close, bars.volume), strict=True):
            row[: self._n] = column

    def append(self, bar: Bar) -> None:
        """One more bar; the room doubles when it is used up."""
        if self._n == len(self._times):
            self._times = np.concatenate((self._times, np.empty_like(self._times)))
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)), axis=1)
        self._times[self._n] = bar.open_time
        self._rows[:, self._n] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._n += 1

    def view(self) -> Bars:
        """All bars so far, oldest first; later ones do not change it."""
        part = slice(0, self._n)
        return Bars(self._times[part], *(self._rows[i, part] for i in range(5)))


class Candles:
    """Base bars as they close, and the open one built from trades.

    Args:
        instrument: gives tick and lot size.
        history: closed base bars before the first step.
        timeframe_ms: length of a base bar.
    """

    def __init__(self, instrument: Instrument, history: Bars, timeframe_ms: int) -> None:
        self.timeframe_ms = timeframe_ms
        self._tick = instrument.tick_size
        self._lot = float(instrument.lot_size)
        self._closed = _Table(history)
        self._groups: dict[int, Bar | None] = {}
        self._open_time = 0
        self._ohlc: list[int] | None = None
        self._lots = 0
        self._last: float = float(history.close[-1]) if len(history) else 0.0

    @property
    def last(self) -> float:
        """The newest price, quote currency; 0 before any."""
        return self._last

    @property
    def first(self) -> int:
        """Open time of the oldest bar, ms UTC; 0 before any."""
        closed = self.closed()
        return int(closed.open_time[0]) if len(closed) else self._open_time

    def trade(self, at: int, ticks: int, lots: int) -> None:
        """A trade of the bar that is open at `at`."""
        open_time = at - at % self.timeframe_ms
        if self._ohlc is None or open_time != self._open_time:
            self._open_time, self._ohlc, self._lots = open_time, [ticks, ticks, ticks, ticks], 0
        bar = self._ohlc
        bar[1] = max(bar[1], ticks)
        bar[2] = min(bar[2], ticks)
        bar[3] = ticks
        self._lots += lots
        self._last = float(ticks * self._tick)

    def close(self, bar: Bar) -> None:
        """The open bar closed as `bar`, which is the truth."""
        self._closed.append(bar)
        self._last = bar.close
        if self._open_time <= bar.open_time:
            self._ohlc = None
        for timeframe_ms, group in self._groups.items():
            open_time = bar.open_time - bar.open_time % timeframe_ms
            same = group is not None and group.open_time == open_time
            self._groups[timeframe_ms] = _merged(group, bar) if same and group else bar_at(bar, open_time)

    def open_bar(self) -> Bar | None:
        """The base bar that is open now, or None when nothing traded in it."""
        if self._ohlc is None:
            return None
        o, h, low, c = (float(ticks * self._tick) for ticks in self._ohlc)
        return Bar(self._open_time, o, h, low, c, self._lots * self._lot)

    def closed(self) -> Bars:
        """All closed base bars."""
        return self._closed.view()

    def of(self, timeframe_ms: int, since: int | None, until: int | None, limit: int) -> list[Bar]:
        """Bars of a timeframe, the open one last, as Binance's klines choose them.

        With `since` the first `limit` bars from there on; otherwise the last `limit` up to `until` (both by open time,
        inclusive, ms UTC).
        """
        first, last = self._span(timeframe_ms, since, until, limit)
        bars = self.closed()
        lo, hi = np.searchsorted(bars.open_time, (first, last + timeframe_ms))
        part = bars[int(lo) : int(hi)]
        current = self.open_bar()
        if current is not None and first <= current.open_time < last + timeframe_ms:
            part = _joined(part, [current])
        made = list(part if timeframe_ms == self.timeframe_ms else aggregate(part, timeframe_ms))
        made = [bar for bar in made if (since is None or bar.open_time >= since)]
        return made[:limit] if since is not None else made[-limit:]

    def _span(self, timeframe_ms: int, since: int | None, until: int | None, limit: int) -> tuple[int, int]:
        """Open times of the first and last bar that can be asked for."""
        bars = self.closed()
        newest = int(bars.open_time[-1]) if len(bars) else 0
        if self._ohlc is not None:
            newest = max(newest, self._open_time)
        last = newest if until is None else min(until, newest)
        last -= last % timeframe_ms
        if since is None:
            return last - (limit - 1) * timeframe_ms, last
        first = -(-since // timeframe_ms) * timeframe_ms
        return first, min(last, first + (limit - 1) * timeframe_ms) if self._dense() else last

    def _dense(self) -> bool:
        """Whether no base bar is missing, so that time tells the count."""
        bars = self.closed()
        n = len(bars)
        return n < 2 or int(bars.open_time[-1] - bars.open_time[0]) == (n - 1) * self.timeframe_ms

    def running(self, timeframe_ms: int) -> Bar | None:
        """The newest bar of a timeframe as it stands; cheap once it has been asked for."""
        current = self.open_bar()
        if timeframe_ms == self.timeframe_ms:
            return current
        if timeframe_ms not in self._groups:
            self._groups[timeframe_ms] = self._last_group(timeframe_ms)
        group = self._groups[timeframe_ms]
        if current is None:
            return group
        open_time = current.open_time - current.open_time % timeframe_ms
        if group is None or group.open_time != open_time:
            return bar_at(current, open_time)
        return _merged(group, current)

    def group_of(self, bar: Bar, timeframe_ms: int) -> Bar:
        """The bar of a timeframe that a closed base bar belongs to, up to and with it."""
        self.running(timeframe_ms)
        group = self._groups[timeframe_ms]
        open_time = bar.open_time - bar.open_time % timeframe_ms
        return group if group is not None and group.open_time == open_time else bar_at(bar, open_time)

    def _last_group(self, timeframe_ms: int) -> Bar | None:
        bars = self.closed()
        if len(bars) == 0:
            return None
        newest = int(bars.open_time[-1])
        part = bars[int(np.searchsorted(bars.open_time, newest - newest % timeframe_ms)) :]
        return list(aggregate(part, timeframe_ms))[-1]

    def day(self, now: int) -> tuple[float, float, float, float, float]:
        """Open, high, low, last and base volume of the 24 hours before `now`."""
        bars = self.closed()
        lo = int(np.searchsorted(bars.open_time, now - 86_400_000))
        part = bars[lo:]
        if len(part) == 0:
            return self._last, self._last, self._last, self._last, 0.0
        high = max(float(part.high.max()), self._last)
        low = min(float(part.low.min()), self._last)
        return float(part.open[0]), high, low, self._last, float(part.volume.sum())


def bar_at(bar: Bar, open_time: int) -> Bar:
    """The same bar with another open time."""
    return Bar(open_time, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _merged(first: Bar, second: Bar) -> Bar:
    """Two bars of one group, the first before the second."""
    return Bar(
        first.open_time,
        first.open,
        max(first.high, second.high),
        min(first.low, second.low),
        second.close,
        first.volume + second.volume,
    )


def _joined(bars: Bars, tail: list[Bar]) -> Bars:
    rest = Bars.of(tail)
    return Bars(
        np.append(bars.open_time, rest.open_time),
        np.append(bars.open, rest.open),
        np.append(bars.high, rest.high),
        np.append(bars.low, rest.low),
        np.append(bars.close, rest.close),
        np.append(bars.volume, rest.volume),
    )
