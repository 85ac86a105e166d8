"""Each strategy against its rule told bar by bar, on recorded bars."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import talib

from engine.bars import Bars
from engine.strategies import strategy

FILE = "binance_usdm_ETHUSDT_15m_2024-01_2025-08"


@pytest.fixture
def bars(recorded: Callable[[str], Bars]) -> Bars:
    return recorded(FILE)[5_000:7_500]


def sides(name: str, bars: Bars) -> list[int]:
    member = strategy(name)
    found = member.wanted(bars, member.params()).tolist()
    assert {-1, 1} <= set(found)
    return [int(side) for side in found]


@pytest.mark.parametrize(
    "file",
    [
        "binance_usdm_BTCUSDT_1m_2025-05",
        "okx_swap_LTCUSDT_5m_2022-05_2022-08",
        "bybit_linear_WIFUSDT_1m_2025",
        "spot_BTCUSD_1h_2018_2022",
    ],
)
def test_ema_cross_is_the_plain_comparison_of_talibs_averages(recorded: Callable[[str], Bars], file: str) -> None:
    close = recorded(file).close
    fast, slow = talib.EMA(close, 12), talib.EMA(close, 26)
    expected = np.where(fast > slow, 1, -1)
    expected[:25] = 0
    assert sides("ema-cross", recorded(file)) == expected.tolist()


def test_ema_cross_falls_to_the_short_side_on_a_tie() -> None:
    flat = np.full(60, 100.0)
    bars = Bars(np.arange(60, dtype=np.int64), flat, flat, flat, flat, flat)
    member = strategy("ema-cross")
    assert member.wanted(bars, member.params()).tolist() == [0] * 25 + [-1] * 35


def test_rsi_counts_only_with_the_trend(bars: Bars) -> None:
    rsi = talib.RSI(bars.close, 14).tolist()
    fast, slow = talib.EMA(bars.close, 50).tolist(), talib.EMA(bars.close, 200).tolist()
    expected = []
    for i in range(len(bars)):
        if fast[i] > slow[i] and rsi[i] > 50:
            expected.append(1)
        elif fast[i] < slow[i] and rsi[i] < 50:
            expected.append(-1)
        else:
            expected.append(0)
    assert expected[:199] == [0] * 199
    assert sides("rsi-ema", bars) == expected


def test_macd_and_stochastic_must_agree(bars: Bars) -> None:
    histogram = talib.MACD(bars.close, 12, 26, 9)[2].tolist()
    k, d = (part.tolist() for part in talib.STOCH(bars.high, bars.low, bars.close, 14, 3, 0, 3, 0))
    expected = []
    for i in range(len(bars)):
        if histogram[i] > 0 and k[i] - d[i] > 1e-7:
            expected.append(1)
        elif histogram[i] < 0 and k[i] - d[i] < -1e-7:
            expected.append(-1)
        else:
            expected.append(0)
    assert expected[:33] == [0] * 33
    assert sides("macd-stochastic", bars) == expected


def middle(bars: Bars, end: int, period: int) -> float:
    part = bars[end - period + 1 : end + 1]
    return float(part.high.max() + part.low.min()) / 2


def test_ichimoku_wants_price_beyond_the_cloud_of_26_bars_ago(bars: Bars) -> None:
    expected = [0] * 77
    for i in range(77, len(bars)):
        conversion, base = middle(bars, i, 9), middle(bars, i, 26)
        span_a = (middle(bars, i - 26, 9) + middle(bars, i - 26, 26)) / 2
        span_b = middle(bars, i - 26, 52)
        close = float(bars.close[i])
        if close > max(span_a, span_b) and conversion > base:
            expected.append(1)
        elif close < min(span_a, span_b) and conversion < base:
            expected.append(-1)
        else:
            expected.append(0)
    assert sides("ichimoku", bars) == expected


def test_bollinger_goes_back_to_the_mean(bars: Bars) -> None:
    close = bars.close.tolist()
    expected, side = [0] * 19, 0
    for i in range(19, len(close)):
        part = close[i - 19 : i + 1]
        mean = math.fsum(part) / 20
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in part) / 20)
        if close[i] < mean - 2 * deviation:
            side = 1
        elif close[i] > mean + 2 * deviation:
            side = -1
        elif side * (close[i] - mean) >= 0:
            side = 0
        expected.append(side)
    assert sides("bollinger", bars) == expected


def test_supertrend_flips_at_a_close_through_the_band(bars: Bars) -> None:
    found = sides("supertrend", bars)
    flips = [i for i in range(11, len(found)) if found[i] != found[i - 1]]
    assert len(flips) > 20
    ranges = talib.ATR(bars.high, bars.low, bars.close, 10).tolist()
    close = bars.close.tolist()
    for start, end in zip(flips, [*flips[1:], len(found)], strict=True):
        side = found[start]
        band = -math.inf
        for i in range(start, end):
            # a long's band only rises, a short's only falls (both seen from the long side here)
            if i > start:
                basic = side * (bars.high[i] + bars.low[i]) / 2 - 3.0 * ranges[i]
                band = max(band, basic)
                assert side * close[i] >= band
    assert found[:10] == [0] * 10


@pytest.mark.parametrize("direction", [1, -1])
def test_a_stochastic_at_its_end_agrees_with_nothing(direction: int) -> None:
    n = 300
    close = 100.0 + direction * np.arange(n, dtype=np.float64) ** 2 / 5_000
    edge = close - direction
    bars = Bars(np.arange(n), close, np.maximum(close, edge), np.minimum(close, edge), close, np.ones(n))
    k, d = talib.STOCH(bars.high, bars.low, bars.close, 14, 3, 0, 3, 0)
    assert abs(k[-1] - d[-1]) < 1e-9  # both stand at 100 or at 0: the same number but for rounding
    assert direction * talib.MACD(close, 12, 26, 9)[2][-1] > 0
    member = strategy("macd-stochastic")
    assert member.wanted(bars, member.params())[-1] == 0
