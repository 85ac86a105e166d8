"""The positions and signals screens as pictures, at the sizes people use.

`pytest tests/snapshots --snapshot-update` takes the pictures again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from station.app import StationApp
from station.screens.acting import Acting
from tests.station.fake_source import FakeSource
from tests.station.past_sample import rich_past
from tests.widgets.desk_sample import idle_desk

Compare: TypeAlias = Callable[..., bool]
Size: TypeAlias = tuple[int, int]

SIZES = ((80, 24), (120, 40), (200, 60))
SCREENS: dict[str, tuple[str, ...]] = {
    "unprotected": ("3",),
    "positions": ("3", "down"),
    "closed": ("3", "down", "tab", "tab", "tab", "down"),
    "signals": ("4", "down", "down", "down", "down"),
    "traded": ("4", *["down"] * 9),
}
STATES: dict[str, tuple[Callable[[], FakeSource], tuple[str, ...]]] = {
    "no_position": (lambda: FakeSource(idle_desk()), ("3",)),
    "no_signal": (lambda: FakeSource(idle_desk()), ("4",)),
    "lost_positions": (lambda: FakeSource(connected=False, trouble="The connection was lost; trying again."), ("3",)),
    "stops": (lambda: FakeSource(past=rich_past()), ("3", "down", "e")),
    "help_positions": (lambda: FakeSource(past=rich_past()), ("3", "question_mark")),
}


def ready(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press, and wait until what was asked is painted."""

    async def before(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
            for screen in pilot.app.screen_stack:
                if isinstance(screen, Acting):
                    screen._paint()
            await pilot.app.workers.wait_for_complete()
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False
        if isinstance(pilot.app.screen, Acting):
            pilot.app.screen._paint()
        await pilot.pause()

    return before


def station(source: FakeSource | None = None, theme: str = "") -> App[None]:
    return StationApp(source or FakeSource(past=rich_past()), keys={}, theme=theme, symbol=None)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_screens(snap_compare: Compare, name: str, size: Size) -> None:
    assert snap_compare(station(), terminal_size=size, run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("name", STATES)
def test_states(snap_compare: Compare, name: str) -> None:
    source, keys = STATES[name]
    assert snap_compare(station(source()), terminal_size=(120, 40), run_before=ready(*keys))


@pytest.mark.parametrize("name", SCREENS)
def test_sixty_columns(snap_compare: Compare, name: str) -> None:
    assert snap_compare(station(), terminal_size=(60, 20), run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("name", ["unprotected", "traded"])
def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(station(), terminal_size=(120, 40), run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize("theme", ["amber", "paper-white", "contrast"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(station(theme=theme), terminal_size=(120, 40), run_before=ready(*SCREENS["unprotected"]))
