"""`trefoil journal`: the table, JSON, lines, and bad input in one sentence each."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from engine.errors import BadInput
from engine.history.series import time_text
from engine.model import command as c
from station.commands.journal import app
from storage import migrate
from storage.database import Database
from storage.home import Home
from storage.journal import SqlJournal
from tests.engine.core.contracts import BTC, T0
from tests.engine.replay.day import FRAME, Day


def trefoil(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"TREFOIL_HOME": str(home.root), "COLUMNS": "220"})


def kept(home: Home, day: Day) -> Home:
    async def work() -> None:
        database = Database(home.create().database_url)
        try:
            await migrate.upgrade(database)
            journal = SqlJournal(database)
            await journal.recover()
            await journal.append(day.entries())
        finally:
            await database.close()

    asyncio.run(work())
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Long, short, and a pause in which a long is refused."""
    day = Day()
    for side, close in ((0, 0), (1, 100), (1, -50), (-1, 20), (-1, 0)):
        day.bar(side, close)
    assert day.desk.ask(c.SetPaused(paused=True)).ok
    day.bar(1, 70)
    day.bar(1, -30)
    return kept(Home(tmp_path / "home"), day)


def test_the_table_shows_both_sides_and_the_reasons(home: Home) -> None:
    result = trefoil(home, "replay")
    assert result.exit_code == 0, result.output
    head, columns, *lines = result.stdout.splitlines()
    assert head == (
        f"demo on venue, {time_text(T0)} to {time_text(T0 + 7 * FRAME)} UTC (market time): 7 bars, slippage 1 bp"
    )
    assert columns.split() == ["symbol", "live", "backtest", "difference", "reason"]
    assert "long 0.083 06-15 08:02 @ 100010.1" in lines[0]
    assert "signal 06-15 08:04 @ 100007" in lines[1]
    assert any("entries were paused since 06-15 08:05 by keyboard" in line for line in lines)
    assert lines[-2].startswith("live 2 trades ")
    assert lines[-1].startswith("by reason: ")


def test_json_says_the_same_to_a_program(home: Home) -> None:
    result = trefoil(home, "replay", "--json", "--slippage-bps", "0")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    first, second, third = found["trades"]
    assert (found["from"], found["to"], found["bars"], found["missed_bars"]) == (T0, T0 + 7 * FRAME, 7, 0)
    assert first["live"]["entry_price"] == "100010.1"
    assert first["backtest"]["entry_price"] == "100010"
    assert first["live"]["opened_by"] == "signal:1"
    assert (first["cause"], second["cause"], third["cause"]) == ("price", "price", "person")
    assert third["live"] is None
    assert third["backtest"]["exit_time"] is None
    totals = found["totals"]
    assert (totals["live"], totals["backtest"], totals["matched"]) == (2, 3, 2)
    assert Decimal(totals["live_net"]) - Decimal(totals["backtest_net"]) == Decimal(totals["difference"])
    assert Decimal(totals["difference"]) == sum(Decimal(one["difference"]["total"]) for one in found["trades"])
    assert Decimal(totals["difference"]) == sum(Decimal(one["difference"]) for one in totals["causes"].values())


def test_slippage_makes_the_backtest_worse(home: Home) -> None:
    nets = [
        Decimal(json.loads(trefoil(home, "replay", "--json", "--slippage-bps", bps).stdout)["totals"]["backtest_net"])
        for bps in ("0", "1", "10")
    ]
    assert nets == sorted(nets, reverse=True)
    assert nets[0] - nets[2] > 10


def test_a_period_by_market_time(home: Home) -> None:
    begin = time_text(T0 + 3 * FRAME).replace(" ", "T")
    found = json.loads(trefoil(home, "replay", "--json", "--from", begin).stdout)
    assert found["from"] == T0 + 3 * FRAME
    assert found["trades"][0]["live"]["carried_in"]
    end = json.loads(trefoil(home, "replay", "--json", "--to", begin).stdout)
    assert (end["bars"], end["to"]) == (3, T0 + 3 * FRAME)


