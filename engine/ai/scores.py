"""What the voters' past is worth: accuracy, calibration, cost, agreement, and what following each would have earned.

Pure arithmetic over `Score`s; all fractions are of one, money is 1e-8 USD.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from engine.core.consensus import weight
from engine.model.standing import Agreement, Answers, Bin, Curve, Report, Standing
from engine.model.vote import ENSEMBLE, STRATEGIES, Score, Stance, Vote, VoterRecord

Z95 = 1.959963984540054  # standard normal quantile of 0.975
CHANCE = 0.5
JUDGED = 30
BINS = 5
POINTS = 400  # of a curve, at most


def report(scores: Sequence[Score], votes: Sequence[Vote] = ()) -> Report:
    """The ensemble first, then the strategies alone, then each voter by name.

    Args:
        scores: of votes whose horizon has passed.
        votes: all that were asked for, abstentions included.
    """
    by_voter: dict[str, list[Score]] = {}
    for score in sorted(scores, key=lambda one: (one.at, one.signal_id)):
        by_voter.setdefault(score.voter, []).append(score)
    order = sorted(by_voter, key=lambda name: (name != ENSEMBLE, name != STRATEGIES, name))
    voters = [name for name in order if name not in {ENSEMBLE, STRATEGIES}]
    return Report(
        tuple(standing(name, by_voter[name]) for name in order),
        tuple(agreement(first, second, by_voter[first], by_voter[second]) for first, second in combinations(voters, 2)),
        tuple(curve(name, by_voter[name]) for name in order),
        answers(votes),
    )


def answers(votes: Sequence[Vote]) -> tuple[Answers, ...]:
    """Of each voter, by name."""
    asked = Counter(vote.voter for vote in votes)
    reasons: dict[str, Counter[str]] = {voter: Counter() for voter in sorted(asked)}
    for vote in votes:
        if not vote.valid:
            reasons[vote.voter][vote.why] += 1
    return tuple(
        Answers(voter, asked[voter], why.total(), why.most_common(1)[0][0] if why else "")
        for voter, why in reasons.items()
    )


def standing(voter: str, scores: Sequence[Score]) -> Standing:
    """How one voter has done over its scores, at least one."""
    votes, hits = len(scores), sum(one.hit for one in scores)
    low, high = wilson(hits, votes)
    followed = [one for one in scores if one.followed]
    brier = math.fsum(one.brier for one in scores)
    costs = [one.cost for one in scores if one.cost is not None]
    cost, unpriced = sum(costs), votes - len(costs)
    return Standing(
        voter=voter,
        votes=votes,
        hits=hits,
        accuracy=hits / votes,
        low=low,
        high=high,
        brier=brier / votes,
        earned=math.fsum(_earned(one) for one in followed),
        followed=len(followed),
        cost=cost,
        cost_per_hit=cost / hits if hits and not unpriced else None,
        unpriced=unpriced,
        weight=weight(VoterRecord(scored=votes, hits=hits, brier=brier)),
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
    step = max(1, -(-len(points) // POINTS))
    return Curve(voter, tuple(points[(len(points) - 1) % step :: step]))  # the newest is among them


def _earned(one: Score) -> float:
    return one.net if one.stance is not Stance.NEUTRAL else 0.0
