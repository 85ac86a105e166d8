"""The fast engine against backtesting.py, backtrader and vectorbt: the same signals must give the same trades and the same gain.

What is known to differ is asserted as a difference:

- The last open trade. Ours ends at the last bar's close and pays its fee. The others, backtesting.py by default, leave it
  open and mark it at that close; backtesting.py with ``finalize_trades`` closes it at the last bar's OPEN, because it
  plays that bar a second time.
- Stop and target on one bar that opens beyond the target. Ours ends at the open, which came first; backtesting.py looks at
  the stop first and ends at the stop.
- A reversal on a bar that opens beyond the new position's own stop. Ours closes and stays out, as the desk does;
  backtesting.py opens it and stops it at the same price.
- Stops of the entry bar. backtesting.py 0.6 lets a stop or target end a trade on the bar whose open it was entered at, as
  ours does; versions before waited for the next bar. Asserted as equal, on bars where it happens.
- Fees. Ours are rounded to 1e-8 of the quote currency, theirs are float64: the gain agrees to 1e-6 of itself.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.backtest.result import Reason
from engine.backtest.run import Result
from engine.bars import Bars
from tests.crosscheck.side_by_side import CAPITAL, FEE, Answer, Case, Trade, ask, case_of, levels, trades_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crosscheck")]

BTC = ("binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet", 1.0)
ETH = ("binance_usdm_ETHUSDT_15m_2024-01_2025-08.parquet", 10.0)
WIF = ("bybit_linear_WIFUSDT_1h_2025.parquet", 5_000.0)


def same(ours: list[Trade], theirs: list[Trade]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[:3] == other[:3]
        assert mine[3:] == pytest.approx(other[3:], rel=1e-12)


def split(result: Result) -> tuple[list[Trade], list[Trade]]:
    """Trades the market ended, and the one the end of the data did."""
    rows = trades_of(result)
    ended = [bool(reason == Reason.END) for reason in result.trades["reason"]]
    return [r for r, e in zip(rows, ended, strict=True) if not e], [r for r, e in zip(rows, ended, strict=True) if e]


def agree(case: Case, answer: Answer) -> Result:
    """All trades equal but the last open one; gain equal when that one's closing fee is taken from theirs."""
    result = case.ours()
    closed, last = split(result)
    same(closed, answer.trades)
    assert [(r[0], r[2]) for r in last] == [row[:2] for row in answer.open]
    assert [r[4] for r in last] == pytest.approx([row[2] for row in answer.open], rel=1e-12)
    assert all((r[1], r[5]) == (len(case.bars) - 1, case.bars.close[-1]) for r in last)
    closing = sum(FEE * r[3] * r[5] for r in last)
    final = result.metrics.final_equity
    assert final == pytest.approx(answer.equity - closing, rel=1e-9)
    assert final - CAPITAL == pytest.approx(answer.equity - closing - CAPITAL, rel=1e-6)
    return result


@pytest.mark.parametrize("strategy", ["ema-cross", "bollinger"])
@pytest.mark.parametrize("data", [BTC, ETH], ids=["BTC 1h", "ETH 15m"])
@pytest.mark.parametrize("exits", [False, True], ids=["fee only", "stop and target"])
def test_backtesting_py_makes_the_same_trades(
    market_data: Path, tmp_path: Path, data: tuple[str, float], strategy: str, *, exits: bool
) -> None:
    case = case_of(market_data / "candles" / data[0], strategy, data[1], exits=exits)
    result = agree(case, ask("backtesting", case, tmp_path))
    assert len(result.trades) > 400
    if exits:
        assert {Reason.STOP, Reason.TARGET} <= set(result.trades["reason"].tolist())


@pytest.mark.parametrize("strategy", ["ema-cross", "bollinger"])
@pytest.mark.parametrize("data", [BTC, ETH], ids=["BTC 1h", "ETH 15m"])
@pytest.mark.parametrize("library", ["backtrader", "vectorbt"])
def test_backtrader_and_vectorbt_make_the_same_trades(
    market_data: Path, tmp_path: Path, library: str, data: tuple[str, float], strategy: str
) -> None:
    case = case_of(market_data / "candles" / data[0], strategy, data[1], exits=False)
    assert len(agree(case, ask(library, case, tmp_path)).trades) > 400


def test_a_coin_that_moves_far_within_a_bar(market_data: Path, tmp_path: Path) -> None:
    case = case_of(market_data / "candles" / WIF[0], "ema-cross", WIF[1], exits=True)
    result = agree(case, ask("backtesting", case, tmp_path))
    assert on_entry_bar(result) >= 5


