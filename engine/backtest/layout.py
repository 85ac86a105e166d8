"""What the compiled engine works with, as plain tuples: the compiler keeps them in registers.

Prices are ticks, quantities lots, money 1e-8 quote units. The two arrays at the end are how a run gives its totals back.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit

from engine.backtest.result import Reason
from engine.backtest.rules import Exits, Sizing

SIGNAL, STOPPED, TARGETED, LIQUIDATED, ENDED = (int(reason) for reason in Reason)
NO_EXITS, STRATEGY_EXITS, FIXED_EXITS = (int(kind) for kind in Exits)
BY_EQUITY, BY_NOTIONAL, BY_QUANTITY, BY_RISK = (int(kind) for kind in Sizing)


class Terms(NamedTuple):
    """The rules and the grid. `stop` and `target` are fractions, `size` is in the unit of its sizing."""

    exits: int
    taker: int
    maker: int
    leverage: int
    maintenance: int
    sizing: int
    capital: int
    maker_target: int
    unit: int
    min_lots: int
    min_notional: int
    stop: float
    target: float
    size: float
    tick: float


class Position(NamedTuple):
    """The open position; `side` 0 is none. `fee` and `funding` so far; stop, target and liquidation price, 0 for none."""

    side: int
    lots: int
    entry: int
    bar: int
    fee: int
    funding: int
    stop: int
    target: int
    level: int


class Plan(NamedTuple):
    """What the next open brings: `acts` where there is something to do; `side` 0 closes only."""

    acts: bool
    side: int
    lots: int
    stop: int
    target: int


class Tally(NamedTuple):
    """Sums over the closed trades; `returns`, `best` and `worst` are fractions of entry notional."""

    trades: int
    wins: int
    fees: int
    funding: int
    liquidations: int
    held: int
    won: float
    lost: float
    returns: float
    best: float
    worst: float


class Curve(NamedTuple):
    """Equity so far: the newest value, its peak and when that was, and sums over the bars' returns."""

    now: float
    peak: float
    peak_at: int
    returns: float
    squares: float
    down: float
    drawdown: float
    longest: int


class Reach(NamedTuple):
    """Equity is ``base + gain x price``; the position may end below `below` and above `above`."""

    base: float
    gain: float
    below: float
    above: float


ZERO = cast("int", np.int64(0))  # a literal 0 has a type of its own for the compiler


@njit(cache=True)
def flat() -> Position:
    """No position."""
    return Position(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


@njit(cache=True)
def nothing_planned() -> Plan:
    """Nothing to do at the next open."""
    return Plan(False, ZERO, ZERO, ZERO, ZERO)


# Totals of a run: places in an int64 array and in a float64 array.
(CASH, TRADES, WINS, FEES, FUNDINGS, LIQUIDATIONS, HELD, DRAWDOWN_BARS) = range(8)
BOOK = 8
(WON, LOST, RETURNS, BEST, WORST, BAR_RETURNS, BAR_SQUARES, BAR_DOWN, DRAWDOWN) = range(9)
SUMS = 9
