"""The command line that scripts rely on: one JSON object, exit codes, one clear line for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KEYS = [
    "symbols",
    "quotes",
    "bars",
    "signals",
    "orders",
    "fills",
    "trades",
    "cash",
    "equity",
    "open_positions",
    "reconnects",
    "errors",
]


def trefoil(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "station.cli", *arguments],
        env={**os.environ, "TREFOIL_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def candles(path: Path, rows: int = 40, high: float = 101.0) -> Path:
    lines = ["timestamp,open,high,low,close,volume"]
    start = 1_700_000_040_000 - 1_700_000_040_000 % 60_000
    lines += [f"{start + i * 60_000},100.0,{high},99.0,100.5,3.0" for i in range(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_headless_demo_prints_one_object(tmp_path: Path) -> None:
    done = trefoil(
        tmp_path, "demo", "--headless", "--seconds", "10", "--json", "--speed", "60", "--symbol", "ETH/USDT:USDT"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told) == KEYS
    assert (told["symbols"], told["errors"], told["reconnects"]) == (1, [], 0)
    assert told["quotes"] > 0
    assert told["bars"] > 0
    assert Decimal(told["equity"]) > 9_000


def test_a_replay_ends_with_its_file(tmp_path: Path) -> None:
    file = candles(tmp_path / "candles_BTCUSDT_1m.csv")
    done = trefoil(tmp_path, "demo", "--headless", "--seconds", "60", "--json", "--speed", "max", "--replay", str(file))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["bars"], told["symbols"], told["equity"]) == (40, 1, "10000.00000000")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--symbol", "NOPE/USDT:USDT"], "symbol: NOPE/USDT:USDT"),
        (["--speed", "fast"], "speed: fast - use a positive number or max"),
        (["--replay", "missing.parquet"], "there is no such file"),
        (["--replay", "BROKEN"], "row 1 high: 98.0 - high must not be below open or close"),
        (["--replay", "CUT"], "it cannot be read as Parquet or CSV, or is cut short"),
    ],
)
def test_bad_input_is_one_line_and_exit_1(tmp_path: Path, arguments: list[str], said: str) -> None:
    if arguments[-1] == "BROKEN":
        arguments = ["--replay", str(candles(tmp_path / "x_BTCUSDT_1m.csv", high=98.0))]
    if arguments[-1] == "CUT":
        cut = tmp_path / "x_BTCUSDT_1m.parquet"
        cut.write_bytes(b"PAR1" + b"\x00" * 100)
        arguments = ["--replay", str(cut)]
    done = trefoil(tmp_path, "demo", "--headless", "--seconds", "20", "--json", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_wrong_use_is_exit_2(tmp_path: Path) -> None:
    assert trefoil(tmp_path, "demo", "--no-such-option").returncode == 2


def test_attach_without_an_engine_says_so(tmp_path: Path) -> None:
    done = trefoil(tmp_path, "attach")
    assert done.returncode == 1
    assert "none runs here" in done.stderr
