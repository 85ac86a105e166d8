"""Two of three: what the votes amount to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from engine.errors import InvariantBroken
from engine.model.vote import SEATS, Consensus, Stance, Vote, VoterRecord

NEEDED = 2
PAIR = 0.9
SCORED_FOR_WEIGHT = 30
CHANCE_BRIER = 0.25
LEAST_WEIGHT, MOST_WEIGHT = 0.5, 2.0


def weight(record: VoterRecord | None) -> float:
    """How much a voter's confidence counts.

    1 before 30 of its votes are scored; then ``0.25 / mean Brier score``, within 0.5 and 2. A Brier score of 0.25 is that
    of always saying 50 %, so a voter that does worse counts less than an unknown one.
    """
    if record is None or record.scored < SCORED_FOR_WEIGHT:
        return 1.0
    mean = record.brier / record.scored
    if mean <= CHANCE_BRIER / MOST_WEIGHT:
        return MOST_WEIGHT
    return max(LEAST_WEIGHT, CHANCE_BRIER / mean)


def consensus(votes: Sequence[Vote], weights: Mapping[str, float] | None = None) -> Consensus:
    """Direction and confidence of at most three votes.

    At least two valid votes must name the same side; else NEUTRAL with confidence 0. Where two agree the confidence is
    0.9 times their weighted mean. Where all three agree it is the weighted mean of the three, and never less than what
    the two surest of them would have had alone: a third voice on the same side, however faint, is no argument against it,
    and so an abstention can never raise the confidence. The order of the votes never matters.

    Args:
        votes: one a seat.
        weights: by voter, default 1; see `weight`.
    """
    if len(votes) > SEATS:
        raise InvariantBroken(f"{len(votes)} votes for {SEATS} seats")
    valid = [vote for vote in votes if vote.valid]
    if len(valid) < NEEDED:
        return Consensus(
            stance=Stance.NEUTRAL,
            confidence=0.0,
            agreeing=0,
            valid=len(valid),
            reason=f"{len(votes) - len(valid)} of {len(votes)} abstain",
        )
    for stance in Stance:
        agreeing = [vote for vote in valid if vote.stance is stance]
        if len(agreeing) >= NEEDED:
            return Consensus(
                stance=stance,
                confidence=_confidence(agreeing, weights or {}),
                agreeing=len(agreeing),
                valid=len(valid),
                reason=f"{len(agreeing)} of {len(votes)} {stance.value}",
            )
    words = " ".join(sorted(vote.stance.value for vote in valid if vote.stance is not None))
    return Consensus(
        stance=Stance.NEUTRAL, confidence=0.0, agreeing=0, valid=len(valid), reason=f"no two agree: {words}"
    )


def _confidence(agreeing: Sequence[Vote], weights: Mapping[str, float]) -> float:
    pairs = max(PAIR * _mean(pair, weights) for pair in combinations(agreeing, NEEDED))
    return pairs if len(agreeing) == NEEDED else max(_mean(agreeing, weights), pairs)


def _mean(votes: Sequence[Vote], weights: Mapping[str, float]) -> float:
    """Weighted mean confidence; exact sums, so that the order cannot show in the last bit."""
    shares = [weights.get(vote.voter, 1.0) for vote in votes]
    total = math.fsum(shares)
    return math.fsum(vote.confidence * share for vote, share in zip(votes, shares, strict=True)) / total
