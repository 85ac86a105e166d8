"""A sweep over pairs of moving averages: every average once, every pair on its own, block of bars after block of bars.

A block of the averages fits the processor's cache while all pairs are compared over it; what is kept of a pair is where its
side changes. The engine itself is `kernel.run`, so that a pair of a sweep and a single run are the same.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.backtest.kernel import run
from engine.backtest.layout import Costs, Found, Market, Signals, Terms
from engine.backtest.measure import ROOM
from engine.backtest.result import Rows
from engine.bars import Floats, Ints
from engine.strategies.base import Sides

WIDTH = 4_096  # bars a block


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
def _four(close: Floats, begin: int, end: int, at: int, periods: Ints, values: Floats, out: Floats) -> None:
    """Four of them at once, past their seeds: their chains of additions do not wait for one another.

    Bars `begin` to `end` are put to places `at` and on.
    """
    k0, k1, k2, k3 = 2.0 / (periods[0] + 1), 2.0 / (periods[1] + 1), 2.0 / (periods[2] + 1), 2.0 / (periods[3] + 1)
    a, b, c, d = values[0], values[1], values[2], values[3]
    shift = np.uint64(begin - at)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a sign: no place is counted from the end
        price, j = close[i], i - shift
        a = (price - a) * k0 + a
        b = (price - b) * k1 + b
        c = (price - c) * k2 + c
        d = (price - d) * k3 + d
        out[0, j], out[1, j], out[2, j], out[3, j] = a, b, c, d
    values[0], values[1], values[2], values[3] = a, b, c, d


@njit(cache=True, error_model="numpy", _nrt=False)
def _lines(close: Floats, begin: int, end: int, periods: Ints, values: Floats, out: Floats) -> None:
    """One block of all averages, four by four; `periods` rise and are as many as a multiple of four."""
    for p in range(0, len(periods), 4):
        since = begin
        if begin == 0:
            since = min(periods[p + 3], end)
            for k in range(p, p + 4):
                values[k] = _seed(close, periods[k], since, out[k])
        _four(close, since, end, since - begin, periods[p:], values[p:], out[p:])


@njit(cache=True, error_model="numpy", _nrt=False)
def _crossings(
    begin: int,
    end: int,
    first: int,
    warm: int,
    forgets: int,
    quick: Floats,
    long: Floats,
    above: Sides,
    state: Ints,
    changes: Ints,
) -> None:
    """Where a pair's side changes within a block; changes before bar `first` are not kept, and the side where it `forgets`.

    `state` is the side so far, how many changes are kept, and the side of the first of them. `above` is room to work in.
    """
    side, count = state[0], np.uint64(state[1])
    since = max(begin, warm)
    for i in range(np.uint64(end - begin)):  # places without a sign are never counted from the end
        above[i] = 1 if quick[i] - long[i] > 1e-9 * abs(long[i]) else -1
    if since < first:
        kept = min(first, end)
        if forgets:
            side = 0
        elif kept > since:
            side = above[kept - 1 - begin]
        since = kept
    if since < end and count == 0:
        state[2] = -side if side != 0 else above[since - begin]
    now, before = np.int8(side), np.uint64(begin)
    for i in range(np.uint64(since - begin), np.uint64(max(since, end) - begin)):  # see `signals.turns_of`
        changes[count] = before + i
        count += np.uint64(above[i] != now)
        now = above[i]
    state[0], state[1] = now, count


@njit(cache=True, error_model="numpy")
def _changes(
    market: Market, periods: Ints, places: Ints, warm: Ints, forgets: int, states: Ints, changes: Ints
) -> None:
    """Where the sides of all pairs change over the whole period; `states` and `changes` are those of `_crossings`."""
    values, lines, above = np.zeros(len(periods)), np.empty((len(periods), WIDTH)), np.empty(WIDTH, dtype=np.int8)
    for first in range(0, market.end, WIDTH):
        stop = min(first + WIDTH, market.end)
        _lines(market.close, first, stop, periods, values, lines)
        for p in range(len(places)):
            quick, long = lines[places[p, 0]], lines[places[p, 1]]
            _crossings(first, stop, market.begin, warm[p], forgets, quick, long, above, states[p], changes[p])


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
    changes = np.empty((count, most + 1), dtype=np.int64)
    _changes(market, periods, places, periods[places[:, 1]] - 1, forgets, states, changes)
    wanted, opens = np.empty(most, dtype=np.int8), np.empty(most)
    nothing, one, buffer = np.zeros(0), np.zeros(1), np.empty(ROOM)
    for p in range(count):
        kept, side = states[p, 1], states[p, 2]
        changes[p, kept] = market.end
        for k in range(kept):
            wanted[k], side = side, -side
            opens[k] = market.open_[min(changes[p, k] + 1, market.end - 1)]
        signals = Signals(changes[p, : kept + 1], wanted[:kept], opens[:kept], one, one)
        run(market, signals, costs, terms, Found(books[p], sums[p], no_rows, nothing, buffer))
