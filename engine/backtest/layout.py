"""What the compiled engine works with, as plain tuples: the compiler keeps them in registers.

Prices are ticks, quantities lots, money 1e-8 quote units. The two arrays at the end are how a run gives its totals back.

The engine's parts are compiled into it (`inlined`), not called: a call would carry every tuple through memory.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit

from engine.backtest.result import Reason, Rows
from engine.backtest.rules import Exits, Sizing
from engine.bars import Floats, Ints
from engine.strategies.base import Sides

inlined = njit(cache=True, error_model="numpy", forceinline=True, _nrt=False)

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


class Market(NamedTuple):
    """The bars, and bars `begin` to `end` of them to run; those before only warmed the strategy up.

    Attributes:
        begin: first bar of the period.
        end: the bar after its last.
        times: int64[n] open times, ms UTC.
        open_: float64[n], like the other prices.
        high: prices.
        low: prices.
        close: prices.
        top: highest high of all bars.
        bottom: lowest low likewise.
        highest: highest high of each `levels.BLOCK` bars.
        lowest: lowest low likewise.
    """

    begin: int
    end: int
    times: Ints
    open_: Floats
    high: Floats
    low: Floats
    close: Floats
    top: float
    bottom: float
    highest: Floats
    lowest: Floats


class Signals(NamedTuple):
    """What a strategy wants.

    Attributes:
        changes: int64[k + 1], bars of the period at whose close the wanted side is another than before, rising; then `end`.
        wanted: int8[k], the side wanted at each of them.
        opens: float64[k], the open after each of them: side by side they are loaded at once, among the bars one by one.
        stops: float64[n], stop distance at each close, quote currency; float64[1] where the exits need none.
        targets: likewise.
    """

    changes: Ints
    wanted: Sides
    opens: Floats
    stops: Floats
    targets: Floats


class Costs(NamedTuple):
    """What fills depend on beside the bars.

    Attributes:
        slippage: fraction of price, float64[n], or float64[1] for all bars.
        funding: int64[m + 1, 4]: bar, 1 where it is due at the open, price in ticks, rate in 1e-8; the last row has bar n.
        detail_at: int64[n + 1], first detail bar of each bar; int64[0] where there are none.
        detail_times: int64[d], ms UTC.
        detail_open: float64[d], like the other prices.
        detail_high: prices.
        detail_low: prices.
    """

    slippage: Floats
    funding: Ints
    detail_at: Ints
    detail_times: Ints
    detail_open: Floats
    detail_high: Floats
    detail_low: Floats


class Found(NamedTuple):
    """What a run fills.

    Attributes:
        book: int64[BOOK], see below.
        sums: float64[SUMS], likewise.
        trades: rows of TRADE, or none to count only.
        equity: float64[n], 1e-8 quote units at each close, or float64[0].
        buffer: float64[measure.ROOM], to work in.
    """

    book: Ints
    sums: Floats
    trades: Rows
    equity: Floats
    buffer: Floats


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


class Account(NamedTuple):
    """What changes from trade to trade."""

    cash: int
    position: Position
    plan: Plan
    tally: Tally


class Curve(NamedTuple):
    """Equity before bar `at`: its peak and when that was, sums over the bars' returns, the longest drawdown in bars."""

    at: int
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


@inlined
def flat() -> Position:
    """No position."""
    return Position(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


@inlined
def nothing_planned() -> Plan:
    """Nothing to do at the next open."""
    return Plan(False, ZERO, ZERO, ZERO, ZERO)


# Totals of a run: places in an int64 array and in a float64 array.
(CASH, TRADES, WINS, FEES, FUNDINGS, LIQUIDATIONS, HELD, DRAWDOWN_BARS) = range(8)
BOOK = 8
(WON, LOST, RETURNS, BEST, WORST, BAR_RETURNS, BAR_SQUARES, BAR_DOWN, DRAWDOWN) = range(9)
SUMS = 9
