"""The board: the six readings weighted by what each one's shadow trades have earned."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.record import Record

SHRINK_TRADES = 20


def weights(records: Sequence[Record], weight_trades: int) -> tuple[float, ...]:
    """Weights that sum to 1.

    A strategy weighs ``max(0, expectancy x n / (n + 20))`` once it has `weight_trades` shadow trades, before that
    nothing; where no strategy weighs anything all weigh the same.
    """
    raw = [
        r.returns / (r.trades + SHRINK_TRADES) if r.trades >= weight_trades and r.returns > 0.0 else 0.0
        for r in records
    ]
    total = 0.0
    for value in raw:  # added in this order like the compiled walk over history; sum() rounds differently from 3.12 on
        total += value
    if total <= 0.0:
        return (1.0 / len(raw),) * len(raw)
    return tuple([value / total for value in raw])


def score(readings: Sequence[int], shares: Sequence[float]) -> float:
    """Weighted mean of the readings, -1 to 1."""
    total = 0.0
    for side, share in zip(readings, shares, strict=True):
        total += side * share
    return total


def zone(value: float, entry_score: float) -> int:
    """+1 at or above the entry score, -1 at or below its negative, else 0."""
    if value >= entry_score:
        return 1
    return -1 if value <= -entry_score else 0
