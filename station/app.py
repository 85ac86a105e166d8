"""The station: modes and bindings, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

from textual.app import App
from textual.command import Provider
from textual.screen import Screen

from headless.models import ModelSource
from headless.research.source import ResearchSource
from headless.source import Source
from station.screens.acting import Acting
from station.screens.desk import DeskScreen
from station.themes import NAMES, THEMES

DESK, BACKTEST, SIGNALS, MODELS = "desk", "backtest", "signals", "models"
AI = "ai"


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
        research: the research process; it starts when the backtest screen is first opened. None: there is none.
        models: the forecasters of the data directory, likewise.
    """

    TITLE = "Trefoil"
    CSS_PATH = "desk.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {_palette}
    COMMAND_PALETTE_BINDING = "ctrl+backslash"

    def __init__(
        self,
        source: Source,
        *,
        keys: Mapping[str, str],
        theme: str,
        symbol: str | None,
        research: ResearchSource | None = None,
        models: ModelSource | None = None,
    ) -> None:
        super().__init__()
        self._research = research
        self._models = models
        self._source = source
        self._keys = dict(keys)
        self._symbol = symbol
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme if theme in NAMES else NAMES[0]

    def get_default_screen(self) -> DeskScreen:
        """The desk."""
        return DeskScreen(self._source, self._keys, self._symbol)

    def on_acting_mode_wanted(self, event: Acting.ModeWanted) -> None:
        """Another screen over the desk; what it shows stays while one is away."""
        mode = event.mode
        if (mode == BACKTEST and self._research is None) or (mode == MODELS and self._models is None):
            self.notify("This station has no data directory to research in; open it with trefoil.", severity="warning")
            return
        if mode != DESK and not self.is_screen_installed(mode):
            self.install_screen(self._made(mode), mode)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if mode != DESK:
            self.push_screen(mode)

    def _made(self, mode: str) -> Screen[None]:
        """A screen; what it needs is loaded when it is first wanted."""
        if mode == BACKTEST and self._research is not None:
            from station.screens.backtest import BacktestScreen

            return BacktestScreen(self._research)
        if mode == MODELS and self._models is not None:
            from station.screens.models import ModelsScreen

            return ModelsScreen(self._models)
        if mode == SIGNALS:
            from station.screens.signals import SignalsScreen

            return SignalsScreen(self._source, self._keys, None)
        if mode == AI:
            from station.screens.ai import AiScreen

            return AiScreen(self._source, self._keys, None)
        from station.screens.positions import PositionsScreen

        return PositionsScreen(self._source, self._keys, None)

    async def on_unmount(self) -> None:
        """The research process ends with the station."""
        if self._research is not None:
            await self._research.close()

    def on_mount(self) -> None:
        """Keys, then the connection."""
        self.set_keymap(self._keys)
        if isinstance(self._source, Runs):
            self.run_worker(self._source.run(), exclusive=True, name="connection")
