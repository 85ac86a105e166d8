"""What a screen sees of an engine: a replica, and a way to ask. The real client and the tests' fake both are one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from engine.model.command import Command
from engine.view import Desk
from engine.view_bars import BarsView


class Answer(msgspec.Struct, frozen=True):
    """Result of a command: one sentence."""

    ok: bool
    text: str


class Source(Protocol):
    """The station's one view of the world."""

    @property
    def desk(self) -> Desk:
        """The replica; the same object for the life of the source, changed in place."""
        ...

    @property
    def connected(self) -> bool:
        """An engine is on the other end right now."""
        ...

    @property
    def trouble(self) -> str:
        """Why there is no engine, in one sentence; empty when connected or still connecting for the first time."""
        ...

    def bars(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        """The replica of a chart that was watched with `watch_bars`; None until its snapshot has come."""
        ...

    def watch_bars(self, charts: frozenset[tuple[str, int]]) -> None:
        """The charts on screen, as (symbol, timeframe_ms); others are given up."""
        ...

    def now(self) -> int:
        """Wall time, ms UTC (frozen in tests)."""
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` (cheap, same loop) after anything in the replica changed."""
        ...

    async def ask(self, command: Command) -> Answer:
        """Ask the engine; resent with the same id after a reconnect, so it is done at most once."""
        ...

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> msgspec.Raw:
        """History rows as raw JSON; raises engine.errors.TrefoilError with the engine's sentence."""
        ...

    async def stop_engine(self) -> Answer:
        """Stop the engine process in good order."""
        ...
