"""How far yearly Sharpe ratio and total return could have come out otherwise: the stationary block bootstrap.

Politis and Romano, "The Stationary Bootstrap", JASA 89 (1994): new histories are put together from blocks of the one there
is, each beginning anywhere (the end goes on at the beginning) and of geometric length, so that what one bar owes to those
before it is kept. The mean block length is chosen by the data: Politis and White, "Automatic Block-Length Selection for
the Dependent Bootstrap", Econometric Reviews 23 (2004), with the correction of Patton, Politis and White (2009).
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from engine.backtest.metrics import YEAR_MS, sharpe_of
from engine.backtest.watch import UNWATCHED, Watch
from engine.bars import Floats

SAMPLES = 1_000
LEVEL = 0.95
LEAST_RETURNS = 30
UNITS = 20_000  # of longer histories whole groups of bars are drawn, at least this many
RUIN = 1e-12  # growth of a bar that loses everything


class Interval(msgspec.Struct, frozen=True):
    """A figure and the bounds that hold `level` of the bootstrapped ones (percentile method).

    Attributes:
        estimate: of the history itself.
        low: lower bound.
        high: upper bound.
        not_positive: share of the bootstrapped figures at or below 0.
    """

    estimate: float
    low: float
    high: float
    not_positive: float


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """What the bootstrap found.

    Attributes:
        samples: histories drawn.
        level: of the intervals, 0.95 for 95 %.
        block: mean block length, bars.
        sharpe: yearly, as `Metrics.sharpe`; None where returns have no variance.
        total_return: fraction, as `Metrics.total_return`.
    """

    samples: int
    level: float
    block: float
    sharpe: Interval | None
    total_return: Interval


def returns_of(equity: Floats) -> Floats:
    """Simple returns from one close to the next; 0 once everything is lost."""
    before, after = equity[:-1], equity[1:]
    alive = np.logical_and.accumulate(before > 0.0)
    return np.where(alive, np.maximum(after, 0.0) / np.where(alive, before, 1.0) - 1.0, 0.0)


def block_length(returns: Floats) -> float:
    """Mean block length for the stationary bootstrap of the mean, in bars, at least 1 (no dependence).

    ``b = (2 G^2 / D)^(1/3) n^(1/3)`` with ``G = sum |k| w(k/M) R(k)``, ``D = 2 (sum w(k/M) R(k))^2``, R the sample
    autocovariances and w the flat-top window (1 up to a half, then falling to 0 at 1). M is twice the smallest lag after
    which K lags in a row are insignificant: ``|r(k)| < 2 sqrt(log10(n) / n)``.
    """
    n = len(returns)
    centred = returns - returns.mean()
    variance = float(centred @ centred) / n
    if n < LEAST_RETURNS or variance <= 1e-14 * float(returns @ returns) / n:
        return 1.0
    run = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(n - 1, math.ceil(math.sqrt(n)) + run)
    covariances = _autocovariances(centred, most)
    bound = 2.0 * math.sqrt(math.log10(n) / n)
    band = min(2 * max(_last_significant(covariances / variance, bound, run), 1), most)
    lags = np.arange(1, band + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lags / band))
    weighted = window * covariances[1 : band + 1]
    g = 2.0 * float((lags * weighted).sum())
    spectrum = variance + 2.0 * float(weighted.sum())
    if spectrum == 0.0:
        return 1.0
    length = (g * g / (spectrum * spectrum)) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return float(min(max(1.0, length), math.ceil(min(3.0 * math.sqrt(n), n / 3.0))))


def _autocovariances(centred: Floats, most: int) -> Floats:
    """Autocovariances of lags 0 to `most`, each divided by n, through the Fourier transform."""
    n = len(centred)
    size = 1 << (n + most).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    return np.asarray(np.fft.irfft(power, size)[: most + 1] / n, dtype=np.float64)


def _last_significant(correlations: Floats, bound: float, run: int) -> int:
    """The smallest lag after which `run` lags in a row lie within `bound`; the last significant one if there is none."""
    inside = np.abs(correlations[1:]) < bound
    for lag in range(len(inside) - run + 1):
        if bool(inside[lag : lag + run].all()):
            return lag
    outside = np.flatnonzero(~inside)
    return int(outside[-1]) + 1 if len(outside) else 0


def bootstrap(
    returns: Floats,
    timeframe_ms: int,
    *,
    samples: int = SAMPLES,
    level: float = LEVEL,
    block: float | None = None,
    seed: int = 1,
    watch: Watch = UNWATCHED,
) -> Bootstrap | None:
    """Bootstrap the bars' simple returns; None for fewer than `LEAST_RETURNS` of them, and when cancelled.

    Blocks of a history of twice `UNITS` bars or more begin and end at groups of ``n // UNITS`` bars: with so many groups to
    draw from the intervals are the same, and much faster found.

    Args:
        returns: simple returns, one a bar, above -1 or -1 where all is lost.
        timeframe_ms: length of a bar.
        samples: histories to draw.
        level: of the intervals.
        block: mean block length, bars; chosen by `block_length` where None.
        seed: of the draws.
        watch: hears samples done, and may cancel between two.
    """
    n = len(returns)
    if n < LEAST_RETURNS:
        return None
    mean_length = block_length(returns) if block is None else max(1.0, block)
    a_year = YEAR_MS / timeframe_ms
    group = max(1, n // UNITS)
    units = n // group
    columns = np.stack((returns, returns * returns, np.log(np.maximum(1.0 + returns, RUIN))))
    sums = columns[:, n - units * group :].reshape(3, units, group).sum(axis=2)
    # a block's sums are differences of running sums over the history written twice
    running = np.concatenate((np.zeros((3, 1)), np.cumsum(np.tile(sums, 2), axis=1)), axis=1)
    rng = np.random.default_rng(seed)
    totals = np.empty((samples, 3))
    for k in range(samples):
        if watch.cancelled():
            return None
        begins, lengths = _blocks(rng, units, mean_length / group)
        totals[k] = (running[:, begins + lengths] - running[:, begins]).sum(axis=1)
        watch.progress(k + 1, samples)
    own = columns.sum(axis=1).tolist()
    ratios = np.array(
        [
            ratio
            for ratio in (sharpe_of(total, squares, units * group, a_year) for total, squares, _ in totals.tolist())
            if ratio is not None
        ]
    )
    ratio = sharpe_of(own[0], own[1], n, a_year)
    return Bootstrap(
        samples=samples,
        level=level,
        block=mean_length,
        sharpe=_interval(ratio, ratios, level) if ratio is not None and len(ratios) else None,
        total_return=_interval(math.expm1(own[2]), np.expm1(totals[:, 2]), level),
    )


def _blocks(rng: np.random.Generator, n: int, mean_length: float) -> tuple[np.ndarray, np.ndarray]:
    """Begins and lengths of blocks that make up exactly n bars; none is longer than n."""
    if mean_length <= 1.0:
        return rng.integers(n, size=n), np.ones(n, dtype=np.int64)
    ends = np.zeros(0, dtype=np.int64)
    while len(ends) == 0 or ends[-1] < n:
        more = rng.geometric(1.0 / mean_length, size=int(1.1 * n / mean_length) + 16)
        ends = np.concatenate((ends, (ends[-1] if len(ends) else 0) + np.cumsum(more)))
    count = int(np.searchsorted(ends, n)) + 1
    lengths = np.diff(np.minimum(ends[:count], n), prepend=0)
    return rng.integers(n, size=count), lengths


def _interval(estimate: float, drawn: Floats, level: float) -> Interval:
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]).tolist()
    return Interval(estimate, low, high, float(np.mean(drawn <= 0.0)))
