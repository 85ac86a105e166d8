"""The backtest screen as pictures, at the sizes people use.

`pytest tests/snapshots --snapshot-update` takes the pictures again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from headless.research import protocol as p
from station.screens.backtest import BacktestScreen
from station.themes import THEMES
from tests.station.fake_research import FakeResearch
from tests.widgets.research_sample import sample_run

Compare: TypeAlias = Callable[..., bool]
Size: TypeAlias = tuple[int, int]

SIZES = ((80, 24), (120, 40), (200, 60))
VIEWS: dict[str, tuple[str, ...]] = {
    "setup": (),
    "overview": ("enter",),
    "months": ("enter", "m"),
    "trade": ("enter", "n", "n", "n"),
    "luck": ("enter", "l"),
    "compare": ("escape", "h", "space", "down", "space", "c"),
}
DIED = p.Refused("The research process ended unexpectedly; what was asked is not done.")
WRONG = p.Refused("stop: must be a number", {"stop": "must be a number", "begin": "use an ISO date or time"})
STATES: dict[str, tuple[Callable[[], FakeResearch], tuple[str, ...]]] = {
    "died": (lambda: FakeResearch(DIED), ("enter",)),
    "wrong": (lambda: FakeResearch(WRONG), ("enter",)),
    "no_trade": (lambda: FakeResearch(p.Finished((sample_run(trades=0),))), ("enter", "t")),
    "nothing_stored": (lambda: FakeResearch(series=()), ("down", "f2")),
    "nothing_yet": (lambda: FakeResearch(series=()), ("escape",)),
    "choose": (FakeResearch, ("f2", "space")),
    "help": (FakeResearch, ("escape", "question_mark")),
}


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


def source() -> FakeResearch:
    return FakeResearch(kept=(sample_run("supertrend", seed=2, stop="0.02"), sample_run(seed=3)))


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys one after the other, and hold the cursor still."""

    async def before(pilot: Pilot[Any]) -> None:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await pilot.pause()
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", VIEWS)
def test_views(snap_compare: Compare, name: str, size: Size) -> None:
    assert snap_compare(Alone(source()), terminal_size=size, run_before=after(*VIEWS[name]))


@pytest.mark.parametrize("name", STATES)
def test_research_states(snap_compare: Compare, name: str) -> None:
    made, keys = STATES[name]
    assert snap_compare(Alone(made()), terminal_size=(120, 40), run_before=after(*keys))


@pytest.mark.parametrize("name", ["setup", "overview", "trade"])
def test_views_in_sixty_columns(snap_compare: Compare, name: str) -> None:
    assert snap_compare(Alone(source()), terminal_size=(60, 20), run_before=after(*VIEWS[name]))


@pytest.mark.parametrize("name", ["overview", "months", "trade", "compare"])
def test_views_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Alone(source()), terminal_size=(120, 40), run_before=after(*VIEWS[name]))
