"""``trefoil forecast``: keep, use and forecast with models; what is said without TensorFlow and of bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from engine.bars import Bars
from engine.errors import BadInput
from engine.forecast.model_file import SUFFIX, decode, encode
from engine.forecast.shipped import FOLDER
from engine.forecast.verdict import RULE
from station.commands.forecast import app
from tests.engine.backtest.walks import write_csv
from tests.engine.forecast.series import need_training, planted, walk

FILE = min(FOLDER.glob(f"*{SUFFIX}"))
HEADER, NET = decode(FILE.read_bytes(), FILE.name)
ROOT = Path(__file__).resolve().parents[3]
FIELDS = {"folds", "mae", "rmse", "direction", "direction_interval", "baselines", "beats_best_baseline", "trusted"}
TINY = ("--window", "6", "--units", "8", "--epochs", "2")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"TREFOIL_HOME": str(tmp_path / "home")}


def call(home: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=home)


def refused(result: Result) -> str:
    assert isinstance(result.exception, BadInput)
    return str(result.exception)


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    bars = walk(300)
    times = bars.open_time[0] + np.arange(300) * 60_000
    return write_csv(
        tmp_path / "binance_usdm_ETHUSDT_1m.csv",
        Bars(times, bars.open, bars.high, bars.low, bars.close, bars.volume),
    )


@pytest.fixture
def own(home: dict[str, str]) -> str:
    """A model of one's own, trusted."""
    folder = Path(home["TREFOIL_HOME"]) / "models"
    folder.mkdir(parents=True)
    verdict = msgspec.structs.replace(
        HEADER.evaluation.verdict, trusted=True, sentence="trusted: by this test", rule=RULE
    )
    evaluation = msgspec.structs.replace(HEADER.evaluation, verdict=verdict)
    header = msgspec.structs.replace(
        HEADER, id="0123abcd", symbol="ETH/USDT:USDT", evaluation=evaluation, created=HEADER.created + 1, note=""
    )
    (folder / f"{header.id}{SUFFIX}").write_bytes(encode(header, NET))
    return header.id


def test_the_shipped_models_are_listed_and_labelled(home: dict[str, str]) -> None:
    rows = json.loads(call(home, "list", "--json").stdout)
    assert {row["symbol"] for row in rows} == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert {row["note"] for row in rows} == {"trained on the simulated exchange's own prices: for the demo only"}
    text = call(home, "list").stdout
    assert all(row["model"] in text for row in rows)


def test_promote_predict_demote_remove(home: dict[str, str], own: str, minutes: Path) -> None:
    assert "0123abcd is in use for ETH/USDT:USDT 1m" in call(home, "promote", "0123").stdout
    made = json.loads(call(home, "predict", "--data", str(minutes), "--json").stdout)
    assert (made["model"], made["trusted"], made["reason"]) == (own, True, "")
    assert made["low"] < made["price"] < made["high"]
    assert made["price"] == pytest.approx(made["close"] * np.exp(made["return"]))
    assert "0123abcd is no longer trusted" in call(home, "demote", own).stdout
    text = call(home, "predict", "--data", str(minutes)).stdout
    assert "model 0123abcd is untrusted: demoted by a person" in text
    assert json.loads(call(home, "remove", own, "--json").stdout) == {"removed": own}
    assert "none is in use" in refused(call(home, "predict", "--data", str(minutes)))


def test_a_model_may_be_given_as_a_file(home: dict[str, str], minutes: Path) -> None:
    made = json.loads(
        call(home, "predict", "--data", str(minutes), "--symbol", HEADER.symbol, "--model", str(FILE), "--json").stdout
    )
    assert made["model"] == HEADER.id


def test_a_model_of_another_symbol_is_refused(home: dict[str, str], minutes: Path) -> None:
    result = call(home, "predict", "--data", str(minutes), "--symbol", "DOGE/USDT:USDT", "--model", HEADER.id)
    assert "the bars are DOGE/USDT:USDT 1m" in refused(result)


def test_an_edited_model_is_refused(home: dict[str, str], minutes: Path, tmp_path: Path) -> None:
    edited = tmp_path / f"edited{SUFFIX}"
    edited.write_bytes(FILE.read_bytes().replace(b'"window":60', b'"window":61'))
    result = call(home, "predict", "--data", str(minutes), "--model", str(edited))
    assert "it was cut short or changed" in refused(result)


@pytest.mark.parametrize("command", ["train", "evaluate"])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "--data: not given - give a candle file, or --symbol of stored history"),
        (("--preset", "magic"), "preset: magic - use returns or reference"),
        (("--features", "all"), "features: all - use ohlcv or full"),
        (("--units", "ten"), "units: ten - use whole numbers with commas"),
        (("--window", "1"), "window: 1 - use 2 to 1,000"),
        (("--symbol", "BTC/USDT:USDT"), "nothing is stored"),
        (("--data", "simulated:x"), "use simulated:SEED together with --symbol"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(
    home: dict[str, str], command: str, arguments: tuple[str, ...], sentence: str
) -> None:
    need_training()
    assert sentence in refused(call(home, command, *arguments))


def test_too_few_bars_are_refused_before_tensorflow_is_loaded(home: dict[str, str], minutes: Path) -> None:
    need_training()
    assert "too few" in refused(call(home, "train", "--data", str(minutes), "--features", "full", "--window", "250"))


def test_without_tensorflow_train_says_how_to_get_it(tmp_path: Path, minutes: Path) -> None:
    """In a process that does not find it."""
    code = (
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'tensorflow' else found(name, package)\n"
        "from station.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "forecast", "train", "--data", str(minutes)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "TREFOIL_HOME": str(tmp_path)},
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "trefoil: training: tensorflow is not installed - training needs the extra packages: pip install 'trefoil[train]'"
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_train_and_evaluate_from_a_file(home: dict[str, str], tmp_path: Path) -> None:
    need_training()
    data = write_csv(tmp_path / "binance_usdm_BTCUSDT_1h.csv", planted(1_500))
    result = call(home, "train", "--data", str(data), *TINY, "--json")
    found = json.loads(result.stdout)
    assert found.keys() >= FIELDS
    assert (found["symbol"], found["timeframe"], found["folds"], found["cancelled"]) == (
        "BTC/USDT:USDT",
        "1h",
        1,
        False,
    )
    assert "epoch 1/2" in result.stderr
    (row,) = (row for row in json.loads(call(home, "list", "--json").stdout) if row["timeframe"] == "1h")
    assert (row["model"], row["trusted"]) == (found["model"], found["trusted"])
    assert not list((Path(home["TREFOIL_HOME"]) / "models" / "unfinished").iterdir())
    walked = json.loads(call(home, "evaluate", "--data", str(data), *TINY, "--json").stdout)
    assert walked.keys() >= FIELDS
    assert walked["folds"] == 5
    assert set(walked["baselines"]) == {"persistence", "drift", "linear", "majority"}
    low, high = walked["direction_interval"]
    assert low <= walked["direction"] <= high
