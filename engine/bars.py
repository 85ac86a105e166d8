"""Bars as arrays: the one shape that strategies, history, backtests and charts share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from engine.model.market import Bar

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bars:
    """n bars, oldest first. `open_time` int64[n] ms UTC; the others float64[n], quote currency and base volume."""

    open_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.open_time)

    def __getitem__(self, part: slice) -> Bars:
        return Bars(
            self.open_time[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )

    def __iter__(self) -> Iterator[Bar]:
        rows = zip(
            self.open_time.tolist(),
            self.open.tolist(),
            self.high.tolist(),
            self.low.tolist(),
            self.close.tolist(),
            self.volume.tolist(),
            strict=True,
        )
        return (Bar(*row) for row in rows)

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> Bars:
        """A sequence of bars as arrays."""
        times = np.array([bar.open_time for bar in bars], dtype=np.int64)
        rest = np.array([(b.open, b.high, b.low, b.close, b.volume) for b in bars], dtype=np.float64).reshape(-1, 5)
        return cls(times, *(np.ascontiguousarray(rest[:, i]) for i in range(5)))

    @classmethod
    def empty(cls) -> Bars:
        """No bars."""
        return cls.of(())


def aggregate(bars: Bars, timeframe_ms: int) -> Bars:
    """Bars of a shorter timeframe -> bars of `timeframe_ms`, aligned to multiples of it in UTC.

    A group is kept as far as it is filled: missing minutes leave their group with what there is; the last group may be
    unfinished. Volume is summed in order (float64).
    """
    if len(bars) == 0:
        return bars
    groups = bars.open_time // timeframe_ms
    new = np.diff(groups, prepend=groups[0] - 1) != 0
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(groups)) - 1
    return Bars(
        groups[starts] * timeframe_ms,
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends],
        # adds in order like the live market; reduceat adds pairwise
        cast("Floats", np.bincount(np.cumsum(new) - 1, bars.volume)),
    )


class BarWindow:
    """A ring of the newest `capacity` bars that hands out contiguous views.

    Rows live in one float64 array of twice the capacity; when the end is reached the newest `capacity` rows move to the
    front, so an append is O(1) amortised and a view never copies.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._times = np.empty(2 * capacity, dtype=np.int64)
        self._rows = np.empty((5, 2 * capacity), dtype=np.float64)
        self._end = 0

    def __len__(self) -> int:
        return min(self._end, self._capacity)

    @property
    def last_open_time(self) -> int:
        """Open time of the newest bar, ms UTC; 0 when empty."""
        return int(self._times[self._end - 1]) if self._end else 0

    def load(self, bars: Bars) -> None:
        """Replace the content by the newest `capacity` of `bars`."""
        part = bars[-self._capacity :] if len(bars) else bars
        n = len(part)
        self._times[:n] = part.open_time
        for row, column in zip(self._rows, (part.open, part.high, part.low, part.close, part.volume), strict=True):
            row[:n] = column
        self._end = n

    def append(self, bar: Bar) -> None:
        """Add a bar newer than all there are, or replace the newest (a correction)."""
        if self._end and bar.open_time == self._times[self._end - 1]:
            self._end -= 1
        elif self._end == len(self._times):
            self.load(self.view())
        i = self._end
        self._times[i] = bar.open_time
        self._rows[:, i] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._end = i + 1

    def view(self) -> Bars:
        """The newest `capacity` bars without copying; valid until the next append."""
        part = slice(max(0, self._end - self._capacity), self._end)
        return Bars(self._times[part], *(self._rows[i, part] for i in range(5)))
