"""Indicators over float64 arrays: TA-Lib first; what it lacks is compiled with numba.

All functions take arrays oldest first and return arrays of the same length, NaN while warming up.
"""

from __future__ import annotations

import math
from typing import TypeAlias, cast

import numpy as np
import talib
from numba import njit
from numpy.typing import NDArray

from engine.bars import Bars, Floats

Side8: TypeAlias = NDArray[np.int8]
Flags: TypeAlias = NDArray[np.bool_]

SEED_WEIGHT = 1e-9
TIE = 1e-9
LEAD = 40  # slow periods until an average has forgotten where it began, to the last bit


def plain(values: Floats) -> Floats:
    """The same values as a writeable C-contiguous array, copied only where they are not: numba compiles for each kind."""
    flags = values.flags
    return values if flags.c_contiguous and flags.writeable else np.array(values, dtype=np.float64, order="C")


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average, alpha 2/(period+1), seeded with the simple mean of the first `period` (TA-Lib)."""
    return cast("Floats", talib.EMA(values, period))


@njit(cache=True, error_model="numpy", forceinline=True)
def _above(quick: float, long: float) -> int:
    return 1 if quick - long > 1e-9 * abs(long) else -1


@njit(cache=True, error_model="numpy")
def _seeds(values: Floats, fast: int, slow: int) -> tuple[float, float]:
    """Both averages at bar slow - 1."""
    quick, long = 0.0, 0.0
    for i in range(fast):
        quick += values[i]
    for i in range(slow):
        long += values[i]
    quick, long, k = quick / fast, long / slow, 2.0 / (fast + 1)
    for i in range(fast, slow):
        quick = (values[i] - quick) * k + quick
    return quick, long


@njit(cache=True, error_model="numpy")
def _chain(
    values: Floats, k: float, m: float, quick: float, long: float, begin: int, end: int, side: Side8
) -> tuple[float, float]:
    """The side of bars `begin` to `end`, and both averages at the last."""
    for i in range(begin, end):
        quick = (values[i] - quick) * k + quick
        long = (values[i] - long) * m + long
        side[i] = _above(quick, long)
    return quick, long


@njit(cache=True, error_model="numpy")
def _four_chains(
    values: Floats, k: float, m: float, quicks: Floats, longs: Floats, begin: int, part: int, side: Side8
) -> None:
    """The side of four parts of the bars that follow each other, from the averages before each, which move to its end."""
    q, r, s, t = quicks[0], quicks[1], quicks[2], quicks[3]
    w, x, y, z = longs[0], longs[1], longs[2], longs[3]
    one = np.uint64(1)  # places without a sign need no check whether they are counted from the end
    e, f, g, h = np.uint64(begin), np.uint64(begin + part), np.uint64(begin + 2 * part), np.uint64(begin + 3 * part)
    for _ in range(part):
        a, b, c, d = values[e], values[f], values[g], values[h]
        q, w = (a - q) * k + q, (a - w) * m + w
        r, x = (b - r) * k + r, (b - x) * m + x
        s, y = (c - s) * k + s, (c - y) * m + y
        t, z = (d - t) * k + t, (d - z) * m + z
        side[e], side[f], side[g], side[h] = _above(q, w), _above(r, x), _above(s, y), _above(t, z)
        e, f, g, h = e + one, f + one, g + one, h + one
    quicks[0], quicks[1], quicks[2], quicks[3] = q, r, s, t
    longs[0], longs[1], longs[2], longs[3] = w, x, y, z


@njit(cache=True, error_model="numpy", nogil=True)
def _cross(values: Floats, fast: int, slow: int) -> Side8:
    """Side of two averages: four parts of the bars at once where there are enough of them.

    An average is a chain, each value waiting for the one before, so that the processor mostly waits. The later parts
    start a lead ahead of their first bar, from any value: it is forgotten until then, to the last bit. Where it is not
    (the average the part before ended with tells), the part is done again from there.
    """
    n = len(values)
    side = np.zeros(n, dtype=np.int8)
    if n < slow:
        return side
    k, m = 2.0 / (fast + 1), 2.0 / (slow + 1)
    quick, long = _seeds(values, fast, slow)
    side[slow - 1] = _above(quick, long)
    part, lead = (n - slow) // 4, LEAD * slow
    if part < 2 * lead:
        _chain(values, k, m, quick, long, slow, n, side)
        return side
    quicks, longs = np.full(4, quick), np.full(4, long)
    for p in range(1, 4):
        begin = slow + p * part
        seed = values[begin - lead]
        quicks[p], longs[p] = _chain(values, k, m, seed, seed, begin - lead, begin, side)
    first_quicks, first_longs = quicks.copy(), longs.copy()
    _four_chains(values, k, m, quicks, longs, slow, part, side)
    for p in range(1, 4):
        if quicks[p - 1] != first_quicks[p] or longs[p - 1] != first_longs[p]:
            begin = slow + p * part
            quicks[p], longs[p] = _chain(values, k, m, quicks[p - 1], longs[p - 1], begin, begin + part, side)
    _chain(values, k, m, quicks[3], longs[3], slow + 4 * part, n, side)
    return side


def ema_cross(values: Floats, fast: int, slow: int) -> Side8:
    """+1 where EMA(fast) > EMA(slow) by more than a tie, else -1; 0 while warming up; fast < slow; int8[n].

    The averages are those of `ema` to the last bit, in one pass: a sweep does nothing else a thousand times.
    """
    return cast("Side8", _cross(plain(values), fast, slow))


def sma(values: Floats, period: int) -> Floats:
    """Simple moving average."""
    return cast("Floats", talib.SMA(values, period))


def rsi(values: Floats, period: int) -> Floats:
    """Wilder's relative strength index, 0 to 100."""
    return cast("Floats", talib.RSI(values, period))


