"""The backtest screen by its keys: setup, run, cancel, trades, history, comparing; at every size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.backtest.view import Request
from headless.research import protocol as p
from headless.research.client import ResearchClient
from station.app import StationApp
from station.research_actions import ACTIONS, BY_ID, FORM, HISTORY, LUCK, MONTHS, OVERVIEW, TRADES, VIEWS, State
from station.research_fields import FIELDS
from station.screens.backtest import REACHES, BacktestScreen
from station.screens.choose import Choose
from station.screens.confirm import Confirm
from station.screens.desk import DeskScreen
from station.screens.research_help import ResearchHelp
from station.themes import THEMES
from tests.station.fake_research import FakeResearch
from tests.station.fake_source import FakeSource
from tests.widgets.research_sample import HOUR_MS, many_trades, sample_run
from widgets.luck_panel import LuckPanel
from widgets.panel import Panel
from widgets.run_compare import RunCompare
from widgets.runs_panel import RunsPanel
from widgets.trade_chart import TradeChart
from widgets.trades_table import TradesTable

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))


class Hands:
    """Presses keys and reads the screen."""

    def __init__(self, pilot: Pilot[None], source: FakeResearch) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.source = source

    @property
    def screen(self) -> BacktestScreen:
        found = next(screen for screen in self.app.screen_stack if isinstance(screen, BacktestScreen))
        assert isinstance(found, BacktestScreen)
        return found

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        await self.pilot.pause()
        if self.source.held is None:
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def lines(self, panel: type[Panel]) -> str:
        return "\n".join(line.text for line in self.screen.query_one(panel)._lines)

    def static(self, name: str) -> str:
        line = self.screen.query_one(name, Static)
        return str(line.render()) if line.display else ""

    def field(self, name: str) -> Input:
        return self.screen.query_one(f"#field-{name}", Input)

    def started(self) -> list[Request]:
        return [ask.request for ask in self.source.asked if isinstance(ask, p.Start)]


class Alone(App[None]):
    """The screen without a desk behind it."""

    def __init__(self, source: FakeResearch) -> None:
        super().__init__()
        self._source = source
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    def on_mount(self) -> None:
        self.push_screen(BacktestScreen(self._source))


@asynccontextmanager
async def opened(source: FakeResearch, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Hands]:
    async with Alone(source).run_test(size=size) as pilot:
        hands = Hands(pilot, source)
        await hands.settle()
        yield hands


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


async def test_the_fields_are_filled_and_enter_runs_them() -> None:
    async with opened(FakeResearch()) as hands:
        assert hands.field("data").value == "binance:BTC/USDT:USDT"
        assert hands.field("params").value == "fast=12 slow=26 stop_atr=2 target_ratio=2"
        await hands.press("enter")
        (request,) = hands.started()
        assert request == Request(data="binance:BTC/USDT:USDT", params="fast=12 slow=26 stop_atr=2 target_ratio=2")
        assert hands.screen.state.place == OVERVIEW
        assert "return" in hands.text()
        assert "no funding" in hands.static("#notes")


async def test_another_strategy_brings_its_parameters() -> None:
    async with opened(FakeResearch()) as hands:
        hands.field("strategy").value = "supertrend"
        await hands.settle()
        assert hands.field("params").value.startswith("period=10 multiplier=3")
        hands.field("strategy").value = "all"
        await hands.settle()
        assert hands.field("params").value == ""


async def test_up_and_down_go_through_all_fields() -> None:
    async with opened(FakeResearch()) as hands:
        seen = []
        for _ in FIELDS:
            seen.append(hands.screen._form.place)
            await hands.pilot.press("down")
        assert seen == [field.name for field in FIELDS]
        await hands.pilot.press("up")
        assert hands.screen._form.place == FIELDS[-1].name


async def test_every_field_has_a_hint() -> None:
    async with opened(FakeResearch()) as hands:
        for _ in FIELDS:
            assert hands.static("#hint")
            await hands.pilot.press("down")


async def test_what_is_wrong_stands_below_its_field_once_it_is_left() -> None:
    source = FakeResearch()
    async with opened(source) as hands:
        source.errors = {"strategy": "use supertrend, ..."}
        await hands.press("x")
        assert not hands.screen.query_one("#error-strategy").has_class("-shown")
        await hands.press("down")
        assert hands.screen.query_one("#error-strategy").has_class("-shown")
        assert hands.static("#error-strategy") == "use supertrend, ..."


async def test_a_refused_run_shows_its_sentences_and_goes_to_the_field() -> None:
    refused = p.Refused("stop: must be a number", {"stop": "must be a number", "begin": "use an ISO date"})
    async with opened(FakeResearch(refused)) as hands:
        await hands.press("enter")
        assert hands.static("#error-stop") == "must be a number"
        assert hands.screen._form.place == "begin"


async def test_f2_chooses_several_strategies() -> None:
    async with opened(FakeResearch()) as hands:
        await hands.press("f2")
        assert isinstance(hands.app.screen, Choose)
        await hands.press("down", "space", "enter")
        assert hands.field("strategy").value == "ema-cross,board"


async def test_f2_lists_stored_data() -> None:
    async with opened(FakeResearch()) as hands:
        await hands.press("down", "f2")
        assert "11,990 bars" in hands.text()
        await hands.press("down", "enter")
        assert hands.field("data").value == "binance:ETH/USDT:USDT"


async def test_f2_with_nothing_stored_says_how_to_get_some() -> None:
    async with opened(FakeResearch(series=())) as hands:
        await hands.press("down", "f2")
        assert "trefoil data download" in hands.text()
        await hands.press("escape")
        assert isinstance(hands.app.screen, BacktestScreen)


@pytest.mark.parametrize("field", [field.name for field in FIELDS if field.choices])
async def test_f2_lists_what_a_field_may_be(field: str) -> None:
    choices = next(one.choices for one in FIELDS if one.name == field)
    async with opened(FakeResearch()) as hands:
        hands.field(field).value = ""
        hands.field(field).focus()
        await hands.settle()
        await hands.press("f2", "down", "enter")
        assert hands.field(field).value == choices[1]


async def test_progress_is_shown_and_x_cancels() -> None:
    source = FakeResearch(news=(p.Compiling(), p.Progress(0.25, "ema-cross: 250 of 1,000 bars")))
    async with opened(source) as hands:
        source.held = asyncio.Event()
        await hands.pilot.press("enter")
        await source.heard.wait()
        await hands.pilot.pause()
        assert "25 %" in hands.static("#progress")
        assert "250 of 1,000 bars" in hands.static("#progress")
        await hands.press("escape", "x")
        source.held = None
        await hands.settle()
        assert source.cancelled == 1
        assert hands.static("#progress") == ""
        assert any("Cancelled" in note.message for note in hands.app._notifications)


async def test_compiling_is_said() -> None:
    source = FakeResearch(news=(p.Compiling(),))
    async with opened(source) as hands:
        source.held = asyncio.Event()
        await hands.pilot.press("enter")
        await source.heard.wait()
        await hands.pilot.pause()
        assert "compiling the engine" in hands.static("#progress")
        source.held.set()
        source.held = None
        await hands.settle()


async def test_a_second_run_waits_for_the_first() -> None:
    source = FakeResearch()
    async with opened(source) as hands:
        source.held = asyncio.Event()
        await hands.pilot.press("enter")
        await source.heard.wait()
        await hands.press("enter", "escape", "r")
        assert len(hands.started()) == 1
        source.held.set()
        source.held = None
        await hands.settle()
        await hands.press("r")
        assert len(hands.started()) == 2


async def test_a_dead_process_is_said_and_r_runs_again() -> None:
    died = p.Refused("The research process ended unexpectedly; what was asked is not done.")
    async with opened(FakeResearch(died, p.Finished((sample_run(),)))) as hands:
        await hands.press("enter")
        assert "ended unexpectedly" in hands.static("#trouble")
        assert "Press r to run again" in hands.static("#trouble")
        await hands.press("r")
        assert hands.static("#trouble") == ""
        assert len(hands.started()) == 2
        assert hands.screen.state.trades == 40


async def test_a_process_that_does_not_start_is_said_and_r_tries_again() -> None:
    source = FakeResearch(trouble="The research process cannot be started: no memory.")
    async with opened(source) as hands:
        assert "no memory" in hands.static("#trouble")
        source.trouble = ""
        await hands.press("r")
        assert hands.static("#trouble") == ""
        await hands.press("r")
        assert len(hands.started()) == 1


async def test_trades_are_stepped_through() -> None:
    async with opened(FakeResearch()) as hands:
        await hands.press("enter", "n")
        run = sample_run()
        chart, table = hands.screen.query_one(TradeChart), hands.screen.query_one(TradesTable)
        assert hands.screen.state.place == TRADES
        assert "trade 1 of 40" in chart.title_text
        asked = [ask for ask in hands.source.asked if isinstance(ask, p.Candles)]
        around = REACHES[2] * HOUR_MS
        assert asked[-1].end == run.trades[0].exit_time + around + HOUR_MS
        await hands.press("n", "n")
        assert table.cursor == 2
        facts = hands.lines(TradeChart)
        trade = run.trades[2]
        assert f"{trade.entry:,.1f}" in facts
        assert f"{trade.net:+,.2f}" in facts
        assert trade.reason in facts
        assert "MAE" in facts
        assert "MFE" in facts
        await hands.press("p")
        assert table.cursor == 1
        await hands.press("down", "down")
        assert "trade 4 of 40" in chart.title_text
        await hands.press("end")
        assert "trade 40 of 40" in chart.title_text
        await hands.press("n")
        assert any("last trade" in note.message for note in hands.app._notifications)


async def test_closer_wider_and_the_whole() -> None:
    async with opened(FakeResearch()) as hands:
        await hands.press("enter", "n", "n", "n", "n", "n")

        def span() -> int:
            ask = next(ask for ask in reversed(hands.source.asked) if isinstance(ask, p.Candles))
            return ask.end - ask.begin

        first = span()
        await hands.press("plus")
        closer = span()
        await hands.press("minus", "minus")
        assert closer < first < span()
        await hands.press("w")
        assert "trade" not in hands.screen.query_one(TradeChart).title_text
        await hands.press("n")
        assert "trade 1 of 40" in hands.screen.query_one(TradeChart).title_text


async def test_prices_that_are_gone_are_said_and_the_trade_still_shows() -> None:
    source = FakeResearch()
    source.prices = p.Refused("candle file: bars.csv - there is no such file")
    async with opened(source) as hands:
        await hands.press("enter", "n")
        facts = hands.lines(TradeChart)
        assert "No closer prices" in facts
        assert "MAE" in facts


async def test_a_run_is_held_against_luck_once() -> None:
    async with opened(FakeResearch()) as hands:
        await hands.press("escape", "l")
        assert "when a run is done" in hands.lines(LuckPanel)
        await hands.press("r", "l")
        assert "cannot be told from luck" in hands.lines(LuckPanel)
        assert "random entries" in hands.lines(LuckPanel)
        await hands.press("o", "l")
        assert sum(isinstance(ask, p.HoldAgainstLuck) for ask in hands.source.asked) == 1


async def test_luck_that_cannot_be_computed_is_said() -> None:
    source = FakeResearch()
    source.luck = p.Refused("data: bars.csv - there is no such file")
    async with opened(source) as hands:
        await hands.press("enter", "l")
        assert "no such file" in hands.lines(LuckPanel)
        assert "Press l to try again" in hands.lines(LuckPanel)
        source.luck = None
        await hands.press("l")
        assert "cannot be told from luck" in hands.lines(LuckPanel)


async def test_a_run_without_trades_says_why() -> None:
    async with opened(FakeResearch(p.Finished((sample_run(trades=0),)))) as hands:
        await hands.press("enter", "t")
        assert "It did not trade" in hands.lines(TradesTable)
        await hands.press("n")
        assert any("no trade" in note.message for note in hands.app._notifications)


async def test_more_trades_than_a_page_come_when_they_are_looked_at() -> None:
    run, rows = many_trades(sample_run(), 2 * p.PAGE + 100, p.PAGE)
    source = FakeResearch(p.Finished((run,)))
    source.all_trades[run.id] = rows
    async with opened(source) as hands:
        await hands.press("enter", "t")
        assert not [ask for ask in source.asked if isinstance(ask, p.MoreTrades)]
        await hands.press("end")
        table = hands.screen.query_one(TradesTable)
        assert len(table.trades) == len(rows)
        assert [ask.first for ask in source.asked if isinstance(ask, p.MoreTrades)] == [p.PAGE, 2 * p.PAGE]
        assert f"{len(rows):,}" in hands.screen.query_one(TradeChart).title_text
        assert "..." not in hands.lines(TradesTable)


async def test_several_runs_stand_in_the_history_with_the_best_under_the_cursor() -> None:
    runs = tuple(sample_run(seed=seed) for seed in (1, 2, 3))
    async with opened(FakeResearch(p.Finished(runs))) as hands:
        await hands.press("enter")
        assert hands.screen.state.place == HISTORY
        best = max(runs, key=lambda run: run.metrics.total_return)
        assert hands.screen.query_one(RunsPanel).cursor == best.id


async def test_kept_runs_are_marked_compared_opened_and_removed() -> None:
    runs = (sample_run(seed=1), sample_run("supertrend", seed=2, stop="0.02"), sample_run(seed=3))
    async with opened(FakeResearch(kept=runs)) as hands:
        await hands.press("escape", "h", "c")
        assert any("mark two" in note.message for note in hands.app._notifications)
        await hands.press("space", "down", "space", "c")
        compare = hands.screen.query_one(RunCompare)
        assert [run.id for run in compare.runs] == [runs[2].id, runs[1].id]
        assert "profit factor" in hands.lines(RunCompare)
        await hands.press("enter")
        assert hands.field("strategy").value == "supertrend"
        assert hands.field("stop").value == "0.02"
        assert hands.screen.state.place == OVERVIEW
        await hands.press("h", "D")
        assert isinstance(hands.app.screen, Confirm)
        await hands.press("n")
        assert len(hands.source.kept) == 3
        await hands.press("D", "y")
        assert list(hands.source.kept) == [runs[0].id, runs[2].id]


async def test_at_most_four_runs_are_marked() -> None:
    async with opened(FakeResearch(kept=tuple(sample_run(seed=seed) for seed in range(1, 7)))) as hands:
        await hands.press("escape", "h", "space", "down", "space", "down", "space", "down", "space", "down", "space")
        assert any("at most 4" in note.message for note in hands.app._notifications)
        await hands.press("c")
        assert len(hands.screen.query_one(RunCompare).runs) == 4


async def test_the_newest_run_s_data_is_filled_in() -> None:
    kept = sample_run(timeframe="4h")
    async with opened(FakeResearch(kept=(kept,), series=())) as hands:
        assert hands.field("data").value == kept.request.data
        assert hands.field("timeframe").value == "4h"


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
