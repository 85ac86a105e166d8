"""EMA cross: always on the side of the faster average."""

from __future__ import annotations

from engine import indicators
from engine.bars import Bars
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy


class EmaCrossParams(Params, frozen=True, kw_only=True):
    """The two averages."""

    fast: int = 12
    slow: int = 26


def warmup(params: EmaCrossParams) -> int:
    """The slow average needs its period."""
    return params.slow - 1


def settle(params: EmaCrossParams) -> int:
    """Bars until the slow average's seed is forgotten."""
    return indicators.ema_settle(params.slow)


def wanted(bars: Bars, params: EmaCrossParams) -> Sides:
    """+1 where EMA(fast) > EMA(slow) at the close, else -1; 0 while warming up."""
    return indicators.ema_cross(bars.close, params.fast, params.slow)


STRATEGY = Strategy(
    "ema-cross",
    EmaCrossParams,
    {"fast": Range(3, 60, 1), "slow": Range(5, 200, 1), **EXIT_RANGES},
    warmup,
    settle,
    wanted,
)
