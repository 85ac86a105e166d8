"""Stop, target and liquidation: the prices between which a position stands, and what a bar did to it."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.arithmetic import bankruptcy, slipped
from engine.backtest.account import to_ticks
from engine.backtest.layout import LIQUIDATED, STOPPED, TARGETED, Position, Reach, Terms
from engine.bars import Floats, Ints

BLOCK = 64  # bars whose extremes are known before


@njit(cache=True, error_model="numpy")
def reach_of(terms: Terms, cash: int, position: Position) -> Reach:
    """What the equity is at a price, and where the position may end."""
    side = position.side
    if side == 0:
        return Reach(float(cash), 0.0, -np.inf, np.inf)
    base = float(cash - side * position.lots * position.entry * terms.unit)
    gain = side * position.lots * terms.unit / terms.tick
    stop, target, level = position.stop, position.target, position.level
    below, above = -np.inf, np.inf
    if side > 0:
        nearest = max(stop, level)
        if nearest > 0:
            below = (nearest + 0.5) * terms.tick
        if target > 0:
            above = (target - 0.5) * terms.tick
    else:
        nearest = min(stop, level) if stop > 0 and level > 0 else max(stop, level)
        if nearest > 0:
            above = (nearest - 0.5) * terms.tick
        if target > 0:
            below = (target + 0.5) * terms.tick
    return Reach(base, gain, below, above)


@njit(cache=True, error_model="numpy")
def touched_in(
    high: Floats,
    low: Floats,
    highest: Floats,
    lowest: Floats,
    begin: int,
    end: int,
    below: float,
    above: float,
) -> int:
    """The first bar of `begin` to `end` in which a level lies, or `end`; blocks that do not reach one are passed over.

    `highest` and `lowest` are the extremes of each BLOCK bars.
    """
    i = begin
    while i < end:
        block = i // BLOCK
        stop = min((block + 1) * BLOCK, end)
        if lowest[block] < below or highest[block] > above:
            while i < stop:
                if low[i] < below or high[i] > above:
                    return i
                i += 1
        i = stop
    return end


@njit(cache=True, error_model="numpy")
def meets(position: Position, maker: int, first: int, highest: int, lowest: int) -> tuple[int, int]:
    """Price and reason with which the position ends in a bar, before slippage; reason -1 where it does not.

    Args:
        position: with its levels.
        maker: the target rests in the book and never fills better than its own price.
        first: open, ticks.
        highest: high, ticks.
        lowest: low, ticks.
    """
    side, stop, target, level = position.side, position.stop, position.target, position.level
    worst, best = (lowest, highest) if side > 0 else (highest, lowest)
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
    return first, -1


@njit(cache=True, error_model="numpy")
def meets_within(
    terms: Terms,
    position: Position,
    begin: int,
    end: int,
    since: int,
    times: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
) -> tuple[int, int, int]:
    """The first of the detail bars `begin` to `end` that ends the position, its price and reason; reason -1 for none.

    Detail bars that open before `since`, ms UTC, belong to an earlier bar.
    """
    for d in range(begin, end):
        if times[d] >= since:
            first, highest, lowest = (
                to_ticks(open_[d], terms.tick),
                to_ticks(high[d], terms.tick),
                to_ticks(low[d], terms.tick),
            )
            ticks, reason = meets(position, terms.maker_target, first, highest, lowest)
            if reason >= 0:
                return d, ticks, reason
    return begin, 0, -1


@njit(cache=True, error_model="numpy")
def ending(terms: Terms, position: Position, ticks: int, reason: int, slippage: float) -> tuple[int, int]:
    """Price and fee rate of what `meets` found.

    Liquidation fills at its price but never beyond the margin, a resting target at its own, everything else at market.
    """
    side = position.side
    if reason == LIQUIDATED:
        margin = bankruptcy(position.entry, side, terms.leverage)
        return (max(ticks, margin) if side > 0 else min(ticks, margin)), terms.taker
    if reason == TARGETED and terms.maker_target:
        return ticks, terms.maker
    return slipped(ticks, -side, slippage), terms.taker
