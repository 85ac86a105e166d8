"""MACD and Stochastic: both must point the same way."""

from __future__ import annotations

from engine import indicators
from engine.bars import Bars
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy, sides_of


class MacdStochasticParams(Params, frozen=True, kw_only=True):
    """MACD averages and signal, stochastic look-back, smoothing and %D."""

    fast: int = 12
    slow: int = 26
    signal: int = 9
    k: int = 14
    smooth: int = 3
    d: int = 3


def warmup(params: MacdStochasticParams) -> int:
    """The signal line follows the slow average; the stochastic has its own look-back."""
    return max(params.slow + params.signal - 2, params.k + params.smooth + params.d - 3)


def settle(params: MacdStochasticParams) -> int:
    """Bars until the slow average's and then the signal line's seeds are forgotten."""
    return indicators.ema_settle(params.slow) + indicators.ema_settle(params.signal)


def wanted(bars: Bars, params: MacdStochasticParams) -> Sides:
    """Long with MACD above its signal and %K above %D, short with both below."""
    line, signal = indicators.macd(bars.close, params.fast, params.slow, params.signal)
    k, d = indicators.stochastic(bars, params.k, params.smooth, params.d)
    # MACD is a difference of prices around zero: its tie is relative to price; %K's to its scale of 100.
    line_tie, k_tie = indicators.TIE * bars.close, 100 * indicators.TIE
    gap, spread = line - signal, k - d
    return sides_of((gap > line_tie) & (spread > k_tie), (gap < -line_tie) & (spread < -k_tie))


STRATEGY = Strategy(
    "macd-stochastic",
    MacdStochasticParams,
    {
        "fast": Range(4, 30, 1),
        "slow": Range(10, 60, 1),
        "signal": Range(3, 20, 1),
        "k": Range(5, 30, 1),
        "smooth": Range(1, 5, 1),
        "d": Range(1, 5, 1),
        **EXIT_RANGES,
    },
    warmup,
    settle,
    wanted,
)
