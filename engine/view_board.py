"""Pictures of what is said of a symbol: strategies, the forecaster, the voters. Times are ms UTC."""

from __future__ import annotations

import msgspec

from engine.model.forecast import ModelInUse, Outlook
from engine.model.money import Money


class ReadingView(msgspec.Struct, frozen=True, array_like=True):
    """One strategy on one symbol: wanted side, weight in the board, shadow record (expectancy: fraction a trade)."""

    strategy: str
    side: int
    weight: float
    trades: int
    win_rate: float
    expectancy: float


class BoardView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The six readings of a symbol and their weighted score in [-1, 1].

    `record` is the board's own; `held` is why automatic trading of the symbol is off, or empty; `stop_ticks` and
    `target_ticks` are the default protection distances; `outlook` is the forecaster's at `bar_time`, `model` is
    what speaks there.
    """

    symbol: str
    score: float
    zone: int
    readings: tuple[ReadingView, ...]
    record: ReadingView
    held: str
    bar_time: int
    stop_ticks: int
    target_ticks: int
    outlook: Outlook | None = None
    model: ModelInUse | None = None


class VoteView(msgspec.Struct, frozen=True, array_like=True):
    """One seat's vote: `stance` is LONG, SHORT, NEUTRAL or empty for an abstention, whose `reason` says why.

    `confidence` is 0 to 100, `cost` 1e-8 USD or None where it is not known; `flags` counts numbers that contradict the prompt.
    """

    voter: str
    model: str
    stance: str
    confidence: int
    reason: str
    latency_ms: int
    cost: Money | None
    flags: int = 0
    simulated: bool = False


class BallotView(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The newest question to the voters about a symbol; without `votes` it is still open.

    `side` is the candidate's; `at` when it was asked, ms UTC; `stance`, `confidence` and `reason` are the consensus;
    `least` is the confidence it needs.
    """

    symbol: str
    signal_id: int
    side: int
    at: int
    votes: tuple[VoteView, ...] = ()
    stance: str = ""
    confidence: float = 0.0
    least: float = 0.0
    reason: str = ""
