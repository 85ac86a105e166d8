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
    FUNDINGS,
    HELD,
    LIQUIDATIONS,
    LOST,
    NO_EXITS,
    RETURNS,
    SIGNAL,
    STRATEGY_EXITS,
    TRADES,
    WINS,
    WON,
    WORST,
    ZERO,
    Account,
    Costs,
    Curve,
    Found,
    Market,
    Plan,
    Signals,
    Tally,
    Terms,
    flat,
    inlined,
    nothing_planned,
)
from engine.backtest.levels import ending, meets, meets_within, reach_of, touched_in
from engine.backtest.measure import MANY, drawn, measured, noted, started


@njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
def run(market: Market, signals: Signals, costs: Costs, terms: Terms, found: Found) -> None:
    """Run the bars of the period from one thing that happens to the next; fills `found`."""
    begin, end, last = market.begin, market.end, market.end - 1
    changes, close, funding = signals.changes, market.close, costs.funding
    account, buffer = _opened(terms), found.buffer
    curve, reach = started(buffer, terms.capital, begin), reach_of(terms, account)
    due, turn, waiting, stretches, i = ZERO, ZERO, ZERO, ZERO, begin
    while funding[due, 0] < begin:
        due += 1
    wake = pays = funding[due, 0]
    change = changes[turn]
    while i < end:
        if i == wake:
            if pays == i:
                account, due = _paid(costs, terms, account, i, due, 1)
            if account.plan.acts:
                account = _filled(market, signals, costs, terms, account, found, i, turn)
            if pays == i:
                account, due = _paid(costs, terms, account, i, due, 0)
                pays = funding[due, 0]
            wake, reach = pays, reach_of(terms, account)
        until = min(wake, change + 1, end)
        touched = until
        if reach.below > market.bottom or reach.above < market.top:
            touched = touched_in(market, i, until, reach.below, reach.above)
        still = min(touched, last)
        stretches = noted(buffer, stretches, still, reach)
        i = until
        if still < until:
            i = still + 1
            if touched == still:
                account = _within(market, costs, terms, account, found, still)
            if still == last and account.position.side != 0:
                ticks = slipped(to_ticks(close[still], terms.tick), -account.position.side, _slippage(costs, still))
                account = closed(market, terms, account, found, still, market.times[still], ticks, ENDED, terms.taker)
            reach = reach_of(terms, account)
            stretches = noted(buffer, stretches, i, reach)
        if stretches >= MANY:
            curve, waiting = drawn(curve, waiting, stretches, buffer, found.equity, close)
            stretches = ZERO
        if change == i - 1:
            account = _decided(terms, account, signals, turn, change, close[change])
            turn += 1
            change = changes[turn]
            if account.plan.acts:
                wake = i
    curve, waiting = drawn(curve, waiting, stretches, buffer, found.equity, close)
    _total(account, measured(curve, waiting, buffer, found.equity), found)


@inlined
def _opened(terms: Terms) -> Account:
    """The account at the beginning."""
    nothing = Tally(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, 0.0, 0.0, 0.0, -np.inf, np.inf)
    return Account(terms.capital, flat(), nothing_planned(), nothing)


@inlined
def _slippage(costs: Costs, bar: int) -> float:
    return costs.slippage[bar] if len(costs.slippage) > 1 else costs.slippage[0]


@inlined
def _paid(costs: Costs, terms: Terms, account: Account, bar: int, due: int, at_open: int) -> tuple[Account, int]:
    """The account after funding of `bar`, that due at the open or all that is left; and the next row of funding."""
    funding = costs.funding
    while funding[due, 0] == bar and funding[due, 1] >= at_open:
        account = charged(terms, account, funding[due, 2], funding[due, 3])
        due += 1
    return account, due


@inlined
def _filled(
    market: Market,
    signals: Signals,
    costs: Costs,
    terms: Terms,
    account: Account,
    found: Found,
    bar: int,
    turn: int,
) -> Account:
    """The plan, carried out at the open of `bar`: it was made at the close before, at the newest change, the one before `turn`."""
    first = to_ticks(signals.opens[turn - 1], terms.tick)
    plan, turns = account.plan, account.position.side != 0
    # what closes a position and what opens the opposite one are orders of one side, at one price
    ticks = slipped(first, -account.position.side if turns else plan.side, _slippage(costs, bar))
    if turns:
        account = closed(market, terms, account, found, bar, market.times[bar], ticks, SIGNAL, terms.taker)
    if _may_enter(terms, plan, first, account.cash, turns):
        account = entered(terms, account, bar, ticks)
    return Account(account.cash, account.position, nothing_planned(), account.tally)


