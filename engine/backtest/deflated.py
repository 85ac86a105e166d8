"""How sure a Sharpe ratio is, and how sure when it is the best of many that were tried.

Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012), and "The Deflated Sharpe
Ratio", Journal of Portfolio Management 40 (2014). All Sharpe ratios here are those of one bar, not yearly ones: a yearly
one divided by the root of the bars a year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec
import numpy as np

from engine.backtest.metrics import YEAR_MS
from engine.bars import Floats

EULER_MASCHERONI = 0.5772156649015329
LEAST_RETURNS = 4
_NORMAL = NormalDist()


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the returns.

    Attributes:
        count: of returns.
        sharpe: mean / standard deviation (n - 1), of one bar.
        skewness: third standardised moment; 0 for a normal distribution.
        kurtosis: fourth standardised moment; 3 for a normal distribution.
    """

    count: int
    sharpe: float
    skewness: float
    kurtosis: float


class Variants(msgspec.Struct, frozen=True):
    """How many variants were tried, and the variance of their Sharpe ratios of one bar."""

    count: int
    variance: float


class Deflated(msgspec.Struct, frozen=True, kw_only=True):
    """The Sharpe ratio against luck.

    Attributes:
        probabilistic: probability that the true Sharpe ratio is above 0; None where it is not defined.
        variants: variants tried.
        expected_best: yearly Sharpe ratio that the best of so many worthless variants would show.
        deflated: probability that the true Sharpe ratio is above that; None where it is not defined.
    """

    probabilistic: float | None
    variants: int
    expected_best: float
    deflated: float | None


def moments_of(returns: Floats) -> Moments | None:
    """Moments of the bars' returns; None for fewer than four of them or no variance."""
    n = len(returns)
    if n < LEAST_RETURNS:
        return None
    centred = returns - returns.mean()
    second = float(np.mean(centred**2))
    if second <= 1e-14 * float(np.mean(returns**2)):
        return None
    return Moments(
        count=n,
        sharpe=float(returns.mean()) / math.sqrt(second * n / (n - 1)),
        skewness=float(np.mean(centred**3)) / second**1.5,
        kurtosis=float(np.mean(centred**4)) / second**2,
    )


def probabilistic_sharpe(moments: Moments, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio is above `benchmark` (of one bar).

    ``PSR = Phi((SR - benchmark) sqrt(n - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2))``. None where the root has
    no real value.
    """
    ratio = moments.sharpe
    spread = 1.0 - moments.skewness * ratio + (moments.kurtosis - 1.0) / 4.0 * ratio * ratio
    if spread <= 0.0:
        return None
    return _NORMAL.cdf((ratio - benchmark) * math.sqrt(moments.count - 1) / math.sqrt(spread))


def expected_best(variants: Variants) -> float:
    """Sharpe ratio (of one bar) to be expected of the best of N variants whose true one is 0.

    ``sqrt(V) ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e)))`` with g the Euler-Mascheroni constant; 0 for one variant.
    """
    n = variants.count
    if n <= 1 or variants.variance <= 0.0:
        return 0.0
    usual = _NORMAL.inv_cdf(1.0 - 1.0 / n)
    rare = _NORMAL.inv_cdf(1.0 - 1.0 / (n * math.e))
    return math.sqrt(variants.variance) * ((1.0 - EULER_MASCHERONI) * usual + EULER_MASCHERONI * rare)


def deflated_sharpe(moments: Moments, variants: Variants) -> float | None:
    """Probability that the true Sharpe ratio is above what the best of the variants would show by luck."""
    return probabilistic_sharpe(moments, expected_best(variants))


def variants_of(yearly_sharpes: Sequence[float | None], timeframe_ms: int) -> Variants:
    """The variants of a sweep from their yearly Sharpe ratios; those without one count as tried, with 0."""
    ratios = np.array([0.0 if ratio is None else ratio for ratio in yearly_sharpes], dtype=np.float64)
    variance = float(ratios.var(ddof=1)) * timeframe_ms / YEAR_MS if len(ratios) > 1 else 0.0
    return Variants(len(ratios), variance)


def deflate(moments: Moments, variants: Variants, timeframe_ms: int) -> Deflated:
    """Both probabilities, and the benchmark as a yearly ratio."""
    return Deflated(
        probabilistic=probabilistic_sharpe(moments),
        variants=variants.count,
        expected_best=expected_best(variants) * math.sqrt(YEAR_MS / timeframe_ms),
        deflated=deflated_sharpe(moments, variants),
    )