def macd(values: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats]:
    """MACD line and its signal line."""
    line, signal_line, _ = talib.MACD(values, fast, slow, signal)
    return line, signal_line


def stochastic(bars: Bars, k: int, smooth: int, d: int) -> tuple[Floats, Floats]:
    """Slow stochastic %K and %D (simple means), 0 to 100."""
    slow_k, slow_d = talib.STOCH(bars.high, bars.low, bars.close, k, smooth, 0, d, 0)
    return slow_k, slow_d


def bollinger(values: Floats, period: int, width: float) -> tuple[Floats, Floats, Floats]:
    """Upper, middle and lower band: simple mean plus and minus `width` population standard deviations."""
    upper, middle, lower = talib.BBANDS(values, period, width, width, 0)
    return upper, middle, lower


def midpoint(bars: Bars, period: int) -> Floats:
    """Middle of the highest high and lowest low of `period` bars."""
    return cast("Floats", talib.MIDPRICE(bars.high, bars.low, period))


def atr(bars: Bars, period: int = 14) -> Floats:
    """Wilder's average true range, quote currency."""
    return cast("Floats", talib.ATR(bars.high, bars.low, bars.close, period))


@njit(cache=True)
def _supertrend(high: Floats, low: Floats, close: Floats, ranges: Floats, multiplier: float) -> Side8:
    n = len(close)
    side = np.zeros(n, dtype=np.int8)
    upper, lower, now = np.inf, -np.inf, 0
    for i in range(n):
        if np.isnan(ranges[i]):
            continue
        middle = (high[i] + low[i]) / 2.0
        basic_upper = middle + multiplier * ranges[i]
        basic_lower = middle - multiplier * ranges[i]
        before = close[i - 1] if i else close[i]
        upper = min(basic_upper, upper) if before <= upper and now != 0 else basic_upper
        lower = max(basic_lower, lower) if before >= lower and now != 0 else basic_lower
        if now == 0:
            now = 1 if close[i] >= middle else -1
        elif now < 0 and close[i] > upper * (1.0 + 1e-9):
            now = 1
        elif now > 0 and close[i] < lower * (1.0 - 1e-9):
            now = -1
        side[i] = now
    return side


def supertrend(bars: Bars, period: int, multiplier: float, ranges: Floats | None = None) -> Side8:
    """Side of the SuperTrend (+1 above, -1 below, 0 while warming up), int8[n].

    Bands are ``(high + low) / 2 +- multiplier x ATR(period)``, each only tightened while price stays inside it (Olivier
    Seban's rule). `ranges` is ATR(period) where the caller has it already.
    """
    if ranges is None:
        ranges = atr(bars, period)
    return cast("Side8", _supertrend(plain(bars.high), plain(bars.low), plain(bars.close), ranges, multiplier))


@njit(cache=True)
def _reversion(close: Floats, upper: Floats, middle: Floats, lower: Floats) -> Side8:
    side = np.zeros(len(close), dtype=np.int8)
    now = 0
    for i in range(len(close)):
        if np.isnan(middle[i]):
            continue
        tie = 1e-9 * middle[i]
        if close[i] < lower[i] - tie:
            now = 1
        elif close[i] > upper[i] + tie:
            now = -1
        elif (now > 0 and close[i] > middle[i] - tie) or (now < 0 and close[i] < middle[i] + tie):
            now = 0
        side[i] = now
    return side


def reversion(close: Floats, upper: Floats, middle: Floats, lower: Floats) -> Side8:
    """Long from a close below the lower band until the middle is reached, short likewise from above; int8[n]."""
    return cast("Side8", _reversion(plain(close), upper, middle, lower))


def above(left: Floats, right: Floats) -> Flags:
    """Where left > right by more than a tie (relative 1e-9); NaN compares false."""
    return left - right > TIE * np.abs(right)


def ema_settle(period: int) -> int:
    """Bars until the seed of an EMA weighs less than 1e-9."""
    return math.ceil(math.log(SEED_WEIGHT) / math.log(1 - 2 / (period + 1))) + period


def wilder_settle(period: int) -> int:
    """Bars until the seed of Wilder's smoothing weighs less than 1e-9."""
    return math.ceil(math.log(SEED_WEIGHT) / math.log(1 - 1 / period)) + period + 1
