"""Bookings of the compiled engine: a position is opened, pays funding, is closed, and how large the next one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import equity_lots, fee, funding_paid, liquidation, notional_lots, risk_lots
from engine.backtest.layout import (
    BY_EQUITY,
    BY_NOTIONAL,
    BY_RISK,
    LIQUIDATED,
    SIGNAL,
    ZERO,
    Account,
    Found,
    Market,
    Position,
    Tally,
    Terms,
    flat,
    inlined,
)


@inlined
def to_ticks(price: float, tick: float) -> int:
    """The nearest tick, ties to even as `Instrument.nearest_ticks`."""
    return int(np.rint(price / tick))


@inlined
def entered(terms: Terms, account: Account, bar: int, ticks: int) -> Account:
    """The account with the planned position, opened at `ticks`."""
    plan = account.plan
    cost = fee(plan.lots * ticks * terms.unit, terms.taker)
    level = liquidation(ticks, plan.side, terms.leverage, terms.maintenance)
    position = Position(plan.side, plan.lots, ticks, bar, cost, ZERO, plan.stop, plan.target, level)
    return Account(account.cash - cost, position, plan, account.tally)


@inlined
def charged(terms: Terms, account: Account, ticks: int, rate_e8: int) -> Account:
    """The account after a funding at `ticks`, paid (+) or received (-) by its position, if there is one."""
    p = account.position
    paid = p.side * funding_paid(p.lots * ticks * terms.unit, rate_e8)
    position = Position(p.side, p.lots, p.entry, p.bar, p.fee, p.funding + paid, p.stop, p.target, p.level)
    return Account(account.cash - paid, position, account.plan, account.tally)


@inlined
def profit(terms: Terms, position: Position, ticks: int) -> int:
    """Of the position at `ticks`, before fees and funding."""
    return position.side * position.lots * (ticks - position.entry) * terms.unit


@inlined
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


@inlined
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


@inlined
def closed(
    market: Market,
    terms: Terms,
    account: Account,
    found: Found,
    bar: int,
    time: int,
    ticks: int,
    reason: int,
    rate: int,
) -> Account:
    """The account after its position is closed at `ticks`; the trade is written where there is room for it."""
    position, tally = account.position, account.tally
    cost = fee(position.lots * ticks * terms.unit, rate)
    if tally.trades < len(found.trades):
        write(found.trades[tally.trades], terms, position, market.times[position.bar], bar, time, ticks, reason, cost)
    cash = account.cash + profit(terms, position, ticks) - cost
    return Account(cash, flat(), account.plan, counted(terms, tally, position, bar, ticks, reason, cost))


@inlined
def lots_of(terms: Terms, equity: int, ticks: int, stop: int) -> int:
    """Lots of a new position decided at `ticks`; 0 where the venue would refuse so small an order."""
    if equity <= 0:
        return 0
    if terms.sizing == BY_EQUITY:
        lots = equity_lots(equity, terms.size, terms.leverage, ticks, terms.unit, terms.taker)
    elif terms.sizing == BY_RISK:
        lots = risk_lots(equity, terms.size, terms.leverage, ticks, stop, terms.unit, terms.taker) if stop > 0 else 0
    else:
        asked = notional_lots(terms.size, ticks, terms.unit) if terms.sizing == BY_NOTIONAL else int(terms.size)
        lots = min(asked, equity_lots(equity, 1.0, terms.leverage, ticks, terms.unit, terms.taker))
    return lots if lots >= terms.min_lots and lots * ticks * terms.unit >= terms.min_notional else 0
