"""The backtest screen's setup by its keys: fields, what is wrong with them, what they may be."""

from __future__ import annotations

import pytest

from engine.backtest.view import Request
from headless.research import protocol as p
from station.research_actions import OVERVIEW
from station.research_fields import FIELDS
from station.screens.backtest import BacktestScreen
from station.screens.choose import Choose
from tests.station.backtest_hands import opened
from tests.station.fake_research import FakeResearch
from tests.widgets.research_sample import sample_run


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


async def test_the_newest_run_s_data_is_filled_in() -> None:
    kept = sample_run(timeframe="4h")
    async with opened(FakeResearch(kept=(kept,), series=())) as hands:
        assert hands.field("data").value == kept.request.data
        assert hands.field("timeframe").value == "4h"
