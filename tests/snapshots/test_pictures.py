"""Every screen as a picture, at the sizes people use: a change of what a trader sees is seen in review.

`pytest tests/snapshots --snapshot-update` takes the pictures again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from engine.view import Desk, StepView, empty_desk
from station.app import StationApp
from station.screens.desk import DeskScreen
from tests.station.fake_source import FakeSource
from tests.widgets.desk_sample import NOW, sample_desk

Compare: TypeAlias = Callable[..., bool]
Size: TypeAlias = tuple[int, int]

BTC = "BTC/USDT:USDT"
SIZES = ((80, 24), (120, 40), (200, 60))
SCREENS: dict[str, tuple[str, ...]] = {
    "desk": (),
    "buy": ("b",),
    "buy_limit": ("b", "f2", "tab", "tab", "x"),
    "flatten": ("X",),
    "why": ("w",),
    "search": ("slash", "s", "o"),
    "help": ("question_mark",),
    "quit": ("q",),
    "palette": ("colon", "f", "l"),
}


def starting() -> Desk:
    desk = empty_desk()
    steps = (
        StepView("database", 1, 1),
        StepView("markets", 30, 30),
        StepView("history", 12, 30),
        StepView("live", 0, 0),
    )
    desk.status = msgspec.structs.replace(desk.status, steps=steps)
    return desk


def halted() -> Desk:
    desk = sample_desk(NOW)
    reason = "day loss 3.1 % is over the limit of 3.0 %"
    account = msgspec.structs.replace(desk.account, day_pnl=-31_000_000_000, day_loss_used=0.031, drawdown=0.044)
    desk.status = msgspec.structs.replace(desk.status, halt=reason, paused=True, feed_up=False)
    desk.account = account
    return desk


STATES: dict[str, Callable[[], FakeSource]] = {
    "starting": lambda: FakeSource(starting()),
    "no_engine": lambda: FakeSource(empty_desk(), connected=False, trouble="No engine answers; start it with trefoil."),
    "lost": lambda: FakeSource(connected=False, trouble="The connection to the engine was lost; trying again."),
    "live": lambda: FakeSource(sample_desk(NOW, mode="live")),
    "paper": lambda: FakeSource(sample_desk(NOW, mode="paper")),
    "halted": lambda: FakeSource(halted()),
}


def ready(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Paint, press, and hold the cursor still."""

    async def before(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        desk = pilot.app.screen_stack[0]
        assert isinstance(desk, DeskScreen)
        desk._paint()
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False
        shown: object = pilot.app.screen
        if shown is desk:
            desk._paint()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    return before


def station(source: FakeSource | None = None, theme: str = "") -> App[None]:
    return StationApp(source or FakeSource(), keys={}, theme=theme, symbol=BTC)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_screens(snap_compare: Compare, name: str, size: Size) -> None:
    assert snap_compare(station(), terminal_size=size, run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("name", STATES)
def test_states(snap_compare: Compare, name: str) -> None:
    assert snap_compare(station(STATES[name]()), terminal_size=(120, 40), run_before=ready())


@pytest.mark.parametrize("name", ["desk", "buy", "why", "help"])
def test_sixty_columns(snap_compare: Compare, name: str) -> None:
    assert snap_compare(station(), terminal_size=(60, 20), run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("size", [(100, 30), (200, 30)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_few_lines(snap_compare: Compare, size: Size) -> None:
    assert snap_compare(station(), terminal_size=size, run_before=ready())


@pytest.mark.parametrize("name", ["desk", "buy"])
def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(station(), terminal_size=(120, 40), run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("theme", ["amber", "paper-white", "contrast"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(station(theme=theme), terminal_size=(120, 40), run_before=ready())
