"""Trades in other orders, and all statistics against luck together."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.deflated import Variants
from engine.backtest.luck import Luck, luck_of, nets_of
from engine.backtest.run import Backtest, Wanted
from engine.backtest.shuffle import Shuffle, shuffle_trades
from engine.backtest.watch import Watch
from engine.candle_file import read_candles
from tests.engine.backtest.walks import HOUR, walk

NOTHING = np.zeros(1)


def shuffled(nets: list[float], *, compounding: bool = False, samples: int = 2_000) -> Shuffle:
    found = shuffle_trades(np.array(nets), 100.0, compounding=compounding, samples=samples)
    assert found is not None
    return found


def test_three_trades_have_the_drawdowns_of_their_six_orders() -> None:
    """+10, -20, -5 on 100: +10 first falls from 110 to 85 (twice), last from 100 to 75 (twice), else it is less deep."""
    found = shuffled([10.0, -20.0, -5.0], samples=6_000)
    assert found.actual == pytest.approx(1 - 85 / 110)
    assert found.worst == pytest.approx(1 - 75 / 100)
    # less deep: -20, +10, -5 (1 - 80 / 100) and -5, +10, -20 (1 - 85 / 105)
    assert found.p05 == pytest.approx(1 - 85 / 105)
    assert found.percentile == pytest.approx(2 / 6 + 2 / 6 / 2, abs=0.02)


def test_profits_alone_have_no_drawdown_and_losses_alone_one() -> None:
    gains = shuffled([1.0, 2.0, 3.0], compounding=True)
    assert (gains.actual, gains.worst, gains.percentile) == (0.0, 0.0, 0.5)
    losses = shuffled([-10.0, -20.0], compounding=True)
    assert losses.actual == pytest.approx(0.3)
    assert losses.p05 == pytest.approx(0.3)
    assert losses.worst == pytest.approx(0.3)


def test_losses_in_a_row_are_an_unlucky_order() -> None:
    nets = [2.0] * 20 + [-2.0] * 20
    assert shuffled(nets).percentile > 0.99
    assert shuffled([2.0, -2.0] * 20).percentile < 0.01


@given(st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_orders_keep_what_must_be_kept(nets: list[float], compounding: bool) -> None:  # noqa: FBT001 - a drawn value
    found = shuffled(nets, compounding=compounding, samples=50)
    assert 0.0 <= found.p05 <= found.median <= found.p95 <= found.worst
    assert 0.0 <= found.percentile <= 1.0
    # no order can fall less than the net loss of all trades, where nothing was lost for good
    if sum(nets) < 0 and all(100.0 + sum(nets[: k + 1]) > 0 for k in range(len(nets))):
        assert found.p05 >= -sum(nets) / 100.0 - 1e-9
    assert shuffled(nets, compounding=compounding, samples=50) == found


def test_one_trade_has_no_other_order() -> None:
    assert shuffle_trades(np.array([5.0]), 100.0, compounding=True) is None


def test_all_of_it_on_recorded_data(market_data: Path) -> None:
    file = read_candles(market_data / "candles" / "binance_usdm_ETHUSDT_1h_2024-01_2025-08.parquet")
    result = Backtest(file.bars, file.timeframe_ms).run("bollinger")
    heard: list[tuple[int, int]] = []
    found = luck_of(
        result, Variants(40, 1e-4), samples=60, watch=Watch(lambda done, total: heard.append((done, total)))
    )
    assert found is not None
    assert heard[-1] == (150, 150)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert found.bootstrap is not None
    assert found.bootstrap.sharpe is not None
    assert found.bootstrap.sharpe.estimate == pytest.approx(result.metrics.sharpe)
    assert found.bootstrap.total_return.estimate == pytest.approx(result.metrics.total_return)
    assert found.shuffle is not None
    assert found.shuffle.actual <= result.metrics.max_drawdown + 1e-9
    assert found.sharpe is not None
    assert found.sharpe.deflated is not None
    assert found.sharpe.probabilistic is not None
    assert found.sharpe.deflated < found.sharpe.probabilistic
    assert luck_of(result, Variants(40, 1e-4), samples=60) == found
    text = msgspec.json.encode(found)
    assert msgspec.json.decode(text, type=Luck) == found
    assert set(json.loads(text)) == {"bootstrap", "shuffle", "random_entries", "buy_and_hold", "sharpe"}


def test_without_trades_there_is_the_market_alone() -> None:
    bars = walk(200)
    found = luck_of(Backtest(bars, HOUR).run_sides(Wanted(np.zeros(200, dtype=np.int8), NOTHING, NOTHING)), samples=20)
    assert found is not None
    assert (found.shuffle, found.random_entries, found.sharpe) == (None, None, None)
    assert found.buy_and_hold.total_return == pytest.approx(bars.close[-1] / bars.close[0] - 1.0)


@pytest.mark.parametrize("after", [0, 5, 20, 25])
def test_it_can_be_stopped_in_every_part(after: int) -> None:
    result = Backtest(walk(400), HOUR).run("ema-cross")
    heard: list[int] = []
    watch = Watch(lambda done, _: heard.append(done), lambda: len(heard) >= after)
    assert luck_of(result, samples=20, watch=watch) is None
    assert len(heard) <= after + 1


def test_profits_of_trades_are_after_everything() -> None:
    result = Backtest(walk(400), HOUR).run("ema-cross")
    assert nets_of(result.trades).sum() == pytest.approx(result.metrics.final_equity - 10_000.0)
