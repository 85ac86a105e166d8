"""Evaluation knows only the past, and finds what is there."""

from __future__ import annotations

import numpy as np
import pytest

from engine.bars import Bars
from engine.errors import BadInput
from engine.forecast.baselines import baselines
from engine.forecast.dataset import Dataset, windows
from engine.forecast.evaluation import Evaluation, Infer, evaluate, out_of_sample, prepare
from engine.forecast.recipe import Recipe
from engine.forecast.split import hold_out, walk_forward
from engine.forecast.words import COLUMNS, markdown
from tests.engine.forecast.series import TINY, nothing, planted, product, samples, walk

FOLDS = 5


def walked(data: Dataset, infer: Infer = product) -> Evaluation:
    splits = walk_forward(len(data), FOLDS, data.recipe.embargo)
    return evaluate(data, splits, [out_of_sample(data, prepare(data, split), infer) for split in splits])


def test_what_sees_the_planted_pattern_beats_every_baseline_the_linear_one_too() -> None:
    found = walked(samples(planted(3_000)))
    verdict = found.verdict
    assert verdict.trusted
    assert all(found.model.rmse_return < 0.7 * one.rmse_return for one in found.baselines.values())
    assert found.model.direction is not None
    assert found.model.direction > 0.85
    assert found.model.profit is not None
    assert found.model.profit > found.hold
    assert found.coverage == pytest.approx(0.9, abs=0.03)


def test_the_linear_model_sees_nothing_of_it() -> None:
    found = walked(samples(planted(3_000)))
    assert found.baselines["linear"].rmse_return > 0.98 * found.baselines["persistence"].rmse_return


def test_the_table_as_markdown_has_a_row_for_each_and_the_verdict_last() -> None:
    found = walked(samples(planted(3_000)))
    lines = [line.rstrip() for line in markdown(found).splitlines()]
    assert lines[0] == f"| {' | '.join(COLUMNS)} |"
    assert [line.split(" | ")[0] for line in lines[2:7]] == [
        "| **model**",
        "| persistence",
        "| drift",
        "| linear",
        "| majority",
    ]
    assert len({line.count("|") for line in lines[:7]}) == 1
    assert lines[-1] == found.verdict.sentence


def test_what_says_nothing_is_not_trusted() -> None:
    found = walked(samples(walk(2_000)), nothing)
    assert not found.verdict.trusted
    assert found.model.direction is None
    assert len(found.folds) == FOLDS
    assert sum(fold.test for fold in found.folds) == found.samples


def test_scaler_and_training_samples_know_nothing_of_validation_and_test() -> None:
    bars = walk(1_500)
    for recipe in (TINY, Recipe(preset="reference", features="full", window=6, units=(4,))):
        data = samples(bars, recipe)
        split = hold_out(len(data), recipe.embargo)
        last = int(data.rows[split.train][-1]) + recipe.horizon
        other = walk(1_500, seed=77)
        later = Bars(
            bars.open_time,
            *(
                np.concatenate((getattr(bars, name)[: last + 1], getattr(other, name)[last + 1 :]))
                for name in ("open", "high", "low", "close", "volume")
            ),
        )
        ours, theirs = prepare(data, split), prepare(samples(later, recipe), split)
        assert ours.scaler == theirs.scaler
        np.testing.assert_array_equal(ours.train_target, theirs.train_target)
        np.testing.assert_array_equal(
            windows(ours.scaled, ours.train, recipe.window), windows(theirs.scaled, theirs.train, recipe.window)
        )


def test_scaled_answers_become_returns_again() -> None:
    for preset in ("returns", "reference"):
        data = samples(walk(900), Recipe(preset=preset, window=6, units=(4,)))
        scaler = prepare(data, hold_out(len(data), 7)).scaler
        back = scaler.returns(scaler.target(data.target, data.close), data.close)
        np.testing.assert_allclose(back, data.target, rtol=1e-9, atol=1e-12)


def test_baselines_of_a_linear_world() -> None:
    dice = np.random.default_rng(2)
    made = [dice.normal(size=(n, 4, 3)).astype(np.float32) for n in (800, 200, 300)]
    weights = dice.normal(size=12)
    target = [part.reshape(len(part), -1) @ weights + 0.5 for part in made]
    found = baselines((made[0], target[0]), (made[1], target[1]), made[2], samples=300)
    np.testing.assert_allclose(found.returns["linear"], target[2], atol=0.01)
    assert found.returns["persistence"].tolist() == [0.0] * 300
    np.testing.assert_allclose(found.returns["drift"], np.concatenate(target[:2]).mean())
    assert found.majority == 1


def test_a_net_that_answers_with_no_number_is_refused() -> None:
    data = samples(walk(900))
    ready = prepare(data, hold_out(len(data), 7))
    with pytest.raises(BadInput, match="the training went astray"):
        out_of_sample(data, ready, lambda part: np.full(len(part), np.nan))


def test_a_training_part_that_stands_still_is_refused() -> None:
    bars = walk(1_500)
    flat = bars.close.copy()
    flat[:1_100] = 100.0
    data = Dataset(bars, "X", 3_600_000, TINY, *_still(bars, flat))
    with pytest.raises(BadInput, match="does not move"):
        prepare(data, hold_out(len(data), 7))


def _still(bars: Bars, close: np.ndarray) -> tuple[np.ndarray, ...]:
    data = samples(bars)
    target = np.log(close[data.rows + 1] / close[data.rows])
    return data.columns, data.rows, target, data.spread
