"""Better, or lucky?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.bars import Floats
from engine.forecast.verdict import ALPHA, Evidence, better, judge

N = 2_000


def returns(seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, N)


def evidence(model: Floats | None = None, **other: Any) -> Evidence:
    actual = returns()
    known: dict[str, Any] = {
        "actual": actual,
        "model": 0.3 * actual if model is None else model,
        "baselines": {"persistence": np.zeros(N), "linear": 0.02 * actual},
        "direction": (0.6, 0.58),
        "naive_direction": 0.52,
        "linear_direction": 0.53,
        "folds_better": 1.0,
        "horizon": 1,
    }
    return Evidence(**(known | other))


def test_a_plain_case_by_hand() -> None:
    ours, theirs = np.array([1.0, 2.0, 1.0, 2.0] * 50), np.array([2.0, 2.0, 2.0, 2.0] * 50)
    # differences -1, 0, -1, 0: mean -0.5, autocovariances 0.25 x (1, -199/200, 198/200, -197/200, 196/200); 4 lags
    gamma = [0.25 * (-1) ** k * (200 - k) / 200 for k in range(5)]
    variance = gamma[0] + 2 * sum((1 - k / 5) * gamma[k] for k in range(1, 5))
    z = -0.5 / np.sqrt(variance / 200) * np.sqrt(199 / 200)
    from statistics import NormalDist

    assert better(ours, theirs) == pytest.approx(NormalDist().cdf(z))


def test_equal_losses_are_no_better() -> None:
    loss = returns() ** 2
    assert better(loss, loss) == 1.0


@pytest.mark.parametrize("horizon", [1, 5])
def test_chance_passes_no_more_often_than_it_says(horizon: int) -> None:
    wins = 0
    for seed in range(400):
        dice = np.random.default_rng(seed)
        steps = dice.normal(size=600 + horizon)
        actual = np.convolve(steps, np.ones(horizon), "valid")[:600]
        model = 0.1 * np.convolve(dice.normal(size=600 + horizon), np.ones(horizon), "valid")[:600]
        wins += better((model - actual) ** 2, actual**2, horizon) < 0.05
    assert wins <= 400 * 0.05


def test_a_real_edge_is_trusted() -> None:
    verdict = judge(evidence())
    assert (verdict.trusted, verdict.beats_best_baseline, verdict.best_baseline) == (True, True, "linear")
    assert verdict.sentence.startswith("trusted: RMSE ")
    assert verdict.p_value < ALPHA


@pytest.mark.parametrize(
    ("made", "beats", "sentence"),
    [
        (evidence(np.zeros(N)), False, "not better beyond luck"),
        (evidence(baselines={"persistence": np.zeros(N), "linear": 0.31 * returns()}), False, "of linear: not better"),
        (evidence(direction=(0.54, 0.51)), True, "direction 54.0% (at least 51.0%) is not above the naive 52.0%"),
        (evidence(linear_direction=0.61), True, "direction 60.0% is below the linear model's 61.0%"),
        (evidence(folds_better=0.4), True, "better in only 40% of the folds"),
    ],
)
def test_each_doubt_by_itself_is_enough(made: Evidence, *, beats: bool, sentence: str) -> None:
    verdict = judge(made)
    assert not verdict.trusted
    assert verdict.beats_best_baseline is beats
    assert verdict.sentence.startswith("untrusted: ")
    assert sentence in verdict.sentence


def test_many_tries_ask_for_more() -> None:
    dice = np.random.default_rng(3)
    model = 0.07 * returns() + dice.normal(0.0, 0.0015, N)
    base = {"persistence": np.zeros(N)}
    once, often = (judge(evidence(model, baselines=base, tries=tries)) for tries in (1, 10**90))
    assert once.trusted
    assert not often.trusted
    assert often.alpha == ALPHA / 10**90
