"""Made bars with round numbers, and runs over them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from engine.backtest.funding import Funding
from engine.backtest.result import REASONS
from engine.backtest.rules import Exits, Grid, Rules, Sizing
from engine.backtest.run import Backtest, Result, Wanted
from engine.bars import Bars

HOUR = 3_600_000
T0 = 1_700_000_000_000 // HOUR * HOUR
GRID = Grid(Decimal("0.1"), Decimal("0.001"), 1, 0)
NO_COSTS: dict[str, Any] = {"taker_ppm": 0, "maker_ppm": 0, "slippage": 0.0}
ONE: dict[str, Any] = {"sizing": Sizing.QUANTITY, "size": 1.0}

Ohlc = tuple[float, float, float, float]


def bars_of(rows: Sequence[Ohlc], volume: float = 1.0) -> Bars:
    """Hourly bars from (open, high, low, close)."""
    open_, high, low, close = [np.ascontiguousarray(c) for c in np.array(rows, dtype=np.float64).T]
    n = len(rows)
    return Bars(T0 + HOUR * np.arange(n), open_, high, low, close, np.full(n, volume))


def flat(price: float) -> Ohlc:
    """A bar that does not move."""
    return price, price, price, price


def prepared(
    rows: Sequence[Ohlc], detail: Bars | None = None, funding: Funding | None = None, **rules: Any
) -> Backtest:
    """A backtest of one contract a trade, without costs, unless `rules` say otherwise."""
    values = {**NO_COSTS, **ONE, "capital": 1_000 * 10**8, **rules}
    return Backtest(
        bars_of(rows), HOUR, Rules(**values), symbol="X/USDT:USDT", grid=GRID, funding=funding, detail=detail
    )


def signals(sides: Sequence[int], stop: float = 0.0, target: float = 0.0) -> Wanted:
    """Given sides with the same distances at every bar."""
    n = len(sides)
    distances = (np.full(n, stop), np.full(n, target)) if stop or target else (np.zeros(1), np.zeros(1))
    return Wanted(np.array(sides, dtype=np.int8), *distances)


def run(rows: Sequence[Ohlc], sides: Sequence[int], stop: float = 0.0, target: float = 0.0, **rules: Any) -> Result:
    """Run `sides` over `rows`; a stop or target (quote currency) means strategy exits."""
    if stop or target:
        rules = {"exits": Exits.STRATEGY, **rules}
    return prepared(rows, **rules).run_sides(signals(sides, stop, target))


def trades(result: Result) -> list[tuple[int, int, int, float, float, str]]:
    """(entry bar, exit bar, side, entry price, exit price, reason) of each trade."""
    return [
        (
            row["entry_bar"].item(),
            row["exit_bar"].item(),
            row["side"].item(),
            row["entry_ticks"].item() / 10,
            row["exit_ticks"].item() / 10,
            REASONS[row["reason"]],
        )
        for row in result.trades
    ]
