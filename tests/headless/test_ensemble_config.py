"""Section [ensemble] of the configuration: who votes, with which model, how long, for how much."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.ai.prompts import Role
from engine.ai.seats import DEFAULTS
from engine.errors import BadInput
from headless.config import read_config
from headless.ensemble_config import EnsembleConfig


def written(folder: Path, text: str) -> EnsembleConfig:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return read_config(file).ensemble


def test_nothing_written_is_the_defaults(tmp_path: Path) -> None:
    config = written(tmp_path, "")
    assert config.seats() == DEFAULTS
    assert (config.confidence, config.hour_budget, config.day_budget) == (70.0, Decimal(1), Decimal(5))
    assert (config.news.feeds, config.news.mood_url) == ((), "")


def test_a_seat_is_what_is_written_and_else_its_default(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        """
        [ensemble]
        deadline_seconds = 8
        [ensemble.gpt]
        model = "gpt-6-luna"
        price_in = 0.1
        price_out = 0.5
        role = "technical"
        [ensemble.claude]
        enabled = false
        [ensemble.llama]
        base_url = "http://10.0.0.2:11434"
        """,
    )
    gpt, llama = config.seats()
    assert (gpt.model, gpt.price_in, gpt.role, gpt.provider) == ("gpt-6-luna", 0.1, Role.TECHNICAL, "openai")
    assert (llama.voter, llama.base_url, llama.model) == ("llama", "http://10.0.0.2:11434", "llama3.1:8b")
    assert config.seconds(900_000) == 8
    assert config.seconds(60_000) == 8


@pytest.mark.parametrize(("timeframe_ms", "seconds"), [(60_000, 12.0), (900_000, 15.0), (86_400_000, 15.0)])
def test_the_deadline_is_fifteen_seconds_or_a_fifth_of_the_bar(timeframe_ms: int, seconds: float) -> None:
    assert EnsembleConfig().seconds(timeframe_ms) == seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[ensemble]\nconfidence = 100", "ensemble.confidence"),
        ("[ensemble]\nday_budget = -1", "ensemble.day_budget"),
        ("[ensemble.gpt]\nkey = 'sk-secret'", "ensemble.gpt.key"),
        ("[ensemble.gpt]\nbase_url = 'ftp://x'", "ensemble.gpt.base_url"),
        ("[ensemble.grok]\nmodel = 'x'", "ensemble.grok"),
        ("[ensemble.news]\nrefresh_minutes = 0", "ensemble.news.refresh_minutes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        written(tmp_path, text)
    assert words in str(refused.value)
    assert "sk-secret" not in str(refused.value)


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREFOIL_ENSEMBLE__CONFIDENCE", "80")
    monkeypatch.setenv("TREFOIL_ENSEMBLE__GPT__MODEL", "gpt-6.1-sol")
    config = written(tmp_path, "[ensemble]\nconfidence = 60")
    assert config.confidence == 80
    assert config.seats()[0].model == "gpt-6.1-sol"
