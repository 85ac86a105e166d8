"""Many markets, every strategy: what the scanner looks at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.backtest import layout
from engine.backtest.jobs import cores, each
from engine.backtest.run import Backtest
from engine.bars import Floats, Ints
from engine.errors import BadInput
from engine.strategies import NAMES, STRATEGIES


@dataclass(frozen=True, slots=True)
class Scan:
    """What came of every strategy (columns, `names`) on every market (rows, in the order given).

    `returns` float64[m, s] total returns, fractions; `drawdowns` float64[m, s] fractions; `trades` int64[m, s].
    """

    names: tuple[str, ...]
    returns: Floats
    drawdowns: Floats
    trades: Ints

    def best(self) -> tuple[int, int]:
        """Row and column of the highest total return."""
        row, column = np.unravel_index(int(np.argmax(self.returns)), self.returns.shape)
        return int(row), int(column)


def scan(
    markets: Sequence[Backtest],
    names: Sequence[str] = tuple(STRATEGIES),
    told: Callable[[int, int], bool] = lambda _done, _all: True,
    *,
    jobs: int | None = None,
) -> Scan:
    """Run every strategy on every market.

    Args:
        markets: prepared bars and rules.
        names: strategies; the six by default.
        told: called with (markets done, all) after each; where it says False the scan ends with BadInput.
        jobs: how many markets are worked on at once at most, each on a core of its own; as many as there are cores by
            default, and one where the bars are few.
    """
    for name in names:
        if name not in NAMES:
            raise BadInput("strategy", name, f"use {', '.join(NAMES)}")
    shape = len(markets), len(names)
    books, sums = np.zeros((*shape, layout.BOOK), dtype=np.int64), np.zeros((*shape, layout.SUMS))
    runs = [(name, None) for name in names]

    def fill(market: int) -> None:
        """All runs on one market."""
        markets[market].fill(runs, books[market], sums[market])

    at_once = [cores(jobs, len(market.bars)) for market in markets]
    by_cores = sorted(range(len(markets)), key=at_once.__getitem__)
    before = 0
    for count, alike in itertools.groupby(by_cores, at_once.__getitem__):
        places = tuple(alike)
        for done in each(fill, places, count):
            if not told(before + done, len(markets)):
                raise BadInput("scan", f"{before + done} of {len(markets)} markets", "was stopped")
        before += len(places)
    capital = np.array([market.rules.capital for market in markets], dtype=np.float64)
    returns = books[:, :, layout.CASH] / capital[:, None] - 1.0
    return Scan(tuple(names), returns, sums[:, :, layout.DRAWDOWN], books[:, :, layout.TRADES])
