"""Ichimoku: price beyond the cloud, with the conversion line on the same side of the base line."""

from __future__ import annotations

import numpy as np

from engine import indicators
from engine.bars import Bars, Floats
from engine.strategies.base import EXIT_RANGES, Params, Range, Sides, Strategy, sides_of


class IchimokuParams(Params, frozen=True, kw_only=True):
    """Conversion, base and span B look-backs; the cloud is shifted forward by `base` bars."""

    conversion: int = 9
    base: int = 26
    span: int = 52


def warmup(params: IchimokuParams) -> int:
    """The cloud under the current bar was drawn `base` bars ago."""
    return max(params.conversion, params.base, params.span) - 1 + params.base


def settle(params: IchimokuParams) -> int:
    """Bars the oldest value of the cloud reaches back: no seed, only a window."""
    return max(params.conversion, params.base, params.span) + params.base


def shifted(values: Floats, bars: int) -> Floats:
    """Values moved forward by `bars`, NaN at the front."""
    out = np.full_like(values, np.nan)
    out[bars:] = values[: max(0, len(values) - bars)]
    return out


def cloud(bars: Bars, params: IchimokuParams) -> tuple[Floats, Floats, Floats, Floats]:
    """Conversion line, base line, and span A and B as they lie under the current bar."""
    conversion, base = indicators.midpoint(bars, params.conversion), indicators.midpoint(bars, params.base)
    span_a = shifted((conversion + base) / 2.0, params.base)
    span_b = shifted(indicators.midpoint(bars, params.span), params.base)
    return conversion, base, span_a, span_b


def wanted(bars: Bars, params: IchimokuParams) -> Sides:
    """Long above the cloud with conversion above base, short below it with conversion below base.

    Every line is the middle of two prices, the same to the last bit in any window: no tolerance for ties is needed.
    """
    conversion, base, span_a, span_b = cloud(bars, params)
    close = bars.close
    long = (close > np.maximum(span_a, span_b)) & (conversion > base)
    short = (close < np.minimum(span_a, span_b)) & (conversion < base)
    return sides_of(long, short)


STRATEGY = Strategy(
    "ichimoku",
    IchimokuParams,
    {"conversion": Range(5, 30, 1), "base": Range(10, 60, 1), "span": Range(20, 120, 2), **EXIT_RANGES},
    warmup,
    settle,
    wanted,
)
