"""Random entries and buy and hold: what is random, and what is the strategy's own."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.baseline import buy_and_hold, draw_sides, held_bars, random_entries, without_exits
from engine.backtest.funding import Funding
from engine.backtest.rules import Exits, Rules, Sizing
from engine.backtest.run import Backtest, Wanted
from engine.candle_file import read_candles
from engine.strategies.base import Sides
from tests.engine.backtest.walks import HOUR, walk

NOTHING = np.zeros(1)


def runs_of(sides: Sides) -> list[tuple[int, int]]:
    """Side and length of every stretch that is not flat, sorted."""
    edges = np.flatnonzero(np.diff(sides, prepend=0, append=0)).tolist()
    return sorted((int(sides[a]), b - a) for a, b in pairwise(edges) if sides[a])


@given(
    st.lists(st.tuples(st.sampled_from([-1, 1]), st.integers(1, 9)), min_size=1, max_size=25),
    st.integers(0, 60),
    st.integers(0, 20),
    st.integers(0, 1_000),
)
@settings(max_examples=150, deadline=None)
def test_random_sides_have_the_trades_asked_for(
    trades: list[tuple[int, int]], spare: int, first: int, seed: int
) -> None:
    sides = np.array([side for side, _ in trades], dtype=np.int8)
    lengths = np.array([length for _, length in trades], dtype=np.int64)
    last = first + 1 + int(lengths.sum()) + len(trades) + spare  # room for a pause after each
    drawn = draw_sides(np.random.default_rng(seed), sides, lengths, last + 5, first, last)
    assert len(drawn) == last + 5
    assert not drawn[:first].any()
    assert not drawn[last - 1 :].any()
    edges = np.flatnonzero(np.diff(drawn, prepend=0, append=0))
    found = [(int(drawn[a]), int(b - a)) for a, b in itertools.pairwise(edges) if drawn[a]]
    assert sorted(found) == sorted(trades)


@given(st.integers(1, 40), st.integers(0, 1_000), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_strategy_always_in_the_market_stays_there(count: int, seed: int, spare: int) -> None:
    sides = np.array([1, -1] * count, dtype=np.int8)
    lengths = np.random.default_rng(seed).integers(1, 9, 2 * count)
    last = 1 + int(lengths.sum()) + spare
    drawn = draw_sides(np.random.default_rng(seed), sides, lengths, last, 0, last)
    assert runs_of(drawn) == sorted(zip(sides.tolist(), lengths.tolist(), strict=True))


@pytest.mark.parametrize("name", ["ema-cross", "bollinger"])
def test_random_runs_trade_as_often_and_as_long_on_recorded_data(name: str, market_data: Path) -> None:
    file = read_candles(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet")
    result = Backtest(file.bars, file.timeframe_ms).run(name)
    test = result.backtest
    sides, lengths = result.trades["side"].astype(np.int8), held_bars(result.trades)
    drawn = draw_sides(np.random.default_rng(1), sides, lengths, len(test.bars), test.first, test.last)
    other = test.run_sides(Wanted(drawn, NOTHING, NOTHING))
    assert sorted(zip(other.trades["side"].tolist(), held_bars(other.trades).tolist(), strict=True)) == sorted(
        zip(sides.tolist(), lengths.tolist(), strict=True)
    )
    assert not np.array_equal(other.trades["entry_bar"], result.trades["entry_bar"])
    found = random_entries(result, samples=40)
    assert found is not None
    assert found.trades == len(result.trades)
    assert found.p05 <= found.median <= found.p95


def test_one_who_knows_the_future_beats_all_random_runs_and_his_opposite_none() -> None:
    bars = walk(600)
    ahead = np.append(bars.close[1:], bars.close[-1])
    knows = np.sign(ahead - bars.close).astype(np.int8)
    # decided at a close, filled at the next open, which is that close
    test = Backtest(bars, HOUR, Rules(taker_ppm=0, slippage=0.0))
    for sides, expected in ((knows, 1.0), (-knows, 0.0)):
        found = random_entries(test.run_sides(Wanted(sides.astype(np.int8), NOTHING, NOTHING)), samples=60)
        assert found is not None
        assert found.percentile == expected


def test_costs_apply_to_random_runs() -> None:
    bars = walk(600)
    sides = np.tile(np.repeat(np.array([1, -1], dtype=np.int8), 5), 60)
    answer = Wanted(sides, NOTHING, NOTHING)
    cheap, dear = (
        random_entries(Backtest(bars, HOUR, Rules(taker_ppm=fee, slippage=0.0)).run_sides(answer), samples=30)
        for fee in (0, 1_000)
    )
    assert cheap is not None
    assert dear is not None
    # about 120 trades, 0.2 % each: a fifth of the capital
    assert (1 + dear.mean) / (1 + cheap.mean) == pytest.approx(0.998**cheap.trades, rel=0.01)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(exits=Exits.FIXED, stop=0.02, target=0.04),
        Rules(exits=Exits.FIXED, stop=0.02, target=0.04, sizing=Sizing.RISK, size=0.01),
    ],
)
def test_under_stops_random_trades_last_as_long_as_the_strategys(rules: Rules) -> None:
    bars = walk(2_000, begin=1_000 * HOUR)
    rates = Funding(np.array([1_500 * HOUR], dtype=np.int64), np.array([0.001]))
    test = Backtest(bars, HOUR, rules, funding=rates, begin=1_100 * HOUR, end=2_900 * HOUR)
    result = test.run("ema-cross")
    free = without_exits(result)
    assert (free.first, free.last, free.rules.exits) == (test.first, test.last, Exits.NONE)
    assert np.array_equal(free.funding, test.funding)
    assert free.rules.sizing is Sizing.EQUITY
    # 1 % of equity at risk over 2 % and the fees: somewhat less than half of equity
    assert free.rules.size == 1.0 if rules.sizing is Sizing.EQUITY else 0.35 < free.rules.size < 0.5
    found = random_entries(result, samples=20)
    assert found is not None
    assert found.trades == len(result.trades)


def test_buy_and_hold_is_what_the_metrics_say() -> None:
    test = Backtest(walk(300), HOUR, begin=50 * HOUR, end=250 * HOUR)
    found = buy_and_hold(test)
    assert found.total_return == test.run("ema-cross").metrics.buy_and_hold_return
    close = test.bars.close[50:250]
    returns = close[1:] / close[:-1] - 1.0
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365 * 24))
    assert found.max_drawdown == pytest.approx(max(1 - close[i] / close[: i + 1].max() for i in range(200)))
