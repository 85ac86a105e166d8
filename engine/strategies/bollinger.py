"""Bollinger: back to the mean from a close outside the bands."""

from __future__ import annotations

from engine import indicators
from engine.bars import Bars
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy

# A side is kept until the middle band is reached. Over the recorded files two starts agree after 58 bars at the latest.
REACH_BARS = 600


class BollingerParams(Params, frozen=True, kw_only=True):
    """Mean period and band width in standard deviations."""

    period: int = 20
    width: float = 2.0


def warmup(params: BollingerParams) -> int:
    """The mean needs its period."""
    return params.period - 1


def settle(params: BollingerParams) -> int:
    """Bars until the last touch of the middle band lies inside the window."""
    return params.period + REACH_BARS


def wanted(bars: Bars, params: BollingerParams) -> Sides:
    """Long from a close below the lower band until the middle, short from above the upper band until the middle."""
    upper, middle, lower = indicators.bollinger(bars.close, params.period, params.width)
    return indicators.reversion(bars.close, upper, middle, lower)


STRATEGY = Strategy(
    "bollinger",
    BollingerParams,
    {"period": Range(10, 60, 1), "width": Range(1.0, 4.0, 0.25), **EXIT_RANGES},
    warmup,
    settle,
    wanted,
)
