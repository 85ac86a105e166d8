"""A sweep over pairs of moving averages: every average once, every pair on its own, block of bars after block of bars.

A block of the averages fits the processor's cache while all pairs are compared over it; what is kept of a pair is where its
side changes. The engine itself is `kernel.run`, so that a pair of a sweep and a single run are the same.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from engine.backtest.kernel import run
from engine.backtest.layout import Terms
from engine.backtest.result import Rows
from engine.bars import Floats, Ints

WIDTH = 4_096  # bars a block


@njit(cache=True, error_model="numpy")
def averages(close: Floats, begin: int, end: int, period: int, before: float, out: Floats) -> float:
    """EMA(period) of bars `begin` to `end` into `out`, as `indicators.ema`; returns the last value, the next `before`."""
    k = 2.0 / (period + 1)
    value, i = before, begin
    if begin == 0:
        total = 0.0
        for j in range(period):
            total += close[j]
        value = total / period
        out[period - 1] = value
        i = period
    while i < end:
        value = (close[i] - value) * k + value
        out[i - begin] = value
        i += 1
    return value


@njit(cache=True, error_model="numpy")
def four_averages(close: Floats, begin: int, end: int, periods: Ints, values: Floats, out: Floats) -> None:
    """Four of them at once, past their seeds: their chains of additions do not wait for one another."""
    k0, k1, k2, k3 = 2.0 / (periods[0] + 1), 2.0 / (periods[1] + 1), 2.0 / (periods[2] + 1), 2.0 / (periods[3] + 1)
    a, b, c, d = values[0], values[1], values[2], values[3]
    for i in range(begin, end):
        price = close[i]
        a = (price - a) * k0 + a
        b = (price - b) * k1 + b
        c = (price - c) * k2 + c
        d = (price - d) * k3 + d
        at = i - begin
        out[0, at], out[1, at], out[2, at], out[3, at] = a, b, c, d
    values[0], values[1], values[2], values[3] = a, b, c, d


@njit(cache=True, error_model="numpy")
def _lines(close: Floats, begin: int, end: int, periods: Ints, values: Floats, out: Floats) -> None:
    """One block of all averages."""
    count = len(periods)
    quads = count // 4 if begin > 0 else 0
    for q in range(quads):
        four_averages(close, begin, end, periods[4 * q :], values[4 * q :], out[4 * q :])
    for p in range(4 * quads, count):
        values[p] = averages(close, begin, end, periods[p], values[p], out[p])


@njit(cache=True, error_model="numpy")
def _crossings(
    begin: int, end: int, first: int, warm: int, forgets: int, quick: Floats, long: Floats, state: Ints, changes: Ints
) -> None:
    """Where a pair's side changes within a block; changes before bar `first` are not kept, and the side where it `forgets`.

    `state` is the side so far, how many changes are kept, and the side of the first of them.
    """
    side, count = state[0], state[1]
    since = max(begin, warm)
    if since < first:
        kept = min(first, end)
        if forgets:
            side = 0
        elif kept > since:
            at = kept - 1 - begin
            side = 1 if quick[at] - long[at] > 1e-9 * abs(long[at]) else -1
        since = kept
    if since >= end:
        state[0] = side
        return
    above = side > 0
    if side == 0:
        above = quick[since - begin] - long[since - begin] > 1e-9 * abs(long[since - begin])
        state[2] = 1 if above else -1
        changes[0] = since
        count = 1
    for i in range(since - begin, end - begin):
        value = long[i]
        now = quick[i] - value > 1e-9 * abs(value)
        if now != above:
            above = now
            if count == 0:
                state[2] = 1 if now else -1
            changes[count] = begin + i
            count += 1
    state[0], state[1] = (1 if above else -1), count


@njit(cache=True, error_model="numpy", parallel=True)
def run_pairs(
    begin: int,
    end: int,
    times: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    highest: Floats,
    lowest: Floats,
    groups: Ints,
    pairs: Ints,
    forgets: int,
    slippage: Floats,
    funding: Ints,
    detail_at: Ints,
    detail_times: Ints,
    detail_open: Floats,
    detail_high: Floats,
    detail_low: Floats,
    terms: Terms,
    books: Ints,
    sums: Floats,
    no_rows: Rows,
) -> None:
    """Every pair through the engine, group by group; the groups are worked on side by side.

    Args:
        begin: as in `kernel.run`, like everything that is not named here.
        end: the bar after the last.
        times: open times.
        open_: prices.
        high: prices.
        low: prices.
        close: prices.
        highest: of `kernel.run`.
        lowest: of `kernel.run`.
        groups: int64[g + 1], first pair of each group, then how many pairs there are.
        pairs: int64[p, 2], fast and slow period.
        forgets: 1 where the period begins without a side wanted before.
        slippage: of `kernel.run`.
        funding: of `kernel.run`.
        detail_at: of `kernel.run`.
        detail_times: of `kernel.run`.
        detail_open: of `kernel.run`.
        detail_high: of `kernel.run`.
        detail_low: of `kernel.run`.
        terms: of `kernel.run`.
        books: int64[p, BOOK], zeros, filled here.
        sums: float64[p, SUMS], zeros, filled here.
        no_rows: TRADE[0].
    """
    for g in prange(len(groups) - 1):
        own = pairs[groups[g] : groups[g + 1]]
        count = len(own)
        periods = np.unique(own.copy().reshape(-1))
        fast, slow = np.searchsorted(periods, own[:, 0].copy()), np.searchsorted(periods, own[:, 1].copy())
        values, lines = np.zeros(len(periods)), np.empty((len(periods), WIDTH))
        states = np.zeros((count, 3), dtype=np.int64)
        changes = np.empty((count, end - begin + 1), dtype=np.int64)
        for first in range(0, end, WIDTH):
            stop = min(first + WIDTH, end)
            _lines(close, first, stop, periods, values, lines)
            for p in range(count):
                _crossings(
                    first, stop, begin, own[p, 1] - 1, forgets, lines[fast[p]], lines[slow[p]], states[p], changes[p]
                )
        nothing, one = np.zeros(0), np.zeros(1)
        for p in range(count):
            kept = states[p, 1]
            changes[p, kept] = end
            wanted = np.empty(kept, dtype=np.int8)
            side = states[p, 2]
            for k in range(kept):
                wanted[k] = side
                side = -side
            run(
                begin, end, times, open_, high, low, close, highest, lowest, changes[p, : kept + 1], wanted, one, one, slippage, funding,
                detail_at, detail_times, detail_open, detail_high, detail_low, terms, books[groups[g] + p],
                sums[groups[g] + p], no_rows, nothing,
            )  # fmt: skip
