"""The widgets on a real Textual screen: what is painted, what a key or a click sends, and what is not painted again."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot

from engine.view import Desk, NoteView, StepView, empty_desk
from engine.view_bars import BarsView
from tests.widgets.desk_sample import NOW, sample_bars, sample_desk, symbol_of
from widgets.banner import ModeBanner
from widgets.board_line import BoardLine
from widgets.board_panel import BoardPanel
from widgets.candle_chart import CandleChart
from widgets.depth_panel import DepthPanel
from widgets.ensemble_panel import EnsemblePanel
from widgets.log_panel import LogPanel
from widgets.panel import Panel
from widgets.positions_panel import PositionsPanel
from widgets.signal_detail import SignalDetail
from widgets.signals_panel import SignalsPanel
from widgets.start_steps import StartSteps
from widgets.tape_panel import TapePanel
from widgets.watchlist import Watchlist

BTC, ETH = symbol_of("BTC"), symbol_of("ETH")


class Bench(App[None]):
    """One widget on a screen; remembers what it sent and what it asked to paint again."""

    def __init__(self, widget: Panel) -> None:
        super().__init__()
        self.widget = widget
        self.sent: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_watchlist_chosen(self, message: Watchlist.Chosen) -> None:
        self.sent.append(message)

    def on_signals_panel_chosen(self, message: SignalsPanel.Chosen) -> None:
        self.sent.append(message)

    def on_positions_panel_position_chosen(self, message: PositionsPanel.PositionChosen) -> None:
        self.sent.append(message)

    def on_positions_panel_order_chosen(self, message: PositionsPanel.OrderChosen) -> None:
        self.sent.append(message)


def painted(widget: Panel) -> str:
    """Content lines as the compositor gets them."""
    return "\n".join(widget.render_line(y).text for y in range(widget.content_size.height))


def dirty(widget: Panel) -> list[Region]:
    """What the widget wants painted and has not been painted yet."""
    return list(widget._repaint_regions)


def present(widget: Panel, desk: Desk, now: int = NOW, bars: BarsView | None = None) -> None:
    """Show `desk` the way a station does."""
    match widget:
        case ModeBanner():
            widget.show(desk, now)
        case Watchlist():
            widget.show(desk, BTC, now)
        case BoardPanel() | EnsemblePanel():
            widget.show(desk, BTC)
        case DepthPanel():
            widget.show(desk, BTC, now)
        case TapePanel() | BoardLine():
            widget.show(desk, BTC)
        case SignalsPanel() | PositionsPanel():
            widget.show(desk, now)
        case LogPanel() | StartSteps():
            widget.show(desk)
        case CandleChart():
            orders, fills = list(desk.orders.values()), desk.fills
            widget.show(
                bars, desk.instruments.get(BTC), desk.quotes.get(BTC), desk.positions.get(BTC), orders, fills, now
            )
        case _:
            pytest.fail(f"nobody knows how to show a {type(widget).__name__}")


async def settle(pilot: Pilot[Any]) -> None:
    await pilot.pause()
    await pilot.pause()


EVERY = [
    ModeBanner,
    Watchlist,
    BoardLine,
    BoardPanel,
    EnsemblePanel,
    SignalsPanel,
    PositionsPanel,
    LogPanel,
    CandleChart,
    DepthPanel,
    TapePanel,
]


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("size", [(24, 7), (60, 12), (120, 30)])
async def test_painted_lines_have_the_width_and_an_unchanged_show_paints_nothing(
    kind: type[Panel], size: tuple[int, int]
) -> None:
    app, desk, bars = Bench(kind()), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=size) as pilot:
        present(app.widget, desk, bars=bars)
        await settle(pilot)
        width = app.widget.content_size.width
        lines = [app.widget.render_line(y) for y in range(app.widget.content_size.height)]
        assert all(line.cell_length == width for line in lines)
        assert any(line.text.strip() for line in lines)
        assert dirty(app.widget) == []
        present(app.widget, desk, bars=bars)
        assert dirty(app.widget) == []


@pytest.mark.parametrize("kind", EVERY)
async def test_an_empty_desk_gets_a_sentence(kind: type[Panel]) -> None:
    app = Bench(kind())
    async with app.run_test(size=(70, 10)) as pilot:
        present(app.widget, empty_desk())
        await settle(pilot)
        assert painted(app.widget).strip()


async def test_one_quote_paints_one_row_of_the_watchlist() -> None:
    app, desk = Bench(Watchlist()), sample_desk(NOW)
    async with app.run_test(size=(40, 40)) as pilot:
        present(app.widget, desk)
        await settle(pilot)
        desk.quotes[ETH] = replace(desk.quotes[ETH], last=341_500)
        present(app.widget, desk)
        assert [(region.y - 1, region.height) for region in dirty(app.widget)] == [(1, 1)]
        await settle(pilot)
        row = app.widget.render_line(1).text
        assert row.startswith("▼ETH")
        assert "3,415.00" in row


async def test_the_watchlist_shows_marks_staleness_and_choice() -> None:
    widget = Watchlist()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(36, 40)) as pilot:
        present(widget, desk)
        await settle(pilot)
        text = painted(widget)
        assert "▲BTC" in text
        assert "●NEAR" in text
        assert "stale 1m" in text
        assert widget.title_text == "Watch 30  1 stale"
        widget.focus()
        await pilot.press("down", "down", "up", "enter")
        await pilot.click(Watchlist, offset=(5, 4))
        symbols = [message.symbol for message in app.sent if isinstance(message, Watchlist.Chosen)]
        sol = symbol_of("SOL")
        assert symbols == [ETH, sol, ETH, ETH, symbol_of("BNB")]


async def test_the_watchlist_scrolls_to_the_chosen_symbol() -> None:
    widget = Watchlist()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(36, 10)) as pilot:
        widget.show(desk, symbol_of("MKR"), NOW)
        await settle(pilot)
        assert "MKR" in painted(widget)
        assert "BTC" not in painted(widget)


async def test_signals_put_the_waiting_ones_first_and_tell_which_is_chosen() -> None:
    widget = SignalsPanel()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(90, 16)) as pilot:
        present(widget, desk)
        await settle(pilot)
        rows = painted(widget).splitlines()
        assert "waiting 4:12" in rows[0]
        assert "waiting 4:36" in rows[1]
        assert "LINK" in rows[2]
        assert widget.title_text == "Signals 2 waiting 4:12"
        assert widget.selected == 46
        widget.focus()
        await pilot.press("down", "enter")
        assert [m.signal_id for m in app.sent if isinstance(m, SignalsPanel.Chosen)] == [47]
        widget.show(desk, NOW + 1_000)
        await settle(pilot)
        assert "waiting 4:11" in painted(widget)
        assert widget.selected == 47


async def test_positions_tell_which_row_is_chosen() -> None:
    widget = PositionsPanel()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(150, 16)) as pilot:
        present(widget, desk)
        await settle(pilot)
        assert widget.title_text == "Positions 3 / orders 8  +18.50  1 UNPROTECTED"
        rows = painted(widget).splitlines()
        assert [row[2:5] for row in rows[:3]] == ["BTC", "ETH", "SOL"]
        assert rows[4][2:5] == "BNB"
        widget.focus()
        assert (widget.position_symbol, widget.order_id) == (BTC, None)
        await pilot.press("enter", "down", "down", "down", "enter")
        assert (widget.position_symbol, widget.order_id) == (None, "tf-3-000008")
        positions = [m.symbol for m in app.sent if isinstance(m, PositionsPanel.PositionChosen)]
        orders = [m.client_id for m in app.sent if isinstance(m, PositionsPanel.OrderChosen)]
        assert positions == [BTC]
        assert orders == ["tf-3-000008"]


async def test_the_log_follows_until_a_person_scrolls_up() -> None:
    widget = LogPanel()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(80, 12)) as pilot:
        present(widget, desk)
        await settle(pilot)
        assert "the stop is not confirmed yet" in painted(widget).splitlines()[-1]
        assert widget.title_text == "Log 5 alarms"
        widget.focus()
        await pilot.press("up", "up", "up")
        held = painted(widget)
        desk.notes.append(NoteView(NOW, "good", "something new", "", 9_999))
        present(widget, desk)
        await settle(pilot)
        assert painted(widget) == held
        await pilot.press("end")
        assert "something new" in painted(widget).splitlines()[-1]


async def test_the_board_and_the_detail_say_their_number_in_the_title() -> None:
    board, detail = BoardPanel(), SignalDetail()
    app, desk = Bench(board), sample_desk(NOW)
    async with app.run_test(size=(50, 14)) as pilot:
        present(board, desk)
        await settle(pilot)
        assert board.title_text == "Board +0.60 ▲ LONG"
        board.show(desk, ETH)
        assert board.title_text.endswith("held")
    other = Bench(detail)
    async with other.run_test(size=(100, 20)) as pilot:
        detail.show(desk.signals[43], desk.instruments[ETH])
        await settle(pilot)
        assert detail.title_text == "Why 5 passed, 1 failed"
        assert "the spread is too wide" in painted(detail)
        detail.show(None, None)
        await settle(pilot)
        assert "No signal chosen" in painted(detail)


async def test_the_start_is_shown_until_the_engine_is_ready() -> None:
    widget = StartSteps()
    app, desk = Bench(widget), sample_desk(NOW)
    steps = (StepView("database", 1, 1), StepView("history", 12, 30), StepView("account", 0, 0))
    desk.status = replace(desk.status, ready=False, steps=steps)
    async with app.run_test(size=(80, 20)) as pilot:
        present(widget, desk)
        await settle(pilot)
        text = painted(widget)
        assert "✓ database" in text
        assert "▸ history" in text
        assert "12/30" in text
        assert "· account" in text
        assert widget.title_text == "Starting 1 of 3"
        assert "Charts draw" in text
        stuck = replace(steps[1], waits="the venue cannot be reached")
        desk.status = replace(desk.status, steps=(steps[0], stuck, steps[2]))
        present(widget, desk)
        await settle(pilot)
        assert "history: the venue cannot be reached; trying again" in painted(widget)
        desk.status = replace(desk.status, ready=True)
        present(widget, desk)
        assert widget.display is False


async def test_the_chart_draws_axis_levels_fills_and_title() -> None:
    widget = CandleChart()
    app, desk, bars = Bench(widget), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=(110, 34)) as pilot:
        present(widget, desk, bars=bars)
        await settle(pilot)
        text = painted(widget)
        for word in (
            "◂64,231.5",
            "▲ long ┤63,702.0",
            "stop ┤63,065.0",
            "target ┤64,976.0",
            "liq 44,591.4 ↓",
            "EMA 26 64,402.0",
        ):
            assert word in text
        assert "▲" in text.replace("▲ long", "")
        assert any(glyph in text for glyph in "┃╽╿")
        assert "┤vol" in text
        assert "14:00" in text.splitlines()[-1]
        for word in ("BTC/USDT:USDT", "[15m]", "64,231.5", "+0.03 %", "spread 0.5 bp"):
            assert word in widget.title_text


async def test_the_newest_candle_stands_at_its_rows() -> None:
    widget = CandleChart()
    app, desk, bars = Bench(widget), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=(110, 34)) as pilot:
        present(widget, desk, bars=bars)
        await settle(pilot)
        plan = widget._plan
        assert plan is not None
        column = plan.window.middle(len(plan.window.candles) - 1)
        newest = bars.bars[-1]
        rows = [y for y in range(plan.parts.plot_height) if widget.render_line(y + 1).text[column] in "┃╽╿│╷╵╻╹"]
        assert rows[0] == plan.scale.row(newest.high)
        assert rows[-1] == plan.scale.row(newest.low)


async def test_the_chart_zooms_scrolls_and_comes_home() -> None:
    widget = CandleChart()
    app, desk, bars = Bench(widget), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=(110, 34)) as pilot:
        present(widget, desk, bars=bars)
        await settle(pilot)
        first = painted(widget)
        widget.zoom(1)
        assert "██" in painted(widget)
        widget.zoom(-4)
        assert widget._plan is not None
        assert (widget._plan.window.zoom.bars, len(widget._plan.window.candles)) == (4, 76)
        widget.zoom(3)
        assert painted(widget) == first
        widget.scroll(40)
        scrolled = painted(widget)
        assert "-20 ▸" in scrolled
        bar = bars.bars[-1]
        bars.bars.append(type(bar)(bar.open_time + 900_000, bar.close, bar.high, bar.low, bar.close, 1.0))
        for column in bars.overlays.values():
            column.append(column[-1])
        present(widget, desk, bars=bars)
        assert painted(widget).splitlines()[1:-1] == scrolled.splitlines()[1:-1]
        widget.home()
        assert "◂64,231.5" in painted(widget)


async def test_overlays_are_hidden_one_by_one() -> None:
    widget = CandleChart()
    app, desk, bars = Bench(widget), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=(110, 34)) as pilot:
        present(widget, desk, bars=bars)
        await settle(pilot)
        widget.toggle_overlay("EMA 26")
        legend = widget.render_line(0).text
        assert "EMA 12" in legend
        assert "EMA 26" not in legend
        widget.toggle_overlay("EMA 26")
        seen = []
        for _ in range(5):
            widget.cycle_overlays()
            seen.append(widget.render_line(0).text.count("EMA"))
        assert seen == [1, 1, 1, 0, 3]


async def test_the_crosshair_reads_its_candle() -> None:
    widget = CandleChart()
    app, desk, bars = Bench(widget), sample_desk(NOW), sample_bars(BTC, 900_000)
    async with app.run_test(size=(110, 34)) as pilot:
        present(widget, desk, bars=bars)
        await settle(pilot)
        widget.set_crosshair(True)
        widget.move_crosshair(-3, 2)
        bar = bars.bars[-4]
        legend = widget.render_line(0).text
        for name, value in (("O", bar.open), ("H", bar.high), ("L", bar.low), ("C", bar.close)):
            assert f"{name} {value:,.1f}" in legend
        assert "20 May 13:15" in legend
        assert "┄" in painted(widget)
        widget.move_crosshair(-500, 0)
        assert "▸" in painted(widget)
        widget.set_crosshair(False)
        assert "EMA 12" in widget.render_line(0).text
        assert not widget.crosshair_on


@pytest.mark.parametrize(("size", "sentence"), [((18, 10), "Too small"), ((60, 7), "Too small"), ((60, 20), "")])
async def test_a_chart_that_is_too_small_says_so(size: tuple[int, int], sentence: str) -> None:
    widget = CandleChart()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=size) as pilot:
        present(widget, desk)
        await settle(pilot)
        assert "Loading bars ..." in painted(widget)
        present(widget, desk, bars=sample_bars(BTC, 900_000))
        assert sentence in painted(widget).replace("\n", " ")


@pytest.mark.parametrize("theme", ["textual-light", "dracula", "ansi-dark"])
async def test_colours_follow_the_theme(theme: str) -> None:
    widget = BoardPanel()
    app, desk = Bench(widget), sample_desk(NOW)
    async with app.run_test(size=(50, 14)) as pilot:
        present(widget, desk)
        await settle(pilot)
        before = widget.tone("profit")
        app.theme = theme
        await settle(pilot)
        assert widget.tone("profit") != before
