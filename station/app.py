"""The station: modes and bindings, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

from rich.segment import Segments
from textual.app import App
from textual.command import Provider
from textual.screen import Screen
from textual.theme import Theme

from engine.errors import TrefoilError
from headless.models import ModelSource
from headless.research.source import ResearchSource
from headless.settings import SettingsSource
from headless.source import Source
from station.screens.acting import Acting
from station.screens.desk import DeskScreen
from station.themes import NAMES, THEMES

DESK, BACKTEST, SIGNALS, MODELS = "desk", "backtest", "signals", "models"
AI, SETTINGS = "ai", "settings"


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
        settings: files and keys of this user; None: there is no settings screen.
        keep_theme: writes down the chosen colours; raises TrefoilError where it cannot.
        begin: starts the engine, once the first frame is on the terminal; OSError ends the station with its sentence.
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
        settings: SettingsSource | None = None,
        keep_theme: Callable[[str], None] | None = None,
        begin: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._begin = begin
        self._research = research
        self._models = models
        self._settings = settings
        self._keep_theme = keep_theme
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
        needs = {BACKTEST: self._research, MODELS: self._models, SETTINGS: self._settings}
        if mode in needs and needs[mode] is None:
            self.notify("This station has no data directory of its own; open it with trefoil.", severity="warning")
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
        if mode == SETTINGS and self._settings is not None:
            from station.screens.settings import SettingsScreen

            return SettingsScreen(self._source, self._keys, self._settings)
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
        """Keys and colours."""
        self.set_keymap(self._keys)
        self.theme_changed_signal.subscribe(self, self._theme_chosen)

    def on_ready(self) -> None:
        """The first frame is there; the panels know their sizes now and fill it with the next."""
        self.call_after_refresh(self._connect)

    async def _connect(self) -> None:
        """The engine, then the connection to it."""
        if self._begin is not None:
            try:
                await asyncio.to_thread(self._begin)
            except OSError as error:
                self.exit(return_code=1, message=f"trefoil: the engine cannot be started: {error}")
                return
        if isinstance(self._source, Runs):
            self.run_worker(self._source.run(), exclusive=True, name="connection")

    def _theme_chosen(self, theme: Theme) -> None:
        """Other colours were chosen: they are those of the next start too."""
        if self._keep_theme is None:
            return
        try:
            self._keep_theme(theme.name)
        except TrefoilError as error:
            self.notify(str(error), severity="warning", markup=False)

    def _fatal_error(self) -> None:
        """A crash is printed without the values of variables: a key may be among them while it is typed."""
        from rich.traceback import Traceback

        self.bell()
        traceback = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()
