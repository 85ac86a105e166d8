"""``trefoil check-bias``: its answers, exit codes, and what it says when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from engine.backtest.bias import Subject, check_bias
from engine.backtest.run import Wanted
from engine.bars import Bars
from station.commands import bias
from tests.engine.backtest.walks import HOUR, walk, write_csv

app = typer.Typer()
app.command("check-bias")(bias.check_bias)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "test_BTCUSDT_1h.csv", walk(700))


def test_a_clean_strategy_is_said_to_be_clean(data: Path) -> None:
    result = call("ema-cross", "--data", str(data))
    assert result.exit_code == 0
    assert "ema-cross: 700 of 700 bars checked (every bar)" in result.stdout
    assert "no difference: no decision needs a later bar" in result.stdout
    assert "declared are 296" in result.stdout


def test_the_report_as_json(data: Path) -> None:
    result = call("bollinger", "--data", str(data), "--timeframe", "4h", "--set", "period=15", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["strategy"], found["bars"], found["checked"]) == ("bollinger", 175, 175)
    assert (found["biased"], found["complete"], found["params"]["period"]) == (False, True, 15)
    assert found["settling"]["declared"] == 615


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing",), "strategy: nothing"),
        (("ema-cross,board",), "give one"),
        (("ema-cross", "--set", "fast=0"), "ema-cross.fast: 0.0"),
        (("ema-cross", "--set", "fast"), "use name=number"),
        (("ema-cross", "--timeframe", "90m"), "timeframe: 90m"),
        (("ema-cross", "--timeframe", "1m"), "use a multiple"),
        (("rsi-ema", "--timeframe", "1d"), "needs at least"),
    ],
)
def test_wrong_use_ends_with_two_and_one_sentence(data: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = call(*arguments, "--data", str(data))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""


def test_a_missing_file_is_wrong_use(tmp_path: Path) -> None:
    result = call("ema-cross", "--data", str(tmp_path / "none.csv"))
    assert result.exit_code == 2
    assert "none.csv" in result.stderr


def test_a_biased_strategy_is_told_with_its_bars() -> None:
    def wanted(bars: Bars) -> Wanted:
        level = bars.close * 0.0 + 1.0
        sides = level.astype("int8")
        if len(bars) > 51:
            sides[50] = -1
        return Wanted(sides, level, level)

    lines = bias.lines_of(check_bias(Subject("own", None, 10, wanted), walk(200)), HOUR)
    assert lines[1].startswith("BIASED: the side of 1 and the exits of 0 bars")
    # the entry short of bar 50 and the one long of bar 51 are there in hindsight alone
    assert "2 trades are too many, 0 are missing" in lines[1]
    assert lines[2] == "  bar 50, closed 1970-01-03 03:00 UTC: side is -1 in the history, 1 at its close"
    assert not any("WARNING" in line for line in lines)


@pytest.mark.slow
def test_interrupted_it_says_how_far_it_came(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "test_BTCUSDT_1h.csv", walk(45_000))
    program = (
        "import os, signal, sys, typer\n"
        "from engine.backtest import bias as engine_bias\n"
        "from station.commands import bias\n"
        "app = typer.Typer()\n"
        "app.command('check-bias')(bias.check_bias)\n"
        "print('ready', flush=True)\n"
        "app()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "board", "--data", str(file), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TERM": "xterm", "FORCE_COLOR": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        seen = ""
        while "board on" not in seen:  # the bar stands: the check goes on and Ctrl-C is heard
            part = process.stderr.read(1)
            assert part, seen
            seen += part
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == bias.INTERRUPTED
    found = json.loads(out)
    assert (found["complete"], found["biased"]) == (False, False)
    assert 0 <= found["checked"] < found["planned"] == 45_000
