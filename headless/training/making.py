"""From bars to a model file, and from bars to a walk-forward evaluation."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from engine.forecast import features
from engine.forecast.dataset import Dataset
from engine.forecast.evaluation import Evaluation, Tested, evaluate, out_of_sample, prepare
from engine.forecast.inference import infer, session
from engine.forecast.model_file import Header, encode, identity
from engine.forecast.scores import DEFAULT_FEE
from engine.forecast.split import hold_out, walk_forward
from headless.training.protocol import Progress
from headless.training.trainer import Trainer, TrainingFailed

Told: TypeAlias = Callable[[int, Progress], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A trained model: its header, the whole file, and how the training went."""

    header: Header
    data: bytes
    cancelled: bool
    resumed: int


@dataclass(frozen=True, slots=True)
class About:
    """What a model's header tells of its making: `created` in ms UTC, `tries` on these bars, this one included."""

    source: str
    created: int
    note: str = ""
    tries: int = 1
    fee: float = DEFAULT_FEE


def train(data: Dataset, trainer: Trainer, about: About, *, told: Told, checkpoints: Path | None = None) -> Made:
    """Train on the older part, choose on the middle, score on the newest fifth, which the net has never seen.

    Raises BadInput for too few samples and TrainingFailed.
    """
    recipe = data.recipe
    split = hold_out(len(data), recipe.embargo)
    ready = prepare(data, split)
    fitted, net = trainer.fit(ready, recipe, told=lambda progress: told(1, progress), checkpoints=checkpoints)
    made = session(net, "net")
    tested = out_of_sample(data, ready, lambda part: infer(made, part))
    evaluation = evaluate(data, [split], [tested], fee=about.fee, tries=about.tries)
    errors = np.abs(tested.errors)
    header = Header(
        id=identity(recipe, net, data.symbol, data.timeframe_ms),
        symbol=data.symbol,
        timeframe_ms=data.timeframe_ms,
        recipe=recipe,
        scaler=ready.scaler,
        columns=features.names(recipe),
        features_version=features.VERSION,
        code=importlib.metadata.version("trefoil"),
        created=about.created,
        source=about.source,
        bars=len(data.bars),
        begin=int(data.bars.open_time[0]),
        end=int(data.bars.open_time[-1]),
        half_width=tested.half_width,
        error_mean=float(errors.mean()),
        error_deviation=float(errors.std()),
        curve=fitted.curve,
        evaluation=evaluation,
        note=about.note,
    )
    return Made(header, encode(header, net), fitted.cancelled, fitted.resumed)


def walk(
    data: Dataset, trainer: Trainer, folds: int, *, told: Told, fee: float = DEFAULT_FEE, tries: int = 1
) -> Evaluation:
    """A net for each fold, each scored on what came after it. Raises BadInput for too few samples and TrainingFailed.

    A cancelled fit ends the whole evaluation with TrainingFailed.
    """
    splits = walk_forward(len(data), folds, data.recipe.embargo)
    tested: list[Tested] = []
    for i, split in enumerate(splits):
        ready = prepare(data, split)
        fitted, net = trainer.fit(ready, data.recipe, told=lambda progress, fold=i + 1: told(fold, progress))  # type: ignore[misc] # mypy does not infer a default's type
        if fitted.cancelled:
            raise TrainingFailed(f"evaluation: stopped in fold {i + 1} of {folds}; a part of them is not judged")
        made = session(net, "net")
        tested.append(out_of_sample(data, ready, lambda part, made=made: infer(made, part)))  # type: ignore[misc] # likewise
    return evaluate(data, splits, tested, fee=fee, tries=tries)
