"""Is a forecaster better than a naive guess, or was it lucky?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np

from engine.bars import Floats

ALPHA = 0.01
LAG_ROOT = 2.0 / 9.0


def better(ours: Floats, theirs: Floats, horizon: int = 1) -> float:
    """One-sided p value of "our losses are not smaller", paired by sample.

    Diebold & Mariano (1995) on the differences of the losses, with the variance of Newey & West (1987; Bartlett weights,
    at least horizon - 1 lags) and the small-sample factor of Harvey, Leybourne & Newbold (1997); normal tail. 1 where
    both always lose alike.
    """
    difference = ours - theirs
    n = len(difference)
    lags = max(horizon - 1, int(4.0 * (n / 100.0) ** LAG_ROOT))
    centred = difference - difference.mean()
    variance = float(centred @ centred) / n
    for lag in range(1, min(lags, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag]) / n
    if variance <= 0.0:
        return 1.0
    small = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = float(difference.mean()) / math.sqrt(variance / n) * math.sqrt(max(small, 0.0))
    return 0.5 * math.erfc(-statistic / math.sqrt(2.0))


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a forecaster may be listened to.

    Attributes:
        trusted: every condition holds.
        beats_best_baseline: its squared error is smaller than that of the best baseline, beyond luck.
        best_baseline: the one with the smallest squared error.
        p_value: of the best-founded doubt: the largest p value against any baseline.
        alpha: what `p_value` must be below; shared among all tries on these bars.
        sentence: the verdict in one line.
    """

    trusted: bool
    beats_best_baseline: bool
    best_baseline: str
    p_value: float
    alpha: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        actual: log returns that came.
        model: forecast ones.
        baselines: by name, likewise.
        direction: share of moves whose direction the model had right, and the lower end of its 95 % interval.
        naive_direction: the best share of always saying one direction: a coin, the drift, the majority.
        linear_direction: the share of the linear model.
        folds_better: share of the folds in which the model's squared error was below every baseline's.
        horizon: bars ahead.
        tries: how many models have been tried on these bars, this one included.
    """

    actual: Floats
    model: Floats
    baselines: dict[str, Floats]
    direction: tuple[float, float]
    naive_direction: float
    linear_direction: float
    folds_better: float
    horizon: int
    tries: int = 1


def judge(evidence: Evidence) -> Verdict:
    """Trusted only if the squared errors beat *every* baseline and the direction beats every guess of it.

    The largest p value decides (an intersection-union test, Berger 1982, whose size is at most alpha); alpha is 1 %
    divided by the number of tries (Bonferroni), so that training until one is lucky does not help. Direction must be
    better than any constant one by the lower end of its 95 % interval, and not worse than the linear model's; more than
    half of the folds must agree.
    """
    ours = (evidence.model - evidence.actual) ** 2
    losses = {name: (values - evidence.actual) ** 2 for name, values in evidence.baselines.items()}
    errors = {name: math.sqrt(float(loss.mean())) for name, loss in losses.items()}
    best = min(errors, key=lambda name: errors[name])
    chances = {name: better(ours, loss, evidence.horizon) for name, loss in losses.items()}
    chance, alpha, error = max(chances.values()), ALPHA / max(1, evidence.tries), math.sqrt(float(ours.mean()))
    beats = chances[best] < alpha
    share, low = evidence.direction
    against = f"RMSE {error:.4%} against {errors[best]:.4%} of {best}"
    if not (beats and chance < alpha):
        why = f"{against}: not better beyond luck (p = {chance:.2g}, needed < {alpha:.2g})"
    elif low <= evidence.naive_direction:
        why = f"direction {share:.1%} (at least {low:.1%}) is not above the naive {evidence.naive_direction:.1%}"
    elif share < evidence.linear_direction:
        why = f"direction {share:.1%} is below the linear model's {evidence.linear_direction:.1%}"
    elif evidence.folds_better <= 0.5:
        why = f"better in only {evidence.folds_better:.0%} of the folds"
    else:
        sentence = f"trusted: {against} (p = {chance:.2g}), direction {share:.1%}"
        return Verdict(
            trusted=True, beats_best_baseline=True, best_baseline=best, p_value=chance, alpha=alpha, sentence=sentence
        )
    return Verdict(
        trusted=False,
        beats_best_baseline=beats,
        best_baseline=best,
        p_value=chance,
        alpha=alpha,
        sentence=f"untrusted: {why}",
    )


def finite(values: Floats) -> bool:
    """All of them are numbers."""
    return bool(np.isfinite(values).all())
