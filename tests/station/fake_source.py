"""A source without an engine: a sample desk, frozen time, and a list of what was asked."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.model.command import Command
from engine.view import Desk
from engine.view_bars import BarsView
from headless.source import Answer
from tests.station.past_sample import Past
from tests.widgets.desk_sample import NOW, sample_bars, sample_desk


class FakeSource:
    """Implements headless.source.Source."""

    def __init__(
        self, desk: Desk | None = None, *, connected: bool = True, trouble: str = "", past: Past | None = None
    ) -> None:
        self._desk = desk or sample_desk(NOW)
        self.connected = connected
        self.trouble = trouble
        self.past = past or Past()
        self.asked: list[Command] = []
        self.stopped = False
        self.charts: frozenset[tuple[str, int]] = frozenset()

    @property
    def desk(self) -> Desk:
        return self._desk

    def bars(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        known = symbol in self._desk.instruments and (symbol, timeframe_ms) in self.charts
        return sample_bars(symbol, timeframe_ms) if known else None

    def watch_bars(self, charts: frozenset[tuple[str, int]]) -> None:
        self.charts = charts

    def now(self) -> int:
        return NOW

    def on_change(self, callback: Callable[[], None]) -> None:
        self.callback = callback

    async def ask(self, command: Command) -> Answer:
        self.asked.append(command)
        return Answer(ok=True, text="done")

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> msgspec.Raw:
        return self.past.query(name, args)

    async def stop_engine(self) -> Answer:
        self.stopped = True
        return Answer(ok=True, text="stopped")
