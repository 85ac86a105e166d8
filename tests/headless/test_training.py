"""Training in a process of its own: the net learns what is there, believes no noise, resumes, and stops when asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.forecast.inference import Model
from engine.forecast.recipe import Recipe
from engine.forecast.split import hold_out
from headless.training.making import About, Made, train, walk
from headless.training.protocol import Progress
from headless.training.trainer import Trainer, TrainingFailed, trainer
from tests.engine.forecast import series
from tests.engine.forecast.series import TINY, planted, samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ABOUT = About("made", 0)
SMALL = replace(TINY, epochs=3, units=(8,))


@pytest.fixture(scope="module")
def child() -> Iterator[Trainer]:
    series.need_training()
    with trainer() as made:
        assert made.ready().startswith("2.")
        yield made


def quiet(fold: int, progress: Progress) -> None:
    return


@pytest.fixture(scope="module")
def learnt(child: Trainer) -> Made:
    return train(samples(planted(3_000)), child, ABOUT, told=quiet)


def test_the_net_beats_every_baseline_where_there_is_a_pattern(learnt: Made) -> None:
    found = learnt.header.evaluation
    assert found.verdict.trusted
    assert all(found.model.rmse_return < 0.85 * one.rmse_return for one in found.baselines.values())
    assert found.model.direction is not None
    assert found.model.direction > 0.8


def test_the_file_forecasts_with_onnxruntime_alone(learnt: Made) -> None:
    model = Model.of(learnt.data, "learnt")
    made = model.forecast(planted(3_000))
    assert made is not None
    assert made.trusted
    assert abs(made.value) > 0.002


def test_training_again_gives_the_same_file(child: Trainer, learnt: Made) -> None:
    again = train(samples(planted(3_000)), child, ABOUT, told=quiet)
    assert again.header.curve == learnt.header.curve
    assert again.header.evaluation == learnt.header.evaluation


def test_walking_forward_finds_it_too(child: Trainer) -> None:
    told: list[tuple[int, Progress]] = []
    found = walk(samples(planted(2_500), replace(TINY, epochs=6)), child, 5, told=lambda *one: told.append(one))
    assert found.verdict.trusted
    assert {fold for fold, _ in told} == {1, 2, 3, 4, 5}
    assert all(later.train > earlier.train for earlier, later in zip(found.folds, found.folds[1:], strict=False))


def test_of_forty_small_nets_on_random_walks_at_most_two_are_trusted(child: Trainer) -> None:
    trusted = 0
    for seed in range(40):
        data = samples(series.walk(900, seed), replace(SMALL, seed=seed))
        trusted += train(data, child, ABOUT, told=quiet).header.trusted
    assert trusted <= 2


def test_the_reference_preset_trains_and_is_not_believed(child: Trainer) -> None:
    recipe = Recipe(preset="reference", features="full", window=6, units=(8, 4), epochs=2)
    made = train(samples(series.walk(1_500), recipe), child, ABOUT, told=quiet)
    assert not made.header.trusted
    assert Model.of(made.data, "reference").forecast(series.walk(3_000)) is not None


def test_a_net_that_no_longer_improves_stops_early(child: Trainer) -> None:
    recipe = replace(SMALL, epochs=60, patience=2)
    made = train(samples(series.walk(900), recipe), child, ABOUT, told=quiet)
    best = min(made.header.curve, key=lambda one: one.validation)
    assert len(made.header.curve) == best.epoch + 2 < 60


def test_an_interrupted_training_keeps_its_best_and_goes_on_later(child: Trainer, tmp_path: Path) -> None:
    data = samples(planted(2_000), replace(TINY, epochs=8, patience=8))

    def stop(fold: int, progress: Progress) -> None:
        if progress.validation is not None and progress.epoch == 2:
            child.cancel()

    first = train(data, child, ABOUT, told=stop, checkpoints=tmp_path)
    assert first.cancelled
    assert 2 <= len(first.header.curve) < 8
    done = len(first.header.curve)
    told: list[Progress] = []
    second = train(data, child, ABOUT, told=lambda *one: told.append(one[1]), checkpoints=tmp_path)
    assert (second.cancelled, second.resumed, len(second.header.curve)) == (False, done, 8)
    assert second.header.curve[:done] == first.header.curve
    assert min(progress.epoch for progress in told) == done + 1


def test_a_cancelled_evaluation_judges_nothing(child: Trainer) -> None:
    def stop(fold: int, progress: Progress) -> None:
        if fold == 2:
            child.cancel()

    data = samples(series.walk(1_500), replace(SMALL, epochs=30, patience=30))
    with pytest.raises(TrainingFailed, match="stopped in fold 2 of 5"):
        walk(data, child, 5, told=stop)


def test_a_checkpoint_of_other_bars_is_not_used(child: Trainer, tmp_path: Path) -> None:
    for seed in (1, 2):
        made = train(samples(series.walk(900, seed), SMALL), child, ABOUT, told=quiet, checkpoints=tmp_path)
        assert made.resumed == 0


def test_many_tries_on_the_same_bars_raise_the_bar(child: Trainer) -> None:
    made = train(samples(series.walk(900), SMALL), child, About("made", 0, tries=25), told=quiet)
    assert made.header.evaluation.verdict.alpha == pytest.approx(0.01 / 25)


def test_the_hold_out_is_what_is_scored(learnt: Made) -> None:
    data = samples(planted(3_000))
    split = hold_out(len(data), TINY.embargo)
    (fold,) = learnt.header.evaluation.folds
    assert (fold.begin, fold.end) == (int(data.at[split.test][0]), int(data.at[split.test][-1]))
    assert fold.train == split.train.stop


@pytest.mark.parametrize(
    "modules",
    [
        "headless.training.trainer, headless.training.making, engine.forecast.live, station.commands.forecast",
        "headless.assembly, headless.forecasting, headless.live",
        "station.app",
    ],
)
def test_tensorflow_is_in_no_process_of_ours(modules: str) -> None:
    code = f"import sys, {modules}; print(sorted({{n.split('.')[0] for n in sys.modules}} & {{'tensorflow', 'keras', 'tf2onnx'}}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"
