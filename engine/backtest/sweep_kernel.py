"""A sweep over pairs of moving averages: every average once, every pair on its own, block of bars after block of bars.

A block of the averages fits the processor's cache while all pairs are compared over it; what is kept of a pair is where its
side changes. The engine itself is `kernel.run`, so that a pair of a sweep and a single run are the same.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.backtest.kernel import run
from engine.backtest.layout import Costs, Found, Market, Signals, Terms, inlined
from engine.backtest.measure import ROOM
from engine.backtest.result import Rows
from engine.bars import Floats, Ints

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]

WIDTH = 1_024  # bars a block
NONE = 2  # no side yet
_0, _1, _8, _56 = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(56)
_LOWEST = np.uint64(0x0101_0101_0101_0101)  # the lowest bit of every byte
_PLACES = np.uint64(0x0001_0203_0405_0607)  # times 2**(8 k) its highest byte is k


@njit(cache=True, error_model="numpy", _nrt=False)
def _seed(close: Floats, period: int, end: int, out: Floats) -> float:
    """The first EMA(period), its seed the mean of as many closes, as `indicators.ema`; on to bar `end`. Returns the last."""
    value, k = 0.0, 2.0 / (period + 1)
    for i in range(period):
        value += close[i]
    value /= period
    out[period - 1] = value
    for i in range(period, end):
        value = (close[i] - value) * k + value
        out[i] = value
    return value


@njit(cache=True, error_model="numpy", _nrt=False)
def _eight(close: Floats, begin: int, end: int, at: int, periods: Ints, values: Floats, out: Floats) -> None:
    """Eight of them at once, past their seeds: their chains of additions do not wait for one another.

    Bars `begin` to `end` are put to places `at` and on.
    """
    k0, k1, k2, k3 = 2.0 / (periods[0] + 1), 2.0 / (periods[1] + 1), 2.0 / (periods[2] + 1), 2.0 / (periods[3] + 1)
    k4, k5, k6, k7 = 2.0 / (periods[4] + 1), 2.0 / (periods[5] + 1), 2.0 / (periods[6] + 1), 2.0 / (periods[7] + 1)
    a, b, c, d = values[0], values[1], values[2], values[3]
    e, f, g, h = values[4], values[5], values[6], values[7]
    shift = np.uint64(begin - at)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a sign: no place is counted from the end
        price, j = close[i], i - shift
        a = (price - a) * k0 + a
        b = (price - b) * k1 + b
        c = (price - c) * k2 + c
        d = (price - d) * k3 + d
        e = (price - e) * k4 + e
        f = (price - f) * k5 + f
        g = (price - g) * k6 + g
        h = (price - h) * k7 + h
        out[0, j], out[1, j], out[2, j], out[3, j] = a, b, c, d
        out[4, j], out[5, j], out[6, j], out[7, j] = e, f, g, h
    values[0], values[1], values[2], values[3] = a, b, c, d
    values[4], values[5], values[6], values[7] = e, f, g, h


@njit(cache=True, error_model="numpy", _nrt=False)
def _lines(close: Floats, begin: int, end: int, periods: Ints, values: Floats, out: Floats) -> None:
    """One block of all averages, eight by eight; `periods` rise and are as many as a multiple of eight."""
    for p in range(0, len(periods), 8):
        since = begin
        if begin == 0:
            since = min(periods[p + 7], end)
            for k in range(p, p + 8):
                values[k] = _seed(close, periods[k], since, out[k])
        _eight(close, since, end, since - begin, periods[p:], values[p:], out[p:])


@inlined
def _compared(quick: Floats, long: Floats, count: int, above: Bytes) -> None:
    """1 where the quick average is above the long one, 0 elsewhere, as `indicators.ema_cross`; the last one again to the end of its word."""
    for i in range(np.uint64(count)):  # places without a sign are never counted from the end
        above[i] = 1 if quick[i] - long[i] > 1e-9 * abs(long[i]) else 0
    for i in range(count, count + -count % 8):
        above[i] = above[count - 1]


@inlined
def _unequal(words: Words, count: int, before: int, begin: int, changes: Ints, kept: int) -> int:
    """Adds the bars that differ from the one before them, bar `begin` from `before`; returns how many `changes` are kept then.

    Eight bars are looked at together: a byte each, the first one lowest (little-endian).
    """
    last, place = np.uint64(before), np.uint64(kept)
    for w in range(np.uint64((count + 7) // 8)):
        word = words[w]
        odd = word ^ ((word << _8) | last)
        last = word >> _56
        odd = (odd | (odd >> _1)) & _LOWEST
        while odd != _0:
            lowest = odd & (~odd + _1)
            changes[place] = np.uint64(begin) + w * _8 + ((lowest * _PLACES) >> _56)
            place += _1
            odd ^= lowest
    return np.int64(place)


@njit(cache=True, error_model="numpy", _nrt=False)
def _crossings(
    begin: int,
    end: int,
    first: int,
    warm: int,
    forgets: int,
    quick: Floats,
    long: Floats,
    above: Bytes,
    words: Words,
    state: Ints,
    changes: Ints,
) -> None:
    """Where a pair's side changes within a block; changes before bar `first` are not kept, and the side where it `forgets`.

    `state` is the side so far (1, 0, or 2 for none yet), how many changes are kept, and the side of the first of them.
    `above` is room to work in, `words` the same eight by eight.
    """
    side, kept = state[0], state[1]
    since = max(begin, warm)
    _compared(quick, long, end - begin, above)
    if since < first:
        settled = min(first, end)
        if forgets:
            side = NONE
        elif settled > since:
            side = above[settled - 1 - begin]
        since = settled
    if since >= end:
        state[0] = side
        return
    if kept == 0:
        state[2] = 1 - side if side != NONE else above[since - begin]
    above[: since - begin] = side
    state[0], state[1] = above[end - 1 - begin], _unequal(words, end - begin, side, begin, changes, kept)


@njit(cache=True, error_model="numpy")
def _changes(
    market: Market, periods: Ints, places: Ints, warm: Ints, forgets: int, states: Ints, changes: Ints
) -> None:
    """Where the sides of all pairs change over the whole period; `states` and `changes` are those of `_crossings`."""
    values, lines, above = np.zeros(len(periods)), np.empty((len(periods), WIDTH)), np.empty(WIDTH, dtype=np.uint8)
    words = above.view(np.uint64)
    for first in range(0, market.end, WIDTH):
        stop = min(first + WIDTH, market.end)
        _lines(market.close, first, stop, periods, values, lines)
        for p in range(len(places)):
            quick, long = lines[places[p, 0]], lines[places[p, 1]]
            _crossings(first, stop, market.begin, warm[p], forgets, quick, long, above, words, states[p], changes[p])


@njit(cache=True, error_model="numpy", nogil=True)
def run_pairs(
    market: Market,
    costs: Costs,
    terms: Terms,
    periods: Ints,
    places: Ints,
    forgets: int,
    books: Ints,
    sums: Floats,
    no_rows: Rows,
) -> None:
    """A group of pairs, one after the other, through the engine.

    Args:
        market: bars and period.
        costs: of fills.
        terms: rules and grid.
        periods: int64[a] of all averages.
        places: int64[p, 2], where among them a pair's fast and slow period are.
        forgets: 1 where the period begins without a side wanted before.
        books: int64[p, BOOK], filled here.
        sums: float64[p, SUMS], filled here.
        no_rows: TRADE[0].
    """
    count, most = len(places), market.end - market.begin
    states = np.zeros((count, 3), dtype=np.int64)
    states[:, 0] = NONE
    changes = np.empty((count, most + 1), dtype=np.int64)
    _changes(market, periods, places, periods[places[:, 1]] - 1, forgets, states, changes)
    wanted, opens = np.empty(most, dtype=np.int8), np.empty(most)
    nothing, one, buffer = np.zeros(0), np.zeros(1), np.empty(ROOM)
    for p in range(count):
        kept, side = states[p, 1], 2 * states[p, 2] - 1
        changes[p, kept] = market.end
        for k in range(kept):
            wanted[k], side = side, -side
            opens[k] = market.open_[min(changes[p, k] + 1, market.end - 1)]
        signals = Signals(changes[p, : kept + 1], wanted[:kept], opens[:kept], one, one)
        run(market, signals, costs, terms, Found(books[p], sums[p], no_rows, nothing, buffer))
