"""A variant of a sweep, a cell of a scan and a single run are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.crossings import WIDTH
from engine.backtest.rules import Exits, Rules
from engine.backtest.run import Backtest
from engine.backtest.scan import scan
from engine.backtest.sweep import Sweep, sweep, variants
from engine.bars import Bars
from engine.candle_file import read_candles
from engine.errors import BadInput
from engine.strategies import NAMES, STRATEGIES

HOUR = 3_600_000


def walk(n: int, seed: int = 1) -> Bars:
    dice = np.random.default_rng(seed)
    close = np.round(1_000 * np.exp(np.cumsum(dice.normal(0, 0.004, n))), 1)
    open_ = np.concatenate((close[:1], close[:-1]))
    times = 1_700_000_000_000 // HOUR * HOUR + HOUR * np.arange(n)
    return Bars(times, open_, np.maximum(open_, close) + 1, np.minimum(open_, close) - 1, close, np.ones(n))


def assert_single_runs(found: Sweep, name: str) -> None:
    for place, params in enumerate(found.params):
        assert found.sums_of(place) == found.test.run(name, params).sums


RULES = {
    "none": Rules(),
    "fixed": Rules(exits=Exits.FIXED, stop=0.01, target=0.03),
    "leverage": Rules(leverage=20, maintenance_ppm=4_000),
    "strategy": Rules(exits=Exits.STRATEGY),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("bars", [150, WIDTH - 1, WIDTH, WIDTH + 1, 9_000])
def test_pairs_of_averages(rules: Rules, bars: int) -> None:
    """The lengths lie around the size of a block."""
    test = Backtest(walk(bars), HOUR, rules)
    pairs = variants("ema-cross", {"fast": [3, 12, 59, 60], "slow": [5, 26, 100, 150]})
    assert_single_runs(sweep(test, "ema-cross", pairs), "ema-cross")


@pytest.mark.parametrize("rules", [Rules(), RULES["fixed"]], ids=["none", "fixed"])
@pytest.mark.parametrize("first", [1, 20, WIDTH - 1, WIDTH, 5_000])
def test_pairs_over_a_period(rules: Rules, first: int) -> None:
    bars = walk(6_000)
    test = Backtest(bars, HOUR, rules, begin=int(bars.open_time[first]), end=int(bars.open_time[5_900]))
    pairs = variants("ema-cross", {"fast": [3, 12], "slow": [26, 200]})
    assert_single_runs(sweep(test, "ema-cross", pairs), "ema-cross")


@given(st.integers(0, 2**32), st.integers(60, 400), st.integers(1, 150))
@settings(max_examples=30)
def test_more_pairs_than_a_group(seed: int, bars: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    test = Backtest(walk(bars, seed), HOUR, Rules())
    make = STRATEGIES["ema-cross"].make
    pairs = [
        make(fast=f, slow=f + g) for f, g in zip(dice.integers(3, 30, count), dice.integers(2, 30, count), strict=True)
    ]
    found = sweep(test, "ema-cross", pairs)
    for place in dice.integers(0, count, 5).tolist():
        assert found.sums_of(place) == test.run("ema-cross", pairs[place]).sums


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("supertrend", {"period": [7, 10], "multiplier": [2.0, 3.0]}),
        ("bollinger", {"period": [15, 20], "width": [1.5, 2.0, 2.5]}),
        ("macd-stochastic", {"fast": [8, 12], "slow": [20, 26]}),
    ],
)
def test_other_strategies(name: str, values: dict[str, list[float]]) -> None:
    assert_single_runs(sweep(Backtest(walk(800), HOUR), name, variants(name, values)), name)


def test_what_is_best_is_best(market_data: Path) -> None:
    recorded = read_candles(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet")
    test = Backtest(recorded.bars, recorded.timeframe_ms)
    found = sweep(test, "ema-cross", variants("ema-cross", {"fast": range(5, 30, 5), "slow": range(40, 200, 40)}))
    returns = [found.metrics(place).total_return for place in range(len(found))]
    assert found.returns() == pytest.approx(returns)
    assert found.best() == int(np.argmax(returns))
    assert found.sharpes() == pytest.approx([found.metrics(place).sharpe for place in range(len(found))])


def test_a_sweep_can_be_stopped() -> None:
    pairs = variants("ema-cross", {"fast": range(3, 60), "slow": range(61, 100)})
    heard: list[tuple[int, int]] = []

    def told(done: int, count: int) -> bool:
        heard.append((done, count))
        return False

    with pytest.raises(BadInput, match="was stopped"):
        sweep(Backtest(walk(300), HOUR), "ema-cross", pairs, told)
    assert heard == [(1_024, len(pairs))]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "variants: 0"),
        ({"fast": [1]}, "ema-cross.fast"),
        ({"fast": range(1_001), "slow": range(1_000)}, "variants: 1001000"),
    ],
)
def test_wrong_variants(values: dict[str, range], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        variants("ema-cross", values)


def test_averages_longer_than_the_bars_are_refused() -> None:
    with pytest.raises(BadInput, match="a slow average of 200 needs as many"):
        sweep(Backtest(walk(150), HOUR), "ema-cross", variants("ema-cross", {"fast": [12], "slow": [200]}))


def test_a_sweep_needs_a_variant_and_takes_none_out_of_range() -> None:
    test, make = Backtest(walk(300), HOUR), STRATEGIES["ema-cross"].params
    with pytest.raises(BadInput, match="variants: 0"):
        sweep(test, "ema-cross", variants("ema-cross", {"fast": [30], "slow": [20, 25]}))
    for wrong, sentence in (
        ({"fast": 2}, "ema-cross.fast"),
        ({"slow": 201}, "ema-cross.slow"),
        ({"fast": 12.5}, "whole"),
        ({"stop_atr": float("nan")}, "ema-cross.stop_atr"),
        ({"fast": 30, "slow": 30}, "less than slow"),
    ):
        with pytest.raises(BadInput, match=sentence):
            sweep(test, "ema-cross", [make(), make(**wrong), make()])
    with pytest.raises(BadInput, match="EmaCrossParams"):
        sweep(test, "ema-cross", [make(), STRATEGIES["bollinger"].params()])


def test_a_scan_is_its_runs() -> None:
    markets = [Backtest(walk(700, seed), HOUR, RULES["strategy"]) for seed in range(3)]
    found = scan(markets, NAMES)
    for m, market in enumerate(markets):
        for s, name in enumerate(NAMES):
            metrics = market.run(name).metrics
            assert found.returns[m, s] == pytest.approx(metrics.total_return)
            assert found.trades[m, s] == metrics.trades
            assert found.drawdowns[m, s] == pytest.approx(metrics.max_drawdown)
    row, column = found.best()
    assert found.returns[row, column] == found.returns.max()


def test_a_scan_can_be_stopped() -> None:
    with pytest.raises(BadInput, match="1 of 2 markets"):
        scan([Backtest(walk(300), HOUR)] * 2, told=lambda _done, _all: False)
    with pytest.raises(BadInput, match="strategy: moon"):
        scan([], ["moon"])


@pytest.mark.parametrize("rules", [RULES["none"], RULES["strategy"]], ids=["none", "strategy"])
@pytest.mark.parametrize("name", ["ema-cross", "bollinger"])
def test_a_sweep_is_the_same_on_any_number_of_cores(rules: Rules, name: str) -> None:
    values = {"fast": range(3, 23), "slow": range(30, 45)} if name == "ema-cross" else {"period": range(10, 35)}
    params, test = variants(name, values), Backtest(walk(700), HOUR, rules)
    heard: list[tuple[int, int]] = []

    def told(done: int, count: int) -> bool:
        heard.append((done, count))
        return True

    one, four = sweep(test, name, params, jobs=1), sweep(test, name, params, told, jobs=4)
    assert one.books.tolist() == four.books.tolist()
    assert one.sums.tolist() == four.sums.tolist()
    assert heard[-1] == (len(params), len(params))


def test_a_scan_is_the_same_on_any_number_of_cores() -> None:
    markets = [Backtest(walk(500, seed), HOUR) for seed in range(9)]
    one, four = scan(markets, NAMES, jobs=1), scan(markets, NAMES, jobs=4)
    assert one.returns.tolist() == four.returns.tolist()
    assert one.trades.tolist() == four.trades.tolist()
