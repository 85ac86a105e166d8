"""The signals screen: every candidate, what stopped it or what came of it, and what stops us most."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from engine.errors import TrefoilError
from engine.ledger import SignalRow, Trail
from engine.model.signal import Signal, SignalStatus
from engine.view import PositionView
from headless.source import Source
from station.actions import BY_ID, ON_SIGNALS
from station.paging import Pages
from station.past_signals import STATUSES, contract_of, signal_of, together
from station.screens.acting import Acting, bindings
from widgets.candidates_panel import CandidatesPanel
from widgets.format import base_of
from widgets.stoppers_panel import StoppersPanel
from widgets.story_panel import StoryPanel, may_have_orders

_TRAIL = msgspec.json.Decoder(Trail)
SCORES_MS = 10_000
"""How often it is asked whether the votes of the chosen signal have been judged."""


class SignalsScreen(Acting):
    """Signals, one of them chosen; approve and reject mean the chosen one."""

    PLACE: ClassVar[str] = ON_SIGNALS
    PANELS: ClassVar[tuple[str, ...]] = ("#list", "#story", "#stoppers")
    BINDINGS: ClassVar[list[BindingType]] = bindings(ON_SIGNALS)
    CSS_PATH: ClassVar[str] = "signals.tcss"

    def __init__(self, source: Source, keys: dict[str, str], symbol: str | None) -> None:
        super().__init__(source, keys, symbol)
        self._only = ""
        self._status = 0
        self._pages = Pages(source, "signals", SignalRow)
        self._past: dict[int, Signal] = {}
        self._shown: list[Signal] = []
        self._trails: dict[tuple[int, SignalStatus, bool], Trail] = {}
        self._trail_of: tuple[int, SignalStatus, bool] | None = None
        self._trail_said = ""
        self._trail_due = 0

    def compose(self) -> ComposeResult:
        """Banner, counts and list, story, keys."""
        yield from self.framed(
            Vertical(
                StoppersPanel(id="stoppers", classes="panel"),
                CandidatesPanel(id="list", classes="panel"),
                id="left",
                classes="row",
            ),
            StoryPanel(id="story", classes="panel"),
        )

    def on_mount(self) -> None:
        """The first page of the past."""
        self._more()

    @property
    def chosen(self) -> Signal | None:
        """The signal under the cursor."""
        cursor = self.query_one(CandidatesPanel).cursor
        if not cursor:
            return None
        return self.desk.signals.get(int(cursor)) or self._past.get(int(cursor))

    @property
    def symbol(self) -> str:
        """Of the chosen signal."""
        signal = self.chosen
        return signal.symbol if signal is not None else ""

    def _paint(self) -> None:
        self._list()
        super()._paint()
        self._explain()

    def _list(self) -> None:
        words, statuses = STATUSES[self._status]
        every = together(self.desk.signals, self._past.values(), self._only)
        shown = [signal for signal in every if signal.status in statuses]
        if shown != self._shown:
            self._shown = shown
        only = " ".join(part for part in (base_of(self._only), words) if part)
        pages = self._pages
        self.query_one(CandidatesPanel).show(
            self._shown, self._source.now(), done=pages.done, said=pages.trouble, only=only
        )
        self.query_one(StoppersPanel).show(self._shown)

    def _explain(self) -> None:
        signal = self.chosen
        if signal is None:
            self.query_one(StoryPanel).show(None, None, None, None)
            return
        position = self._position(signal)
        key = (signal.id, signal.status, position is not None)
        known = self._trails.get(key)
        due = known is not None and known.votes and not known.scores and self._source.now() >= self._trail_due
        if (key != self._trail_of or due) and self._source.connected:
            self._trail_of = key
            self._trail_said = ""
            self._trail_due = self._source.now() + SCORES_MS
            if may_have_orders(signal) and (known is None or due):
                self._read_trail(key)
        instrument = self.desk.instruments.get(signal.symbol)
        if instrument is None:
            row = next((row for row in self._pages.rows if row.signal_id == signal.id), None)
            instrument = contract_of(row) if row is not None else None
        self.query_one(StoryPanel).show(signal, instrument, self._trails.get(key), position, self._trail_said)

    def _position(self, signal: Signal) -> PositionView | None:
        """The open position this signal made."""
        position = self.desk.positions.get(signal.symbol)
        return position if position is not None and position.origin == f"signal:{signal.id}" else None

    # What is asked of the engine

    @work(group="trail", exclusive=True)
    async def _read_trail(self, key: tuple[int, SignalStatus, bool]) -> None:
        try:
            self._trails[key] = _TRAIL.decode(await self._source.query("trail", {"signal": key[0]}))
        except TrefoilError as error:
            self._trail_said = str(error)
        self._dirty = True

    @work(group="pages")
    async def _more(self) -> None:
        if await self._pages.more():
            known = self.desk.instruments
            self._past = {row.signal_id: signal_of(row, known.get(row.symbol)) for row in self._pages.rows}
            self._list()

    # What is done

    def do(self, action_id: str) -> None:
        """Approve and reject mean the chosen signal, and never another one."""
        signal = self.chosen
        waits = signal is not None and signal.status is SignalStatus.WAITING
        if action_id in {"approve", "reject"} and self.desk.waiting() and not waits:
            self.say(f"{BY_ID[action_id].label}: the chosen signal does not wait; those on top do", "warning")
            return
        super().do(action_id)

    def _waiting_signal(self) -> int:
        signal = self.chosen
        return signal.id if signal is not None else super()._waiting_signal()

    def _step_panel(self, by: int) -> None:
        super()._step_panel(by)
        self.set_class(self.PANELS[self._panel] == "#stoppers", "-counting")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Tab goes on from the panel one is in."""
        name = f"#{event.widget.id}"
        if name in self.PANELS:
            self._panel = self.PANELS.index(name)

    def on_candidates_panel_moved(self) -> None:
        """Another signal."""
        self._dirty = True

    def on_candidates_panel_wanted(self, event: CandidatesPanel.Wanted) -> None:
        """Scrolled near the end, or there is room for more, and none have come since."""
        if len(self._shown) == event.known:
            self._more()

    def _do_status(self) -> None:
        self._status = (self._status + 1) % len(STATUSES)
        self.query_one(CandidatesPanel).first_again()
        self._dirty = True

    def _do_filter(self) -> None:
        from station.screens.search import Search

        if self._only:
            self._choose_only("")
            return
        known = dict.fromkeys([*(signal.symbol for signal in self._shown), *self.symbols()])

        def found(symbol: str | None) -> None:
            if symbol is not None:
                self._choose_only(symbol)

        self.app.push_screen(Search(list(known)), found)

    def _choose_only(self, symbol: str) -> None:
        self._only = symbol
        self._past = {}
        self._pages.forget(symbol)
        self.query_one(CandidatesPanel).first_again()
        self._more()
        self._dirty = True