def on_entry_bar(result: Result) -> int:
    return int((result.trades["entry_bar"] == result.trades["exit_bar"]).sum())


def rough(seed: int, n: int = 4_000) -> Case:
    """Bars that gap and reach far: stops and targets on the entry bar, both in one bar, opens beyond either."""
    rng = np.random.default_rng(seed)
    close = 5_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    before = np.concatenate((close[:1], close[:-1]))
    open_ = before * np.exp(np.where(rng.random(n) < 0.3, rng.normal(0.0, 0.03, n), 0.0))
    reach = np.exp(rng.exponential(0.008, (2, n)))
    high, low = np.maximum(open_, close) * reach[0], np.minimum(open_, close) / reach[1]
    open_, high, low, close = (np.round(x, 1) for x in (open_, high, low, close))
    times = 1_700_000_000_000 // 3_600_000 * 3_600_000 + 3_600_000 * np.arange(n, dtype=np.int64)
    sides = np.repeat(rng.integers(-1, 2, n), rng.integers(1, 9, n))[:n].astype(np.int8)
    sides[:2] = 0
    bars = Bars(times, open_, high, low, close, np.ones(n))
    return Case(bars, 3_600_000, sides, 1.0, True, *levels(bars, sides))


def beyond_target_and_stop(case: Case, result: Result) -> list[Trade]:
    """Trades that took their target on a bar which opened beyond it and later reached their stop."""
    found = []
    for trade, reason in zip(trades_of(result), result.trades["reason"], strict=True):
        entry, leave, side = trade[:3]
        worst = case.bars.low[leave] if side > 0 else case.bars.high[leave]
        gapped = (case.bars.open[leave] - case.targets[entry - 1]) * side >= 0
        if reason == Reason.TARGET and gapped and (worst - case.stops[entry - 1]) * side <= 0:
            found.append(trade)
    return found


def reversed_through_stop(case: Case, trades: list[Trade]) -> list[Trade]:
    """Trades that began as a reversal on a bar which opened beyond their own stop."""
    return [
        trade
        for before, trade in pairwise(trades)
        if before[1] == trade[0] and (case.bars.open[trade[0]] - case.stops[trade[0] - 1]) * trade[2] <= 0
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rough_bars_differ_only_where_a_bar_opens_beyond_a_level(tmp_path: Path, seed: int) -> None:
    case = rough(seed)
    result, answer = case.ours(), ask("backtesting", case, tmp_path)
    closed, _ = split(result)
    assert on_entry_bar(result) > 50
    through = reversed_through_stop(case, answer.trades)
    assert through
    # theirs opened and ended at the same price: nothing but fees came of it
    assert all(trade[0] == trade[1] and trade[4] == trade[5] for trade in through)
    theirs = [trade for trade in answer.trades if trade not in through]
    assert [t[:5] for t in closed] == [t[:5] for t in theirs]
    odd = beyond_target_and_stop(case, result)
    assert odd
    assert [m for m, t in zip(closed, theirs, strict=True) if m[5] != t[5]] == odd
    for mine, other in zip(closed, theirs, strict=True):
        if mine in odd:
            assert mine[5] == case.bars.open[mine[1]]
            assert other[5] == case.stops[mine[0] - 1]


def test_the_last_open_trade_is_closed_at_the_last_close_by_us_and_at_the_last_open_by_backtesting_py(
    market_data: Path, tmp_path: Path
) -> None:
    case = case_of(market_data / "candles" / BTC[0], "ema-cross", BTC[1], exits=False, bars=2_000)
    result = case.ours()
    closed, last = split(result)
    answer = ask("backtesting", case, tmp_path, "close")
    same(closed, answer.trades[:-1])
    assert len(last) == 1
    assert answer.open == []
    assert answer.trades[-1][:5] == last[0][:5]
    assert last[0][5] == case.bars.close[-1]
    assert answer.trades[-1][5] == case.bars.open[-1] != case.bars.close[-1]


def test_a_fill_a_bar_late_would_be_seen(market_data: Path, tmp_path: Path) -> None:
    """The comparison itself: signals one bar later give other trades."""
    case = case_of(market_data / "candles" / BTC[0], "ema-cross", BTC[1], exits=False, bars=2_000)
    late = replace(case, sides=np.concatenate((case.sides[:1], case.sides[:-1])))
    with pytest.raises(AssertionError):
        agree(case, ask("backtrader", late, tmp_path))
