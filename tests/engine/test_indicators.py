"""Indicators against plain-Python recomputation on recorded bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from engine import indicators
from engine.bars import Bars, Floats

HOURLY = "binance_usdm_BTCUSDT_1h_2024-01_2025-08"
MINUTES = "okx_swap_LTCUSDT_5m_2022-05_2022-08"  # with bars in which nothing traded


@pytest.fixture(params=[HOURLY, MINUTES])
def bars(request: pytest.FixtureRequest, recorded: Callable[[str], Bars]) -> Bars:
    return recorded(request.param)[1_000:1_400]


def plain_mean(values: Sequence[float], period: int) -> list[float]:
    return [math.fsum(values[max(0, i - period + 1) : i + 1]) / period for i in range(len(values))]


def plain_ema(values: Sequence[float], period: int) -> list[float]:
    out = [math.nan] * (period - 1)
    now = math.fsum(values[:period]) / period
    out.append(now)
    for value in values[period:]:
        now += (value - now) * 2 / (period + 1)
        out.append(now)
    return out


def plain_ranges(bars: Bars) -> list[float]:
    """True range of each bar but the first."""
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    return [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1])) for i in range(1, len(close))
    ]


def plain_wilder(values: Sequence[float], period: int) -> list[float]:
    """Wilder's average of values that begin at bar 1, by bar."""
    now = math.fsum(values[:period]) / period
    out = [math.nan] * period + [now]
    for value in values[period:]:
        now = (now * (period - 1) + value) / period
        out.append(now)
    return out


def plain_rsi(values: Sequence[float], period: int) -> list[float]:
    steps = [b - a for a, b in pairwise(values)]
    gains = plain_wilder([max(step, 0.0) for step in steps], period)
    losses = plain_wilder([max(-step, 0.0) for step in steps], period)
    return [100.0 * up / (up + down) if up + down else 0.0 for up, down in zip(gains, losses, strict=True)]


def plain_supertrend(bars: Bars, period: int, multiplier: float) -> list[int]:
    """Seban's rule as it is told: one band at a time, the upper one while the trend is down."""
    ranges = plain_wilder(plain_ranges(bars), period)
    close = bars.close.tolist()
    sides = [0] * len(close)
    upper = lower = math.nan
    side = 0
    for i in range(period, len(close)):
        middle = (bars.high[i] + bars.low[i]) / 2
        high_band, low_band = middle + multiplier * ranges[i], middle - multiplier * ranges[i]
        if side == 0:
            upper, lower = high_band, low_band
            side = 1 if close[i] >= middle else -1
        else:
            upper = high_band if high_band < upper or close[i - 1] > upper else upper
            lower = low_band if low_band > lower or close[i - 1] < lower else lower
            flipped = close[i] < lower if side > 0 else close[i] > upper
            side = -side if flipped else side
        sides[i] = side
    return sides


