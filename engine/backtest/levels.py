"""Stop, target and liquidation: the prices between which a position stands, and what a bar did to it."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import bankruptcy, slipped
from engine.backtest.account import to_ticks
from engine.backtest.layout import (
    LIQUIDATED,
    STOPPED,
    TARGETED,
    Account,
    Costs,
    Market,
    Position,
    Reach,
    Terms,
    inlined,
)

BLOCK = 64  # bars whose extremes are known before


@inlined
def reach_of(terms: Terms, account: Account) -> Reach:
    """What the equity is at a price, and where the position may end."""
    cash, position = account.cash, account.position
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


@inlined
def touched_in(market: Market, begin: int, end: int, below: float, above: float) -> int:
    """The first bar of `begin` to `end` that reaches below or above a level, or `end`; whole blocks are passed over."""
    i = begin
    while i < end:
        block = i // BLOCK
        stop = min((block + 1) * BLOCK, end)
        if market.lowest[block] < below or market.highest[block] > above:
            while i < stop:
                if market.low[i] < below or market.high[i] > above:
                    return i
                i += 1
        i = stop
    return end


@inlined
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


@inlined
def meets_within(
    terms: Terms, position: Position, costs: Costs, begin: int, end: int, since: int
) -> tuple[int, int, int]:
    """The time of the first of the detail bars `begin` to `end` that ends the position, its price and reason, -1 for none.

    Detail bars that open before `since`, ms UTC, belong to an earlier bar.
    """
    for d in range(begin, end):
        if costs.detail_times[d] >= since:
            ticks, reason = meets(
                position,
                terms.maker_target,
                to_ticks(costs.detail_open[d], terms.tick),
                to_ticks(costs.detail_high[d], terms.tick),
                to_ticks(costs.detail_low[d], terms.tick),
            )
            if reason >= 0:
                return costs.detail_times[d], ticks, reason
    return since, 0, -1


@inlined
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
