"""Probabilistic and deflated Sharpe ratios against the paper, closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backtest.deflated import (
    Moments,
    Variants,
    deflate,
    deflated_sharpe,
    expected_best,
    moments_of,
    probabilistic_sharpe,
    variants_of,
)
from tests.engine.backtest.walks import HOUR

DAY = 24 * HOUR


def example(skewness: float = -3.0, kurtosis: float = 10.0) -> Moments:
    return Moments(count=1250, sharpe=2.5 / math.sqrt(250), skewness=skewness, kurtosis=kurtosis)


def test_the_papers_example_of_the_deflated_sharpe_ratio() -> None:
    """Bailey and López de Prado (2014): 2.5 a year, five years of days, 100 variants whose variance is 1/2 a year."""
    variants = Variants(100, 0.5 / 250)
    assert expected_best(variants) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(example(), variants) == pytest.approx(0.9004, abs=5e-5)


def test_the_papers_example_with_fewer_variants_and_normal_returns() -> None:
    """The same paper: after 46 variants it would have been significant at 95 %; so would 88 with normal returns."""
    assert deflated_sharpe(example(), Variants(46, 0.5 / 250)) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(example(0.0, 3.0), Variants(88, 0.5 / 250)) == pytest.approx(0.9505, abs=5e-5)


def test_the_probabilistic_sharpe_ratio_of_normal_returns_is_the_textbook_one() -> None:
    moments = Moments(count=101, sharpe=0.1, skewness=0.0, kurtosis=3.0)
    z = 0.1 * 10.0 / math.sqrt(1.0 + 0.5 * 0.01)
    assert probabilistic_sharpe(moments) == pytest.approx(0.5 * (1.0 + math.erf(z / math.sqrt(2.0))))
    assert probabilistic_sharpe(moments, 0.1) == pytest.approx(0.5)
    assert probabilistic_sharpe(Moments(count=101, sharpe=2.0, skewness=3.0, kurtosis=1.5)) is None


def test_one_variant_deflates_nothing() -> None:
    found = deflate(example(), Variants(1, 0.0), DAY)
    assert found.expected_best == 0.0
    assert found.deflated == found.probabilistic == probabilistic_sharpe(example())


def test_the_expected_best_is_that_of_simulated_worthless_variants() -> None:
    rng = np.random.default_rng(3)
    best = rng.normal(0.0, 0.02, (4_000, 50)).max(axis=1).mean()
    assert expected_best(Variants(50, 0.02**2)) == pytest.approx(best, rel=0.02)


@given(st.integers(2, 10_000), st.floats(1e-8, 1e-2))
def test_more_variants_are_never_more_convincing(count: int, variance: float) -> None:
    one, more = (deflated_sharpe(example(), Variants(n, variance)) for n in (count, count + 1))
    assert one is not None
    assert more is not None
    assert more <= one <= (probabilistic_sharpe(example()) or 0.0)


def test_moments_against_their_definitions() -> None:
    returns = np.array([0.01, -0.02, 0.03, 0.0, -0.01])
    found = moments_of(returns)
    assert found is not None
    mean = sum(returns) / 5
    second, third, fourth = (sum((r - mean) ** k for r in returns) / 5 for k in (2, 3, 4))
    assert found.sharpe == pytest.approx(mean / math.sqrt(second * 5 / 4))
    assert found.skewness == pytest.approx(third / second**1.5)
    assert found.kurtosis == pytest.approx(fourth / second**2)
    assert moments_of(np.full(100, 0.001)) is None
    assert moments_of(np.array([0.1, 0.2, 0.3])) is None


def test_the_variants_of_a_sweep() -> None:
    # yearly ratios of days: variance 2/3 x ... / 365
    found = variants_of([1.0, 2.0, None, 3.0], DAY)
    assert found.count == 4
    assert found.variance == pytest.approx(np.var([1.0, 2.0, 0.0, 3.0], ddof=1) / 365)
    assert variants_of([1.0], DAY) == Variants(1, 0.0)
