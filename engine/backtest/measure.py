"""Equity from close to close: returns and drawdown, measured while the engine runs.

Equity is first written out, trade after trade, into a buffer that stays in the processor's nearest cache; a full one is
measured in one go, in loops that the compiler turns into vector instructions. Between trades there are too few bars for
that.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.backtest.layout import ZERO, Curve, Reach, inlined
from engine.bars import Floats

FULL = 1_024  # bars after which the buffer is measured
PART = 64  # bars that are looked through together for a drawdown
LANES = 8  # bars written at once
ROOM = 1 + FULL + 2 * LANES  # before the first bar stands the equity before it
_1, _2, _3, _4, _5, _6, _7 = (np.uint64(k) for k in range(1, LANES))


@inlined
def started(buffer: Floats, capital: int, begin: int) -> Curve:
    """The curve before bar `begin`; `buffer` is float64[ROOM]."""
    buffer[0] = float(capital)
    return Curve(begin, float(capital), begin, 0.0, 0.0, 0.0, 0.0, ZERO)


@inlined
def marked(
    curve: Curve, waiting: int, buffer: Floats, equity: Floats, close: Floats, begin: int, end: int, reach: Reach
) -> tuple[Curve, int]:
    """The closes of bars `begin` to `end`, over which equity is ``base + gain x close``, put to the `waiting` ones.

    Returns the curve, and how many bars wait in the buffer for being measured.
    """
    base, gain = reach.base, reach.gain
    while True:
        if waiting >= FULL:
            curve, waiting = measured(curve, waiting, buffer, equity), ZERO
        if begin >= end:
            return curve, waiting
        count = min(LANES, end - begin)
        if begin + LANES > len(close):
            for k in range(count):
                buffer[1 + waiting + k] = base + gain * close[begin + k]
        else:
            _write(buffer, np.uint64(1 + waiting), close, np.uint64(begin), base, gain)
        begin, waiting = begin + count, waiting + count


@inlined
def _write(buffer: Floats, j: np.uint64, close: Floats, i: np.uint64, base: float, gain: float) -> None:
    """Equity of eight bars from `i` to the buffer's place `j`: those that are too many are overwritten by the next.

    All eight are read before one is written, for the compiler cannot know that the arrays are two. Places without a sign
    need no check whether they are counted from the end.
    """
    a, b, c, d = close[i], close[i + _1], close[i + _2], close[i + _3]
    e, f, g, h = close[i + _4], close[i + _5], close[i + _6], close[i + _7]
    buffer[j], buffer[j + _1] = base + gain * a, base + gain * b
    buffer[j + _2], buffer[j + _3] = base + gain * c, base + gain * d
    buffer[j + _4], buffer[j + _5] = base + gain * e, base + gain * f
    buffer[j + _6], buffer[j + _7] = base + gain * g, base + gain * h


@njit(cache=True, error_model="numpy", _nrt=False)
def measured(curve: Curve, waiting: int, buffer: Floats, equity: Floats) -> Curve:
    """The curve with the `waiting` bars of the buffer measured, and written to `equity` where it has room."""
    at = curve.at
    returns, squares, down = _returns(buffer, waiting)
    peak, peak_at, deepest, longest = curve.peak, curve.peak_at, curve.drawdown, curve.longest
    for begin in range(0, waiting, PART):
        end = min(begin + PART, waiting)
        # a little above the equity of the deepest drawdown so far: what follows decides exactly
        if _notable(buffer, begin, end, peak, peak * (1.0 - deepest) + peak * 1e-12):
            for i in range(begin, end):
                worth = buffer[i + 1]
                if worth >= peak:
                    peak, longest, peak_at = worth, max(longest, at + i - 1 - peak_at), at + i
                else:
                    deepest = max(deepest, 1.0 - worth / peak)
    longest = max(longest, at + waiting - 1 - peak_at)
    if len(equity) > 0:
        for i in range(waiting):
            equity[at + i] = buffer[i + 1]
    buffer[0] = buffer[waiting]
    returns, squares, down = curve.returns + returns, curve.squares + squares, curve.down + down
    return Curve(at + waiting, peak, peak_at, returns, squares, down, deepest, longest)


@njit(cache=True, forceinline=True, _nrt=False, fastmath={"reassoc", "nsz", "nnan", "contract"}, error_model="numpy")
def _returns(buffer: Floats, count: int) -> tuple[float, float, float]:
    """Sum of the bars' returns, of their squares, of the negative ones' squares.

    From nothing or less there is no return. Sums are added in any order, so that they can be vectorised.
    """
    total, squares, down = 0.0, 0.0, 0.0
    for i in range(1, count + 1):
        before = buffer[i - 1]
        change = (buffer[i] - before) / before if before > 0.0 else 0.0
        total += change
        squares += change * change
        if change < 0.0:
            down += change * change
    return total, squares, down


@inlined
def _notable(buffer: Floats, begin: int, end: int, peak: float, floor: float) -> bool:
    """Whether there may be a new peak, or a deeper drawdown, among bars `begin` to `end` of the buffer."""
    count = 0
    for i in range(np.uint64(begin + 1), np.uint64(end + 1)):
        count += (buffer[i] >= peak) | (buffer[i] < floor)
    return count > 0
