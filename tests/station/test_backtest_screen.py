"""The backtest screen as a whole: opened, at every size, its actions and their keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.backtest.view import Request
from headless.research.client import ResearchClient
from station.app import StationApp
from station.research_actions import ACTIONS, BY_ID, FORM, HISTORY, LUCK, MONTHS, OVERVIEW, TRADES, VIEWS, State
from station.research_fields import FIELDS
from station.screens.backtest import BacktestScreen
from station.screens.desk import DeskScreen
from station.screens.research_help import ResearchHelp
from tests.station.backtest_hands import opened
from tests.station.fake_research import FakeResearch
from tests.station.fake_source import FakeSource
from tests.widgets.research_sample import sample_run
from widgets.luck_panel import LuckPanel
from widgets.panel import Panel
from widgets.trade_chart import TradeChart

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))


async def test_the_desk_opens_it_and_escape_comes_back() -> None:
    source = FakeResearch()
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None, research=source)
    shown = []
    async with app.run_test(size=(120, 40)) as pilot:
        for keys in (("2",), ("escape", "escape"), ("2",)):
            await pilot.press(*keys)
            await pilot.pause()
            shown.append(type(app.screen))
    assert shown == [BacktestScreen, DeskScreen, BacktestScreen]
    assert source.closed


@pytest.mark.slow
async def test_the_real_process_behind_the_real_screen(tmp_path: Path, market_data: Path) -> None:
    data = market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet"
    research = ResearchClient(tmp_path, tmp_path / "research.log")
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None, research=research)
    async with app.run_test(size=(120, 40)) as pilot, asyncio.timeout(120):
        await pilot.press("2")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, BacktestScreen)
        await app.workers.wait_for_complete()
        screen._form.put("data", str(data))
        await pilot.press("enter")
        for keys in ((), ("n",), ("l",), ("h",)):
            await pilot.press(*keys)
            await app.workers.wait_for_complete()
            await pilot.pause()
        assert screen.state.trades == 493
        assert "trade 1 of 493" in screen.query_one(TradeChart).title_text
        assert any("random entries" in line.text for line in screen.query_one(LuckPanel)._lines)
        assert screen.state.kept == 1
        pid = research.pid
    assert pid
    assert research.pid == 0


async def test_a_station_without_a_data_directory_says_so() -> None:
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None)
    async with app.run_test() as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert isinstance(app.screen, DeskScreen)
        assert any("data directory" in note.message for note in app._notifications)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_every_shown_key_does_something_at_every_size(size: tuple[int, int]) -> None:
    kept = tuple(sample_run(seed=seed) for seed in (1, 2, 3))
    async with opened(FakeResearch(kept=kept), size) as hands:
        assert "Enter Run" in hands.text()
        await hands.press("enter")
        for view, key in ((OVERVIEW, "o"), (MONTHS, "m"), (TRADES, "t"), (LUCK, "l"), (HISTORY, "h")):
            await hands.press(key)
            assert hands.screen.state.place == view
            assert "? Help" in hands.text()
            assert "Esc Desk" in hands.text()
            for panel in hands.screen.query(Panel):
                if panel.size.height and panel.region.height:
                    assert any(line.text.strip() for line in panel._lines), panel
        await hands.press("n", "plus", "minus", "p", "w", "h", "space", "down", "space", "c", "question_mark")
        assert isinstance(hands.app.screen, ResearchHelp)
        await hands.press("escape", "e")
        assert hands.screen.state.place == FORM
        await hands.press("escape", "escape")
        assert hands.app.screen is hands.app.screen_stack[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_nothing_is_empty_without_a_sentence_before_the_first_run(size: tuple[int, int]) -> None:
    async with opened(FakeResearch(series=()), size) as hands:
        await hands.press("escape")
        for key in "omtlh":
            await hands.press(key)
            for panel in hands.screen.query(Panel):
                if panel.content_size.height:
                    assert any(line.text.strip() for line in panel._lines), (key, panel)


STATES = (
    State(),
    State(place=TRADES, trades=3, trade=0),
    State(place=TRADES, trades=3, trade=2),
    State(place=TRADES, trades=0),
    State(place=HISTORY, kept=3, marked=2),
    State(place=OVERVIEW, running=True),
)


@pytest.mark.parametrize("state", STATES)
def test_a_blocked_action_has_a_reason_and_a_possible_one_none(state: State) -> None:
    reasons = {action.id: action.blocked(state) for action in ACTIONS if action.id}
    assert bool(reasons["cancel"]) != state.running
    assert bool(reasons["run"]) == state.running
    assert bool(reasons["next"]) == (not state.trades or state.trade == state.trades - 1)
    assert bool(reasons["compare"]) == (state.marked < 2)


def test_every_action_has_a_key_of_its_own_where_it_is_shown() -> None:
    for place in (FORM, *VIEWS):
        keys = [action.key for action in ACTIONS if place in action.places]
        assert len(keys) == len(set(keys)), place
    assert all(hasattr(BacktestScreen, f"_do_{name}") for name in BY_ID)


def test_every_field_of_a_request_is_on_the_screen() -> None:
    assert {field.name for field in FIELDS} == set(Request.__struct_fields__)
