"""`trefoil vote` as a script sees it, against the simulated models over the SDKs' own environment variables."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from typer.testing import CliRunner

from engine.simulator.models import SimulatedModels, addresses, application
from station.cli import app

FILE = "binance_usdm_BTCUSDT_1m_2025-05.parquet"
SYMBOL = "BTC/USDT:USDT"
NAMES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "OLLAMA_HOST",
)


@contextmanager
def simulated() -> Iterator[dict[str, str]]:
    """The endpoints in a thread of their own: the command runs a loop itself."""
    ready, stop = threading.Event(), asyncio.Event()
    found: dict[str, str] = {}
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(application(SimulatedModels()), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.update(addresses(f"http://127.0.0.1:{runner.addresses[0][1]}"))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield found
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@pytest.fixture
def data(market_data: Path, tmp_path: Path) -> Path:
    target = tmp_path / FILE
    pq.write_table(pq.read_table(market_data / "candles" / FILE).slice(0, 1_500), target)
    return target


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own, and no model configured."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("TREFOIL_HOME", str(home))
    return home


@pytest.fixture
def configured(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with simulated() as found:
        for name, value in {
            "OPENAI_API_KEY": "sk-test-0123456789abcdef",
            "OPENAI_BASE_URL": found["openai"],
            "ANTHROPIC_API_KEY": "test-0123456789abcdef",
            "ANTHROPIC_BASE_URL": found["anthropic"],
            "OLLAMA_HOST": found["ollama"],
        }.items():
            monkeypatch.setenv(name, value)
        yield bare


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["vote", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.slow
def test_three_models_vote_on_the_last_bar_of_a_file(configured: Path, data: Path) -> None:
    found = run(SYMBOL, "--data", str(data))
    assert found["symbol"] == SYMBOL
    assert found["direction"] in {"LONG", "SHORT", "NEUTRAL"}
    assert 0 <= found["confidence"] <= 100
    assert [(vote["voter"], vote["model"], vote["status"]) for vote in found["votes"]] == [
        ("gpt", "SIMULATED-gpt", "OK"),
        ("claude", "SIMULATED-claude", "OK"),
        ("llama", "SIMULATED-llama", "OK"),
    ]
    for vote in found["votes"]:
        assert vote["side"] in {"LONG", "SHORT", "NEUTRAL"}
        assert vote["latency_ms"] >= 0
        assert vote["simulated"]
        assert "SIMULATED" in vote["reason"]
    gpt, _, llama = found["votes"]
    assert gpt["cost_usd"] > 0
    assert llama["cost_usd"] == 0
    again = run(SYMBOL, "--data", str(data))
    assert [(v["side"], v["confidence"], v["prompt_hash"]) for v in again["votes"]] == [
        (v["side"], v["confidence"], v["prompt_hash"]) for v in found["votes"]
    ]
    shown = CliRunner().invoke(app, ["vote", SYMBOL, "--data", str(data), "--timeframe", "5m"], catch_exceptions=False)
    assert shown.output.startswith(f"{SYMBOL}: ")
    assert "SIMULATED-gpt SIMULATED" in shown.output
    for file in (configured / "prompts").iterdir():
        assert b"0123456789abcdef" not in file.read_bytes()

    replayed = run("replay", "--last", "4", "--model", "another")
    assert replayed["questions"] == 4
    assert replayed["same"] == 4
    assert {row["after"]["model"] for row in replayed["rows"]} <= {f"SIMULATED-{n}" for n in ("gpt", "claude", "llama")}
    assert replayed["cost_usd_before"] > 0
    assert replayed["cost_usd_after"] is None, "nobody knows what another model costs"
    told = CliRunner().invoke(app, ["vote", "replay", "--last", "4", "--model", "gpt-5.4-nano"], catch_exceptions=False)
    assert "4 of 4 votes are the same; 4 answers" in told.output
    only = run("replay", "--voter", "claude")
    assert {row["before"]["voter"] for row in only["rows"]} == {"claude"}


def test_without_keys_everybody_abstains(bare: Path, data: Path) -> None:
    found = run(SYMBOL, "--data", str(data))
    assert (found["direction"], found["confidence"]) == ("NEUTRAL", 0)
    assert {vote["status"] for vote in found["votes"]} == {"ABSTAIN"}
    assert [vote["reason"] for vote in found["votes"]] == [
        "not configured: set OPENAI_API_KEY",
        "not configured: set ANTHROPIC_API_KEY",
        "not configured: set OLLAMA_HOST",
    ]
    assert all(vote["side"] is None for vote in found["votes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([SYMBOL, "--data", "no-such-file.parquet"], "there is no such file"),
        (["replay"], "none are kept yet"),
        (["replay", "--voter", "grok"], "use one of gpt, claude, llama"),
    ],
)
def test_what_cannot_be_asked_is_said(bare: Path, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["vote", *arguments])
    assert result.exit_code == 1
    assert words in str(result.exception)
