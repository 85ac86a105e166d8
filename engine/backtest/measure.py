"""Equity from close to close: returns and drawdown, measured while the engine runs."""

from __future__ import annotations

from numba import njit

from engine.backtest.layout import Curve
from engine.bars import Floats

BLOCK = 64  # bars looked at together: what the compiler vectorises


@njit(cache=True, error_model="numpy")
def marked(curve: Curve, close: Floats, begin: int, end: int, base: float, gain: float) -> Curve:
    """The curve after the closes of bars `begin` to `end`, over which equity is ``base + gain x close``."""
    if begin >= end:
        return curve
    first = base + gain * close[begin]
    change = first / curve.now - 1.0 if curve.now > 0.0 else 0.0
    lost = min(change, 0.0)
    total, squares, down = curve.returns + change, curve.squares + change * change, curve.down + lost * lost
    peak, peak_at, deepest, longest = curve.peak, curve.peak_at, curve.drawdown, curve.longest
    at = begin
    while at < end:
        stop = min(at + BLOCK, end)
        returns, their_squares, losses, highest, lowest = _returns(close, at, stop, begin, base, gain)
        total += returns
        squares += their_squares
        down += losses
        if highest < peak:
            deepest = max(deepest, 1.0 - lowest / peak)
        else:
            inverse = 1.0 / peak
            for i in range(at, stop):
                worth = base + gain * close[i]
                if worth >= peak:
                    peak, inverse = worth, 1.0 / worth
                    longest = max(longest, i - 1 - peak_at)
                    peak_at = i
                else:
                    deepest = max(deepest, 1.0 - worth * inverse)
        at = stop
    longest = max(longest, end - 1 - peak_at)
    now = base + gain * close[end - 1]
    return Curve(now, peak, peak_at, total, squares, down, deepest, longest)


@njit(cache=True, fastmath={"reassoc", "nsz", "nnan", "contract"}, error_model="numpy")
def _returns(
    close: Floats, begin: int, end: int, known: int, base: float, gain: float
) -> tuple[float, float, float, float, float]:
    """Sum of the closes' returns, of their squares, of the negative ones' squares; highest and lowest equity.

    The return of bar `known` has been counted before; from nothing or less there is no return. Sums are added in any
    order, so that they can be vectorised.
    """
    total, squares, down = 0.0, 0.0, 0.0
    if gain == 0.0:
        return total, squares, down, base, base
    high = low = close[begin]
    for i in range(max(begin, known + 1), end):
        before = base + gain * close[i - 1]
        change = gain * (close[i] - close[i - 1]) / before if before > 0.0 else 0.0
        lost = min(change, 0.0)
        total += change
        squares += change * change
        down += lost * lost
        high = max(high, close[i])
        low = min(low, close[i])
    a, b = base + gain * high, base + gain * low
    return total, squares, down, max(a, b), min(a, b)
