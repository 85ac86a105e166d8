"""The stop and target each trade was given when it was decided."""

from __future__ import annotations

import numpy as np

from engine.backtest.rules import Exits
from engine.backtest.run import Result
from engine.bars import Ints


def planned_levels(result: Result) -> tuple[Ints, Ints]:
    """Stop and target of each trade in ticks, 0 where it had none: distances from the close before its entry."""
    test, trades = result.backtest, result.trades
    rules, tick = test.rules, float(test.grid.tick_size)
    none = np.zeros(len(trades), dtype=np.int64)
    if rules.exits is Exits.NONE or not len(trades):
        return none, none
    decided, side = trades["entry_bar"] - 1, trades["side"]
    close = test.bars.close[decided]
    if rules.exits is Exits.FIXED:
        stops, targets = close * rules.stop, close * rules.target
    else:
        stops, targets = result.answer.stops[decided], result.answer.targets[decided]
    last = np.rint(close / tick).astype(np.int64)
    below = side * np.maximum(1, np.rint(stops / tick).astype(np.int64))
    above = side * np.maximum(1, np.rint(targets / tick).astype(np.int64))
    return np.where(stops > 0.0, last - below, none), np.where(targets > 0.0, np.maximum(0, last + above), none)
