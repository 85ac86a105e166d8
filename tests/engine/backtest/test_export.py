"""Trades and summary of a run on their way out."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.export import (
    FIELDS,
    iso,
    summary,
    summary_json,
    trade_rows,
    trades_csv,
    write_trades,
    write_whole,
)
from engine.backtest.funding import Funding
from engine.backtest.metrics import Metrics
from engine.backtest.rules import Exits, Grid, Rules, Sizing
from engine.backtest.run import Backtest, Result, Wanted
from engine.bars import Bars
from engine.errors import BadInput
from engine.model.money import to_decimal
from engine.strategies.ema_cross import EmaCrossParams

HOUR = 3_600_000
BEGIN = 1_746_057_600_000  # 2025-05-01


def bars_of(closes: np.ndarray, tick: float = 0.1) -> Bars:
    opens = np.concatenate((closes[:1], closes[:-1]))
    high, low = np.maximum(opens, closes) + 3 * tick, np.minimum(opens, closes) - 3 * tick
    times = BEGIN + HOUR * np.arange(len(closes), dtype=np.int64)
    opens, high, low, closes = (np.rint(x / tick) * tick for x in (opens, high, low, closes))
    return Bars(times, opens, high, low, closes, np.ones(len(closes)))


def walk(seed: int, n: int = 400, start: float = 1_000.0) -> Bars:
    steps = np.random.default_rng(seed).normal(0.0, 0.01, n)
    return bars_of(start * np.exp(np.cumsum(steps)))


def flips(seed: int, n: int) -> Wanted:
    rng = np.random.default_rng(seed)
    sides = np.repeat(rng.integers(-1, 2, n), rng.integers(1, 12, n))[:n].astype(np.int8)
    return Wanted(sides, np.zeros(1), np.zeros(1))


def run_of(seed: int, rules: Rules, grid: Grid, *, funded: bool = True) -> Result:
    bars = walk(seed)
    times = bars.open_time[::8].copy()
    rates = np.random.default_rng(seed + 1).normal(0.0, 2e-4, len(times)).round(8)
    funding = Funding(times, rates) if funded else Funding.none()
    return Backtest(bars, HOUR, rules, grid=grid, funding=funding).run_sides(flips(seed, len(bars)), "flips")


GRID = Grid(Decimal("0.1"), Decimal("0.001"))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    exits=st.sampled_from([Rules(), Rules(exits=Exits.FIXED, stop=0.02, target=0.03)]),
    leverage=st.sampled_from([1, 3, 10]),
    sizing=st.sampled_from([(Sizing.EQUITY, 0.9), (Sizing.NOTIONAL, 3_000.0), (Sizing.QUANTITY, 2.5)]),
    grid=st.sampled_from([GRID, Grid(Decimal("0.5"), Decimal("0.00001")), Grid(Decimal("0.25"), Decimal("0.02"))]),
)
def test_rows_add_up_to_the_gain_exactly(
    seed: int, exits: Rules, leverage: int, sizing: tuple[Sizing, float], grid: Grid
) -> None:
    rules = msgspec.structs.replace(exits, leverage=leverage, sizing=sizing[0], size=sizing[1])
    result = run_of(seed, rules, grid)
    rows = trade_rows(result)
    gain = to_decimal(result.sums.final) - to_decimal(rules.capital)
    assert sum((r.pnl - r.fee - r.funding for r in rows), Decimal(0)) == gain
    assert sum((r.net for r in rows), Decimal(0)) == gain
    for row in rows:
        sign = 1 if row.side == "long" else -1
        assert row.pnl == sign * row.quantity * (row.exit_price - row.entry_price)
        assert row.entry_price % grid.tick_size == 0
        assert row.quantity % grid.lot_size == 0


def test_a_file_of_trades_reads_back_as_it_was(tmp_path: Path) -> None:
    result = run_of(3, Rules(exits=Exits.FIXED, stop=0.02, target=0.03), GRID)
    file = tmp_path / "trades.csv"
    assert write_trades(result, file) == len(result.trades) > 10
    with file.open(newline="") as handle:
        table = list(csv.DictReader(handle))
    assert tuple(table[0]) == FIELDS
    for read, row, raw in zip(table, trade_rows(result), result.trades, strict=True):
        assert [read[name] for name in ("side", "reason", "entry_time", "exit_time")] == [
            row.side, row.reason, row.entry_time, row.exit_time,
        ]  # fmt: skip
        for name in ("entry_price", "exit_price", "quantity", "fee", "funding", "pnl", "net", "pnl_pct"):
            assert Decimal(read[name]) == getattr(row, name)
            assert "E" not in read[name]
        assert datetime.fromisoformat(read["entry_time"]).timestamp() * 1_000 == raw["entry_time"]
        assert int(Decimal(read["entry_price"]) / GRID.tick_size) == raw["entry_ticks"]
        assert int(Decimal(read["fee"]).scaleb(8)) == raw["fee"]


def test_one_trade_by_hand() -> None:
    bars = bars_of(np.array([100.0, 100.0, 110.0, 110.0]))
    rules = Rules(sizing=Sizing.QUANTITY, size=2.0, taker_ppm=1_000, slippage=0.0)
    sides = np.array([1, 1, 0, 0], dtype=np.int8)
    paid = Funding(np.array([BEGIN + 2 * HOUR]), np.array([0.0005]))
    result = Backtest(bars, HOUR, rules, grid=GRID, funding=paid).run_sides(Wanted(sides, np.zeros(1), np.zeros(1)))
    assert trades_csv(trade_rows(result)).splitlines()[1] == (
        # fee 0.1 % of 200 and of 220; funding 0.05 % of 2 x 100, the open of its bar; net 19.48 of 200
        "2025-05-01T01:00:00Z,100.0,2025-05-01T03:00:00Z,110.0,long,2.000,0.42000000,0.10000000,20.00000000,19.48000000,"
        "9.740000,signal"
    )


def test_no_trades_leave_a_header(tmp_path: Path) -> None:
    bars = walk(1)
    result = Backtest(bars, HOUR).run_sides(Wanted(np.zeros(len(bars), dtype=np.int8), np.zeros(1), np.zeros(1)))
    write_trades(result, tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == ",".join(FIELDS) + "\n"


def test_the_mean_of_pnl_pct_is_the_average_trade() -> None:
    result = run_of(5, Rules(), GRID)
    rows = trade_rows(result)
    mean = float(sum(row.pnl_pct for row in rows)) / len(rows) / 100
    assert result.metrics.avg_trade == pytest.approx(mean, abs=1e-8)


@pytest.mark.parametrize(
    ("time", "text"),
    [(BEGIN, "2025-05-01T00:00:00Z"), (BEGIN + 5, "2025-05-01T00:00:00.005Z"), (BEGIN - 1, "2025-04-30T23:59:59.999Z")],
)
def test_times_are_utc(time: int, text: str) -> None:
    assert iso(time) == text


def test_the_summary_names_the_run_and_every_metric() -> None:
    bars = walk(2)
    begin, end = int(bars.open_time[100]), int(bars.open_time[300])
    test = Backtest(bars, HOUR, symbol="BTC/USDT:USDT", begin=begin, end=end)
    result = test.run("ema-cross", EmaCrossParams(fast=9))
    read = json.loads(summary_json(result, 1.23456))
    wanted = (
        "strategy params bars from to trades total_return cagr sharpe sortino calmar max_drawdown max_drawdown_bars"
    )
    wanted += " win_rate profit_factor expectancy exposure avg_trade best worst fees funding liquidations"
    wanted += " buy_and_hold_return final_equity elapsed_ms"
    assert set(wanted.split()) <= set(read)
    assert [read[name] for name in ("strategy", "symbol", "timeframe", "engine")] == [
        "ema-cross", "BTC/USDT:USDT", "1h", "fast",
    ]  # fmt: skip
    assert read["params"] == {"fast": 9, "slow": 26, "stop_atr": 2.0, "target_ratio": 2.0}
    assert (read["from"], read["to"], read["bars"]) == (iso(begin), iso(end), 200)
    assert read["elapsed_ms"] == 1.235
    for name in Metrics.__struct_fields__:
        assert read[name] == getattr(result.metrics, name), name


@pytest.mark.parametrize(("name", "count"), [("ema-cross", 4), ("board", 0)])
def test_defaults_are_written_out(name: str, count: int) -> None:
    assert len(summary(Backtest(walk(2), HOUR).run(name), 0.0)["params"]) == count


def test_what_is_not_defined_is_null() -> None:
    bars = walk(1)
    result = Backtest(bars, HOUR).run_sides(Wanted(np.zeros(len(bars), dtype=np.int8), np.zeros(1), np.zeros(1)))
    read = json.loads(summary_json(result, 0.0))
    assert read["trades"] == 0
    assert [read[name] for name in ("sharpe", "win_rate", "best")] == [None] * 3
    assert read["params"] == {}
    assert read["final_equity"] == 10_000.0


def test_a_file_is_replaced_in_one_step_and_leaves_nothing_aside(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_bytes(b"before")
    with file.open("rb") as reader:
        write_whole(file, b"after")
        assert reader.read() == b"before"
    assert file.read_bytes() == b"after"
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("kind", ["no folder", "a folder"])
def test_where_nothing_can_be_written_one_line_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "missing" / "out.csv" if kind == "no folder" else tmp_path / "folder"
    if kind == "a folder":
        path.mkdir()
    with pytest.raises(BadInput, match="cannot be written") as caught:
        write_whole(path, b"x")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
