"""A long EMA cross is computed in four parts at once: the same as by one chain, to the last bar."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from engine import indicators

PAIRS = [(3, 5), (12, 26), (59, 60), (5, 200)]


def walk(n: int, seed: int) -> NDArray[np.float64]:
    steps = np.random.default_rng(seed).normal(0.0, 0.001, n)
    return np.asarray(np.round(20_000.0 * np.exp(np.cumsum(steps)), 1))


def plain_cross(values: NDArray[np.float64], fast: int, slow: int) -> NDArray[np.int8]:
    quick, long = talib.EMA(values, fast), talib.EMA(values, slow)
    sides = np.where(quick - long > 1e-9 * np.abs(long), 1, -1).astype(np.int8)
    sides[: slow - 1] = 0
    return np.asarray(sides)


@pytest.mark.parametrize(("fast", "slow"), PAIRS)
@pytest.mark.parametrize("rest", range(4))
def test_every_bar_is_that_of_talibs_averages(fast: int, slow: int, rest: int) -> None:
    shortest = 8 * indicators.LEAD * slow + slow  # in four parts from here on
    for n in (shortest - 1 + rest, shortest + 10_000 + rest):
        values = walk(n, seed=n)
        assert np.array_equal(indicators.ema_cross(values, fast, slow), plain_cross(values, fast, slow))


@pytest.mark.parametrize(("fast", "slow"), PAIRS)
def test_what_is_never_forgotten_is_in_every_part(fast: int, slow: int) -> None:
    """An average that met an infinite value has none from there on, however far back that was."""
    values = walk(20_000 + 8 * indicators.LEAD * slow, seed=1)
    values[slow + 10] = np.inf
    assert (indicators.ema_cross(values, fast, slow)[slow + 11 :] == -1).all()


def test_a_part_begins_with_what_the_one_before_ended_with() -> None:
    """Prices so large until shortly before the second part's lead that the lead is too short to forget them."""
    n, fast, slow = 60_000, 12, 26
    values = walk(n, seed=2)
    values[: slow + (n - slow) // 4 - indicators.LEAD * slow - 13] *= 1e60
    assert np.array_equal(indicators.ema_cross(values, fast, slow), plain_cross(values, fast, slow))
