"""RSI with the trend: momentum counts only on the side of two exponential averages."""

from __future__ import annotations

from engine import indicators
from engine.bars import Bars
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy, sides_of


class RsiEmaParams(Params, frozen=True, kw_only=True):
    """RSI period and level, and the two averages of the trend."""

    period: int = 14
    level: float = 50.0
    fast: int = 50
    slow: int = 200


def warmup(params: RsiEmaParams) -> int:
    """The slow average needs its period, the RSI one bar more."""
    return max(params.slow - 1, params.period)


def settle(params: RsiEmaParams) -> int:
    """Bars until the slow average's seed is forgotten (2,273 for 200), or the RSI's."""
    return max(indicators.ema_settle(params.slow), indicators.wilder_settle(params.period))


def wanted(bars: Bars, params: RsiEmaParams) -> Sides:
    """Long in an up-trend with RSI above its level, short in a down-trend with RSI below 100 - level."""
    fast, slow = indicators.ema(bars.close, params.fast), indicators.ema(bars.close, params.slow)
    strength = indicators.rsi(bars.close, params.period)
    tie = 100 * indicators.TIE
    up, down = strength > params.level + tie, strength < 100.0 - params.level - tie
    return sides_of(indicators.above(fast, slow) & up, indicators.above(slow, fast) & down)


STRATEGY = Strategy(
    "rsi-ema",
    RsiEmaParams,
    {
        "period": Range(5, 50, 1),
        "level": Range(50.0, 70.0, 1.0),
        "fast": Range(5, 100, 5),
        "slow": Range(20, 200, 10),
        **EXIT_RANGES,
    },
    warmup,
    settle,
    wanted,
)
