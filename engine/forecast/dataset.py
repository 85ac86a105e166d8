"""Bars as samples: a window that ends at a bar, and what came after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars, Floats, Ints
from engine.errors import BadInput
from engine.forecast.features import features, volatility
from engine.forecast.recipe import Recipe

MOVING = 0.1  # at least this share of the closes must differ from the close before
Windows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Dataset:
    """All samples of a symbol, oldest first.

    Attributes:
        bars: they were made of.
        symbol: unified symbol.
        timeframe_ms: of the bars.
        recipe: gives features, window and horizon.
        columns: features, float64[bars, columns].
        rows: of each sample, the bar at whose close it is made, int64[samples].
        target: log return from that close to `horizon` bars later, float64[samples].
        spread: volatility known at that close, log return a bar, float64[samples].
    """

    bars: Bars
    symbol: str
    timeframe_ms: int
    recipe: Recipe
    columns: Floats
    rows: Ints
    target: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def close(self) -> Floats:
        """Close at which each sample is made, quote currency."""
        return self.bars.close[self.rows]

    @property
    def at(self) -> Ints:
        """Open time of that bar, ms UTC."""
        return self.bars.open_time[self.rows]


def dataset(bars: Bars, symbol: str, timeframe_ms: int, recipe: Recipe) -> Dataset:
    """The samples of `bars`; those whose window or outcome spans a hole in the bars are left out.

    Raises BadInput for prices that are not finite, not positive or do not move, and for bars that give no sample.
    """
    check_bars(bars, symbol)
    n, window, horizon = len(bars), recipe.window, recipe.horizon
    columns = features(bars, recipe)
    spread = volatility(bars.close, window)
    known = np.flatnonzero(np.isfinite(columns).all(axis=1) & np.isfinite(spread))
    first = int(known[0]) + window - 1 if len(known) else n
    rows = np.arange(first, n - horizon, dtype=np.int64)
    whole = bars.open_time[rows + horizon] - bars.open_time[rows - window + 1] == (window - 1 + horizon) * timeframe_ms
    rows = rows[whole & (spread[rows] > 0.0)] if len(rows) else rows
    if len(rows) == 0:
        raise BadInput(f"{symbol} bars", n, f"too few for windows of {window} bars and a horizon of {horizon}")
    target = np.log(bars.close[rows + horizon] / bars.close[rows])
    return Dataset(bars, symbol, timeframe_ms, recipe, columns, rows, target, spread[rows])


def check_bars(bars: Bars, symbol: str) -> None:
    """Raises BadInput for bars from which nothing can be learnt, naming the first bad bar."""
    for name in ("open", "high", "low", "close", "volume"):
        values = getattr(bars, name)
        bad = ~np.isfinite(values) | ((values < 0.0) if name == "volume" else (values <= 0.0))
        if bad.any():
            i = int(bad.argmax())
            remedy = "prices must be positive numbers" if name != "volume" else "volume must be a number, 0 or more"
            raise BadInput(f"{symbol} bar {i + 1} {name}", float(values[i]), remedy)
    if len(bars) > 1 and np.count_nonzero(np.diff(bars.close)) < MOVING * (len(bars) - 1):
        raise BadInput(f"{symbol} close", float(bars.close[-1]), "the price hardly ever moves: nothing can be learnt")


def windows(columns: Floats, rows: Ints, window: int) -> Windows:
    """The `window` rows of `columns` up to and with each of `rows`, float32[samples, window, columns]."""
    index = rows[:, None] + np.arange(1 - window, 1)[None, :]
    return np.ascontiguousarray(columns[index], dtype=np.float32)
