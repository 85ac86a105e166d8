"""The trades of a run on the backtest screen, its chart, and the run held against luck."""

from __future__ import annotations

from headless.research import protocol as p
from station.research_actions import TRADES
from station.screens.backtest import REACHES
from tests.station.backtest_hands import opened
from tests.station.fake_research import FakeResearch
from tests.widgets.research_sample import HOUR_MS, many_trades, sample_run
from widgets.luck_panel import LuckPanel
from widgets.trade_chart import TradeChart
from widgets.trades_table import TradesTable


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
