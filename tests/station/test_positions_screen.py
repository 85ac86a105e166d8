"""The positions screen by its keys: what they ask, what is shown of the past, and what cannot be overlooked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from engine.model import command as c
from engine.view import Gone, empty_desk
from station.actions import ON_POSITIONS, of_place
from station.app import StationApp
from station.screens.confirm import Confirm
from station.screens.desk import DeskScreen
from station.screens.help import Help
from station.screens.leave import Leave
from station.screens.positions import PositionsScreen
from station.screens.protect import Protect
from station.screens.search import Search
from station.screens.signals import SignalsScreen
from station.screens.ticket import Ticket
from tests.station.fake_source import FakeSource
from tests.station.past_sample import Past, closed_positions, rich_past
from tests.widgets.coin_table import symbol_of
from tests.widgets.desk_sample import NOW, idle_desk, sample_desk
from widgets.account_curve import AccountCurve
from widgets.closed_panel import ClosedPanel
from widgets.holdings_panel import HoldingsPanel
from widgets.panel import Panel
from widgets.proof_panel import ProofPanel
from widgets.trail_panel import TrailPanel

BTC, ETH, SOL = symbol_of("BTC"), symbol_of("ETH"), symbol_of("SOL")
S = TypeVar("S", bound=Screen[None])


def painted(screen: Screen[None], kind: type[Panel]) -> str:
    panel = screen.query_one(kind)
    lines = [panel.render_line(y).text for y in range(panel.content_size.height)]
    return "\n".join([panel.title_text, *lines])


async def settle(pilot: Pilot[None]) -> None:
    """What was asked has come and is painted."""
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        screen = pilot.app.screen
        if isinstance(screen, PositionsScreen | SignalsScreen):
            screen._paint()
    await pilot.pause()


@asynccontextmanager
async def opened(
    source: FakeSource, kind: type[S], key: str, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[None], S]]:
    """A station at one of its screens."""
    app = StationApp(source, keys={}, theme="", symbol=None)
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, kind)
        yield pilot, screen


ASKS: dict[str, c.Command] = {
    "close": c.ReducePosition(symbol=BTC),
    "half": c.ReducePosition(symbol=BTC, percent=50),
    "flip": c.FlipPosition(symbol=BTC),
    "cancel_all": c.CancelAll(),
    "pause": c.SetPaused(paused=True),
    "mode": c.SetAutonomy(autonomy=c.Autonomy.AUTO),
}
DIALOGS: dict[str, type] = {
    "buy": Ticket,
    "sell": Ticket,
    "protect": Protect,
    "flatten": Confirm,
    "kill": Confirm,
    "filter": Search,
    "help": Help,
    "quit": Leave,
}
MODES = {"desk", "backtest", "positions", "signals", "models", "ai", "settings"}
OTHERS = {"outside", "release", "panel", "previous_panel", "maximise", "theme", "palette", "window"}


def test_every_key_of_the_screen_is_expected_to_do_something() -> None:
    assert {a.id for a in of_place(ON_POSITIONS)} - MODES == set(ASKS) | set(DIALOGS) | OTHERS


async def test_keys_act_on_the_position_under_the_cursor() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        assert screen.symbol == SOL  # what is not protected is on top
        await pilot.press("down")
        await settle(pilot)
        assert screen.symbol == BTC
        for action in of_place(ON_POSITIONS):
            if action.id in ASKS:
                await pilot.press(action.key)
                await settle(pilot)
                assert source.asked.pop() == ASKS[action.id]


async def test_keys_open_their_dialogs_and_escape_leaves_them() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        for action in of_place(ON_POSITIONS):
            if action.id in DIALOGS:
                await pilot.press(action.key)
                await pilot.pause()
                assert isinstance(pilot.app.screen, DIALOGS[action.id])
                await pilot.press("escape")
                await pilot.pause()
                assert pilot.app.screen_stack[1:] == [screen]
        assert source.asked == []


async def test_modes_take_each_others_place() -> None:
    async with opened(FakeSource(), PositionsScreen, "3") as (pilot, screen):
        await pilot.press("4")
        await pilot.pause()
        assert [type(one) for one in pilot.app.screen_stack] == [DeskScreen, SignalsScreen]
        await pilot.press("3")
        await pilot.pause()
        assert pilot.app.screen_stack[1:] == [screen]
        for key in ("1", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(pilot.app.screen, DeskScreen)
            await pilot.press("3")
            await pilot.pause()


async def test_what_is_not_protected_is_told_three_times() -> None:
    async with opened(FakeSource(past=rich_past()), PositionsScreen, "3") as (_, screen):
        held = painted(screen, HoldingsPanel)
        assert "1 UNPROTECTED" in held
        assert "✗ UNCONFIRMED" in held.splitlines()[2]
        card = painted(screen, ProofPanel)
        assert "UNPROTECTED: the exchange has confirmed no stop. e sets one" in card
        assert "tf-3-000005 is unknown" in card


async def test_a_position_without_a_stop_has_no_limit() -> None:
    desk = sample_desk(NOW)
    bare = msgspec.structs.replace(desk.positions[BTC], stop=None, stop_confirmed=0)
    desk.apply(bare)
    async with opened(FakeSource(desk), PositionsScreen, "3") as (_, screen):
        row = painted(screen, HoldingsPanel).splitlines()[2]
        assert "BTC" in row
        assert "NO LIMIT" in row
        assert "✗ UNPROTECTED" in row


async def test_the_proof_names_the_exchanges_orders_and_what_they_would_bring() -> None:
    source = FakeSource()
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        await pilot.press("down")
        await settle(pilot)
        card = painted(screen, ProofPanel)
        held = source.desk.positions[BTC]
        assert "Protection of BTC  protected" in card
        assert f"confirmed 12s ago  exchange order {held.stop_id}" in card
        assert held.target_id in card
        assert "STOP   ✓ 63,065.0  -1.82 %  -36.16 from here" in card
        assert "LIQ      44,591.4  -30.58 %  30.0 x the stop's distance" in card
        assert "3x isolated" in card
        assert "funding -0.03" in card
        assert "by signal 41" in card


async def test_the_trail_is_asked_again_only_when_its_orders_change() -> None:
    past = rich_past()
    source = FakeSource(past=past)
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        await pilot.press("down")
        await settle(pilot)
        trail = painted(screen, TrailPanel)
        assert "ENTRY" in trail
        assert "+80 ms  acknowledged  exchange order 880001" in trail
        assert "filled 0.02 @ 63,701.9" in trail

        def asked() -> int:
            return sum(args == {"symbol": BTC} for name, args in past.asked if name == "trail")

        assert asked() == 1
        await settle(pilot)
        assert asked() == 1
        order = next(o for o in source.desk.orders.values() if o.symbol == BTC)
        source.desk.apply(Gone("order", order.client_id))
        await settle(pilot)
        assert asked() == 2


async def test_closed_positions_come_page_by_page() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), PositionsScreen, "3") as (pilot, screen):

        def pages() -> list[object]:
            return [args.get("before") for name, args in past.asked if name == "closed"]

        assert pages() == [None]
        closed = screen.query_one(ClosedPanel)
        assert closed.title_text.startswith("Closed 100+")
        closed.focus()
        await pilot.press("end")
        await settle(pilot)
        assert pages() == [None, "100"]
        await pilot.press("end")
        await settle(pilot)
        await pilot.press("end")
        await settle(pilot)
        assert pages() == [None, "100", "200"]
        assert closed.title_text.startswith("Closed 240 ")
        assert "APT" in painted(screen, ClosedPanel) or closed.position_id == closed_positions()[-1].id


async def test_a_closed_position_shows_its_orders_and_keys_still_mean_the_open_one() -> None:
    source = FakeSource(past=rich_past())
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        screen.query_one(ClosedPanel).focus()
        await pilot.press("down")
        await settle(pilot)
        text = painted(screen, TrailPanel)
        assert "LTC closed 20May 13:09" in text
        assert "made +10.72" in text
        await pilot.press("c")
        await settle(pilot)
        assert source.asked == [c.ReducePosition(symbol=SOL)]
        screen.query_one(HoldingsPanel).focus()
        await settle(pilot)
        assert painted(screen, TrailPanel).startswith("Orders SOL")


async def test_one_symbol_and_all_again() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), PositionsScreen, "3") as (pilot, screen):
        await pilot.press("slash", *"ETH", "enter")
        await settle(pilot)
        assert ("closed", ETH) in [(name, args.get("symbol")) for name, args in past.asked]
        assert screen.symbol == ETH
        assert "BTC" not in painted(screen, HoldingsPanel)
        rows = painted(screen, ClosedPanel).splitlines()[2:]
        symbols = {row.split()[3] for row in rows if "LONG" in row or "SHORT" in row}
        assert symbols == {"ETH"}
        await pilot.press("slash")
        await settle(pilot)
        assert "BTC" in painted(screen, HoldingsPanel)
        assert screen.query_one(ClosedPanel).title_text.startswith("Closed 100+")


async def test_the_equity_of_a_day_and_of_a_week() -> None:
    past = rich_past()
    async with opened(FakeSource(past=past), PositionsScreen, "3") as (pilot, screen):
        assert "Equity day" in painted(screen, AccountCurve)
        await pilot.press("d")
        await settle(pilot)
        assert "Equity week" in painted(screen, AccountCurve)
        asked = [args for name, args in past.asked if name == "equity"]
        assert [NOW - args["since"] for args in asked] == [86_400_000, 7 * 86_400_000]
        assert all((NOW - args["since"]) // args["every"] < args["limit"] for args in asked)


async def test_moving_stop_and_target_sends_what_changed() -> None:
    source = FakeSource()
    async with opened(source, PositionsScreen, "3") as (pilot, _):
        await pilot.press("down")
        await settle(pilot)
        await pilot.press("e")
        await pilot.pause()
        dialog = pilot.app.screen
        assert isinstance(dialog, Protect)
        stop, target = dialog.query_one("#stop", Input), dialog.query_one("#target", Input)
        assert (stop.value, target.value) == ("63065.0", "64976.0")
        stop.value = "64900"
        await pilot.press("enter")
        await pilot.pause()
        assert dialog.is_current  # above the mark: a long's stop cannot be there
        assert dialog.levels()[1] == {"stop": "must be below the mark 64,231.5"}
        stop.value = "63500.0"
        target.value = ""
        await pilot.press("enter")
        await pilot.pause()
        assert source.asked == [c.SetProtection(symbol=BTC, stop=Decimal("63500.0"))]


async def test_moving_nothing_sends_nothing() -> None:
    source = FakeSource()
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        await pilot.press("down", "e", "enter")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert source.asked == []


async def test_without_a_position_a_key_says_so() -> None:
    source = FakeSource(empty_desk())
    async with opened(source, PositionsScreen, "3") as (pilot, screen):
        for key in "chfeb":
            await pilot.press(key)
            await pilot.pause()
            assert pilot.app.screen_stack[1:] == [screen]
            assert len(pilot.app._notifications) == 1
            pilot.app.clear_notifications()
        assert source.asked == []


async def test_empty_places_have_a_sentence() -> None:
    async with opened(FakeSource(idle_desk()), PositionsScreen, "3") as (_, screen):
        for kind, said in (
            (HoldingsPanel, "No open position."),
            (ProofPanel, "proof of protection"),
            (TrailPanel, "orders of the chosen position"),
            (ClosedPanel, "No closed position yet."),
            (AccountCurve, "equity of each minute"),
        ):
            assert said in " ".join(painted(screen, kind).split())


async def test_a_starting_engine_has_no_positions_to_tell_of() -> None:
    async with opened(FakeSource(empty_desk()), PositionsScreen, "3") as (_, screen):
        assert "known when the engine has started" in " ".join(painted(screen, HoldingsPanel).split())


async def test_a_history_that_cannot_be_read_says_why() -> None:
    past = Past()
    past.trouble = "The journal could not be read: the disk is gone."
    async with opened(FakeSource(past=past), PositionsScreen, "3") as (_, screen):
        for kind in (TrailPanel, ClosedPanel, AccountCurve):
            assert "the disk is gone" in " ".join(painted(screen, kind).split())


async def test_without_an_engine_nothing_is_asked() -> None:
    past = Past()
    source = FakeSource(past=past, connected=False, trouble="No engine answers.")
    async with opened(source, PositionsScreen, "3"):
        assert [name for name, _ in past.asked if name != "equity"] == []


@pytest.mark.parametrize("size", [(60, 20), (120, 40), (200, 60)])
async def test_tab_reaches_every_panel_and_each_can_be_alone(size: tuple[int, int]) -> None:
    async with opened(FakeSource(past=rich_past()), PositionsScreen, "3", size) as (pilot, screen):
        seen: set[Widget | None] = set()
        for _ in screen.PANELS:
            await pilot.press("tab")
            await pilot.pause()
            focused = screen.focused
            assert focused is not None
            assert focused.region.height > 2
            seen.add(focused)
            await pilot.press("z")
            await pilot.pause()
            assert [p for p in screen.query(Panel) if p.region.height > 1] == [focused]
            assert focused.region.width == size[0]
            await pilot.press("z")
            await pilot.pause()
        assert len(seen) == len(screen.PANELS)


async def test_a_terminal_too_small_says_so() -> None:
    async with opened(FakeSource(), PositionsScreen, "3", (50, 12)) as (_, screen):
        assert screen.query_one("#too-small").region.height > 0
