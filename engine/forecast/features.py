"""What a net sees of the bars: columns that know nothing of a later bar.

Two forms of the same columns: *levels* (prices as they are, for min-max scaling) and *relative* (logarithms against the
close before, distances as a share of the close), which mean the same at any price.
"""

from __future__ import annotations

import numpy as np

from engine import indicators
from engine.bars import Bars, Floats
from engine.forecast.recipe import Recipe

# Raised whenever a column changes its meaning: models of another version are refused.
VERSION = 1

OHLCV = ("open", "high", "low", "close", "volume")
FULL = (
    *OHLCV,
    "rsi_14",
    "macd_12_26",
    "macd_signal_9",
    "bollinger_upper_20",
    "bollinger_middle_20",
    "bollinger_lower_20",
    "ema_20",
    "ema_50",
    "ema_200",
)
NAMES = {"ohlcv": OHLCV, "full": FULL}

VOLUME_PERIOD = 20
RSI_PERIOD = 14
BAND_PERIOD, BAND_WIDTH = 20, 2.0
MACD = (12, 26, 9)
EMAS = (20, 50, 200)


def names(recipe: Recipe) -> tuple[str, ...]:
    """The columns' names, in order."""
    return NAMES[recipe.features]


def needed(recipe: Recipe) -> int:
    """Bars after which the newest window no longer depends on where the bars begin (beyond 1e-9)."""
    settle = indicators.ema_settle(max(EMAS)) if recipe.features == "full" else VOLUME_PERIOD + 1
    return settle + recipe.window


def features(bars: Bars, recipe: Recipe, newest: int | None = None) -> Floats:
    """The columns, float64[n, columns]; rows are NaN while an indicator warms up.

    Row t is made of bars 0 to t only. `newest` asks for that many rows, at least 1, instead of all.
    """
    if len(bars) == 0:
        return np.empty((0, len(names(recipe))))
    rows = len(bars) if newest is None else min(newest, len(bars))
    out = np.empty((rows, len(names(recipe))))
    for i, column in enumerate(_relative(bars, recipe, rows) if recipe.relative else _levels(bars, recipe)):
        out[:, i] = column[-rows:]
    return out


def _levels(bars: Bars, recipe: Recipe) -> list[Floats]:
    columns = [bars.open, bars.high, bars.low, bars.close, bars.volume]
    if recipe.features == "full":
        line, signal = indicators.macd(bars.close, *MACD)
        columns += [indicators.rsi(bars.close, RSI_PERIOD), line, signal]
        columns += indicators.bollinger(bars.close, BAND_PERIOD, BAND_WIDTH)
        columns += [indicators.ema(bars.close, period) for period in EMAS]
    return columns


def _relative(bars: Bars, recipe: Recipe, rows: int) -> list[Floats]:
    """Prices as log returns from the close before; volume against its own mean; indicators as shares of the close.

    The newest `rows` of them; indicators look at all bars.
    """
    whole, close = bars.close, bars.close[-rows:]
    before = whole[-rows - 1 : -1] if rows < len(whole) else np.concatenate(([np.nan], whole[:-1]))
    columns = [np.log(price[-rows:] / before) for price in (bars.open, bars.high, bars.low, whole)]
    columns.append(_volume(bars.volume)[-rows:])
    if recipe.features == "full":
        line, signal = (one[-rows:] for one in indicators.macd(whole, *MACD))
        columns += [indicators.rsi(whole, RSI_PERIOD)[-rows:] / 100.0, line / close, signal / close]
        columns += [band[-rows:] / close - 1.0 for band in indicators.bollinger(whole, BAND_PERIOD, BAND_WIDTH)]
        columns += [indicators.ema(whole, period)[-rows:] / close - 1.0 for period in EMAS]
    return columns


def _volume(volume: Floats) -> Floats:
    """ln(1 + volume / its mean of 20 bars); 0 where nothing traded in all of them."""
    mean = indicators.sma(volume, VOLUME_PERIOD)
    ratio = np.divide(volume, mean, out=np.zeros_like(volume), where=mean > 0.0)
    return np.where(np.isnan(mean), np.nan, np.log1p(ratio))


def volatility(close: Floats, window: int) -> Floats:
    """Root mean square of the newest `window` log returns at each bar, float64[n]; NaN before there are so many."""
    out = np.full(len(close), np.nan)
    if len(close) <= window:
        return out
    squares = np.diff(np.log(close)) ** 2
    if len(squares) == window:
        out[window] = np.sqrt(squares.mean())
        return out
    out[window:] = np.sqrt(np.lib.stride_tricks.sliding_window_view(squares, window).mean(axis=1))
    return out
