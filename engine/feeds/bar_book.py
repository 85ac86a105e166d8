"""The bars of one symbol out of messages that may be late, doubled or lost: each closed bar once, in order.

A hole before a message opens a gap: messages wait while REST is asked, and `filled` goes on with what it answered. A
hole for which REST has nothing is a real one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.model.market import Bar


class Closed(msgspec.Struct, frozen=True, gc=False):
    """A bar is final."""

    bar: Bar


class Forming(msgspec.Struct, frozen=True, gc=False):
    """The unfinished bar as it is now."""

    bar: Bar


class Corrected(msgspec.Struct, frozen=True, gc=False):
    """The newest closed bar was different after all."""

    before: Bar
    after: Bar


class Missing(msgspec.Struct, frozen=True, gc=False):
    """Ask REST for the bars with begin <= open time < end, ms UTC."""

    begin: int
    end: int


Heard = Closed | Forming | Corrected | Missing


class BarBook:
    """State of one symbol.

    Args:
        base_ms: length of a bar.
        last: open time of the newest closed bar that is known already, ms UTC; 0 for none.
    """

    def __init__(self, base_ms: int, last: int = 0) -> None:
        self.base_ms = base_ms
        self.last = last
        self._newest: Bar | None = None
        self._waiting: dict[int, tuple[Bar, bool]] | None = None
        self._asked = 0

    @property
    def waiting(self) -> bool:
        """A gap is being filled."""
        return self._waiting is not None

    def hear(self, bar: Bar, *, closed: bool) -> list[Heard]:
        """Take one message of the stream."""
        if self._waiting is not None:
            known = self._waiting.get(bar.open_time)
            if known is None or closed or not known[1]:
                self._waiting[bar.open_time] = (bar, closed)
            return []
        if bar.open_time <= self.last:
            return self._late(bar) if closed else []
        expected = self.last + self.base_ms
        if self.last and bar.open_time > expected and self._asked < bar.open_time:
            self._waiting = {bar.open_time: (bar, closed)}
            self._asked = bar.open_time
            return [Missing(expected, bar.open_time)]
        return self._close(bar) if closed else [Forming(bar)]

    def overdue(self, market_time: int, grace_ms: int) -> list[Heard]:
        """Ask for bars that ended `grace_ms` ago by the market's clock and were never called closed."""
        if self._waiting is not None or not self.last:
            return []
        end = (market_time - grace_ms) // self.base_ms * self.base_ms
        if end <= self.last + self.base_ms or self._asked >= end:
            return []
        self._waiting = {}
        self._asked = end
        return [Missing(self.last + self.base_ms, end)]

    def filled(self, bars: Sequence[Bar]) -> list[Heard]:
        """REST has answered (with nothing where nothing is): deliver, then what waited."""
        waiting, self._waiting = self._waiting or {}, None
        out: list[Heard] = []
        for bar in bars:
            if bar.open_time > self.last:
                out += self._close(bar)
        for open_time in sorted(waiting):
            bar, closed = waiting[open_time]
            out += self.hear(bar, closed=closed)  # waits again behind a further gap
        return out

    def _close(self, bar: Bar) -> list[Heard]:
        self.last = bar.open_time
        self._newest = bar
        return [Closed(bar)]

    def _late(self, bar: Bar) -> list[Heard]:
        before = self._newest
        if before is None or before.open_time != bar.open_time or before == bar:
            return []
        self._newest = bar
        return [Corrected(before, bar)]
