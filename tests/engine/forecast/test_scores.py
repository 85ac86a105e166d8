"""Scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.forecast.scores import conformal, coverage, profit, score
from engine.forecast.share import wilson


def test_errors_in_returns_and_in_prices() -> None:
    forecast, actual, close = np.log([1.1, 1.0]), np.log([1.0, 1.2]), np.array([100.0, 200.0])
    found = score(forecast, actual, close)
    assert (found.mae, found.rmse) == pytest.approx((25.0, np.sqrt((100 + 1600) / 2)))
    assert found.mae_return == pytest.approx((np.log(1.1) + np.log(1.2)) / 2)
    assert found.rmse_return == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(1.2) ** 2) / 2))


def test_direction_leaves_out_what_did_not_move_and_counts_no_opinion_as_wrong() -> None:
    found = score(np.array([0.1, -0.1, 0.1, 0.0]), np.array([0.2, 0.3, 0.0, 0.1]), np.ones(4))
    assert found.direction == pytest.approx(1 / 3)


def test_who_never_says_a_direction_has_none() -> None:
    found = score(np.zeros(3), np.array([0.1, -0.1, 0.2]), np.ones(3))
    assert (found.direction, found.direction_interval, found.profit) == (None, None, None)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (50, 100, 0.4038, 0.5962)]
)
def test_wilson_s_interval(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-4)


def test_nothing_tells_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_overlapping_outcomes_widen_the_interval() -> None:
    dice = np.random.default_rng(1)
    forecast, actual = dice.normal(size=400), dice.normal(size=400)
    one, ten = (score(forecast, actual, np.ones(400), horizon=h).direction_interval for h in (1, 10))
    assert one is not None
    assert ten is not None
    assert ten[1] - ten[0] > 2.5 * (one[1] - one[0])


def test_profit_pays_for_each_change_of_side() -> None:
    side, actual = np.array([1.0, 1.0, -1.0]), np.log([1.1, 0.9, 0.8])
    assert profit(side, actual, fee=0.01) == pytest.approx(0.1 - 0.1 + 0.2 - 0.01 * (1 + 2 + 1))


def test_profit_over_a_longer_horizon_is_that_of_the_mean_position() -> None:
    side, actual = np.ones(3), np.log([1.2, 1.2, 1.2])
    assert profit(side, actual, horizon=2, fee=0.01) == pytest.approx(0.3 - 0.01 * 2)


def test_the_conformal_width_is_an_order_statistic() -> None:
    errors = np.array([-1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, -8.0, 9.0])
    assert conformal(errors, 0.5) == 5.0
    assert conformal(errors, 0.9) == 9.0


def test_the_conformal_interval_holds_its_level_on_fresh_data() -> None:
    dice = np.random.default_rng(4)
    width = conformal(dice.standard_t(4, 4_000), 0.9)
    fresh = dice.standard_t(4, 4_000)
    assert coverage(np.zeros(4_000), fresh, np.full(4_000, width)) == pytest.approx(0.9, abs=0.02)