@inlined
def _within(market: Market, costs: Costs, terms: Terms, account: Account, found: Found, bar: int) -> Account:
    """The account after a bar in which a level lies: detail bars may say which, or that it was not reached."""
    position, tick = account.position, terms.tick
    time, ticks, reason = market.times[bar], ZERO, -1
    if len(costs.detail_at) > 0:
        begin, end = costs.detail_at[bar], costs.detail_at[bar + 1]
        time, ticks, reason = meets_within(terms, position, costs, begin, end, time)
    if reason < 0:
        first, highest, lowest = market.open_[bar], market.high[bar], market.low[bar]
        ticks, reason = meets(
            position, terms.maker_target, to_ticks(first, tick), to_ticks(highest, tick), to_ticks(lowest, tick)
        )
    if reason < 0:
        return account
    ticks, rate = ending(terms, position, ticks, reason, _slippage(costs, bar))
    return closed(market, terms, account, found, bar, time, ticks, reason, rate)


@inlined
def _may_enter(terms: Terms, plan: Plan, first: int, cash: int, turns: bool) -> bool:  # noqa: FBT001 - compiled
    """Whether the plan's entry is sent and taken at an open of `first` ticks.

    The venue refuses an entry below its minimum; the desk does not reverse through a stop that has been passed already,
    nor on an empty account.
    """
    if plan.side == 0 or plan.lots * first * terms.unit < terms.min_notional:
        return False
    passed = plan.stop != 0 and (first - plan.stop) * plan.side <= 0
    return not turns or (not passed and cash > 0)


@inlined
def _decided(terms: Terms, account: Account, signals: Signals, turn: int, bar: int, close: float) -> Account:
    """The account with what the next open is to bring: the wanted side has changed at the close of `bar`."""
    stop, target = terms.stop * close, terms.target * close
    if terms.exits == STRATEGY_EXITS:
        stop, target = signals.stops[bar], signals.targets[bar]
    plan = _plan(terms, account, signals.wanted[turn], to_ticks(close, terms.tick), stop, target)
    return Account(account.cash, account.position, plan, account.tally)


@inlined
def _plan(terms: Terms, account: Account, side: int, ticks: int, stop_distance: float, target_distance: float) -> Plan:
    """What is done about a wanted side at a close of `ticks`."""
    held, exits = account.position.side, terms.exits != NO_EXITS
    if held == side or (side == 0 and exits):
        return nothing_planned()
    stop, target, lots, known = ZERO, ZERO, ZERO, side != 0
    if exits:
        known = stop_distance >= 0.0 and target_distance >= 0.0 and stop_distance + target_distance > 0.0
        if known and stop_distance > 0.0:
            stop = ticks - side * max(1, to_ticks(stop_distance, terms.tick))
            known = stop > 0
        if known and target_distance > 0.0:
            target = max(0, ticks + side * max(1, to_ticks(target_distance, terms.tick)))
    if known:
        lots = lots_of(terms, account.cash + profit(terms, account.position, ticks), ticks, stop)
    return Plan(bool(held != 0 or lots > 0), side if lots > 0 else ZERO, lots, stop, target)


@inlined
def _total(account: Account, curve: Curve, found: Found) -> None:
    """The run's totals at their places."""
    book, sums, tally = found.book, found.sums, account.tally
    book[CASH], book[TRADES], book[WINS], book[FEES] = account.cash, tally.trades, tally.wins, tally.fees
    book[FUNDINGS], book[LIQUIDATIONS], book[HELD] = tally.funding, tally.liquidations, tally.held
    book[DRAWDOWN_BARS] = curve.longest
    sums[WON], sums[LOST], sums[RETURNS] = tally.won, tally.lost, tally.returns
    sums[BEST], sums[WORST], sums[DRAWDOWN] = tally.best, tally.worst, curve.drawdown
    sums[BAR_RETURNS], sums[BAR_SQUARES], sums[BAR_DOWN] = curve.returns, curve.squares, curve.down
