"""The stationary bootstrap against closed forms, another library, and simulated markets whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.bootstrap import Bootstrap, _blocks, block_length, bootstrap, returns_of
from engine.backtest.metrics import YEAR_MS
from engine.bars import Floats
from tests.engine.backtest.walks import HOUR

DAY = 24 * HOUR


def autoregressive(phi: float, n: int = 2_000) -> Floats:
    shocks = np.random.default_rng(7).standard_normal(n)
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = phi * out[i - 1] + shocks[i]
    return out


def straps(returns: Floats, timeframe_ms: int = HOUR, **options: float) -> Bootstrap:
    found = bootstrap(returns, timeframe_ms, **options)  # type: ignore[arg-type] # a mapping of numbers
    assert found is not None
    return found


def test_block_length_of_independent_returns_is_that_of_the_arch_library() -> None:
    """arch 8.0.0, optimal_block_length: 1.58711418. It asks one more lag to be insignificant, which here is no matter."""
    assert block_length(autoregressive(0.0)) == pytest.approx(1.58711418, abs=1e-7)


def test_block_length_of_a_dependent_series_is_near_the_arch_librarys() -> None:
    """arch 8.0.0: 30.0774878; its band is two lags wider."""
    assert block_length(autoregressive(0.8)) == pytest.approx(30.08, rel=0.05)


def test_block_length_grows_with_dependence_as_theory_says() -> None:
    """For a first-order autoregression b = (2 phi / (1 - phi^2))^(2/3) n^(1/3), here within a factor of two."""
    lengths = [block_length(autoregressive(phi, 20_000)) for phi in (0.2, 0.5, 0.8)]
    theory = [(2 * phi / (1 - phi**2)) ** (2 / 3) * 20_000 ** (1 / 3) for phi in (0.2, 0.5, 0.8)]
    assert lengths == sorted(lengths)
    assert all(0.5 < length / expected < 2.0 for length, expected in zip(lengths, theory, strict=True))


@pytest.mark.parametrize("returns", [np.zeros(100), np.full(100, 0.01), np.array([0.01, -0.01])])
def test_block_length_where_nothing_can_be_known_is_one(returns: Floats) -> None:
    assert block_length(returns) == 1.0


@given(st.integers(30, 500), st.floats(1.0, 200.0), st.integers(0, 1_000))
def test_blocks_make_up_the_history_exactly(n: int, mean_length: float, seed: int) -> None:
    begins, lengths = _blocks(np.random.default_rng(seed), n, mean_length)
    assert lengths.sum() == n
    assert 1 <= lengths.min() <= lengths.max() <= n
    assert 0 <= begins.min() <= begins.max() < n


def test_blocks_have_the_mean_length_asked_for() -> None:
    _, lengths = _blocks(np.random.default_rng(1), 500_000, 12.0)
    assert lengths.mean() == pytest.approx(12.0, rel=0.02)


def test_the_interval_of_independent_returns_holds_the_truth_as_often_as_it_says() -> None:
    """200 markets with a true yearly Sharpe ratio of about 1.91: 90 % of the 90 % intervals hold it, give or take 6 %."""
    rng = np.random.default_rng(11)
    truth = 0.1 * math.sqrt(365)
    held = held_total = 0
    for k in range(200):
        found = straps(rng.normal(0.001, 0.01, 250), DAY, samples=200, level=0.9, seed=k)
        assert found.sharpe is not None
        held += found.sharpe.low <= truth <= found.sharpe.high
        growth = math.expm1(250 * (0.001 - 0.01**2 / 2))
        held_total += found.total_return.low <= growth <= found.total_return.high
    assert 0.84 <= held / 200 <= 0.96
    assert 0.84 <= held_total / 200 <= 0.96


def test_the_spread_of_independent_returns_is_the_closed_form() -> None:
    """Lo (2002): the standard error of the Sharpe ratio of one bar is sqrt((1 + SR^2 / 2) / n)."""
    returns = np.random.default_rng(2).normal(0.0005, 0.01, 2_000)
    found = straps(returns, HOUR, samples=2_000, block=1.0)
    assert found.sharpe is not None
    a_year = YEAR_MS / HOUR
    error = math.sqrt((1 + found.sharpe.estimate**2 / a_year / 2) / 2_000 * a_year)
    assert (found.sharpe.high - found.sharpe.low) / 2 / 1.96 == pytest.approx(error, rel=0.06)


def test_a_long_history_drawn_in_groups_has_the_same_spread() -> None:
    returns = np.random.default_rng(2).normal(0.0001, 0.01, 70_001)
    found = straps(returns, HOUR, samples=1_000)
    assert found.sharpe is not None
    error = math.sqrt(YEAR_MS / HOUR / 70_001)
    assert (found.sharpe.high - found.sharpe.low) / 2 / 1.96 == pytest.approx(error, rel=0.08)
    assert found.sharpe.estimate == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365 * 24))


def test_blocks_widen_the_interval_of_dependent_returns() -> None:
    returns = 0.01 * autoregressive(0.8)
    apart, together = straps(returns, block=1.0), straps(returns)
    assert together.block > 20
    assert apart.sharpe is not None
    assert together.sharpe is not None
    # the variance of the mean is (1 + phi) / (1 - phi) = 9 times that of independent returns: three times as wide
    ratio = (together.sharpe.high - together.sharpe.low) / (apart.sharpe.high - apart.sharpe.low)
    assert 2.0 < ratio < 3.5


@given(st.integers(0, 10_000), st.integers(30, 200))
@settings(max_examples=30, deadline=None)
def test_an_interval_is_an_interval(seed: int, n: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.02, n)
    found = straps(returns, samples=50, seed=seed)
    assert found.sharpe is not None
    for part in (found.sharpe, found.total_return):
        assert part.low <= part.high
        assert 0.0 <= part.not_positive <= 1.0
    assert found.total_return.low > -1.0
    assert straps(returns, samples=50, seed=seed) == found


def test_too_little_is_no_bootstrap_and_no_variance_no_ratio() -> None:
    assert bootstrap(np.zeros(29), HOUR) is None
    found = straps(np.full(60, 0.01), samples=20)
    assert found.sharpe is None
    assert found.total_return.low == pytest.approx(found.total_return.high) == pytest.approx(1.01**60 - 1.0)


@pytest.mark.parametrize(
    ("equity", "returns"),
    [
        ([100.0, 110.0, 99.0], [0.1, -0.1]),
        ([100.0, 50.0, 0.0, 0.0, 20.0], [-0.5, -1.0, 0.0, 0.0]),
        ([100.0, -5.0, 10.0], [-1.0, 0.0]),
    ],
)
def test_returns_of_a_curve_that_may_be_ruined(equity: list[float], returns: list[float]) -> None:
    assert returns_of(np.array(equity)).tolist() == pytest.approx(returns)
