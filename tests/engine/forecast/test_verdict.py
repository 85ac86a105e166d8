"""Better, or lucky?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.bars import Floats
from engine.forecast.verdict import ALPHA, COIN, DIRECTION_ALPHA, RULE, Evidence, better, judge

N = 2_000


def returns(seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, N)


def right(share: float, seed: int = 7) -> Floats:
    """Says the direction of `returns()`, right in this share of the moves."""
    flip = np.random.default_rng(seed).random(N) >= share
    said: Floats = np.sign(returns()) * np.where(flip, -1.0, 1.0)
    return said


def evidence(model: Floats | None = None, **other: Any) -> Evidence:
    actual = returns()
    known: dict[str, Any] = {
        "actual": actual,
        "model": 0.3 * actual if model is None else model,
        "baselines": {"persistence": np.zeros(N), "linear": 0.02 * actual},
        "sides": {"drift": np.ones(N), "linear": right(0.53)},
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


def said(share: float) -> Floats:
    """Better in squared error than nothing, but right in only this share of the directions: sure where it matters."""
    actual = returns()
    order = np.argsort(np.abs(actual))[::-1]
    out = np.empty(N)
    hits = round(share * N)
    out[order[:hits]] = 0.5 * actual[order[:hits]]
    out[order[hits:]] = -1e-6 * np.sign(actual[order[hits:]])
    return out


@pytest.mark.parametrize(
    ("made", "beats", "sentence"),
    [
        (evidence(np.zeros(N)), False, "not better beyond luck"),
        (evidence(baselines={"persistence": np.zeros(N), "linear": 0.31 * returns()}), False, "of linear: not better"),
        (evidence(said(0.51), sides={}), True, f"of {COIN}: not better beyond luck"),
        (evidence(said(0.60), sides={"drift": np.ones(N), "majority": right(0.60)}), True, "of majority: not better"),
        (evidence(said(0.60), sides={"linear": right(0.58)}), True, "of linear: not better beyond luck (p = "),
        (evidence(said(0.60), sides={"linear": right(0.62)}), True, "of linear: not better beyond luck (p = "),
        (evidence(folds_better=0.4), True, "better in only 40% of the folds"),
    ],
)
def test_each_doubt_by_itself_is_enough(made: Evidence, *, beats: bool, sentence: str) -> None:
    verdict = judge(made)
    assert not verdict.trusted
    assert verdict.beats_best_baseline is beats
    assert verdict.sentence.startswith("untrusted: ")
    assert sentence in verdict.sentence


def test_the_verdict_names_the_direction_that_is_hardest_to_beat() -> None:
    verdict = judge(evidence(said(0.60), sides={"drift": np.ones(N), "linear": right(0.53)}))
    assert (verdict.trusted, verdict.best_direction) == (True, "linear")
    assert verdict.direction_p_value < DIRECTION_ALPHA
    assert "direction 60.0% against" in verdict.sentence
    assert verdict.rule == RULE


def test_a_bar_that_does_not_move_is_nobody_s() -> None:
    actual = np.where(np.arange(N) % 2 == 0, 0.0, returns())
    found = judge(
        evidence(0.3 * actual, actual=actual, sides={"drift": np.ones(N)}, baselines={"persistence": np.zeros(N)})
    )
    assert found.trusted
    assert "direction 100.0% against" in found.sentence
    still = judge(
        evidence(np.zeros(N), actual=np.zeros(N), sides={"drift": np.ones(N)}, baselines={"none": np.zeros(N)})
    )
    assert not still.trusted


@pytest.mark.parametrize("edge", [0.0, 0.02])
def test_a_worthless_direction_passes_no_more_often_than_it_says(edge: float) -> None:
    """The paired test against four guesses of which one is as good as the model: at most 2.5 % pass."""
    passed = 0
    for seed in range(200):
        dice = np.random.default_rng(seed)
        actual = dice.normal(0.0, 0.01, 500)
        ours, theirs = (np.sign(actual) * np.where(dice.random(500) < 0.5 + edge, 1.0, -1.0) * 1e-4 for _ in range(2))
        sides = {"drift": np.ones(500), "linear": theirs, "majority": -np.ones(500)}
        passed += judge(Evidence(actual, ours, {"persistence": np.zeros(500)}, sides, 1.0, 1)).direction_p_value < 0.025
    assert passed <= 200 * 0.025


def test_many_tries_ask_for_more() -> None:
    dice = np.random.default_rng(3)
    model = 0.07 * returns() + dice.normal(0.0, 0.0015, N)
    base = {"persistence": np.zeros(N)}
    sides = {"drift": np.ones(N)}
    once, often = (judge(evidence(model, baselines=base, sides=sides, tries=tries)) for tries in (1, 10**90))
    assert once.trusted
    assert not often.trusted
    assert often.alpha == ALPHA / 10**90
