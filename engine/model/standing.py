"""How the voters have done, as the engine tells it to whoever asks. Fractions are of one, money is 1e-8 USD."""

from __future__ import annotations

import msgspec

from engine.model.money import Money


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
        cost: spent on its scored votes, as far as it is known; `unpriced` of them cost nobody knows what.
        cost_per_hit: for each vote that was right; None where none was, or where a cost is not known.
        calibration: from the least sure to the surest.
        weight: how much its confidence counts in the consensus, 1 before 30 votes are scored.
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
    unpriced: int = 0
    weight: float = 1.0


class Answers(msgspec.Struct, frozen=True):
    """How often a voter was asked, how often it abstained, and the reason it gave for that most often."""

    voter: str
    asked: int
    abstained: int
    why: str = ""


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
    answers: tuple[Answers, ...] = ()
