"""The Settings screen: what is in force, and the keys of exchanges and models."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from engine.errors import TrefoilError
from engine.model.market import TIMEFRAMES
from engine.model.own import Fact, KeyList, KeyRow, Rights
from engine.view import StatusView
from headless.settings import Hidden, SettingsSource
from headless.source import Source
from station.actions import ON_SETTINGS
from station.keyline import KeyLine
from station.screens.acting import TOO_SMALL, Acting, bindings
from widgets.banner import ModeBanner
from widgets.facts_panel import FactsPanel
from widgets.keys_panel import KeysPanel, RightsPanel

KEPT = "It is kept in: {place}. Nothing of it is shown again; delete it at its maker to make it worthless."


def in_force(status: StatusView, theme: str) -> list[Fact]:
    """What the engine tells of itself, and this screen's colours."""
    frames = {ms: name for name, ms in TIMEFRAMES.items()}
    return [
        Fact("mode", status.mode.upper()),
        Fact("venue", status.venue or "-"),
        Fact("autonomy", status.autonomy, "Mode changes it"),
        Fact("theme", theme, "Theme changes and keeps it"),
        Fact("decides on", frames.get(status.timeframe_ms, "-")),
        Fact("risk a trade", f"{status.risk_fraction * 100:g} % of equity"),
        Fact("day loss halt", f"{status.day_loss_limit * 100:g} % of the day's first equity"),
        Fact("positions", f"at most {status.max_positions}"),
        Fact("leverage", f"at most {status.max_leverage}x"),
        Fact("voters", ", ".join(status.voters) or "none is configured"),
        Fact("forecaster", "trusted" if status.forecaster else "none is trusted"),
        Fact("engine", f"process {status.pid}, epoch {status.epoch}" if status.pid else "not connected"),
    ]


class SettingsScreen(Acting):
    """Settings at the left; keys over what is known of the chosen one at the right.

    Args:
        source: replica and asks.
        keys: the person's own key map.
        settings: files, limits and keys.
    """

    PLACE: ClassVar[str] = ON_SETTINGS
    PANELS: ClassVar[tuple[str, ...]] = ("#keys", "#rights", "#facts")
    BINDINGS: ClassVar[list[BindingType]] = bindings(ON_SETTINGS)
    CSS_PATH: ClassVar[str] = "settings.tcss"

    def __init__(self, source: Source, keys: dict[str, str], settings: SettingsSource) -> None:
        super().__init__(source, keys, None)
        self._settings = settings
        self._facts: tuple[Fact, ...] = ()
        self._facts_said = ""
        self._list: KeyList | None = None
        self._keys_said = ""
        self._rights: dict[str, Rights] = {}
        self._said: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Banner, facts, keys, key line."""
        yield ModeBanner(id="banner")
        yield Static(TOO_SMALL, id="too-small")
        yield Static(id="trouble")
        with Horizontal(id="all"):
            yield FactsPanel(id="facts", classes="panel")
            with Vertical(id="right", classes="row"):
                yield KeysPanel(id="keys", classes="panel -shown")
                yield RightsPanel(id="rights", classes="panel -shown")
        yield KeyLine(self._keys, self.PLACE)

    def on_screen_resume(self) -> None:
        """Files and places may have changed meanwhile."""
        self._read()

    def on_screen_suspend(self) -> None:
        """Nothing stays open that nobody looks at: a dialog over this screen does not close the vault."""
        if not any(screen is self for screen in self.app.screen_stack):
            self._settings.lock()

    def _paint(self) -> None:
        facts = [*in_force(self.desk.status, self.app.theme), *self._facts]
        self.query_one(FactsPanel).show(facts, self._facts_said)
        self.query_one(KeysPanel).show(self._list, self._keys_said)
        row = self.chosen
        name = row.name if row is not None else ""
        self.query_one(RightsPanel).show(row, self._rights.get(name), self._said.get(name, ""))
        super()._paint()

    @property
    def chosen(self) -> KeyRow | None:
        """The row under the cursor."""
        cursor = self.query_one(KeysPanel).cursor
        rows = self._list.rows if self._list is not None else ()
        return next((row for row in rows if row.name == cursor), None)

    def _step_panel(self, by: int) -> None:
        super()._step_panel(by)
        self.set_class(self.PANELS[self._panel] == "#facts", "-facts")

    def on_keys_panel_moved(self) -> None:
        """Another key."""
        self._dirty = True

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        try:
            self._facts, self._facts_said = await self._settings.facts(), ""
        except TrefoilError as error:
            self._facts_said = str(error)
        await self._read_keys()

    async def _read_keys(self) -> None:
        try:
            self._list, self._keys_said = await self._settings.keys(), ""
        except TrefoilError as error:
            self._keys_said = str(error)
        if self.is_mounted:
            self._paint()

    # What is done

    def _do_key_set(self) -> None:
        from station.screens.key_entry import KeyEntry

        row = self.chosen
        if row is None or self._list is None:
            return
        detail = KEPT.format(place=self._list.goes_to)
        parts = self._settings.parts(row.name)
        name = row.name

        def typed(parts: tuple[Hidden, ...] | None) -> None:
            if parts is not None:
                self._keep(name, parts)

        self.app.push_screen(KeyEntry(f"Key of {name}", detail, parts), typed)

    @work(group="keys")
    async def _keep(self, name: str, parts: tuple[Hidden, ...]) -> None:
        self._rights.pop(name, None)
        try:
            self._said[name] = await self._settings.keep(name, parts)
        except TrefoilError as error:
            self._said[name] = str(error)
        await self._read_keys()

    def _do_key_remove(self) -> None:
        from station.screens.confirm import Confirm

        row = self.chosen
        if row is None or not row.place:
            self.say("Remove: no key is set there", "warning")
            return
        name = row.name

        def said(yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it with the result
            if yes:
                self._forget(name)

        detail = f"It is removed from: {row.place}. An engine that runs with it goes on until it is stopped."
        self.app.push_screen(Confirm(f"Remove the key of {name}", detail), said)

    @work(group="keys")
    async def _forget(self, name: str) -> None:
        self._rights.pop(name, None)
        try:
            self._said[name] = await self._settings.forget(name)
        except TrefoilError as error:
            self._said[name] = str(error)
        await self._read_keys()

    def _do_key_check(self) -> None:
        row = self.chosen
        if row is None or not row.place:
            self.say("Check: no key is set there", "warning")
            return
        self._said[row.name] = "Asking the exchange ..."
        self._dirty = True
        self._check(row.name)

    @work(group="check", exclusive=True)
    async def _check(self, name: str) -> None:
        try:
            self._rights[name] = await self._settings.check(name)
            self._said[name] = ""
        except TrefoilError as error:
            self._rights.pop(name, None)
            self._said[name] = str(error)
        self._dirty = True

    def _do_unlock(self) -> None:
        from station.screens.key_entry import KeyEntry

        def typed(parts: tuple[Hidden, ...] | None) -> None:
            if parts is not None:
                self._open(parts[0])

        detail = (
            "It opens the encrypted vault file, or becomes the passphrase of a new one; it is forgotten when you leave."
        )
        self.app.push_screen(KeyEntry("Vault", detail, ("passphrase",)), typed)

    @work(group="keys")
    async def _open(self, passphrase: Hidden) -> None:
        try:
            await self._settings.unlock(passphrase)
            self.say("The vault is open until you leave this screen.", "information")
        except TrefoilError as error:
            self.say(str(error), "warning")
        await self._read_keys()
