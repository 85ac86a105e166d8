"""Several strategies over the same bars in one compiled call."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.backtest.kernel import run
from engine.backtest.layout import Costs, Found, Market, Signals, Terms
from engine.backtest.measure import ROOM
from engine.backtest.result import Rows
from engine.backtest.signals import turns_of
from engine.bars import Floats, Ints
from engine.strategies.base import Sides


@njit(cache=True, error_model="numpy", nogil=True)
def run_rows(
    market: Market,
    costs: Costs,
    terms: Terms,
    sides: Sides,
    before: Sides,
    stops: Floats,
    targets: Floats,
    books: Ints,
    sums: Floats,
    no_rows: Rows,
) -> None:
    """Every row of sides through the engine.

    Args:
        market: bars and period.
        costs: of fills.
        terms: rules and grid.
        sides: int8[s, n], the side wanted at each close.
        before: int8[s], that known before the period.
        stops: float64[s, n], or float64[s, 1] where the exits need none; see `layout.Signals`.
        targets: likewise.
        books: int64[s, BOOK], filled here.
        sums: float64[s, SUMS], filled here.
        no_rows: TRADE[0].
    """
    nothing, buffer = np.zeros(0), np.empty(ROOM)
    for s in range(len(sides)):
        changes, wanted, opens = turns_of(sides[s], market.open_, market.begin, market.end, before[s])
        signals = Signals(changes, wanted, opens, stops[s], targets[s])
        run(market, signals, costs, terms, Found(books[s], sums[s], no_rows, nothing, buffer))
