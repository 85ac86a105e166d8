"""The station: modes and bindings, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

from textual.app import App
from textual.command import Provider

from headless.source import Source
from station.screens.desk import DeskScreen
from station.themes import NAMES, THEMES


@runtime_checkable
class Runs(Protocol):
    """A source with a connection of its own to keep."""

    async def run(self) -> None:
        """Until cancelled."""
        ...


def _palette() -> type[Provider]:
    from station.palette import Actions

    return Actions


class StationApp(App[None]):
    """A client of an engine.

    Args:
        source: replica and asks.
        keys: the person's own keys, by action id.
        theme: its name; empty for the default.
        symbol: chosen at first.
    """

    TITLE = "Trefoil"
    CSS_PATH = "desk.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {_palette}
    COMMAND_PALETTE_BINDING = "ctrl+backslash"

    def __init__(self, source: Source, *, keys: Mapping[str, str], theme: str, symbol: str | None) -> None:
        super().__init__()
        self._source = source
        self._keys = dict(keys)
        self._symbol = symbol
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme if theme in NAMES else NAMES[0]

    def get_default_screen(self) -> DeskScreen:
        """The desk."""
        return DeskScreen(self._source, self._keys, self._symbol)

    def on_mount(self) -> None:
        """Keys, then the connection."""
        self.set_keymap(self._keys)
        if isinstance(self._source, Runs):
            self.run_worker(self._source.run(), exclusive=True, name="connection")