def agree(mine: Sequence[float], reference: Sequence[float], first: int, scale: float = 0.0) -> None:
    """Equal from bar `first` on, NaN before; `scale` allows rounding relative to a size larger than the values."""
    got = np.asarray(mine)
    assert np.isnan(got[:first]).all()
    np.testing.assert_allclose(got[first:], np.asarray(reference)[first:], rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("period", [12, 26, 50, 200])
def test_ema_is_seeded_by_a_mean_and_smoothed_by_two_over_period_plus_one(bars: Bars, period: int) -> None:
    agree(indicators.ema(bars.close, period).tolist(), plain_ema(bars.close.tolist(), period), period - 1)


def test_sma_is_the_mean_of_the_newest(bars: Bars) -> None:
    agree(indicators.sma(bars.close, 20).tolist(), plain_mean(bars.close.tolist(), 20), 19)


def test_rsi_smooths_gains_and_losses_as_wilder_does(bars: Bars) -> None:
    agree(indicators.rsi(bars.close, 14).tolist(), plain_rsi(bars.close.tolist(), 14), 14)


def test_atr_smooths_true_ranges_as_wilder_does(bars: Bars) -> None:
    agree(indicators.atr(bars, 14).tolist(), plain_wilder(plain_ranges(bars), 14), 14)


def test_macd_is_the_distance_of_two_emas_and_its_signal_their_ema(bars: Bars) -> None:
    line, signal = indicators.macd(bars.close, 12, 26, 9)
    # TA-Lib starts the fast average so that its first value falls on the slow one's first bar.
    fast = [math.nan] * 14 + plain_ema(bars.close.tolist()[14:], 12)
    slow = plain_ema(bars.close.tolist(), 26)
    gap = [f - s for f, s in zip(fast, slow, strict=True)]
    price = float(bars.close[0])
    agree(line.tolist(), gap, 33, price)
    agree(signal.tolist(), [math.nan] * 25 + plain_ema(gap[25:], 9), 33, price)


def test_stochastic_places_the_close_in_the_range_and_smooths_twice(bars: Bars) -> None:
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    raw = []
    for i in range(len(close)):
        top, bottom = max(high[max(0, i - 13) : i + 1]), min(low[max(0, i - 13) : i + 1])
        raw.append(100 * (close[i] - bottom) / (top - bottom) if top > bottom else 0.0)
    k = plain_mean(raw, 3)
    slow_k, slow_d = indicators.stochastic(bars, 14, 3, 3)
    agree(slow_k.tolist(), k, 17, 100.0)
    agree(slow_d.tolist(), plain_mean(k, 3), 17, 100.0)


def test_bollinger_bands_stand_population_deviations_from_the_mean(bars: Bars) -> None:
    close = bars.close.tolist()
    mean = plain_mean(close, 20)
    off = [
        math.sqrt(math.fsum((x - mean[i]) ** 2 for x in close[max(0, i - 19) : i + 1]) / 20) for i in range(len(mean))
    ]
    upper, middle, lower = indicators.bollinger(bars.close, 20, 2.0)
    agree(middle.tolist(), mean, 19)
    agree(upper.tolist(), [m + 2 * d for m, d in zip(mean, off, strict=True)], 19)
    agree(lower.tolist(), [m - 2 * d for m, d in zip(mean, off, strict=True)], 19)


def test_midpoint_is_the_middle_of_the_extremes_exactly(bars: Bars) -> None:
    high, low = bars.high.tolist(), bars.low.tolist()
    reference = [(max(high[max(0, i - 25) : i + 1]) + min(low[max(0, i - 25) : i + 1])) / 2 for i in range(len(high))]
    assert indicators.midpoint(bars, 26).tolist()[25:] == reference[25:]


@pytest.mark.parametrize(("period", "multiplier"), [(10, 3.0), (7, 2.0), (21, 1.5)])
def test_supertrend_equals_the_rule_written_in_plain_python(
    recorded: Callable[[str], Bars], period: int, multiplier: float
) -> None:
    bars = recorded(HOURLY)[2_000:4_000]
    sides = indicators.supertrend(bars, period, multiplier).tolist()
    assert sides == plain_supertrend(bars, period, multiplier)
    assert {-1, 1} <= set(sides)


def test_supertrend_takes_ranges_that_are_known_already(bars: Bars) -> None:
    given = indicators.supertrend(bars, 10, 3.0, indicators.atr(bars, 10))
    assert given.tolist() == indicators.supertrend(bars, 10, 3.0).tolist()


@pytest.mark.parametrize(
    ("close", "sides"),
    [
        ([10, 10, 8, 9, 9.5, 10, 10], [0, 0, 1, 1, 1, 0, 0]),  # back at the middle: done
        ([10, 12, 11, 8, 9, 11, 10], [0, -1, -1, 1, 1, 0, 0]),  # from one side straight to the other
        ([9, 9 * (1 - 1e-12), 10, 11, 10, 10, 10], [0, 0, 0, 0, 0, 0, 0]),  # on the band is not outside it
        ([10, 8, 10 * (1 - 1e-12), 9, 9, 9, 9], [0, 1, 0, 0, 0, 0, 0]),  # at the middle but for rounding
    ],
)
def test_reversion_runs_from_outside_a_band_to_the_middle(close: list[float], sides: list[int]) -> None:
    flat = np.full(len(close), 10.0)
    assert indicators.reversion(np.array(close, dtype=np.float64), flat + 1, flat, flat - 1).tolist() == sides


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1.0, 1.0, False),
        (1.0 + 5e-10, 1.0, False),
        (1.0 + 2e-9, 1.0, True),
        (1.0, 1.0 + 2e-9, False),
        (50_000.00001, 50_000.0, False),
        (50_000.001, 50_000.0, True),
        (math.nan, 1.0, False),
        (1.0, math.nan, False),
    ],
)
def test_a_tie_is_relative(left: float, right: float, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert indicators.above(np.array([left]), np.array([right])).tolist() == [expected]


@pytest.mark.parametrize("period", [9, 26, 200])
def test_the_seed_of_an_ema_is_forgotten_after_its_settle_length(period: int) -> None:
    n = indicators.ema_settle(period)
    seed_only = np.zeros(n)
    seed_only[:period] = 1.0
    weight = indicators.ema(seed_only, period)
    assert weight[-1] < indicators.SEED_WEIGHT <= weight[-3]


@pytest.mark.parametrize("period", [10, 14])
def test_the_seed_of_wilders_average_is_forgotten_after_its_settle_length(period: int) -> None:
    n = indicators.wilder_settle(period)
    weight = (1 - 1 / period) ** (n - period - 1)
    assert weight < indicators.SEED_WEIGHT <= weight / (1 - 1 / period)


def strided(values: Floats) -> Floats:
    wide = np.zeros((len(values), 2))
    wide[:, 0] = values
    part = wide[:, 0]
    part.flags.writeable = False
    return part


def test_arrays_need_not_be_contiguous_nor_writeable(bars: Bars) -> None:
    odd = Bars(bars.open_time, *(strided(part) for part in (bars.open, bars.high, bars.low, bars.close, bars.volume)))
    np.testing.assert_array_equal(indicators.atr(odd, 14), indicators.atr(bars, 14))
    np.testing.assert_array_equal(indicators.ema(odd.close, 12), indicators.ema(bars.close, 12))
    np.testing.assert_array_equal(indicators.supertrend(odd, 10, 3.0), indicators.supertrend(bars, 10, 3.0))
    owned = indicators.plain(odd.close)
    assert owned.flags.c_contiguous
    assert owned.flags.writeable
    assert indicators.plain(bars.close) is bars.close
