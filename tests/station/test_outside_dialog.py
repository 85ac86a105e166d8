"""What somebody else did at the account: where it is seen, what the dialog says of it, and what each key asks."""

from __future__ import annotations

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.model import command as c
from engine.view import Gone, OutsideView, empty_desk
from station.actions import BY_ID
from station.app import StationApp
from station.keyline import KeyLine
from station.screens.confirm import Confirm
from station.screens.outside import GONE, OutsideDialog
from tests.station.fake_source import FakeSource
from tests.station.outside_sample import AVAX, BTC, ETH, LINK, outside_desk
from widgets.banner import banner_line
from widgets.candle_chart import CandleChart
from widgets.outside_lines import consequences, position_line
from widgets.positions_panel import PositionsPanel
from widgets.proof_panel import proof_lines

SIZE = (120, 40)


def station(source: FakeSource) -> StationApp:
    return StationApp(source, keys={}, theme="", symbol=None)


async def opened(pilot: Pilot[None]) -> OutsideDialog:
    await pilot.press("O")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, OutsideDialog)
    return dialog


def said(dialog: OutsideDialog) -> str:
    return str(dialog.query_one("#headline", Static).content)


async def walk(pilot: Pilot[None], dialog: OutsideDialog, symbol: str) -> None:
    """Down, until that one is shown."""
    for _ in range(4):
        if dialog.item is not None and dialog.item.symbol == symbol:
            return
        await pilot.press("down")
    raise AssertionError(symbol)


@pytest.mark.parametrize(
    ("symbol", "key", "asked"),
    [
        (LINK, "a", c.ResolvePosition(symbol=LINK, action=c.Outside.ADOPT)),
        (ETH, "i", c.ResolvePosition(symbol=ETH, action=c.Outside.IGNORE)),
        (AVAX, "a", c.ResolvePosition(symbol=AVAX, action=c.Outside.ADOPT)),
        ("UNI/USDT:USDT", "c", c.CancelOutside(client_id="web_4711")),
        ("UNI/USDT:USDT", "i", None),
        (LINK, "escape", None),
    ],
)
async def test_each_way_asks_its_command(symbol: str, key: str, asked: c.Command | None) -> None:
    source = FakeSource(outside_desk())
    async with station(source).run_test(size=SIZE) as pilot:
        dialog = await opened(pilot)
        await walk(pilot, dialog, symbol)
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete()
        assert source.asked == ([asked] if asked is not None else [])
        assert not isinstance(pilot.app.screen, OutsideDialog)


@pytest.mark.parametrize(
    ("mode", "answer", "closes"),
    [("demo", "y", True), ("demo", "n", False), ("live", "CLOSE", True), ("live", "y", False)],
)
async def test_closing_is_asked_about_first(mode: str, answer: str, *, closes: bool) -> None:
    source = FakeSource(outside_desk(mode=mode))
    async with station(source).run_test(size=SIZE) as pilot:
        await walk(pilot, await opened(pilot), LINK)
        await pilot.press("c")
        await pilot.pause()
        question = pilot.app.screen
        assert isinstance(question, Confirm)
        assert source.asked == []
        if mode == "live":
            question.query_one(Input).value = answer
            await pilot.press("enter")
        else:
            await pilot.press(answer)
        await pilot.app.workers.wait_for_complete()
        assert source.asked == ([c.ResolvePosition(symbol=LINK, action=c.Outside.CLOSE)] if closes else [])


async def test_the_dialog_begins_at_the_chosen_symbol_and_says_when_it_is_settled() -> None:
    source = FakeSource(outside_desk())
    async with station(source).run_test(size=SIZE) as pilot:
        desk = pilot.app.screen
        desk.choose(LINK)  # type: ignore[attr-defined] # the desk screen's
        dialog = await opened(pilot)
        assert dialog.item is not None
        assert dialog.item.symbol == LINK
        assert said(dialog) == f"{LINK}: somebody else opened a position at the exchange."
        source.desk.apply(Gone("outside", LINK))
        dialog._show()
        assert said(dialog) == GONE
        await pilot.press("a", "c", "i")
        assert source.asked == []
        await pilot.press("down")
        assert dialog.item is not None


async def test_it_cannot_be_overlooked_and_the_key_comes_and_goes_with_it() -> None:
    source = FakeSource(outside_desk())
    async with station(source).run_test(size=SIZE) as pilot:
        banner = banner_line(source.desk, source.now(), 120).text
        assert "OUTSIDE 2" in banner
        panel = pilot.app.screen.query_one(PositionsPanel)
        shown = [panel.render_line(y).text for y in range(panel.content_size.height)]
        assert "3 FROM OUTSIDE" in panel.title_text
        assert any("FROM OUTSIDE" in line and "LINK" in line and "LONG" in line for line in shown)
        assert any("left alone" in line and "AVAX" in line for line in shown)
        line = pilot.app.screen.query_one(KeyLine)
        assert "O Outside" in str(line.content)
        source.desk.outside.clear()
        source.desk.outside_orders.clear()
        line.show(source.desk, "")
        assert "Outside" not in str(line.content)
        await pilot.press("O")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, OutsideDialog)
    assert "OUTSIDE" not in banner_line(source.desk, source.now(), 120).text


def test_nothing_can_be_decided_where_nothing_is_from_outside() -> None:
    desk = empty_desk()
    assert BY_ID["outside"].blocked(desk, "") == "nothing is from outside"
    desk.outside[LINK] = OutsideView(symbol=LINK, ours=0, theirs=1, our_entry=0.0, entry=0.0, leverage=0)
    assert BY_ID["outside"].blocked(desk, "") == ""


@pytest.mark.parametrize(
    ("ours", "theirs", "ways"),
    [(0, 5, {"adopt", "ignore", "close"}), (-3, 5, {"adopt", "ignore", "close"}), (7, 0, {"adopt", "ignore"})],
)
def test_what_is_gone_at_the_exchange_cannot_be_closed_there(ours: int, theirs: int, ways: set[str]) -> None:
    desk = outside_desk()
    row = msgspec.structs.replace(desk.outside[LINK], ours=ours, theirs=theirs)
    instrument = desk.instruments[LINK]
    assert set(consequences(row, instrument)) == ways
    assert all(text.count(".") >= 1 and len(text) < 160 for text in consequences(row, instrument).values())
    for width in (40, 80, 160):
        assert len(position_line(row, desk, width).text) <= max(width, 52)


async def test_the_next_funding_stands_under_the_chart_and_in_the_proof() -> None:
    source = FakeSource(outside_desk())
    app = StationApp(source, keys={}, theme="", symbol=BTC)
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.pause()
        assert app.screen.query_one("#chart", CandleChart)._subtitle == "funding +0.0100 % in 3h41"
    row = source.desk.positions[BTC]
    lines = proof_lines(row, source.desk, source.desk.instruments[BTC], source.now(), 70)
    assert any(line.text == "next funding -0.20 at +0.0100 % in 3h41" for line in lines)
