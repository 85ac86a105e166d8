"""``trefoil backtest`` on good and bad files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest
from typer.testing import CliRunner, Result

from engine.errors import BadInput
from station.cli import app
from storage.candles import ParquetCandles
from storage.home import Home
from tests.engine.backtest.made import HOUR, T0

FIELDS = {
    "strategy", "params", "bars", "from", "to", "trades", "total_return", "cagr", "sharpe", "sortino", "calmar",
    "max_drawdown", "max_drawdown_bars", "win_rate", "profit_factor", "expectancy", "exposure", "avg_trade", "best",
    "worst", "fees", "funding", "liquidations", "buy_and_hold_return", "final_equity", "elapsed_ms",
}  # fmt: skip
COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]


def wave(n: int = 600) -> dict[str, Any]:
    """Columns of bars that go up and down."""
    close = np.round(100 + 10 * np.sin(np.arange(n) / 20) + np.arange(n) / 100, 2)
    open_ = np.concatenate((close[:1], close[:-1]))
    return {
        "timestamp": T0 + HOUR * np.arange(n),
        "open": open_,
        "high": np.maximum(open_, close) + 0.5,
        "low": np.minimum(open_, close) - 0.5,
        "close": close,
        "volume": np.ones(n),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wave_BTCUSDT_1h.csv"
    pc.write_csv(pa.table(wave()), path)
    return path


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)])


def refused(*arguments: str | Path) -> str:
    """The one sentence; the process would end with 1."""
    result = call(*arguments)
    assert isinstance(result.exception, BadInput), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def summed(*arguments: str | Path) -> dict[str, Any]:
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def test_the_json_has_every_field(file: Path) -> None:
    run = summed("ema-cross", "--data", file, "--set", "fast=10", "--set", "slow=30")
    assert set(run) >= FIELDS
    assert run["strategy"] == "ema-cross"
    assert (run["params"]["fast"], run["params"]["slow"]) == (10, 30)
    assert run["bars"] == 600
    assert run["from"] == "2023-11-14T22:00:00Z"
    assert run["trades"] > 5
    assert run["final_equity"] == pytest.approx(10_000 * (1 + run["total_return"]))


def test_both_engines_say_the_same(file: Path) -> None:
    fast, slow = (
        summed("board", "--data", file, "--exits", "strategy", "--engine", engine) for engine in ("fast", "faithful")
    )
    for own in ("elapsed_ms", "engine", "params"):
        fast.pop(own), slow.pop(own)
    assert fast == pytest.approx(slow, rel=1e-7)


def test_several_strategies_in_one_table(file: Path) -> None:
    result = call("all", "--data", file)
    assert result.exit_code == 0
    for name in (
        "supertrend",
        "rsi-ema",
        "macd-stochastic",
        "ichimoku",
        "bollinger",
        "ema-cross",
        "board",
        "buy and hold",
    ):
        assert name in result.output
    assert len(summed("ema-cross,board", "--data", file)["runs"]) == 2


def test_trades_add_up(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "trades.csv"
    run = summed("ema-cross", "--data", file, "--trades", out)
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == run["trades"]
    assert {
        "entry_time",
        "entry_price",
        "exit_time",
        "exit_price",
        "side",
        "quantity",
        "fee",
        "funding",
        "pnl",
        "pnl_pct",
        "reason",
    } <= set(rows[0])
    won = sum(Decimal(r["pnl"]) - Decimal(r["fee"]) - Decimal(r["funding"]) for r in rows)
    assert float(won) == pytest.approx(run["final_equity"] - 10_000, abs=1e-7)


def test_luck_and_parts(file: Path) -> None:
    shown = call("ema-cross", "--data", file, "--luck", "--breakdown")
    assert shown.exit_code == 0, shown.output
    for words in ("ema-cross by weekday", "long", "Tue", "ema-cross: skill or luck", "Total return"):
        assert words in shown.output
    run = summed("ema-cross", "--data", file, "--luck", "--breakdown")
    assert sum(bucket["trades"] for bucket in run["breakdown"]["hours"]) == run["trades"]
    interval = run["luck"]["bootstrap"]["total_return"]
    assert interval["low"] < run["total_return"] < interval["high"]


def test_a_report_is_written(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert call("ema-cross", "--data", file, "--report", out).exit_code == 0
    assert "<html" in out.read_text()[:500]


def test_a_period_is_warmed_up_by_what_lies_before(file: Path) -> None:
    part = summed("ema-cross", "--data", file, "--from", "2023-11-20", "--to", "2023-11-30T12:00")
    assert part["bars"] == 10 * 24 + 12
    assert part["from"].startswith("2023-11-20T00:00")


def test_a_longer_timeframe(file: Path) -> None:
    assert (
        summed("ema-cross", "--data", file, "--timeframe", "4h")["bars"] == 151
    )  # T0 is not on the grid of four hours


def test_stored_history(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREFOIL_HOME", str(tmp_path / "home"))
    from engine.candle_file import read_candles

    home = Home.locate().create()
    ParquetCandles(home.candles).write("binance", "BTC/USDT:USDT", HOUR, read_candles(file).bars)
    named, symbol = "binance:BTC/USDT:USDT", "BTC/USDT:USDT"
    ways: list[list[str]] = [["--data", str(file)], ["--data", named], ["--symbol", symbol], []]
    read, *stored = (summed("ema-cross", *way, "--timeframe", "2h") for way in ways)
    for answer in (read, *stored):
        answer.pop("elapsed_ms")
    assert stored == [read] * 3
    assert "nothing is stored" in refused("ema-cross", "--data", "binance:ETH/USDT:USDT")
    assert "nothing is stored" in refused("ema-cross", "--symbol", "ETH/USDT:USDT")
    assert "stored are 1h" in refused("ema-cross", "--data", "binance:BTC/USDT:USDT", "--timeframe", "15m")


def changed(path: Path, change: str) -> Path:
    """The good file with one thing wrong."""
    columns = {name: values.copy() for name, values in wave().items()}
    match change:
        case "nan":
            columns["close"][7] = np.nan
        case "zero":
            columns["low"][7] = 0.0
        case "negative":
            columns["open"][7] = -1.0
        case "high below low":
            columns["high"][7] = columns["low"][7] - 1
        case "seconds":
            columns["timestamp"] //= 1000
        case "twice":
            columns["timestamp"][7] = columns["timestamp"][6]
        case "unsorted":
            columns["timestamp"][[7, 9]] = columns["timestamp"][[9, 7]]
        case "few":
            columns = {name: values[:20] for name, values in columns.items()}
        case "renamed":
            columns["last"] = columns.pop("close")
    pc.write_csv(pa.table(columns), path)
    return path


BAD_FILES = {
    "nan": "row 8 close: nan",
    "zero": "row 8 low: 0.0",
    "negative": "row 8 open: -1.0",
    "high below low": "row 8 high",
    "seconds": "these look like seconds",
    "twice": "row 8 timestamp",
    "unsorted": "row 9 timestamp",
    "few": "bars: 20 - ema-cross needs at least",
    "renamed": "missing close",
}


@pytest.mark.parametrize("change", BAD_FILES)
def test_bad_files(change: str, tmp_path: Path) -> None:
    assert BAD_FILES[change] in refused("ema-cross", "--data", changed(tmp_path / "bad.csv", change))


BAD_OPTIONS: dict[str, tuple[list[str], str]] = {
    "unknown strategy": (["moon", "--data", "FILE"], "strategy: moon"),
    "no file": (["ema-cross", "--data", "nowhere.csv"], "there is no such file"),
    "unknown engine": (["ema-cross", "--data", "FILE", "--engine", "slow"], "engine: slow"),
    "period the wrong way round": (
        ["ema-cross", "--data", "FILE", "--from", "2023-12-01", "--to", "2023-11-20"], "--from: 2023-12-01",
    ),
    "period outside": (["ema-cross", "--data", "FILE", "--from", "2030-01-01"], "bars: 0"),
    "no time at all": (["ema-cross", "--data", "FILE", "--from", "yesterday"], "--from: yesterday"),
    "unknown timeframe": (["ema-cross", "--data", "FILE", "--timeframe", "7m"], "timeframe: 7m"),
    "finer timeframe": (["ema-cross", "--data", "FILE", "--timeframe", "15m"], "the bars are 1h"),
    "parameter out of range": (["ema-cross", "--data", "FILE", "--set", "fast=1"], "ema-cross.fast: 1.0"),
    "unknown parameter": (["ema-cross", "--data", "FILE", "--set", "speed=1"], "ema-cross.speed"),
    "stop wider than liquidation": (
        ["ema-cross", "--data", "FILE", "--stop", "0.3", "--leverage", "5"], "liquidation comes first",
    ),
    "parameters for several": (["all", "--data", "FILE", "--set", "fast=10"], "are for one strategy"),
    "a detail file as coarse": (["ema-cross", "--data", "FILE", "--detail", "FILE"], "detail: 1h - must be finer"),
    "no funding file": (["ema-cross", "--data", "FILE", "--funding", "none.csv"], "funding file: none.csv"),
    "candles as funding": (["ema-cross", "--data", "FILE", "--funding", "FILE"], "missing funding_rate"),
    "resting targets in the faithful engine": (
        ["ema-cross", "--data", "FILE", "--target", "0.01", "--maker-target", "--engine", "faithful"], "use --engine fast",
    ),
    "trades to nowhere": (["ema-cross", "--data", "FILE", "--trades", "no/such/folder.csv"], "cannot be written"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_bad_options(arguments: list[str], sentence: str, file: Path) -> None:
    assert sentence in refused(*(str(file) if a == "FILE" else a for a in arguments))


def test_repair_is_asked_for_and_said(tmp_path: Path) -> None:
    path = changed(tmp_path / "unsorted_BTCUSDT_1h.csv", "unsorted")
    result = call("ema-cross", "--data", path, "--repair")
    assert result.exit_code == 0
    assert "repaired" in result.output
    assert "sorted by open time" in result.output


@pytest.mark.slow
def test_the_process_ends_with_one_line_and_one(file: Path) -> None:
    command = [sys.executable, "-m", "station.cli", "backtest", "ema-cross", "--data", str(file), "--stop", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "trefoil: stop: 2.0 - use a fraction of the price from 0 to 1, 0.02 for 2 %"
    assert not done.stdout
