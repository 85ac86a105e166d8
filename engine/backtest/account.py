"""Bookings of the compiled engine: a position is opened, pays funding, is closed, and how large the next one is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from engine.arithmetic import equity_lots, fee, funding_paid, liquidation, notional_lots, risk_lots
from engine.backtest.layout import (
    BY_EQUITY,
    BY_NOTIONAL,
    BY_RISK,
    LIQUIDATED,
    SIGNAL,
    ZERO,
    Plan,
    Position,
    Tally,
    Terms,
)
from engine.backtest.result import Rows
from engine.bars import Ints


@njit(cache=True, error_model="numpy")
def to_ticks(price: float, tick: float) -> int:
    """The nearest tick, ties to even as `Instrument.nearest_ticks`."""
    return int(np.rint(price / tick))


@njit(cache=True, error_model="numpy")
def entered(terms: Terms, plan: Plan, bar: int, ticks: int) -> Position:
    """The planned position, opened at `ticks`."""
    cost = fee(plan.lots * ticks * terms.unit, terms.taker)
    level = liquidation(ticks, plan.side, terms.leverage, terms.maintenance)
    return Position(plan.side, plan.lots, ticks, bar, cost, ZERO, plan.stop, plan.target, level)


@njit(cache=True, error_model="numpy")
def charged(terms: Terms, position: Position, ticks: int, rate_e8: int) -> Position:
    """The position after a funding: `funding` has grown by what it paid (+) or received (-)."""
    amount = position.side * funding_paid(position.lots * ticks * terms.unit, rate_e8)
    return Position(
        position.side,
        position.lots,
        position.entry,
        position.bar,
        position.fee,
        position.funding + amount,
        position.stop,
        position.target,
        position.level,
    )


@njit(cache=True, error_model="numpy")
def profit(terms: Terms, position: Position, ticks: int) -> int:
    """Of the position at `ticks`, before fees and funding."""
    return position.side * position.lots * (ticks - position.entry) * terms.unit


@njit(cache=True, error_model="numpy")
def counted(terms: Terms, tally: Tally, position: Position, bar: int, ticks: int, reason: int, cost: int) -> Tally:
    """The sums with one more trade, closed in `bar` at `ticks` for a fee of `cost`."""
    fees = position.fee + cost
    net = float(profit(terms, position, ticks) - fees - position.funding)
    share = net / (float(position.lots) * position.entry * terms.unit)
    good = net > 0.0
    return Tally(
        tally.trades + 1,
        tally.wins + (1 if good else 0),
        tally.fees + fees,
        tally.funding + position.funding,
        tally.liquidations + (1 if reason == LIQUIDATED else 0),
        tally.held + bar - position.bar + (0 if reason == SIGNAL else 1),
        tally.won + (net if good else 0.0),
        tally.lost - (0.0 if good else net),
        tally.returns + share,
        max(tally.best, share),
        min(tally.worst, share),
    )


@njit(cache=True, error_model="numpy")
def write(
    row: Any,
    terms: Terms,
    position: Position,
    entry_time: int,
    bar: int,
    time: int,
    ticks: int,
    reason: int,
    cost: int,
) -> None:
    """One trade into a row of TRADE."""
    row.entry_bar, row.exit_bar, row.entry_time, row.exit_time = position.bar, bar, entry_time, time
    row.side, row.lots, row.entry_ticks, row.exit_ticks = position.side, position.lots, position.entry, ticks
    row.fee, row.funding = position.fee + cost, position.funding
    row.pnl, row.reason = profit(terms, position, ticks), reason


@njit(cache=True, error_model="numpy")
def closed(
    terms: Terms,
    cash: int,
    tally: Tally,
    position: Position,
    trades: Rows,
    times: Ints,
    bar: int,
    time: int,
    ticks: int,
    reason: int,
    rate: int,
) -> tuple[int, Tally]:
    """Cash and sums after the position is closed at `ticks`; its trade is written where there is room for it."""
    cost = fee(position.lots * ticks * terms.unit, rate)
    if tally.trades < len(trades):
        write(trades[tally.trades], terms, position, times[position.bar], bar, time, ticks, reason, cost)
    after = cash + profit(terms, position, ticks) - cost
    return after, counted(terms, tally, position, bar, ticks, reason, cost)


@njit(cache=True, error_model="numpy")
def lots_of(terms: Terms, equity: int, ticks: int, stop: int) -> int:
    """Lots of a new position decided at `ticks`; 0 where the venue would refuse so small an order."""
    if equity <= 0:
        return 0
    most = equity_lots(equity, 1.0, terms.leverage, ticks, terms.unit, terms.taker)
    if terms.sizing == BY_EQUITY:
        lots = equity_lots(equity, terms.size, terms.leverage, ticks, terms.unit, terms.taker)
    elif terms.sizing == BY_RISK:
        lots = risk_lots(equity, terms.size, terms.leverage, ticks, stop, terms.unit, terms.taker) if stop > 0 else 0
    elif terms.sizing == BY_NOTIONAL:
        lots = min(most, notional_lots(terms.size, ticks, terms.unit))
    else:
        lots = min(most, int(terms.size))
    return lots if lots >= terms.min_lots and lots * ticks * terms.unit >= terms.min_notional else 0
