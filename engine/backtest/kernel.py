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
from engine.backtest.account import enter, leave, lots_of, pay, to_ticks
from engine.backtest.layout import (
    BEST,
    CAPITAL,
    CASH,
    ENDED,
    ENTRY,
    EXITS,
    FIXED_EXITS,
    LOTS,
    MIN_NOTIONAL,
    NEXT_LOTS,
    NEXT_SIDE,
    NEXT_STOP,
    NEXT_TARGET,
    NO_EXITS,
    NOW,
    PEAK,
    PEAK_AT,
    SIDE,
    SIGNAL,
    STOP_SHARE,
    TAKER,
    TARGET_SHARE,
    TICK,
    UNIT,
    WORST,
)
from engine.backtest.levels import finish, meets_within, touched_in, worth_of
from engine.backtest.measure import mark
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
    rules: Ints,
    fractions: Floats,
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
        rules: whole numbers, see the index names above.
        fractions: likewise.
        book: int64[BOOK], zeros.
        sums: float64[SUMS], zeros.
        trades: rows to fill, or none to count only.
        equity: float64[n], 1e-8 quote units at each close, or float64[0].
    """
    tick, unit = fractions[TICK], rules[UNIT]
    varied, leveled = len(slippage) > 1, len(stops) > 1
    book[CASH] = rules[CAPITAL]
    book[PEAK_AT] = begin
    sums[BEST], sums[WORST] = -np.inf, np.inf
    sums[PEAK] = sums[NOW] = float(rules[CAPITAL])
    base, gain, below, above = worth_of(book, unit, tick)
    due, turn, last = 0, 0, end - 1
    while funding[due, 0] < begin:
        due += 1
    wake = funding[due, 0]
    planned = False
    i = begin
    while i < end:
        if i == wake:
            slip = slippage[i] if varied else slippage[0]
            while funding[due, 0] == i and funding[due, 1] == 1:
                pay(book, rules, funding[due, 2], funding[due, 3])
                due += 1
            if planned:
                _turn(book, sums, rules, trades, times, i, to_ticks(open_[i], tick), slip)
                planned = False
            while funding[due, 0] == i:
                pay(book, rules, funding[due, 2], funding[due, 3])
                due += 1
            wake = funding[due, 0]
            base, gain, below, above = worth_of(book, unit, tick)
        until = min(wake, changes[turn] + 1, end)
        touched = until
        if below > -np.inf or above < np.inf:
            touched = touched_in(high, low, i, until, below, above)
        still = min(touched, last)
        mark(close, i, still, base, gain, book, sums, equity)
        i = until
        if still < until:
            i = still + 1
            slip = slippage[still] if varied else slippage[0]
            if touched == still:
                time, ticks, reason = meets_within(
                    book, rules, still, times, open_, high, low, detail_at, detail_times, detail_open, detail_high,
                    detail_low, tick,
                )  # fmt: skip
                if reason >= 0:
                    finish(book, sums, rules, trades, times, still, time, ticks, reason, slip)
            if still == last and book[SIDE] != 0:
                closing = slipped(to_ticks(close[still], tick), -book[SIDE], slip)
                leave(book, sums, rules, trades, times, still, times[still], closing, ENDED, rules[TAKER])
            base, gain, below, above = worth_of(book, unit, tick)
            mark(close, still, i, base, gain, book, sums, equity)
        if changes[turn] == i - 1:
            at = i - 1
            planned = _decide(
                book, rules, fractions, wanted[turn], close[at],
                stops[at] if leveled else 0.0, targets[at] if leveled else 0.0,
            )  # fmt: skip
            turn += 1
            if planned:
                wake = i


@njit(cache=True, error_model="numpy")
def _turn(
    book: Ints,
    sums: Floats,
    rules: Ints,
    trades: Rows,
    times: Ints,
    i: int,
    first: int,
    slip: float,
) -> None:
    """Fill at the open of bar `i`, at `first` ticks, what was decided at the close before.

    The venue refuses an entry below its minimum; the desk does not reverse through a stop that has been passed already,
    nor on an empty account.
    """
    side = book[SIDE]
    if side != 0:
        ticks = slipped(first, -side, slip)
        leave(book, sums, rules, trades, times, i, times[i], ticks, SIGNAL, rules[TAKER])
    wanted, stop = book[NEXT_SIDE], book[NEXT_STOP]
    passed = side != 0 and stop != 0 and (first - stop) * wanted <= 0
    large = book[NEXT_LOTS] * first * rules[UNIT] >= rules[MIN_NOTIONAL]
    if wanted != 0 and large and not passed and (side == 0 or book[CASH] > 0):
        enter(book, rules, i, slipped(first, book[NEXT_SIDE], slip))


@njit(cache=True, error_model="numpy")
def _decide(
    book: Ints, rules: Ints, fractions: Floats, side: int, close: float, stop_distance: float, target_distance: float
) -> bool:
    """The wanted side has changed to `side` at this close: plan the next open. True where there is something to do."""
    held, exits, tick = book[SIDE], rules[EXITS], fractions[TICK]
    if held == side or (side == 0 and exits != NO_EXITS):
        return False
    ticks = to_ticks(close, tick)
    stop, target, lots = 0, 0, 0
    if side != 0:
        known = True
        if exits == FIXED_EXITS:
            stop_distance, target_distance = close * fractions[STOP_SHARE], close * fractions[TARGET_SHARE]
        if exits != NO_EXITS:
            known = stop_distance >= 0.0 and target_distance >= 0.0 and stop_distance + target_distance > 0.0
        if exits != NO_EXITS and known:
            stop = ticks - side * max(1, to_ticks(stop_distance, tick)) if stop_distance > 0.0 else 0
            target = max(0, ticks + side * max(1, to_ticks(target_distance, tick))) if target_distance > 0.0 else 0
            known = stop >= 0
        if known:
            worth = book[CASH] + held * book[LOTS] * (ticks - book[ENTRY]) * rules[UNIT]
            lots = lots_of(rules, fractions, worth, ticks, stop)
    book[NEXT_SIDE], book[NEXT_LOTS], book[NEXT_STOP], book[NEXT_TARGET] = (side if lots > 0 else 0), lots, stop, target
    return held != 0 or lots > 0
