"""Votes of the AI models, what they amount to together, and what became of them."""

from __future__ import annotations

from enum import Enum

import msgspec

from engine.model.money import Money

SEATS = 3
ENSEMBLE = "ensemble"
STRATEGIES = "strategies"


class Stance(Enum):
    """What a vote is for."""

    LONG = "LONG"
    SHORT = "SHORT"
    NEUTRAL = "NEUTRAL"

    @property
    def side(self) -> int:
        """+1, -1 or 0."""
        return {"LONG": 1, "SHORT": -1, "NEUTRAL": 0}[self.value]

    @classmethod
    def of(cls, side: int) -> Stance:
        """The stance of a side +1, -1 or 0."""
        return (cls.NEUTRAL, cls.LONG, cls.SHORT)[side]


class VoteStatus(Enum):
    """OK: the model answered within schema and deadline. ABSTAIN: it did not; never a guess in its place."""

    OK = "OK"
    ABSTAIN = "ABSTAIN"


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One model's vote, or why it gave none.

    Attributes:
        voter: name of the seat (gpt, claude, llama).
        model: as the endpoint named it, or as it was asked for.
        status: whether it counts.
        stance: what it is for; None for an abstention.
        confidence: 0 to 100.
        horizon: decision bars after which it wants to be judged.
        reasons: three short ones.
        risks: what would make it wrong.
        flags: numbers it named that contradict the prompt.
        why: reason of an abstention, else empty.
        tokens_in, tokens_out: as the endpoint counted them.
        cost: 1e-8 USD; None where the price or the tokens are not known.
        latency_ms: from the question to the answer, waiting and retries included.
        prompt_hash: SHA-256 of the prompt, hexadecimal.
        cached: an answer to the very same prompt, given before.
        simulated: the answer is a heuristic's, not a model's.
    """

    voter: str
    model: str
    status: VoteStatus
    stance: Stance | None = None
    confidence: int = 0
    horizon: int = 0
    reasons: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    why: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Money | None = 0
    latency_ms: int = 0
    prompt_hash: str = ""
    cached: bool = False
    simulated: bool = False

    @property
    def valid(self) -> bool:
        """Whether it counts."""
        return self.status is VoteStatus.OK and self.stance is not None


def abstention(voter: str, model: str, why: str, **more: int | str | bool | None) -> Vote:
    """An ABSTAIN with its reason."""
    vote = Vote(voter=voter, model=model, status=VoteStatus.ABSTAIN, why=why)
    return msgspec.structs.replace(vote, **more) if more else vote


class Consensus(msgspec.Struct, frozen=True, kw_only=True):
    """What the votes amount to: direction, confidence 0 to 100, how many agree of how many valid, and a sentence."""

    stance: Stance
    confidence: float
    agreeing: int
    valid: int
    reason: str


class VoterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Running sums over one voter's votes.

    Attributes:
        asked: how often; `abstained` of them gave no vote.
        scored: votes whose horizon has passed; `hits` of them were right.
        brier: sum of (confidence - hit)^2, both 0 to 1.
        returns: sum of net returns of following it, fractions.
        cost: 1e-8 USD spent on it, as far as that is known.
    """

    asked: int = 0
    abstained: int = 0
    scored: int = 0
    hits: int = 0
    brier: float = 0.0
    returns: float = 0.0
    cost: Money = 0


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a vote when its horizon had passed.

    Attributes:
        signal_id: the candidate it was about; `symbol` and `bar_time` (ms UTC, open of the deciding bar) are its.
        voter: a voter's name, ``ensemble``, or ``strategies`` for the candidate itself.
        stance: what it was for; `confidence` 0 to 100.
        candidate: side of the candidate, +1 or -1.
        move: of the price from the deciding close to the horizon, fraction.
        hit: it was right, see `engine.core.ballots.judge`.
        brier: (confidence - hit)^2, both 0 to 1.
        net: return of following it, after costs of both ways; fraction.
        followed: the candidate would have been traded by its word alone.
        at: when it was scored, ms UTC by the bars.
        cost: of the vote, 1e-8 USD; None where it is not known.
    """

    signal_id: int
    symbol: str
    bar_time: int
    voter: str
    stance: Stance
    confidence: float
    candidate: int
    move: float
    hit: bool
    brier: float
    net: float
    followed: bool
    at: int
    cost: Money | None = 0
