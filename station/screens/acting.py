"""What every screen over an engine shares: the replica, its painting, and each way of asking the engine to do something."""

from __future__ import annotations

from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from engine.model import command as c
from engine.model.order import Side
from engine.view import Desk
from headless.source import Source
from station.actions import ACTIONS, BY_ID
from station.keyline import KeyLine
from station.themes import NAMES
from widgets.banner import ModeBanner

PAINT_S = 0.1
AGES_EVERY = 10
SAID_S = 4.0
MIN_WIDTH, MIN_HEIGHT = 60, 16
TOO_SMALL = f"This terminal is too small: {MIN_WIDTH} x {MIN_HEIGHT} are needed."
ORDER = (c.Autonomy.OBSERVE, c.Autonomy.APPROVE, c.Autonomy.AUTO)


def counted(count: int, noun: str) -> str:
    """``1 position``, ``2 positions``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def bindings(place: str) -> list[BindingType]:
    """The keys of a place, from the table of actions."""
    return [
        Binding(a.key, f"do('{a.id}')", a.label, id=a.id, show=False, priority=a.key == "tab")
        for a in ACTIONS
        if place in a.places
    ]


class Acting(Screen[None]):
    """A screen over the replica.

    It paints on one timer and keeps only what is being looked at. A subclass names its `PLACE` in the table of actions
    and its `PANELS`, in the order of Tab; in a narrow terminal one of them is shown at a time.

    Args:
        source: replica and asks.
        keys: the person's own keys.
        symbol: chosen at first; None takes the first there is.
    """

    PLACE: ClassVar[str] = ""
    PANELS: ClassVar[tuple[str, ...]] = ()
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [  # noqa: RUF012 - Textual declares it as an instance variable
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]

    class ModeWanted(Message):
        """A person wants another screen: desk, backtest, positions, signals, AI, models or settings."""

        def __init__(self, mode: str) -> None:
            self.mode = mode
            super().__init__()

    def __init__(self, source: Source, keys: dict[str, str], symbol: str | None) -> None:
        super().__init__()
        self._source = source
        self._keys = keys
        self._symbol = symbol or ""
        self._panel = 0
        self._dirty = True
        self._beat = 0
        source.on_change(self._mark)

    def _mark(self) -> None:
        self._dirty = True

    @property
    def desk(self) -> Desk:
        """The replica."""
        return self._source.desk

    @property
    def symbol(self) -> str:
        """The chosen symbol, or the first there is."""
        desk = self.desk
        if self._symbol not in desk.instruments and desk.instruments:
            self._symbol = next(iter(desk.instruments))
        return self._symbol

    def symbols(self) -> list[str]:
        """All symbols of the desk, in its order."""
        return list(self.desk.instruments)

    def choose(self, symbol: str) -> None:
        """Look at another symbol."""
        self._symbol = symbol
        self._dirty = True

    @property
    def keys(self) -> dict[str, str]:
        """The person's own keys."""
        return self._keys

    @property
    def panels(self) -> tuple[str, ...]:
        """What Tab walks through at the width of now."""
        return self.PANELS

    # Painting

    def framed(self, *panels: Widget) -> ComposeResult:
        """Banner and what is in the way above the panels, the key line below."""
        yield ModeBanner(id="banner")
        yield Static(TOO_SMALL, id="too-small")
        yield Static(id="trouble")
        yield Horizontal(*panels, id="all")
        yield KeyLine(self._keys, self.PLACE)

    def on_mount(self) -> None:
        """Paint at once, then on the timer."""
        self.query_one(self.PANELS[0]).focus()
        self._paint()
        self.set_interval(PAINT_S, self._on_beat)

    def on_resize(self, event: events.Resize) -> None:
        """A sentence instead of a broken screen."""
        small = event.size.width < MIN_WIDTH or event.size.height < MIN_HEIGHT
        self.set_class(small, "-small")
        self._dirty = True

    def on_screen_resume(self) -> None:
        """What happened meanwhile is painted."""
        self._dirty = True

    def _on_beat(self) -> None:
        self._beat += 1
        if (self._dirty or self._beat % AGES_EVERY == 0) and self.is_current:
            self._dirty = False
            self._paint()

    def _paint(self) -> None:
        """The parts that all screens have: a subclass adds its own."""
        self.query_one(ModeBanner).show(self.desk, self._source.now(), connected=self._source.connected)
        trouble = self._source.trouble
        line = self.query_one("#trouble", Static)
        line.display = bool(trouble)
        line.update(Content(trouble))
        self.query_one(KeyLine).show(self.desk, self.symbol)

    # What is looked at

    def _do_panel(self) -> None:
        self._step_panel(1)

    def _do_previous_panel(self) -> None:
        self._step_panel(-1)

    def _step_panel(self, by: int) -> None:
        if self.has_class("-alone"):
            self._do_maximise()
        panels = self.panels
        self._panel = (self._panel + by) % len(panels)
        for place, name in enumerate(self.PANELS):
            self.query_one(name).set_class(place == self._panel, "-shown")
        self.query_one(panels[self._panel]).focus()

    def _do_maximise(self) -> None:
        alone = self.has_class("-alone")
        self.set_class(not alone, "-alone")
        for part in self.query(".-only, .-holds"):
            part.remove_class("-only", "-holds")
        if not alone:
            panel = self.focused or self.query_one(self.PANELS[0])
            panel.add_class("-only")
            for row in self.query(".row, #book"):
                row.set_class(row in panel.ancestors, "-holds")
        self._dirty = True

    def _do_theme(self) -> None:
        now = NAMES.index(self.app.theme) if self.app.theme in NAMES else -1
        self.wear(NAMES[(now + 1) % len(NAMES)])

    def wear(self, theme: str) -> None:
        """Other colours."""
        self.app.theme = theme
        self._dirty = True

    # What is done

    def action_do(self, action_id: str) -> None:
        """A key."""
        self.do(action_id)

    def do(self, action_id: str) -> None:
        """Carry out an action of the table, or say why not."""
        action = BY_ID[action_id]
        reason = action.blocked(self.desk, self.symbol)
        if reason:
            self.say(f"{action.label}: {reason}", "warning")
            return
        getattr(self, f"_do_{action_id}")()

    def say(self, text: str, severity: SeverityLevel) -> None:
        """One sentence at the top right; it takes the place of the one before."""
        self.app.clear_notifications()
        self.notify(text, severity=severity, timeout=SAID_S, markup=False)

    @work
    async def ask(self, command: c.Command) -> None:
        """Ask the engine and show its sentence."""
        if not self._source.connected:
            self.say("The engine is not connected; nothing was sent.", "error")
            return
        answer = await self._source.ask(command)
        self.say(answer.text, "information" if answer.ok else "warning")

    def _do_buy(self) -> None:
        self._ticket(Side.BUY)

    def _do_sell(self) -> None:
        self._ticket(Side.SELL)

    def _ticket(self, side: Side) -> None:
        from station.screens.ticket import Ticket

        desk, symbol = self.desk, self.symbol
        self.app.push_screen(Ticket(side, desk.instruments[symbol], desk, desk.boards.get(symbol)), self._placed)

    def _placed(self, command: c.PlaceOrder | None) -> None:
        if command is not None:
            self.ask(command)

    def _do_close(self) -> None:
        self.ask(c.ReducePosition(symbol=self.symbol))

    def _do_half(self) -> None:
        self.ask(c.ReducePosition(symbol=self.symbol, percent=50))

    def _do_flip(self) -> None:
        self.ask(c.FlipPosition(symbol=self.symbol))

    def _do_flatten(self) -> None:
        from widgets.format import money

        held = self.desk.positions.values()
        total = money(sum(position.unrealised for position in held), sign=True)
        what = f"Close {counted(len(held), 'position')} at market (unrealised {total} USDT) and cancel all entries."
        self._sure("Flatten all", what, "FLATTEN", c.FlattenAll())

    def _do_kill(self) -> None:
        self._sure("Kill", "Pause and cancel all entries; protection continues.", "KILL", c.Kill())

    def _sure(self, title: str, detail: str, word: str, command: c.Command) -> None:
        from station.screens.confirm import Confirm

        def said(yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it with the result
            if yes:
                self.ask(command)

        self.app.push_screen(Confirm(title, detail, word if self.desk.status.mode == "live" else ""), said)

    def _do_outside(self) -> None:
        self.decide_outside(self.symbol)

    def decide_outside(self, first: str) -> None:
        """Ask what is to become of what somebody else did, beginning with `first` (see `station.screens.outside`)."""
        from station.screens.outside import Decision, OutsideDialog, close_question

        def decided(command: Decision | None) -> None:
            if isinstance(command, c.ResolvePosition) and command.action is c.Outside.CLOSE:
                title, detail = close_question(command, self.desk)
                self._sure(title, detail, "CLOSE", command)
            elif command is not None:
                self.ask(command)

        self.app.push_screen(OutsideDialog(self.desk, first), decided)

    def _do_cancel_all(self) -> None:
        self.ask(c.CancelAll())

    def _do_pause(self) -> None:
        status = self.desk.status
        self.ask(c.SetPaused(paused=not (status.paused or status.halt)))

    def _do_mode(self) -> None:
        now = ORDER.index(c.Autonomy(self.desk.status.autonomy))
        self.ask(c.SetAutonomy(autonomy=ORDER[(now + 1) % len(ORDER)]))

    def _do_release(self) -> None:
        self.ask(c.ReleaseSymbol(symbol=self.symbol))

    def _waiting_signal(self) -> int:
        """The signal that approve and reject mean."""
        return self.desk.waiting()[0].id

    def _do_approve(self) -> None:
        self.ask(c.ApproveSignal(signal_id=self._waiting_signal()))

    def _do_reject(self) -> None:
        self.ask(c.RejectSignal(signal_id=self._waiting_signal()))

    def _do_protect(self) -> None:
        from station.screens.protect import Protect

        position, instrument = self.desk.positions[self.symbol], self.desk.instruments[self.symbol]
        self.app.push_screen(Protect(position, instrument, self.desk), self._protected)

    def _protected(self, command: c.SetProtection | None) -> None:
        if command is not None:
            self.ask(command)

    def _do_palette(self) -> None:
        self.app.action_command_palette()

    def _do_desk(self) -> None:
        self.post_message(self.ModeWanted("desk"))

    def _do_backtest(self) -> None:
        self.post_message(self.ModeWanted("backtest"))

    def _do_positions(self) -> None:
        self.post_message(self.ModeWanted("positions"))

    def _do_signals(self) -> None:
        self.post_message(self.ModeWanted("signals"))

    def _do_models(self) -> None:
        self.post_message(self.ModeWanted("models"))

    def _do_ai(self) -> None:
        self.post_message(self.ModeWanted("ai"))

    def _do_settings(self) -> None:
        self.post_message(self.ModeWanted("settings"))

    def _do_help(self) -> None:
        from station.screens.help import Help

        self.app.push_screen(Help(self._keys, self.PLACE))

    def _do_quit(self) -> None:
        from station.screens.leave import Leave

        known = self.desk.status.ready
        self.app.push_screen(Leave(len(self.desk.positions) if known else None), self._leave)

    def _leave(self, choice: str | None) -> None:
        if choice == "detach":
            self.app.exit()
        elif choice == "stop":
            self._stop()

    @work
    async def _stop(self) -> None:
        if self._source.connected:
            await self._source.stop_engine()
        self.app.exit()
