"""Bookings of the compiled engine: a position is opened, pays funding, is closed, and how large the next one is."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.arithmetic import equity_lots, fee, funding_paid, liquidation, notional_lots, risk_lots
from engine.backtest.layout import (
    BEST,
    BY_EQUITY,
    BY_NOTIONAL,
    BY_RISK,
    CASH,
    ENTRY,
    ENTRY_BAR,
    FEE,
    FEES,
    FUNDING,
    FUNDINGS,
    HELD,
    LEVERAGE,
    LIQUIDATED,
    LIQUIDATION,
    LIQUIDATIONS,
    LOST,
    LOTS,
    MAINTENANCE,
    MIN_LOTS,
    MIN_NOTIONAL,
    NEXT_LOTS,
    NEXT_SIDE,
    NEXT_STOP,
    NEXT_TARGET,
    RETURNS,
    SIDE,
    SIGNAL,
    SIZE,
    SIZING,
    STOP,
    TAKER,
    TARGET,
    TRADES,
    UNIT,
    WINS,
    WON,
    WORST,
)
from engine.backtest.result import Rows
from engine.bars import Floats, Ints


@njit(cache=True, error_model="numpy", inline="always")
def to_ticks(price: float, tick: float) -> int:
    """The nearest tick, ties to even as `Instrument.nearest_ticks`."""
    return int(np.rint(price / tick))


@njit(cache=True, error_model="numpy", inline="always")
def enter(book: Ints, rules: Ints, i: int, ticks: int) -> None:
    """The planned position is opened at `ticks`."""
    side, lots = book[NEXT_SIDE], book[NEXT_LOTS]
    cost = fee(lots * ticks * rules[UNIT], rules[TAKER])
    book[CASH] -= cost
    book[SIDE], book[LOTS], book[ENTRY], book[ENTRY_BAR] = side, lots, ticks, i
    book[FEE], book[FUNDING] = cost, 0
    book[STOP], book[TARGET] = book[NEXT_STOP], book[NEXT_TARGET]
    book[LIQUIDATION] = liquidation(ticks, side, rules[LEVERAGE], rules[MAINTENANCE])


@njit(cache=True, error_model="numpy", inline="always")
def pay(book: Ints, rules: Ints, ticks: int, rate_e8: int) -> None:
    """One funding: the open position pays or receives."""
    if book[SIDE] != 0:
        paid = book[SIDE] * funding_paid(book[LOTS] * ticks * rules[UNIT], rate_e8)
        book[CASH] -= paid
        book[FUNDING] += paid


@njit(cache=True, error_model="numpy", inline="always")
def leave(
    book: Ints,
    sums: Floats,
    rules: Ints,
    trades: Rows,
    times: Ints,
    i: int,
    time: int,
    ticks: int,
    reason: int,
    rate: int,
) -> None:
    """The position is closed at `ticks`; its trade is written where there is room for it."""
    side, lots, entry, unit = book[SIDE], book[LOTS], book[ENTRY], rules[UNIT]
    cost = fee(lots * ticks * unit, rate)
    pnl = side * lots * (ticks - entry) * unit
    book[CASH] += pnl - cost
    book[FEE] += cost
    net = float(pnl - book[FEE] - book[FUNDING])
    share = net / (float(lots) * entry * unit)
    n = book[TRADES]
    if n < len(trades):
        row = trades[n]
        row.entry_bar, row.exit_bar, row.entry_time, row.exit_time = book[ENTRY_BAR], i, times[book[ENTRY_BAR]], time
        row.side, row.lots, row.entry_ticks, row.exit_ticks = side, lots, entry, ticks
        row.fee, row.funding, row.pnl, row.reason = book[FEE], book[FUNDING], pnl, reason
    book[TRADES] = n + 1
    book[FEES] += book[FEE]
    book[FUNDINGS] += book[FUNDING]
    book[HELD] += i - book[ENTRY_BAR] + (reason != SIGNAL)
    if reason == LIQUIDATED:
        book[LIQUIDATIONS] += 1
    if net > 0.0:
        book[WINS] += 1
        sums[WON] += net
    else:
        sums[LOST] -= net
    sums[RETURNS] += share
    sums[BEST], sums[WORST] = max(sums[BEST], share), min(sums[WORST], share)
    book[SIDE], book[LOTS], book[STOP], book[TARGET], book[LIQUIDATION] = 0, 0, 0, 0, 0


@njit(cache=True, error_model="numpy", inline="always")
def lots_of(rules: Ints, fractions: Floats, equity: int, ticks: int, stop: int) -> int:
    """Lots of a new position decided at `ticks`; 0 where the venue would refuse so small an order."""
    unit, leverage, taker, sizing = rules[UNIT], rules[LEVERAGE], rules[TAKER], rules[SIZING]
    size = fractions[SIZE]
    if equity <= 0:
        return 0
    if sizing == BY_EQUITY:
        lots = equity_lots(equity, size, leverage, ticks, unit, taker)
    elif sizing == BY_RISK:
        lots = risk_lots(equity, size, leverage, ticks, stop, unit, taker) if stop > 0 else 0
    elif sizing == BY_NOTIONAL:
        lots = notional_lots(size, ticks, unit)
    else:
        lots = int(size)
    return lots if lots >= rules[MIN_LOTS] and lots * ticks * unit >= rules[MIN_NOTIONAL] else 0
