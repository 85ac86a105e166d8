"""Made series for the forecaster's tests."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from engine.bars import Bars, Floats
from engine.forecast.dataset import Dataset, Windows, dataset
from engine.forecast.recipe import Recipe

HOUR = 3_600_000
BEGIN = 1_704_067_200_000
SYMBOL = "BTC/USDT:USDT"
TINY = Recipe(window=6, units=(16,), dense=8, epochs=12, patience=12, rate=0.01, dropout=0.0)


def need_training() -> None:
    """Skip where the extra `train` is not installed; CI has it."""
    if importlib.util.find_spec("tf2onnx") is None or importlib.util.find_spec("tensorflow") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the extra `train` is not installed")


def bars_of(returns: Floats, volume: Floats, seed: int = 3) -> Bars:
    """Hourly bars around 100 with these log returns; each opens at the close before."""
    dice = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(returns))
    open_ = np.concatenate(([100.0], close[:-1]))
    wick = np.abs(dice.normal(0.0, 0.001, (2, len(close))))
    high, low = np.maximum(open_, close) * (1 + wick[0]), np.minimum(open_, close) * (1 - wick[1])
    return Bars(BEGIN + np.arange(len(close), dtype=np.int64) * HOUR, open_, high, low, close, volume)


def walk(n: int, seed: int = 1) -> Bars:
    """A random walk with 1 % steps: nothing in it can be forecast."""
    dice = np.random.default_rng(seed)
    return bars_of(dice.normal(0.0, 0.01, n), dice.uniform(50.0, 150.0, n), seed)


def planted(n: int, seed: int = 1) -> Bars:
    """After a busy bar the move goes on, after a quiet one it turns: a product, which no linear model can see."""
    dice = np.random.default_rng(seed)
    busy = dice.integers(0, 2, n) * 2 - 1
    noise = dice.normal(0.0, 0.005, n)
    returns: Floats = np.empty(n)
    returns[0] = noise[0]
    for i in range(1, n):
        returns[i] = 0.006 * np.sign(returns[i - 1]) * busy[i - 1] + noise[i]
    return bars_of(returns, np.asarray(100.0 + 50.0 * busy, dtype=np.float64), seed)


def samples(bars: Bars, recipe: Recipe = TINY) -> Dataset:
    return dataset(bars, SYMBOL, HOUR, recipe)


def product(windows: Windows) -> Floats:
    """What a net would have learnt of `planted`: the last return's sign times the sign of the last volume."""
    last = windows[:, -1, :].astype(np.float64)
    return 0.75 * np.sign(last[:, 3]) * np.sign(last[:, 4])


def nothing(windows: Windows) -> Floats:
    return np.zeros(len(windows))
