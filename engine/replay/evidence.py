"""What a journal tells of the reasons: signals with their gates, commands, modes, holds, orders' fates, outages."""

from __future__ import annotations

from typing import NamedTuple

from engine.core.core import Core
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Autonomy
from engine.model.order import OrderRequest
from engine.model.signal import Signal
from engine.ports import Entry


class Mode(NamedTuple):
    """Autonomy, pause and halt from entry `seq` (`at`, ms UTC of the market) on; `by` is who changed it."""

    seq: int
    at: int
    autonomy: Autonomy
    paused: bool
    halt: str
    by: str


class Hold(NamedTuple):
    """Automatic trading of a symbol is held from entry `seq` (`at`, ms UTC of the market) on; no reason gives it back."""

    seq: int
    at: int
    reason: str


class Said(NamedTuple):
    """A command, its entry and when it came (ms UTC of the market), who sent it, and its answer."""

    seq: int
    at: int
    source: str
    command: object
    ok: bool
    text: str

    @property
    def symbol(self) -> str:
        """The one it names, or empty."""
        return str(getattr(self.command, "symbol", "") or "")


class Outage(NamedTuple):
    """The engine (or a link of it) was down: `begin` to `end`, ms UTC of the market; `what` says which."""

    begin: int
    end: int
    what: str


class Fate(NamedTuple):
    """What became of an order that did not simply fill, and when, ms UTC of the market."""

    at: int
    request: OrderRequest
    text: str


class Decided(NamedTuple):
    """A signal as it was first decided at entry `seq`, and as it became."""

    seq: int
    first: Signal
    signal: Signal


class Evidence:
    """Collected entry by entry. Times are the market's, ms UTC; what came first is told by the entries' sequence."""

    def __init__(self) -> None:
        self.signals: dict[int, Decided] = {}
        self.by_bar: dict[tuple[str, int], list[int]] = {}
        self.modes: list[Mode] = []
        self.holds: dict[str, list[Hold]] = {}
        self.commands: list[Said] = []
        self.fates: dict[str, Fate] = {}
        self.outages: list[Outage] = []
        self.backfilled: set[tuple[str, int]] = set()
        self._down: dict[str, int] = {}

    def take(self, entry: Entry, core: Core, before: int, now: int) -> None:
        """The next entry; `core` has it taken in, `before` and `now` are market time before and after it."""
        event = entry.event
        match event:
            case e.EngineStarted() if before:
                self._down.setdefault("the engine", before)
            case e.LinkChanged(link=link, up=False):
                self._down.setdefault(f"the {link} link", now)
            case e.LinkChanged(link="feed", up=True):
                self._up("the feed link", now)
            case e.Reconciled():
                self._up("the venue link", now)
            case (
                e.OrderRefused(client_id=client_id)
                | e.OrderLost(client_id=client_id)
                | e.OrderGone(client_id=client_id)
            ):
                self._fate(core, client_id, now)
            case e.OrderNotFound(client_id=client_id):
                self._fate(core, client_id, now)
            case e.BarClosed(symbol=symbol, bar=bar, backfilled=True):
                self.backfilled.add((symbol, bar.open_time))
            case _:
                pass
        if now > before and isinstance(
            event, (e.BarClosed, e.ClockTick)
        ):  # what the venue tells of the past is no sign
            self._up("the engine", now)
        self._decisions(entry, now)

    def close(self, now: int) -> None:
        """The last entry has been taken: what is down stays down."""
        for what in list(self._down):
            self._up(what, now)

    def signals_at(self, symbol: str, bar_time: int) -> list[Decided]:
        """Signals decided at a bar, oldest first."""
        return [self.signals[key] for key in self.by_bar.get((symbol, bar_time), ())]

    def mode_at(self, seq: int) -> Mode | None:
        """The mode in force at an entry, None before the first change."""
        return next((mode for mode in reversed(self.modes) if mode.seq < seq), None)

    def paused_since(self, seq: int) -> Mode | None:
        """The change that paused entries as they are paused at an entry, None where they are not."""
        found = None
        for mode in self.modes:
            if mode.seq >= seq:
                break
            found = (found or mode) if mode.paused else None
        return found

    def hold_at(self, symbol: str, seq: int) -> Hold | None:
        """The hold in force on a symbol at an entry, None where there is none."""
        found = next((hold for hold in reversed(self.holds.get(symbol, [])) if hold.seq < seq), None)
        return found if found is not None and found.reason else None

    def outage_in(self, begin: int, end: int) -> Outage | None:
        """The first outage that lies (in part) between two times."""
        return next((one for one in self.outages if one.begin < end and begin < one.end), None)

    def said_in(self, symbol: str, begin: int, end: int, kinds: tuple[type, ...]) -> Said | None:
        """The first command of these kinds between two times that is about the symbol or about all."""
        for said in self.commands:
            about = said.symbol in ("", symbol)
            if said.ok and begin <= said.at <= end and about and isinstance(said.command, kinds):
                return said
        return None

    def _up(self, what: str, now: int) -> None:
        begin = self._down.pop(what, None)
        if begin is not None and now > begin:
            self.outages.append(Outage(begin, now, what))

    def _fate(self, core: Core, client_id: str, now: int) -> None:
        order = core.state.orders.get(client_id)
        if order is not None:
            text = f"{order.status.value}: {order.reason}" if order.reason else order.status.value
            self.fates[client_id] = Fate(now, order.request, text)

    def _decisions(self, entry: Entry, now: int) -> None:
        event = entry.event
        by = event.source if isinstance(event, e.CommandReceived) else "the desk"
        for decision in entry.decisions:
            match decision:
                case d.SignalDecided(signal=signal):
                    known = self.signals.get(signal.id)
                    if known is None:
                        self.by_bar.setdefault((signal.symbol, signal.bar_time), []).append(signal.id)
                        known = Decided(entry.seq, signal, signal)
                    self.signals[signal.id] = known._replace(signal=signal)
                case d.ModeSet(autonomy=autonomy, paused=paused, halt=halt):
                    self.modes.append(Mode(entry.seq, now, Autonomy(autonomy), paused, halt, by))
                case d.SymbolHeld(symbol=symbol, reason=reason):
                    self.holds.setdefault(symbol, []).append(Hold(entry.seq, now, reason))
                case d.CommandAnswered(ok=ok, text=text) if isinstance(event, e.CommandReceived):
                    self.commands.append(Said(entry.seq, now, event.source, event.command, ok, text))
                case _:
                    pass
