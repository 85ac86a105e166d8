"""Is a forecaster better than a naive guess, or was it lucky?

The rule, and why it is this one:

*Two losses.* The squared error says whether the forecast and its interval are worth drawing; the direction is what the gate
acts on. Superiority in one does not imply it in the other, so both are asked for.

*Paired.* Model and baseline forecast the same moves, and their losses rise and fall together. The test is of the mean of the
differences, sample by sample (Diebold & Mariano 1995). Two separate intervals, or an interval against the baseline's share
as if that were known exactly, would answer another question: the first is blind, the second too easily pleased.

*Every baseline.* Which baseline is the best is known only after the fact, so the model must beat each of them. That is an
intersection-union test (Berger 1982): the largest p value decides, and the chance of trusting a worthless model is at most
that of the single test. Dividing alpha by the number of baselines, as for a claim about *any* of them, would be wrong here.

*Several tries.* Whoever trains until one model is lucky tests many hypotheses and shows one; alpha of the squared error is
divided by the number of models tried on the symbol and timeframe (Bonferroni). As all conditions must hold, that bounds the
whole rule.

*Folds.* A lead that comes from one stretch of the market alone is no lead: more than half of the test parts must agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np

from engine.bars import Floats

ALPHA = 0.01
DIRECTION_ALPHA = 0.025  # one-sided: the 95 % interval of the difference lies above nought
COIN = "a coin"
# Raised whenever the rule asks for more: what an earlier one trusted is not trusted by this one.
RULE = 2
LAG_ROOT = 2.0 / 9.0


def better(ours: Floats, theirs: Floats, horizon: int = 1) -> float:
    """One-sided p value of "our losses are not smaller", paired by sample.

    Diebold & Mariano (1995) on the differences of the losses, with the variance of Newey & West (1987; Bartlett weights,
    at least horizon - 1 lags) and the small-sample factor of Harvey, Leybourne & Newbold (1997); normal tail. Where
    the difference never varies, 0 if ours is always smaller, else 1.
    """
    difference = ours - theirs
    n = len(difference)
    lags = max(horizon - 1, int(4.0 * (n / 100.0) ** LAG_ROOT))
    centred = difference - difference.mean()
    variance = float(centred @ centred) / n
    for lag in range(1, min(lags, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag]) / n
    if variance <= 0.0:
        return 0.0 if float(difference.mean()) < 0.0 else 1.0
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
        best_direction: the guess of the direction that is hardest to beat.
        direction_p_value: the largest p value of the direction against any guess of it; must be below 2.5 %.
        rule: by which it was judged, see `RULE`.
    """

    trusted: bool
    beats_best_baseline: bool
    best_baseline: str
    p_value: float
    alpha: float
    sentence: str
    best_direction: str = COIN
    direction_p_value: float = 1.0
    rule: int = 1

    @property
    def stands(self) -> bool:
        """Trusted, and by the rule of today."""
        return self.trusted and self.rule == RULE

    @property
    def words(self) -> str:
        """The sentence of today."""
        return (
            "untrusted: judged by an earlier rule; train it again"
            if self.trusted and not self.stands
            else self.sentence
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        actual: log returns that came.
        model: forecast ones.
        baselines: by name, likewise.
        sides: by name, what each guess of the direction said (its sign counts).
        folds_better: share of the folds in which the model's squared error was below every baseline's.
        horizon: bars ahead.
        tries: how many models have been tried on these bars, this one included.
    """

    actual: Floats
    model: Floats
    baselines: dict[str, Floats]
    sides: dict[str, Floats]
    folds_better: float
    horizon: int
    tries: int = 1


@dataclass(frozen=True, slots=True)
class _Doubt:
    """The guess that is hardest to beat: its name, the largest p value, and the shares of moves both had right."""

    name: str
    chance: float
    ours: float
    theirs: float


def judge(evidence: Evidence) -> Verdict:
    """Trusted only if squared error and direction beat *every* baseline in a paired test, in most folds; see the module."""
    ours = (evidence.model - evidence.actual) ** 2
    losses = {name: (values - evidence.actual) ** 2 for name, values in evidence.baselines.items()}
    errors = {name: math.sqrt(float(loss.mean())) for name, loss in losses.items()}
    best = min(errors, key=lambda name: errors[name])
    chances = {name: better(ours, loss, evidence.horizon) for name, loss in losses.items()}
    chance, alpha, error = max(chances.values()), ALPHA / max(1, evidence.tries), math.sqrt(float(ours.mean()))
    doubt = _direction(evidence)
    against = f"RMSE {error:.4%} against {errors[best]:.4%} of {best}"
    way = f"direction {doubt.ours:.1%} against {doubt.theirs:.1%} of {doubt.name}"
    if chance >= alpha:
        why = f"{against}: not better beyond luck (p = {chance:.2g}, needed < {alpha:.2g})"
    elif doubt.chance >= DIRECTION_ALPHA:
        why = f"{way}: not better beyond luck (p = {doubt.chance:.2g}, needed < {DIRECTION_ALPHA:g})"
    elif evidence.folds_better <= 0.5:
        why = f"better in only {evidence.folds_better:.0%} of the folds"
    else:
        why = ""
    return Verdict(
        trusted=not why,
        beats_best_baseline=chances[best] < alpha,
        best_baseline=best,
        p_value=chance,
        alpha=alpha,
        sentence=f"untrusted: {why}"
        if why
        else f"trusted: {against} (p = {chance:.2g}), {way} (p = {doubt.chance:.2g})",
        best_direction=doubt.name,
        direction_p_value=doubt.chance,
        rule=RULE,
    )


def _direction(evidence: Evidence) -> _Doubt:
    """The paired test of wrong directions against each guess; a bar that does not move is nobody's."""
    moved = evidence.actual != 0.0
    moves = max(1, int(np.count_nonzero(moved)))
    ours = _wrong(evidence.model, evidence.actual)
    wrong = {COIN: np.where(moved, 0.5, 0.0)}
    wrong |= {name: _wrong(said, evidence.actual) for name, said in evidence.sides.items()}
    chances = {name: better(ours, theirs, evidence.horizon) for name, theirs in wrong.items()}
    name = max(chances, key=lambda one: (chances[one], -float(wrong[one].sum())))
    right = 1.0 - float(ours.sum()) / moves, 1.0 - float(wrong[name].sum()) / moves
    return _Doubt(name, chances[name], *right)


def _wrong(said: Floats, actual: Floats) -> Floats:
    """1 where the direction was wrong, of the samples that moved; a forecast of no move is wrong."""
    return np.where((actual != 0.0) & (np.sign(said) != np.sign(actual)), 1.0, 0.0)


def finite(values: Floats) -> bool:
    """All of them are numbers."""
    return bool(np.isfinite(values).all())
