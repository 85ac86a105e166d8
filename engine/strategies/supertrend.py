"""SuperTrend: with the trend, flipped when price closes through the trailing band."""

from __future__ import annotations

from engine import indicators
from engine.bars import Bars
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy

# The side remembers the last flip. Over the recorded files two starts agree after 193 bars at the latest.
FLIP_BARS = 1_500


class SupertrendParams(Params, frozen=True, kw_only=True):
    """ATR period and band width in ATRs."""

    period: int = 10
    multiplier: float = 3.0


def warmup(params: SupertrendParams) -> int:
    """The average true range needs its period and the close before."""
    return params.period


def settle(params: SupertrendParams) -> int:
    """Bars until the ATR's seed and the first side are forgotten."""
    return indicators.wilder_settle(params.period) + FLIP_BARS


def wanted(bars: Bars, params: SupertrendParams) -> Sides:
    """The side of the trend."""
    return indicators.supertrend(bars, params.period, params.multiplier)


STRATEGY = Strategy(
    "supertrend",
    SupertrendParams,
    {"period": Range(5, 50, 1), "multiplier": Range(1.0, 6.0, 0.25), **EXIT_RANGES},
    warmup,
    settle,
    wanted,
)
