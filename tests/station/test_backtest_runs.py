"""Runs on the backtest screen: progress, cancelling, a dead process, history and comparing."""

from __future__ import annotations

import asyncio

from headless.research import protocol as p
from station.research_actions import HISTORY, OVERVIEW
from station.screens.confirm import Confirm
from tests.station.backtest_hands import opened
from tests.station.fake_research import FakeResearch
from tests.widgets.research_sample import sample_run
from widgets.run_compare import RunCompare
from widgets.runs_panel import RunsPanel
from widgets.trades_table import TradesTable


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


async def test_a_run_without_trades_says_why() -> None:
    async with opened(FakeResearch(p.Finished((sample_run(trades=0),)))) as hands:
        await hands.press("enter", "t")
        assert "It did not trade" in hands.lines(TradesTable)
        await hands.press("n")
        assert any("no trade" in note.message for note in hands.app._notifications)


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
