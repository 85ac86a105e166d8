"""What the voters' past is worth: accuracy, calibration, cost, agreement, and what following each would have earned.

Pure arithmetic over `Score`s; all fractions are of one, money is 1e-8 USD.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

from engine.model.money import Money
from engine.model.vote import ENSEMBLE, STRATEGIES, Score, Stance

Z95 = 1.959963984540054  # standard normal quantile of 0.975
CHANCE = 0.5
JUDGED = 30
BINS = 5


class Bin(msgspec.Struct, frozen=True):
    """Votes of similar confidence: mean confidence and share that was right, both 0 to 1."""

    votes: int
    confidence: float
    accuracy: float


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one voter has done.

    Attributes:
        voter: its name, or ``ensemble``, or ``strategies``.
        votes: scored ones; `hits` of them were right.
        accuracy: hits over votes; `low` to `high` is its 95 % Wilson interval.
        brier: mean squared distance of confidence and outcome: 0 is perfect, 0.25 is always saying 50 %.
        earned: sum of net returns of the candidates that would have been traded by its word alone.
        followed: how many those are.
        cost: spent on its scored votes, and for each that was right (None where none was).
        calibration: from the least sure to the surest.
        worse_than_chance: at least 30 votes are scored and fewer than half were right.
    """

    voter: str
    votes: int
    hits: int
    accuracy: float
    low: float
    high: float
    brier: float
    earned: float
    followed: int
    cost: Money
    cost_per_hit: float | None
    calibration: tuple[Bin, ...]
    worse_than_chance: bool


class Agreement(msgspec.Struct, frozen=True):
    """On how many candidates two voters both voted, and the share on which they said the same."""

    first: str
    second: str
    both: int
    same: float


class Curve(msgspec.Struct, frozen=True):
    """Equity of following one voter alone, from 1: a point (ms UTC, value) for each scored candidate, oldest first."""

    voter: str
    points: tuple[tuple[int, float], ...]


class Report(msgspec.Struct, frozen=True):
    """Everything the scores tell."""

    standings: tuple[Standing, ...]
    agreements: tuple[Agreement, ...]
    curves: tuple[Curve, ...]


def report(scores: Sequence[Score]) -> Report:
    """The ensemble first, then the strategies alone, then each voter by name."""
    by_voter: dict[str, list[Score]] = {}
    for score in sorted(scores, key=lambda one: (one.at, one.signal_id)):
        by_voter.setdefault(score.voter, []).append(score)
    order = sorted(by_voter, key=lambda name: (name != ENSEMBLE, name != STRATEGIES, name))
    voters = [name for name in order if name not in {ENSEMBLE, STRATEGIES}]
    return Report(
        tuple(standing(name, by_voter[name]) for name in order),
        tuple(agreement(first, second, by_voter[first], by_voter[second]) for first, second in combinations(voters, 2)),
        tuple(curve(name, by_voter[name]) for name in order),
    )


def standing(voter: str, scores: Sequence[Score]) -> Standing:
    """How one voter has done over its scores, at least one."""
    votes, hits = len(scores), sum(one.hit for one in scores)
    low, high = wilson(hits, votes)
    followed = [one for one in scores if one.followed]
    cost = sum(one.cost for one in scores)
    return Standing(
        voter=voter,
        votes=votes,
        hits=hits,
        accuracy=hits / votes,
        low=low,
        high=high,
        brier=math.fsum(one.brier for one in scores) / votes,
        earned=math.fsum(_earned(one) for one in followed),
        followed=len(followed),
        cost=cost,
        cost_per_hit=cost / hits if hits else None,
        calibration=calibration(scores),
        worse_than_chance=votes >= JUDGED and hits / votes < CHANCE,
    )


def wilson(hits: int, votes: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, 1927); (0, 1) for no votes."""
    if votes == 0:
        return 0.0, 1.0
    share, square = hits / votes, z * z
    middle = (share + square / (2 * votes)) / (1 + square / votes)
    half = z * math.sqrt(share * (1 - share) / votes + square / (4 * votes * votes)) / (1 + square / votes)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration(scores: Iterable[Score], bins: int = BINS) -> tuple[Bin, ...]:
    """Votes in bins of equal width over confidence 0 to 100; empty bins are left out."""
    groups: dict[int, list[Score]] = {}
    for one in scores:
        groups.setdefault(min(bins - 1, int(one.confidence * bins / 100)), []).append(one)
    return tuple(
        Bin(
            len(group),
            math.fsum(one.confidence for one in group) / len(group) / 100,
            sum(one.hit for one in group) / len(group),
        )
        for _, group in sorted(groups.items())
    )


def agreement(first: str, second: str, ones: Sequence[Score], others: Sequence[Score]) -> Agreement:
    """How often two voters said the same of the same candidate."""
    said = {one.signal_id: one.stance for one in ones}
    pairs = [(said[other.signal_id], other.stance) for other in others if other.signal_id in said]
    same = sum(a is b for a, b in pairs)
    return Agreement(first, second, len(pairs), same / len(pairs) if pairs else 0.0)


def curve(voter: str, scores: Sequence[Score]) -> Curve:
    """Equity of trading each candidate by this voter's word alone, with all of it each time and one after another.

    An account for comparing voters, no forecast of profit: real sizes are smaller and positions overlap.
    """
    value, points = 1.0, []
    for one in scores:
        if one.followed:
            value *= max(0.0, 1.0 + _earned(one))
        points.append((one.at, value))
    return Curve(voter, tuple(points))


def _earned(one: Score) -> float:
    return one.net if one.stance is not Stance.NEUTRAL else 0.0
