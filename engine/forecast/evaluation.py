"""Out-of-sample evaluation: the test parts of one or more splits, scored together against the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np

from engine.bars import Floats, Ints
from engine.errors import BadInput
from engine.forecast.baselines import DRIFT, LINEAR, PERSISTENCE, Baselines, baselines
from engine.forecast.dataset import Dataset, Windows, windows
from engine.forecast.scaling import Scaler, fit_scaler
from engine.forecast.scores import DEFAULT_FEE, Scores, conformal, coverage, profit, score
from engine.forecast.share import wilson
from engine.forecast.split import Split
from engine.forecast.verdict import Evidence, Verdict, finite, judge

MAJORITY = "majority"
Infer: TypeAlias = Callable[[Windows], Floats]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A split made ready for a net: everything scaled by numbers of its training part.

    `train` and `validation` are scaled windows with what the net is to answer.
    """

    split: Split
    scaler: Scaler
    scaled: Floats
    train: Ints
    validation: Ints
    train_target: Floats
    validation_target: Floats


@dataclass(frozen=True, slots=True)
class Tested:
    """The test part of one split: what came, what the net and the baselines had said (log returns)."""

    actual: Floats
    close: Floats
    model: Floats
    guesses: Baselines
    half: Floats
    half_width: float
    errors: Floats


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """One test part in numbers; `begin` and `end` are open times, ms UTC, `end` included."""

    begin: int
    end: int
    train: int
    test: int
    rmse_return: float
    baselines: dict[str, float]
    direction: float | None
    coverage: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All test parts together.

    Attributes:
        folds: each test part.
        samples: forecasts scored.
        model: scores of the net.
        baselines: scores of persistence, drift, linear and the majority direction (which has a direction only).
        level: share the interval was to hold.
        coverage: share it held; `coverage_interval` is its 95 % interval.
        fee: of one side of a trade in the profits, fraction.
        hold: profit of being long throughout, sum of returns.
        verdict: may it be listened to.
    """

    folds: tuple[Fold, ...]
    samples: int
    model: Scores
    baselines: dict[str, Scores]
    level: float
    coverage: float
    coverage_interval: tuple[float, float]
    fee: float
    hold: float
    verdict: Verdict


def prepare(data: Dataset, split: Split) -> Prepared:
    """Scale by the training part alone and pick the rows; raises BadInput where it does not move."""
    train, validation = data.rows[split.train], data.rows[split.validation]
    seen = slice(int(train[0]) - data.recipe.window + 1, int(train[-1]) + 1)
    returns, close = data.target[split.train], data.bars.close
    if not float(returns.std()) > 0.0:
        raise BadInput(f"{data.symbol} training part", len(train), "the price does not move there")
    scaler = fit_scaler(data.columns[seen], returns, close[seen], data.recipe)
    return Prepared(
        split,
        scaler,
        scaler.columns(data.columns),
        train,
        validation,
        scaler.target(returns, close[train]),
        scaler.target(data.target[split.validation], close[validation]),
    )


def out_of_sample(data: Dataset, ready: Prepared, infer: Infer) -> Tested:
    """Forecast the test part; the interval's width comes from the validation part.

    Args:
        data: the samples.
        ready: their split, scaled.
        infer: the trained net: scaled windows to answers.

    Raises BadInput where the net does not answer with numbers.
    """
    split, window = ready.split, data.recipe.window
    parts = [windows(ready.scaled, data.rows[part], window) for part in (split.train, split.validation, split.test)]
    rows = (data.rows[split.validation], data.rows[split.test])
    said = [
        ready.scaler.returns(infer(part), data.bars.close[where]) for part, where in zip(parts[1:], rows, strict=True)
    ]
    if not (finite(said[0]) and finite(said[1])):
        raise BadInput("net", "not a number", "the training went astray; use a smaller --rate")
    root = np.sqrt(data.recipe.horizon)
    errors = (data.target[split.validation] - said[0]) / (data.spread[split.validation] * root)
    width = conformal(errors, data.recipe.level)
    guesses = baselines(
        (parts[0], data.target[split.train]),
        (parts[1], data.target[split.validation]),
        parts[2],
        samples=len(parts[2]),
    )
    half = width * data.spread[split.test] * root
    return Tested(data.target[split.test], data.bars.close[rows[1]], said[1], guesses, half, width, errors)


def evaluate(
    data: Dataset, splits: Sequence[Split], tested: Sequence[Tested], *, fee: float = DEFAULT_FEE, tries: int = 1
) -> Evaluation:
    """Score all test parts as one and judge; `tries` is how many models have been tried on these bars."""
    actual, close, model, half = (
        np.concatenate([getattr(one, name) for one in tested]) for name in ("actual", "close", "model", "half")
    )
    guesses = {
        name: np.concatenate([one.guesses.returns[name] for one in tested]) for name in tested[0].guesses.returns
    }
    majority = np.concatenate([np.full(len(one.actual), float(one.guesses.majority)) for one in tested])
    horizon = data.recipe.horizon
    ours = score(model, actual, close, horizon=horizon, fee=fee)
    theirs = {name: score(values, actual, close, horizon=horizon, fee=fee) for name, values in guesses.items()}
    zero = theirs[PERSISTENCE]
    way = score(majority, actual, close, horizon=horizon, fee=fee)
    theirs[MAJORITY] = msgspec.structs.replace(
        zero, direction=way.direction, direction_interval=way.direction_interval, profit=way.profit
    )
    folds = tuple(_fold(data, split, one) for split, one in zip(splits, tested, strict=True))
    within = coverage(model, actual, half)
    evidence = Evidence(
        actual,
        model,
        guesses,
        {DRIFT: guesses[DRIFT], LINEAR: guesses[LINEAR], MAJORITY: majority},
        float(np.mean([fold.rmse_return < min(fold.baselines.values()) for fold in folds])),
        horizon,
        tries,
    )
    return Evaluation(
        folds=folds,
        samples=len(actual),
        model=ours,
        baselines=theirs,
        level=data.recipe.level,
        coverage=within,
        coverage_interval=wilson(within * len(actual) / horizon, len(actual) / horizon),
        fee=fee,
        hold=profit(np.ones(len(actual)), actual, horizon=horizon, fee=fee),
        verdict=judge(evidence),
    )


def _fold(data: Dataset, split: Split, one: Tested) -> Fold:
    scores = score(one.model, one.actual, one.close, horizon=data.recipe.horizon)
    at = data.at[split.test]
    return Fold(
        begin=int(at[0]),
        end=int(at[-1]),
        train=split.train.stop - split.train.start,
        test=len(one.actual),
        rmse_return=scores.rmse_return,
        baselines={
            name: float(np.sqrt(np.mean((said - one.actual) ** 2))) for name, said in one.guesses.returns.items()
        },
        direction=scores.direction,
        coverage=coverage(one.model, one.actual, one.half),
    )
