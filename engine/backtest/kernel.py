"""The fast engine: one pass over the bars, compiled.

A decision is taken at a bar's close and filled at the next bar's open, worse by the slippage. Within a bar the order of
things is: funding due at the open (for the position held before), fills at the open, funding due inside the bar, then
stop, liquidation and target, then the close is marked and the next decision taken. Where stop and target lie in one bar
the stop comes first, unless detail bars say otherwise; a gap through a level fills at the open.

Whole numbers carry prices, quantities and money, so that the faithful engine can book the very same trades; float64 is
used for what is measured alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.arithmetic import slipped
from engine.backtest.account import charged, closed, entered, lots_of, profit, to_ticks
from engine.backtest.layout import (
    BAR_DOWN,
    BAR_RETURNS,
    BAR_SQUARES,
    BEST,
    CASH,
    DRAWDOWN,
    DRAWDOWN_BARS,
    ENDED,
    FEES,
    FIXED_EXITS,
    FUNDINGS,
    HELD,
    LIQUIDATIONS,
    LOST,
    NO_EXITS,
    RETURNS,
    SIGNAL,
    TRADES,
    WINS,
    WON,
    WORST,
    ZERO,
    Curve,
    Plan,
    Position,
    Tally,
    Terms,
    flat,
    nothing_planned,
)
from engine.backtest.levels import ending, meets, meets_within, reach_of, touched_in
from engine.backtest.measure import marked
from engine.backtest.result import Rows
from engine.bars import Floats, Ints
from engine.strategies.base import Sides


@njit(cache=True, error_model="numpy")
def run(
    begin: int,
    end: int,
    times: Ints,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    highest: Floats,
    lowest: Floats,
    changes: Ints,
    wanted: Sides,
    stops: Floats,
    targets: Floats,
    slippage: Floats,
    funding: Ints,
    detail_at: Ints,
    detail_times: Ints,
    detail_open: Floats,
    detail_high: Floats,
    detail_low: Floats,
    terms: Terms,
    book: Ints,
    sums: Floats,
    trades: Rows,
    equity: Floats,
) -> None:
    """Run bars `begin` to `end`; fills book, sums, trades and, where it has room, equity.

    Args:
        begin: first bar of the period; the bars before only warmed the strategy up.
        end: the bar after the last.
        times: int64[n] open times, ms UTC.
        open_: float64[n].
        high: float64[n].
        low: float64[n].
        close: float64[n].
        highest: highest high of each `levels.BLOCK` bars.
        lowest: lowest low likewise.
        changes: int64[k + 1], bars of the period at whose close the wanted side is another than before, rising, then `end`.
        wanted: int8[k], the side wanted at each of them.
        stops: float64[n], stop distance at each close, quote currency; float64[1] where the exits need none.
        targets: likewise.
        slippage: fraction of price, float64[n], or float64[1] for all bars.
        funding: int64[m + 1, 4]: bar, 1 where it is due at the open, price in ticks, rate in 1e-8; the last row has bar n.
        detail_at: int64[n + 1], first detail bar of each bar; int64[0] where there are none.
        detail_times: int64[d], ms UTC.
        detail_open: float64[d].
        detail_high: float64[d].
        detail_low: float64[d].
        terms: rules and grid.
        book: int64[BOOK], filled here; see `layout`.
        sums: float64[SUMS], likewise.
        trades: rows to fill, or none to count only.
        equity: float64[n], 1e-8 quote units at each close, or float64[0].
    """
    tick, last = terms.tick, end - 1
    varied, leveled, detailed = len(slippage) > 1, len(stops) > 1, len(detail_at) > 0
    cash, position, plan = terms.capital, flat(), nothing_planned()
    tally = Tally(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, 0.0, 0.0, 0.0, -np.inf, np.inf)
    curve = Curve(float(cash), float(cash), begin, 0.0, 0.0, 0.0, 0.0, ZERO)
    reach = reach_of(terms, cash, position)
    due, turn = 0, 0
    while funding[due, 0] < begin:
        due += 1
    wake = funding[due, 0]
    i = begin
    while i < end:
        if i == wake:
            slip = slippage[i] if varied else slippage[0]
            while funding[due, 0] == i and funding[due, 1] == 1:
                before = position.funding
                position = charged(terms, position, funding[due, 2], funding[due, 3])
                cash -= position.funding - before
                due += 1
            if plan.acts:
                first = to_ticks(open_[i], tick)
                turns = position.side != 0
                if turns:
                    ticks = slipped(first, -position.side, slip)
                    cash, tally = closed(
                        terms, cash, tally, position, trades, times, i, times[i], ticks, SIGNAL, terms.taker
                    )
                    position = flat()
                if _may_enter(terms, plan, first, cash, turns):
                    position = entered(terms, plan, i, slipped(first, plan.side, slip))
                    cash -= position.fee
                plan = nothing_planned()
            while funding[due, 0] == i:
                before = position.funding
                position = charged(terms, position, funding[due, 2], funding[due, 3])
                cash -= position.funding - before
                due += 1
            wake = funding[due, 0]
            reach = reach_of(terms, cash, position)
        until = min(wake, changes[turn] + 1, end)
        touched = until
        if reach.below > -np.inf or reach.above < np.inf:
            touched = touched_in(high, low, highest, lowest, i, until, reach.below, reach.above)
        still = min(touched, last)
        curve = marked(curve, close, i, still, reach.base, reach.gain)
        if len(equity) > 0:
            for k in range(i, still):
                equity[k] = reach.base + reach.gain * close[k]
        i = until
        if still < until:
            i = still + 1
            slip = slippage[still] if varied else slippage[0]
            if touched == still:
                time, ticks, reason = times[still], ZERO, -1
                if detailed:
                    d, ticks, reason = meets_within(
                        terms, position, detail_at[still], detail_at[still + 1], times[still], detail_times,
                        detail_open, detail_high, detail_low,
                    )  # fmt: skip
                    if reason >= 0:
                        time = detail_times[d]
                if reason < 0:
                    ticks, reason = meets(
                        position, terms.maker_target, to_ticks(open_[still], tick), to_ticks(high[still], tick),
                        to_ticks(low[still], tick),
                    )  # fmt: skip
                if reason >= 0:
                    ticks, rate = ending(terms, position, ticks, reason, slip)
                    cash, tally = closed(terms, cash, tally, position, trades, times, still, time, ticks, reason, rate)
                    position = flat()
            if still == last and position.side != 0:
                ticks = slipped(to_ticks(close[still], tick), -position.side, slip)
                cash, tally = closed(
                    terms, cash, tally, position, trades, times, still, times[still], ticks, ENDED, terms.taker
                )
                position = flat()
            reach = reach_of(terms, cash, position)
            curve = marked(curve, close, still, i, reach.base, reach.gain)
            if len(equity) > 0:
                equity[still] = reach.base + reach.gain * close[still]
        if changes[turn] == i - 1:
            at = i - 1
            plan = _decide(
                terms, cash, position, wanted[turn], close[at],
                stops[at] if leveled else 0.0, targets[at] if leveled else 0.0,
            )  # fmt: skip
            turn += 1
            if plan.acts:
                wake = i
    book[CASH], book[TRADES], book[WINS], book[FEES] = cash, tally.trades, tally.wins, tally.fees
    book[FUNDINGS], book[LIQUIDATIONS], book[HELD] = tally.funding, tally.liquidations, tally.held
    book[DRAWDOWN_BARS] = curve.longest
    sums[WON], sums[LOST], sums[RETURNS] = tally.won, tally.lost, tally.returns
    sums[BEST], sums[WORST], sums[DRAWDOWN] = tally.best, tally.worst, curve.drawdown
    sums[BAR_RETURNS], sums[BAR_SQUARES], sums[BAR_DOWN] = curve.returns, curve.squares, curve.down


@njit(cache=True, error_model="numpy")
def _may_enter(terms: Terms, plan: Plan, first: int, cash: int, turns: bool) -> bool:  # noqa: FBT001 - compiled
    """Whether the plan's entry is sent and taken at an open of `first` ticks.

    The venue refuses an entry below its minimum; the desk does not reverse through a stop that has been passed already,
    nor on an empty account.
    """
    if plan.side == 0 or plan.lots * first * terms.unit < terms.min_notional:
        return False
    passed = plan.stop != 0 and (first - plan.stop) * plan.side <= 0
    return not turns or (not passed and cash > 0)


@njit(cache=True, error_model="numpy")
def _decide(
    terms: Terms, cash: int, position: Position, side: int, close: float, stop_distance: float, target_distance: float
) -> Plan:
    """The wanted side has changed to `side` at this close: what the next open is to bring."""
    held = position.side
    if held == side or (side == 0 and terms.exits != NO_EXITS):
        return nothing_planned()
    ticks = to_ticks(close, terms.tick)
    stop, target, lots = ZERO, ZERO, ZERO
    if side != 0:
        known = True
        if terms.exits == FIXED_EXITS:
            stop_distance, target_distance = close * terms.stop, close * terms.target
        if terms.exits != NO_EXITS:
            known = stop_distance >= 0.0 and target_distance >= 0.0 and stop_distance + target_distance > 0.0
        if terms.exits != NO_EXITS and known:
            if stop_distance > 0.0:
                stop = ticks - side * max(1, to_ticks(stop_distance, terms.tick))
                known = stop > 0
            if target_distance > 0.0:
                target = max(0, ticks + side * max(1, to_ticks(target_distance, terms.tick)))
        if known:
            lots = lots_of(terms, cash + profit(terms, position, ticks), ticks, stop)
    return Plan(bool(held != 0 or lots > 0), side if lots > 0 else ZERO, lots, stop, target)
