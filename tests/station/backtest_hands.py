"""Hands on the backtest screen, for its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.backtest.view import Request
from headless.research import protocol as p
from station.screens.backtest import BacktestScreen
from station.themes import THEMES
from tests.station.fake_research import FakeResearch
from widgets.panel import Panel


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
