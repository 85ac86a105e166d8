"""The fast engine and the faithful one book the very same trades on real bars."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.backtest.faithful import run_faithful
from engine.backtest.funding import Funding, read_funding, read_marks
from engine.backtest.metrics import Metrics
from engine.backtest.rules import Exits, Rules, Sizing
from engine.backtest.run import Backtest, Result
from engine.bars import Bars, aggregate
from engine.candle_file import CandleFile, read_candles
from engine.strategies import NAMES

FILES = (
    "binance_usdm_BNBUSDT_1m_2025-05",
    "binance_usdm_BTCUSDT_15m_2024-01_2025-08",
    "binance_usdm_BTCUSDT_1h_2024-01_2025-08",
    "binance_usdm_BTCUSDT_1m_2025-05",
    "binance_usdm_ETHUSDT_15m_2024-01_2025-08",
    "binance_usdm_ETHUSDT_1h_2024-01_2025-08",
    "binance_usdm_ETHUSDT_1m_2024-12_2025-01",
    "binance_usdm_ETHUSDT_1m_2025-05",
    "binance_usdm_LTCUSDT_1m_2025-05",
    "binance_usdm_NEARUSDT_1m_2023-08_2023-10",
    "bitfinex_spot_BTCUSD_1m_2016-02",
    "bybit_linear_BTCUSDT_5m_2025-06_2025-08",
    "bybit_linear_ETHUSDT_5m_2025-06_2025-08",
    "bybit_linear_WIFUSDT_1h_2025",
    "bybit_linear_WIFUSDT_1m_2025",
    "okx_swap_BTCUSDT_5m_2022-05_2022-08",
    "okx_swap_ETHUSDT_5m_2022-05_2022-08",
    "okx_swap_LTCUSDT_5m_2022-05_2022-08",
    "spot_BTCUSD_1h_2018_2022",
)
HOURLY = "binance_usdm_BTCUSDT_1h_2024-01_2025-08"


@cache
def candles(path: Path) -> CandleFile:
    return read_candles(path)


def read(folder: Path, name: str) -> CandleFile:
    return candles(folder / "candles" / f"{name}.parquet")


def assert_same(fast: Result, slow: Result) -> None:
    """The same rows, to the last 1e-8 of money, and the same metrics up to the order of float sums."""
    assert len(fast.trades) == len(slow.trades)
    for ours, theirs in zip(fast.trades.tolist(), slow.trades.tolist(), strict=True):
        assert ours == theirs
    for field in Metrics.__struct_fields__:
        ours, theirs = getattr(fast.metrics, field), getattr(slow.metrics, field)
        assert ours == (None if theirs is None else pytest.approx(theirs, rel=1e-7, abs=1e-9)), field
    np.testing.assert_allclose(fast.equity, slow.equity, rtol=1e-9, atol=1e-12)


def test_every_recorded_file_is_here(market_data: Path) -> None:
    found = {path.stem for path in (market_data / "candles").iterdir()}
    assert {name for name in found if "funding" not in name and "mark" not in name} == set(FILES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", FILES)
def test_without_exits(market_data: Path, file: str, name: str) -> None:
    recorded = read(market_data, file)
    test = Backtest(recorded.bars, recorded.timeframe_ms, Rules(), symbol=recorded.symbol or file)
    fast = test.run(name)
    assert len(fast.trades) > 5
    assert_same(fast, run_faithful(test, name))


EXITS = {
    "strategy": Rules(exits=Exits.STRATEGY),
    "fixed": Rules(exits=Exits.FIXED, stop=0.004, target=0.008),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("exits", EXITS)
def test_with_exits(market_data: Path, exits: str, file: str, name: str) -> None:
    recorded = read(market_data, file)
    bars = recorded.bars[-3_000:]
    test = Backtest(bars, recorded.timeframe_ms, EXITS[exits], symbol=recorded.symbol or file)
    fast = test.run(name)
    assert len(fast.trades) > 5
    assert_same(fast, run_faithful(test, name))


VARIED = {
    "leverage that liquidates": Rules(leverage=50, maintenance_ppm=4_000),
    "leverage with exits": Rules(leverage=25, exits=Exits.STRATEGY),
    "risk to the stop": Rules(exits=Exits.STRATEGY, sizing=Sizing.RISK, size=0.01, leverage=5),
    "risk to a fixed stop": Rules(exits=Exits.FIXED, stop=0.01, sizing=Sizing.RISK, size=0.02, leverage=3),
    "fixed value": Rules(sizing=Sizing.NOTIONAL, size=1_000.0),
    "fixed quantity": Rules(sizing=Sizing.QUANTITY, size=0.0123),
    "part of equity": Rules(size=0.3, leverage=2),
    "stop alone": Rules(exits=Exits.FIXED, stop=0.006),
    "target alone": Rules(exits=Exits.FIXED, target=0.006),
    "no costs": Rules(taker_ppm=0, slippage=0.0),
    "slippage that follows the range": Rules(volatility_share=0.2, spread=0.0002),
    "hardly any money": Rules(capital=8 * 10**8),
    "ruin": Rules(taker_ppm=20_000, slippage=0.01, capital=100 * 10**8),
}


@pytest.mark.parametrize("rules", VARIED.values(), ids=VARIED.keys())
@pytest.mark.parametrize("name", ["ema-cross", "bollinger"])
def test_under_all_kinds_of_rules(market_data: Path, rules: Rules, name: str) -> None:
    recorded = read(market_data, HOURLY)
    test = Backtest(recorded.bars[3_000:6_000], recorded.timeframe_ms, rules, symbol="BTC/USDT:USDT")
    fast = test.run(name)
    assert len(fast.trades) > 0
    assert_same(fast, run_faithful(test, name))


@pytest.mark.parametrize("name", ["ema-cross", "macd-stochastic", "board"])
@pytest.mark.parametrize("exits", [Rules(), EXITS["strategy"]], ids=["none", "strategy"])
def test_a_period_with_history_before_it(market_data: Path, name: str, exits: Rules) -> None:
    recorded = read(market_data, HOURLY)
    times = recorded.bars.open_time
    test = Backtest(
        recorded.bars,
        recorded.timeframe_ms,
        exits,
        symbol="X/USDT:USDT",
        begin=int(times[5_000]),
        end=int(times[7_000]),
    )
    fast = test.run(name)
    assert len(fast.trades) > 5
    assert (fast.trades["entry_bar"] > 5_000).all()
    assert_same(fast, run_faithful(test, name))


@pytest.mark.parametrize(
    "exits", [Rules(leverage=3), Rules(exits=Exits.FIXED, stop=0.01, target=0.02)], ids=["none", "fixed"]
)
def test_with_funding_at_its_times(market_data: Path, exits: Rules) -> None:
    recorded = read(market_data, HOURLY)
    funding = read_funding(market_data / "candles" / "binance_usdm_BTCUSDT_funding_2024-01_2025-08.parquet")
    marks = read_marks(market_data / "candles" / "binance_usdm_BTCUSDT_mark_1h_2024-01_2025-08.parquet")
    test = Backtest(
        recorded.bars[:4_000], recorded.timeframe_ms, exits, symbol="X/USDT:USDT", funding=funding, marks=marks
    )
    fast = test.run("ema-cross")
    assert fast.metrics.funding != 0
    assert_same(fast, run_faithful(test, "ema-cross"))


def test_with_funding_inside_bars(market_data: Path) -> None:
    """Rates that fall due in the middle of a bar are paid by what its open has left."""
    recorded = read(market_data, HOURLY)
    times = recorded.bars.open_time[:2_000:3] + 1_800_000
    rates = np.where(np.arange(len(times)) % 2, 0.0003, -0.0002)
    test = Backtest(
        recorded.bars[:2_000], recorded.timeframe_ms, Rules(), symbol="X/USDT:USDT", funding=Funding(times, rates)
    )
    fast = test.run("ema-cross")
    assert fast.metrics.funding != 0
    assert_same(fast, run_faithful(test, "ema-cross"))


@pytest.mark.parametrize("name", ["ema-cross", "supertrend"])
def test_with_detail_bars(market_data: Path, name: str) -> None:
    """Minutes say what came first within a quarter of an hour; somewhere they say something else than stop first."""
    minutes = read(market_data, "binance_usdm_ETHUSDT_1m_2025-05").bars
    bars = aggregate(minutes, 900_000)
    rules = Rules(exits=Exits.FIXED, stop=0.003, target=0.003)
    test = Backtest(bars, 900_000, rules, symbol="X/USDT:USDT", detail=minutes)
    fast = test.run(name)
    assert_same(fast, run_faithful(test, name))
    rough = Backtest(bars, 900_000, rules, symbol="X/USDT:USDT").run(name)
    assert rough.trades["reason"].tolist() != fast.trades["reason"].tolist()


def test_too_short_a_file_has_no_trades(market_data: Path) -> None:
    recorded = read(market_data, HOURLY)
    bars: Bars = recorded.bars[:20]
    test = Backtest(bars, recorded.timeframe_ms, Rules(), symbol="X/USDT:USDT")
    assert len(test.run("ema-cross").trades) == 0
    assert_same(test.run("ema-cross"), run_faithful(test, "ema-cross"))
