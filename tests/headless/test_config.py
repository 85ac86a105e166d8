"""Settings: what may be set, where it comes from, and one sentence with its place for everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.model.command import Autonomy
from engine.model.money import to_money
from engine.model.settings import Settings
from headless.config import Config, Trading, read_config
from headless.toml_lines import line_of

UNKNOWN = "no such setting; see docs/configuration.md"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment of our own."""
    for name in [name for name in os.environ if name.upper().startswith("TREFOIL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.usefixtures("environment")
def test_without_a_file_the_defaults_hold_and_are_the_cores_own(tmp_path: Path) -> None:
    config = read_config(tmp_path / "none.toml")
    assert config == Config()
    assert config.trading.settings() == Settings()
    assert read_config(written(tmp_path, "")) == config


@pytest.mark.usefixtures("environment")
def test_every_kind_of_value_reaches_the_core(tmp_path: Path) -> None:
    text = """
        theme = "paper"
        feed.symbols = ["ETH/USDT:USDT"]
        [trading]  # numbers of the decision
        timeframe = "1h"
        autonomy = "observe"
        preset = "reference"
        approve_seconds = 60
        cooldown_minutes = 0
        risk_fraction = 0.01
        max_leverage = 5
        paper_balance = "2500.5"
    """
    config = read_config(written(tmp_path, text))
    settings = config.trading.settings()
    assert (settings.timeframe_ms, settings.autonomy, settings.preset) == (3_600_000, Autonomy.OBSERVE, "reference")
    assert (settings.approve_ms, settings.cooldown_ms) == (60_000, 0)
    assert (settings.risk_fraction, settings.max_leverage) == (0.01, 5)
    assert settings.paper_balance == to_money("2500.5")
    assert config.feed.symbols == ("ETH/USDT:USDT",)
    assert config.theme == "paper"


PRECEDENCE = [
    ({}, {}, 0.005),
    ({"risk_fraction": 0.02}, {}, 0.02),
    ({}, {"TREFOIL_TRADING__RISK_FRACTION": "0.03"}, 0.03),
    ({"risk_fraction": 0.02}, {"TREFOIL_TRADING__RISK_FRACTION": "0.03"}, 0.03),
    ({"risk_fraction": 0.02}, {"trefoil_trading__risk_fraction": "0.03"}, 0.03),
    ({"risk_fraction": 0.02}, {"TREFOIL_TRADING": '{"risk_fraction": 0.04}'}, 0.04),
    ({"risk_fraction": 0.02}, {"TREFOIL_TRADING__MAX_POSITIONS": "9"}, 0.02),
    ({"risk_fraction": 99}, {"TREFOIL_TRADING__RISK_FRACTION": "0.03"}, 0.03),
]


@pytest.mark.parametrize(("file", "variables", "value"), PRECEDENCE)
def test_the_environment_wins_over_the_file_key_by_key(
    tmp_path: Path,
    environment: pytest.MonkeyPatch,
    file: dict[str, float],
    variables: dict[str, str],
    value: float,
) -> None:
    for name, text in variables.items():
        environment.setenv(name, text)
    lines = ["[trading]", "max_positions = 3", *(f"{key} = {number}" for key, number in file.items())]
    trading = read_config(written(tmp_path, "\n".join(lines))).trading
    assert trading.risk_fraction == value
    assert trading.max_positions == (9 if "TREFOIL_TRADING__MAX_POSITIONS" in variables else 3)


def test_a_list_in_the_environment_is_json(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TREFOIL_FEED__SYMBOLS", '["SOL/USDT:USDT"]')
    environment.setenv("TREFOIL_HOME", str(tmp_path))  # belongs to others, and has no section
    assert read_config(tmp_path / "none.toml").feed.symbols == ("SOL/USDT:USDT",)


BAD_FILES = [
    ("[trading]\nrisk_fractoin = 1\n", "config.toml line 2 key: trading.risk_fractoin - " + UNKNOWN),
    ("\n\ncolour = 'red'\n", "config.toml line 3 key: colour - " + UNKNOWN),
    ("[tradnig]\nrisk_fraction = 1\n", "config.toml line 1 key: tradnig - " + UNKNOWN),
    ("[feed]\nurl = ''\n[trading]\n", "config.toml line 2 key: feed.url - " + UNKNOWN),
    ("_env_file = 'x'\n", "config.toml line 1 key: _env_file - " + UNKNOWN),
    (
        "[trading]\nmax_positions = 3\nrisk_fraction = 5\n",
        "config.toml line 3 trading.risk_fraction: 5 - it should be less than or equal to 0.1",
    ),
    (
        "[trading]\nrisk_fraction = nan\n",
        "config.toml line 2 trading.risk_fraction: nan - it should be a finite number",
    ),
    ("[trading]\nmax_exposure = inf\n", "config.toml line 2 trading.max_exposure: inf - it should be a finite number"),
    ("[trading]\nmax_positions = 0\n", "config.toml line 2 trading.max_positions: 0 - it should be greater than or"),
    (
        "[trading]\nmax_positions = 2.5\n",
        "config.toml line 2 trading.max_positions: 2.5 - it should be a valid integer",
    ),
    ("[trading]\nmax_positions = true\n", "config.toml line 2 trading.max_positions: True - true and false mean"),
    (
        "[trading]\nmax_leverage = 'ten'\n",
        "config.toml line 2 trading.max_leverage: ten - it should be a valid integer",
    ),
    (
        "[trading]\nmax_leverage = 126\n",
        "config.toml line 2 trading.max_leverage: 126 - it should be less than or equal",
    ),
    ("[trading]\nautonomy = 'wild'\n", "config.toml line 2 trading.autonomy: wild - it should be 'observe', 'approve'"),
    ("[trading]\npreset = 'x'\n", "config.toml line 2 trading.preset: x - String should match pattern"),
    ("[trading]\ntimeframe = '7m'\n", "config.toml line 2 trading.timeframe: 7m - use one of 1m, 3m, 5m, 15m"),
    ("[trading]\npaper_balance = 1e-9\n", "config.toml line 2 trading.paper_balance: 1e-09 - it should be greater"),
    ("[trading]\npaper_balance = 1e30\n", "config.toml line 2 trading.paper_balance: 1e+30 - it should be less"),
    (
        "[trading]\npaper_balance = 'all'\n",
        "config.toml line 2 trading.paper_balance: all - it should be a valid decimal",
    ),
    ("trading.day_loss = 2\n", "config.toml line 1 trading.day_loss: 2 - it should be less than or equal to 1"),
    ("trading = {day_loss = 2}\n", "config.toml line 1 trading.day_loss: 2 - it should be less than or equal to 1"),
    ("trading = 3\n", "config.toml line 1 trading: 3 - it must be a section: [trading] with its keys below"),
    ("[feed]\nsymbols = []\n", "config.toml line 2 feed.symbols: [] - Tuple should have at least 1 item"),
    ("[feed]\nsymbols = [1]\n", "config.toml line 2 feed.symbols.0: 1 - it should be a valid string"),
    ("[feed]\nsymbols = ['A/B', 'A/B']\n", "config.toml line 2 feed.symbols: ['A/B', 'A/B'] - name every symbol once"),
    ("[feed]\nrest = 'localhost'\n", "config.toml line 2 feed.rest: localhost - String should match pattern"),
    ("[feed]\nrest = 'http://x'\n", "config.toml line 1 feed.ws:  - give rest and ws together, or neither"),
    ("[trading\n", "config file: {path} - it is no TOML: Expected ']' at the end of a table declaration (at line 1"),
    (
        "[trading]\nday_loss = 1\nday_loss = 1\n",
        "config file: {path} - it is no TOML: Cannot overwrite a value (at line 3",
    ),
    ("[trading]\nday_loss =\n", "config file: {path} - it is no TOML: Invalid value (at line 2"),
]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("text", "sentence"), BAD_FILES, ids=[case[0].replace("\n", "|") for case in BAD_FILES])
def test_a_bad_file_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(BadInput) as error:
        read_config(file)
    assert str(error.value).startswith(sentence.replace("{path}", str(file)))
    assert "\n" not in str(error.value)


BAD_VARIABLES = [
    (
        "TREFOIL_TRADING__RISK_FRACTION",
        "5",
        "environment TREFOIL_TRADING__RISK_FRACTION: 5 - it should be less than or",
    ),
    ("trefoil_trading__day_loss", "x", "environment TREFOIL_TRADING__DAY_LOSS: x - it should be a valid number"),
    ("TREFOIL_TRADING__RISK", "1", f"environment: TREFOIL_TRADING__RISK - {UNKNOWN}"),
    ("TREFOIL_TRADNIG__RISK_FRACTION", "1", f"environment: TREFOIL_TRADNIG__RISK_FRACTION - {UNKNOWN}"),
    ("TREFOIL_TRADING", "much", "environment TREFOIL_TRADING: much - it must be JSON"),
    ("TREFOIL_TRADING", "3", "environment TREFOIL_TRADING: 3 - it must be a section"),
    ("TREFOIL_FEED__SYMBOLS", "BTC", "environment TREFOIL_FEED__SYMBOLS: BTC - it must be JSON"),
    ("TREFOIL_FEED__SYMBOLS", "[]", "environment TREFOIL_FEED__SYMBOLS: [] - Tuple should have at least 1 item"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), BAD_VARIABLES)
def test_a_bad_variable_is_named_even_where_the_file_is_good(
    tmp_path: Path, environment: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    environment.setenv(name, value)
    file = written(tmp_path, "[trading]\nrisk_fraction = 0.01\nday_loss = 0.1\n[feed]\nsymbols = ['A/B:B']\n")
    with pytest.raises(BadInput) as error:
        read_config(file)
    assert str(error.value).startswith(sentence)


@pytest.mark.usefixtures("environment")
def test_what_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b'theme = "\xff"\n')
    with pytest.raises(
        BadInput, match=r"^config file: .*config\.toml - it is no UTF-8 text: invalid start byte at byte 9"
    ):
        read_config(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(BadInput, match=r"^config file: .*config\.toml - it cannot be read: Is a directory"):
        read_config(file)


SAMPLE = """theme = "x"  # theme = "y"
# [feed]

  [ trading ]  # here
day_loss = 0.1
# max_positions = 1
"max_positions"=2
[feed]
rest = "http://x/?a=b"
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("theme",), 1),
        (("trading",), 4),
        (("trading", "day_loss"), 5),
        (("trading", "max_positions"), 7),
        (("trading", "nothing"), 4),
        (("feed", "rest"), 9),
        (("feed", "rest", "deeper"), 9),
        (("rest",), None),
        (("colour",), None),
    ],
)
def test_the_line_of_a_key(keys: tuple[str, ...], line: int | None) -> None:
    assert line_of(SAMPLE, keys) == line


def test_every_setting_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [key for key in Trading.model_fields if f"`{key}`" not in guide] == []


@pytest.mark.slow
def test_an_engine_with_a_bad_setting_stops_with_that_sentence(tmp_path: Path) -> None:
    written(tmp_path, "[trading]\nday_loss = 2\n")
    command = [sys.executable, "-m", "headless.daemon", json.dumps({"home": str(tmp_path), "mode": "paper"})]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    sentence = "engine: config.toml line 2 trading.day_loss: 2 - it should be less than or equal to 1"
    assert done.stderr.splitlines()[-1] == sentence
    assert "Traceback" not in done.stderr


def test_the_largest_balance_fits_the_cores_money() -> None:
    assert Trading(paper_balance=Decimal(1_000_000_000)).settings().paper_balance < 1 << 63
