"""Stop, target and liquidation: the prices between which a position stands, and what a bar did to it."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.arithmetic import bankruptcy, slipped
from engine.backtest.account import leave, to_ticks
from engine.backtest.layout import (
    CASH,
    ENTRY,
    LEVERAGE,
    LIQUIDATED,
    LIQUIDATION,
    LOTS,
    MAKER,
    MAKER_TARGET,
    SIDE,
    STOP,
    STOPPED,
    TAKER,
    TARGET,
    TARGETED,
)
from engine.backtest.result import Rows
from engine.bars import Floats, Ints

BLOCK = 64  # bars looked at together: what the compiler vectorises


@njit(cache=True, error_model="numpy", inline="always")
def worth_of(book: Ints, unit: int, tick: float) -> tuple[float, float, float, float]:
    """Equity as ``base + gain x price``, 1e-8 units, and the prices below and above which the position may end."""
    side, lots = book[SIDE], book[LOTS]
    if side == 0:
        return float(book[CASH]), 0.0, -np.inf, np.inf
    base = float(book[CASH] - side * lots * book[ENTRY] * unit)
    gain = side * lots * unit / tick
    stop, target, level = book[STOP], book[TARGET], book[LIQUIDATION]
    below, above = -np.inf, np.inf
    if side > 0:
        nearest = max(stop, level)
        if nearest > 0:
            below = (nearest + 0.5) * tick
        if target > 0:
            above = (target - 0.5) * tick
    else:
        nearest = min(stop, level) if stop > 0 and level > 0 else max(stop, level)
        if nearest > 0:
            above = (nearest - 0.5) * tick
        if target > 0:
            below = (target + 0.5) * tick
    return base, gain, below, above


@njit(cache=True, error_model="numpy", inline="always")
def touched_in(high: Floats, low: Floats, begin: int, end: int, below: float, above: float) -> int:
    """The first bar in which a level lies, or `end`. Looks at whole blocks first: those the compiler vectorises."""
    i = begin
    while i + BLOCK <= end:
        hits = 0
        for k in range(i, i + BLOCK):
            hits += (low[k] < below) | (high[k] > above)
        if hits:
            break
        i += BLOCK
    while i < end and not (low[i] < below or high[i] > above):
        i += 1
    return i


@njit(cache=True, error_model="numpy", inline="always")
def _meets(book: Ints, maker: int, first: int, worst: int, best: int) -> tuple[int, int]:
    """Price and reason with which the position ends in a bar, before slippage; reason -1 where it does not.

    Args:
        book: the position and its levels, ticks, 0 for none.
        maker: the target rests in the book and never fills better than its own price.
        first: open, ticks.
        worst: low for a long, high for a short.
        best: high for a long, low for a short.
    """
    side, stop, target, level = book[SIDE], book[STOP], book[TARGET], book[LIQUIDATION]
    if stop != 0 and (first - stop) * side <= 0:
        return first, STOPPED
    if level != 0 and (first - level) * side <= 0:
        return first, LIQUIDATED
    if target != 0 and (first - target) * side >= 0:
        return (target if maker else first), TARGETED
    if stop != 0 and (worst - stop) * side <= 0 and (level == 0 or (stop - level) * side >= 0):
        return stop, STOPPED
    if level != 0 and (worst - level) * side <= 0:
        return level, LIQUIDATED
    if target != 0 and (best - target) * side >= 0:
        return target, TARGETED
    return 0, -1


@njit(cache=True, error_model="numpy", inline="always")
def meets_within(
    book: Ints,
    rules: Ints,
    i: int,
    times: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    detail_at: Ints,
    detail_times: Ints,
    detail_open: Floats,
    detail_high: Floats,
    detail_low: Floats,
    tick: float,
) -> tuple[int, int, int]:
    """Time, price and reason with which the position ends in bar `i`; its detail bars decide where there are some."""
    long, maker = book[SIDE] > 0, rules[MAKER_TARGET]
    if len(detail_at) > 0:
        for d in range(detail_at[i], detail_at[i + 1]):
            if detail_times[d] >= times[i]:
                highest, lowest = to_ticks(detail_high[d], tick), to_ticks(detail_low[d], tick)
                worst, best = (lowest, highest) if long else (highest, lowest)
                ticks, reason = _meets(book, maker, to_ticks(detail_open[d], tick), worst, best)
                if reason >= 0:
                    return detail_times[d], ticks, reason
    highest, lowest = to_ticks(high[i], tick), to_ticks(low[i], tick)
    worst, best = (lowest, highest) if long else (highest, lowest)
    ticks, reason = _meets(book, maker, to_ticks(open_[i], tick), worst, best)
    return times[i], ticks, reason


@njit(cache=True, error_model="numpy", inline="always")
def finish(
    book: Ints,
    sums: Floats,
    rules: Ints,
    trades: Rows,
    times: Ints,
    i: int,
    time: int,
    ticks: int,
    reason: int,
    slippage: float,
) -> None:
    """Fill what `_meets` found: liquidation at its price but never beyond the margin, a resting target at its own."""
    side = book[SIDE]
    if reason == LIQUIDATED:
        margin = bankruptcy(book[ENTRY], side, rules[LEVERAGE])
        ticks = max(ticks, margin) if side > 0 else min(ticks, margin)
        leave(book, sums, rules, trades, times, i, time, ticks, reason, rules[TAKER])
    elif reason == TARGETED and rules[MAKER_TARGET]:
        leave(book, sums, rules, trades, times, i, time, ticks, reason, rules[MAKER])
    else:
        leave(book, sums, rules, trades, times, i, time, slipped(ticks, -side, slippage), reason, rules[TAKER])
