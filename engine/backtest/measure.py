"""Equity from close to close: returns and drawdown, measured while the engine runs.

The engine notes over which bars equity moves how with the close. Once many such stretches are noted, their equity is
written out into a buffer that stays in the processor's nearest cache; a full one is measured in one go. These are loops
that the compiler turns into vector instructions, and that do not wait for the bookings between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.backtest.layout import ZERO, Curve, Reach, inlined
from engine.bars import Floats

FULL = 1_024  # bars after which the buffer is measured
PART = 64  # bars that are looked through together for a drawdown
LANES = 32  # bars written at once
MANY = 128  # stretches after which they are drawn; the engine may note two more before it asks
STRETCHES = 1 + FULL + 2 * LANES  # where they begin; before the first bar stands the equity before it
FLOAT = STRETCHES + 3 * (MANY + 2)  # two places where bits are read as a float
ROOM = FLOAT + 2
_1 = np.uint64(1)


@inlined
def started(buffer: Floats, capital: int, begin: int) -> Curve:
    """The curve before bar `begin`; `buffer` is float64[ROOM]."""
    buffer[0] = float(capital)
    return Curve(begin, float(capital), begin, 0.0, 0.0, 0.0, 0.0, ZERO)


@inlined
def noted(buffer: Floats, stretches: int, end: int, reach: Reach) -> int:
    """Notes that equity is ``base + gain x close`` up to bar `end`; returns how many stretches are noted."""
    at = np.uint64(STRETCHES + 3 * stretches)
    buffer[at], buffer[at + _1], buffer[at + _1 + _1] = float(end), reach.base, reach.gain
    return stretches + 1


@njit(cache=True, error_model="numpy", _nrt=False)
def drawn(
    curve: Curve, waiting: int, stretches: int, buffer: Floats, equity: Floats, close: Floats
) -> tuple[Curve, int]:
    """The curve with what is noted drawn behind the `waiting` bars, and how many of the buffer wait for being measured."""
    bar = curve.at + waiting
    for k in range(stretches):
        at = STRETCHES + 3 * k
        end, base, gain = int(buffer[at]), buffer[at + 1], buffer[at + 2]
        while bar < end:
            if waiting >= FULL:
                curve, waiting = measured(curve, waiting, buffer, equity), ZERO
            count = min(FULL + LANES - waiting, end - bar)
            whole = (count + LANES - 1) // LANES * LANES
            if bar + whole > len(close):
                whole = count
            _write(buffer[1 + waiting :], close[bar:], whole, base, gain)
            bar, waiting = bar + count, waiting + count
    return curve, waiting


@inlined
def _write(buffer: Floats, close: Floats, count: int, base: float, gain: float) -> None:
    """Equity of `count` bars: those that are too many are overwritten by the next.

    Places without a sign need no check whether they are counted from the end.
    """
    for k in range(np.uint64(count)):
        buffer[k] = base + gain * close[k]


@njit(cache=True, error_model="numpy", _nrt=False)
def measured(curve: Curve, waiting: int, buffer: Floats, equity: Floats) -> Curve:
    """The curve with the `waiting` bars of the buffer measured, and written to `equity` where it has room."""
    at = curve.at
    peak, peak_at, deepest, longest = curve.peak, curve.peak_at, curve.drawdown, curve.longest
    for begin in range(0, waiting, PART):
        end = min(begin + PART, waiting)
        lowest, highest = _extremes(buffer, begin, end)
        if lowest > 0.0 and highest < peak:
            deepest = max(deepest, 1.0 - lowest / peak)
            continue
        lowest = np.inf  # of the bars since the newest peak
        for i in range(begin, end):
            worth = buffer[np.uint64(i + 1)]  # without a sign: no place is counted from the end
            if worth < peak:
                lowest = min(lowest, worth)
            else:
                if lowest < np.inf:
                    deepest, lowest = max(deepest, 1.0 - lowest / peak), np.inf
                peak, longest, peak_at = worth, max(longest, at + i - 1 - peak_at), at + i
        deepest = max(deepest, 1.0 - lowest / peak)
    longest = max(longest, at + waiting - 1 - peak_at)
    if len(equity) > 0:
        for i in range(waiting):
            equity[at + i] = buffer[i + 1]
    returns, squares, down = _returns(buffer, waiting) if deepest < 1.0 else _returns_to_ruin(buffer, waiting)
    buffer[0] = buffer[waiting]
    returns, squares, down = curve.returns + returns, curve.squares + squares, curve.down + down
    return Curve(at + waiting, peak, peak_at, returns, squares, down, deepest, longest)


@inlined
def _extremes(buffer: Floats, begin: int, end: int) -> tuple[float, float]:
    """The lowest and the highest of bars `begin` to `end` of the buffer; a lowest of 0 or less may not be the lowest.

    The bits of positive floats are in their order, and of whole numbers a vector instruction finds the lower ones.
    """
    bits = buffer.view(np.int64)
    lowest, highest = bits[begin + 1], bits[begin + 1]
    for i in range(np.uint64(begin + 1), np.uint64(end + 1)):
        lowest, highest = min(lowest, bits[i]), max(highest, bits[i])
    bits[FLOAT], bits[FLOAT + 1] = lowest, highest
    return buffer[FLOAT], buffer[FLOAT + 1]


@njit(cache=True, forceinline=True, _nrt=False, fastmath={"reassoc", "nsz", "nnan", "contract"}, error_model="numpy")
def _returns(buffer: Floats, count: int) -> tuple[float, float, float]:
    """Sum of the bars' returns, of their squares, of the negative ones' squares, where all equity is positive.

    Sums are added in any order, so that they can be vectorised. Divisions take most of the time, and one serves a bar of
    each half: ``1 / a = b x 1 / (a x b)``.
    """
    total, squares, down = 0.0, 0.0, 0.0
    half = count // 2
    for i in range(1, half + 1):
        a, b = buffer[i - 1], buffer[half + i - 1]
        share = 1.0 / (a * b)
        change, later = (buffer[i] - a) * (share * b), (buffer[half + i] - b) * (share * a)
        fall, drop = min(0.0, change), min(0.0, later)
        total += change + later
        squares += change * change + later * later
        down += fall * fall + drop * drop
    if 2 * half < count:
        change = buffer[count] / buffer[count - 1] - 1.0
        fall = min(0.0, change)
        total, squares, down = total + change, squares + change * change, down + fall * fall
    return total, squares, down


@njit(cache=True, error_model="numpy", _nrt=False)
def _returns_to_ruin(buffer: Floats, count: int) -> tuple[float, float, float]:
    """The same for any equity: from nothing or less there is no return."""
    total, squares, down = 0.0, 0.0, 0.0
    for i in range(1, count + 1):
        change = buffer[i] / buffer[i - 1] - 1.0 if buffer[i - 1] > 0.0 else 0.0
        fall = min(0.0, change)
        total, squares, down = total + change, squares + change * change, down + fall * fall
    return total, squares, down
