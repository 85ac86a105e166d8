"""How many bars of warm-up a strategy needs until it no longer matters where its data began.

A recursive indicator (an exponential average, a trailing band) remembers its first bar. The strategy is computed from
seeded starts and compared with the whole history: the bar from which on both agree is the warm-up it needed. That has a
meaning for strategies that do not look ahead; see `engine.backtest.bias`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from engine.backtest.run import Wanted
from engine.bars import Bars, Floats
from engine.indicators import Flags

STARTS = 200
LEAST_SPAN = 5_000
SPAN_SETTLES = 4


class Settling(msgspec.Struct, frozen=True, kw_only=True):
    """The warm-up measured.

    Attributes:
        declared: bars the strategy says it needs; None where it asks for all there are.
        sides: smallest window from which on every window of that length or more gives the history's side, over all starts;
            None where some start never came to agree within its bars.
        exits: likewise for stop and target distance.
        starts: how many starts were looked at.
        span: bars computed from each start.
    """

    declared: int | None
    sides: int | None
    exits: int | None
    starts: int
    span: int

    @property
    def enough(self) -> bool:
        """The side settles within the declared bars."""
        return self.declared is None or (self.sides is not None and self.sides <= self.declared)


def measure(
    answer: Callable[[Bars], Wanted], bars: Bars, whole: Wanted, declared: int | None, seed: int, tolerance: float
) -> Settling:
    """Compute from up to `STARTS` seeded starts and find where each comes to agree with the whole history.

    Args:
        answer: the strategy.
        bars: the history.
        whole: its answer over all of them.
        declared: its settle length.
        seed: of the starts.
        tolerance: relative, of distances.
    """
    n = len(bars)
    span = min(n // 2, max(LEAST_SPAN, SPAN_SETTLES * (declared or 0)))
    possible = n - span
    starts = 1 + np.random.default_rng(seed).choice(possible, min(STARTS, possible), replace=False)
    sides: int | None = 1
    exits: int | None = 1
    for start in np.sort(starts).tolist():
        part = slice(start, min(n, start + span))
        here = answer(bars[part])
        sides = _later(sides, here.sides != whole.sides[part])
        exits = _later(
            exits,
            _unlike(here.stops, whole.stops[part], tolerance) | _unlike(here.targets, whole.targets[part], tolerance),
        )
    return Settling(declared=declared, sides=sides, exits=exits, starts=len(starts), span=span)


def _later(known: int | None, differs: Flags) -> int | None:
    """The longer of two warm-ups; None once a start has not settled by its last bar."""
    if known is None or (len(differs) and differs[-1]):
        return None
    wrong = np.flatnonzero(differs)
    return max(known, int(wrong[-1]) + 2) if len(wrong) else known


def _unlike(here: Floats, there: Floats, tolerance: float) -> Flags:
    return ~np.isclose(here, there, rtol=tolerance, atol=0.0, equal_nan=True)