def test_a_period_without_trades_says_so(home: Home) -> None:
    end = time_text(T0 + 2 * FRAME).replace(" ", "T")
    result = trefoil(home, "replay", "--to", end)
    assert result.exit_code == 0
    assert "No trade, neither live nor in the backtest." in result.stdout


def test_nothing_is_written(home: Home) -> None:
    before = home.database.read_bytes()
    for arguments in (("replay",), ("show",), ("replay", "--json")):
        assert trefoil(home, *arguments).exit_code == 0
    assert home.database.read_bytes() == before


def test_show_prints_events_with_what_was_decided(home: Home) -> None:
    lines = trefoil(home, "show").stdout.splitlines()
    assert lines[0].endswith("1 engine started: demo on venue, epoch 1, 1 symbols")
    text = "\n".join(lines)
    assert "BTC/USDT:USDT bar closed at 100010, sides +1 +1 +1 +1 +1 +1" in text
    assert "send desk-1-1: entry buy 0.083 BTC/USDT:USDT market, by signal:1" in text
    assert "BTC/USDT:USDT buy 0.083 filled @ 100010.1, desk-1-1" in text
    assert "keyboard asks: SetPaused paused=True" in text
    assert "signal 3 BTC/USDT:USDT close sent: opposite score; no reversal: running" in text
    assert "ClockTick" not in text  # nothing was decided on them


def test_show_as_json_lines_of_a_part(home: Home) -> None:
    begin = time_text(T0 + 5 * FRAME).replace(" ", "T")
    out = trefoil(home, "show", "--json", "--from", begin, "--symbol", BTC).stdout
    found = [json.loads(line) for line in out.splitlines()]
    assert found
    assert all(one["event"]["at"] >= T0 + 5 * FRAME for one in found)
    assert {"BarClosed", "OrderFilled"} <= {one["event"]["type"] for one in found}
    assert trefoil(home, "show", "--symbol", "ETH/USDT:USDT").stdout == ""


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "from after to": (
        ("replay", "--from", "2025-06-16", "--to", "2025-06-15"),
        r"--from: 2025-06-16 - it must be before",
    ),
    "no date": (("replay", "--from", "soon"), r"--from: soon - use an ISO date"),
    "symbol": (("replay", "--symbol", "XYZ"), r"--symbol: XYZ - the journal knows BTC/USDT:USDT"),
    "no bars": (("replay", "--from", "2025-07-01"), r"period: empty - the journal has no closed bar in it"),
    "show": (("show", "--from", "2025-06-16", "--to", "2025-06-15"), r"--from: 2025-06-16 - it must be before"),
    "url": (("replay", "--database", "nonsense"), r"database URL: nonsense - use sqlite"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(home: Home, name: str) -> None:
    arguments, words = BAD[name]
    result = trefoil(home, *arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, BadInput)
    assert re.search(words, str(result.exception))


def made(work: Callable[[Database], Any]) -> Callable[[Home], None]:
    def build(home: Home) -> None:
        async def run() -> None:
            database = Database(home.create().database_url)
            try:
                await work(database)
            finally:
                await database.close()

        asyncio.run(run())

    return build


async def _old(database: Database) -> None:
    from alembic import command

    await database.write(lambda connection: command.upgrade(migrate._config(connection), "0001"))


NOT_READY: dict[str, tuple[Callable[[Home], object], str]] = {
    "none": (lambda home: home.create(), "there is none yet; start an engine"),
    "old": (made(_old), "run trefoil db upgrade first"),
    "empty": (made(migrate.upgrade), "no closed bar is recorded in it"),
}


@pytest.mark.parametrize("name", NOT_READY)
def test_a_database_that_cannot_be_replayed(tmp_path: Path, name: str) -> None:
    build, words = NOT_READY[name]
    home = Home(tmp_path / "home")
    build(home)
    result = trefoil(home, "replay")
    assert result.exit_code != 0
    assert isinstance(result.exception, BadInput)
    assert words in str(result.exception)
