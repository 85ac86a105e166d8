"""Trades by time and side, excursions bar by bar, and months against hand-made curves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.breakdown import Bucket, breakdown, excursions, monthly_returns
from engine.backtest.result import TRADE, Reason, Rows
from engine.backtest.rules import Exits, Rules
from engine.backtest.run import Backtest, Result, Wanted
from engine.bars import Bars, Floats, Ints
from engine.candle_file import read_candles
from tests.engine.backtest.walks import HOUR, walk

NOTHING = np.zeros(1)
TICK = 0.5


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def run(sides: list[int], begin: str, rules: Rules = Rules(), seed: int = 5) -> Result:  # noqa: B008 - frozen
    bars = walk(len(sides), seed, at(begin))
    return Backtest(bars, HOUR, rules).run_sides(Wanted(np.array(sides, dtype=np.int8), NOTHING, NOTHING))


def nets(result: Result) -> Floats:
    trades = result.trades
    return np.asarray(trades["pnl"] - trades["fee"] - trades["funding"], dtype=np.float64) / 1e8


def test_a_trade_is_counted_where_it_was_entered() -> None:
    # 31 January 2024 was a Wednesday; decided at the close of the 22:00 bar, filled at 23:00 and at 00:00
    result = run([1, -1, -1, -1, 0, 0], "2024-01-31 22:00")
    found = breakdown(result)
    first, second = nets(result)
    assert [(b.label, b.trades) for b in found.hours if b.trades] == [("00", 1), ("23", 1)]
    assert [(b.label, b.trades) for b in found.weekdays if b.trades] == [("Wed", 1), ("Thu", 1)]
    assert [(b.label, b.trades) for b in found.months if b.trades] == [("Jan", 1), ("Feb", 1)]
    assert [b.label for b in found.sides] == ["long", "short"]
    assert [b.net_profit for b in found.sides] == pytest.approx([first, second])
    assert found.hours[5] == Bucket("05", 0, None, None, 0.0, None)


def test_a_bucket_by_hand() -> None:
    result = run([1, -1] * 40, "2024-03-01 00:00")
    long = breakdown(result).sides[0]
    profits = nets(result)[result.trades["side"] > 0]
    notional = result.trades["lots"] * result.trades["entry_ticks"] * float(result.backtest.grid.unit) / 1e8
    shares = (nets(result) / notional)[result.trades["side"] > 0]
    assert long.trades == len(profits) == 40
    assert long.win_rate == np.mean(profits > 0)
    assert long.profit_factor == pytest.approx(profits[profits > 0].sum() / -profits[profits <= 0].sum())
    assert long.net_profit == pytest.approx(profits.sum())
    assert long.mean_return == pytest.approx(shares.mean())


def test_every_grouping_holds_every_trade_of_recorded_data(market_data: Path) -> None:
    file = read_candles(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet")
    result = Backtest(file.bars, file.timeframe_ms).run("ema-cross")
    found = breakdown(result)
    metrics = result.metrics
    for group in (found.hours, found.weekdays, found.months, found.sides):
        assert sum(bucket.trades for bucket in group) == metrics.trades
        assert sum(bucket.net_profit for bucket in group) == pytest.approx(metrics.final_equity - 10_000.0)
        wins = sum(bucket.trades * (bucket.win_rate or 0.0) for bucket in group)
        assert wins / metrics.trades == pytest.approx(metrics.win_rate)
        assert sum(b.trades * (b.mean_return or 0.0) for b in group) / metrics.trades == pytest.approx(
            metrics.avg_trade
        )
    growth = np.prod([1.0 + r for row in found.monthly.months for r in row if r is not None])
    assert growth - 1.0 == pytest.approx(metrics.total_return)
    assert found.monthly.years == (2024, 2025)
    assert [r is None for r in found.monthly.months[1]] == [False] * 8 + [True] * 4
    assert len(found.excursions) == metrics.trades
    assert json.loads(msgspec.json.encode(found))["monthly"]["years"] == [2024, 2025]


BARS = Bars(
    np.arange(4, dtype=np.int64) * HOUR,
    np.array([100.0, 101.0, 103.0, 99.0]),
    np.array([102.0, 105.0, 104.0, 110.0]),
    np.array([98.0, 100.0, 97.0, 90.0]),
    np.array([101.0, 103.0, 99.0, 95.0]),
    np.ones(4),
)


def trade(entry: int, leave: int, prices: tuple[float, float], side: int, reason: Reason) -> Rows:
    row = np.zeros(1, dtype=TRADE)
    row["entry_bar"], row["exit_bar"], row["side"], row["reason"] = entry, leave, side, int(reason)
    row["entry_ticks"], row["exit_ticks"] = (round(price / TICK) for price in prices)
    return row


@pytest.mark.parametrize(
    ("row", "adverse", "favourable"),
    [
        # bars 0 and 1 whole, then the open of bar 2: low 98, high 105
        (trade(0, 2, (100.0, 103.0), 1, Reason.SIGNAL), 0.02, 0.05),
        (trade(0, 2, (100.0, 103.0), -1, Reason.SIGNAL), 0.05, 0.02),
        # the low of 97 in the exit bar comes after the exit at its open
        (trade(1, 2, (101.0, 103.0), 1, Reason.SIGNAL), 1 / 101, 4 / 101),
        # a stop within the exit bar: its price counts, the bar's high and low do not
        (trade(2, 3, (103.0, 96.0), 1, Reason.STOP), 7 / 103, 1 / 103),
        (trade(2, 3, (103.0, 109.0), -1, Reason.STOP), 6 / 103, 6 / 103),
        # a gap beyond the target
        (trade(2, 3, (103.0, 99.0), -1, Reason.TARGET), 1 / 103, 6 / 103),
        # entered and stopped in one bar
        (trade(1, 1, (101.0, 100.5), 1, Reason.STOP), 0.5 / 101, 0.0),
        # the data ended: the last bar is there whole
        (trade(2, 3, (103.0, 95.0), 1, Reason.END), 13 / 103, 7 / 103),
        (trade(3, 3, (99.0, 95.0), -1, Reason.END), 11 / 99, 9 / 99),
        # entered above the bar's high, with slippage
        (trade(0, 1, (103.0, 101.0), 1, Reason.SIGNAL), 5 / 103, 0.0),
    ],
)
def test_excursions_by_hand(row: Rows, adverse: float, favourable: float) -> None:
    against, along = excursions(row, BARS, TICK)
    assert (against[0], along[0]) == (pytest.approx(adverse), pytest.approx(favourable))


def test_excursions_of_no_trades() -> None:
    against, along = excursions(np.zeros(0, dtype=TRADE), BARS, TICK)
    assert (len(against), len(along)) == (0, 0)


@given(st.integers(0, 1_000), st.sampled_from([Rules(), Rules(exits=Exits.FIXED, stop=0.02, target=0.03)]))
@settings(max_examples=25, deadline=None)
def test_excursions_are_those_of_a_walk_through_the_bars(seed: int, rules: Rules) -> None:
    rng = np.random.default_rng(seed)
    sides = np.repeat(rng.integers(-1, 2, 60), rng.integers(1, 6, 60)).tolist()
    result = run(sides, "2024-01-01 00:00", rules, seed)
    bars, tick = result.backtest.bars, float(result.backtest.grid.tick_size)
    against, along = excursions(result.trades, bars, tick)
    for k, row in enumerate(result.trades):
        entry, leave = row["entry_ticks"] * tick, row["exit_ticks"] * tick
        whole = range(row["entry_bar"], row["exit_bar"] + (row["reason"] == Reason.END))
        seen = [entry, leave, *(float(p) for i in whole for p in (bars.high[i], bars.low[i]))]
        moves = [row["side"] * (price / entry - 1.0) for price in seen]
        assert against[k] == pytest.approx(-min(moves), abs=1e-12)
        assert along[k] == pytest.approx(max(moves), abs=1e-12)


def times(*texts: str) -> Ints:
    return np.array([at(text) for text in texts], dtype=np.int64)


def test_months_by_hand() -> None:
    opened = times("2023-11-30 23:00", "2023-12-01 00:00", "2023-12-31 23:00", "2024-02-01 00:00", "2024-02-02 00:00")
    found = monthly_returns(opened, np.array([110.0, 99.0, 121.0, 60.5, 90.75]), 100.0)
    assert found.years == (2023, 2024)
    assert found.months[0] == (*[None] * 10, pytest.approx(0.10), pytest.approx(0.10))
    assert found.months[1] == (None, pytest.approx(-0.25), *[None] * 10)
    assert list(found.totals) == pytest.approx([0.21, -0.25])


def test_a_year_without_bars_is_empty_and_ruin_is_final() -> None:
    opened = times("2022-05-01 00:00", "2024-05-01 00:00", "2024-06-01 00:00")
    found = monthly_returns(opened, np.array([50.0, 0.0, 0.0]), 100.0)
    assert found.years == (2022, 2023, 2024)
    assert found.months[1] == (None,) * 12
    assert found.totals == (-0.5, 0.0, -1.0)
    assert found.months[2][4:6] == (-1.0, 0.0)


def test_no_trade_is_no_failure() -> None:
    found = breakdown(run([0] * 50, "2024-01-01 00:00"))
    assert found.excursions == ()
    assert all(bucket.trades == 0 and bucket.win_rate is None for bucket in found.sides)
    assert found.monthly.totals == (0.0,)
