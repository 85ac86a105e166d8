"""The positions screen: what is held and the proof of its protection, its orders, what was closed, and the equity."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from engine.errors import TrefoilError
from engine.ledger import EquityRow, PositionRow, Trail
from headless.source import Source
from station.actions import ON_POSITIONS
from station.keyline import KeyLine
from station.paging import Pages
from station.screens.acting import TOO_SMALL, Acting, bindings
from widgets.account_curve import AccountCurve
from widgets.banner import ModeBanner
from widgets.closed_panel import ClosedPanel, when
from widgets.format import base_of
from widgets.holdings_panel import HoldingsPanel
from widgets.positions_panel import OUTSIDE
from widgets.proof_panel import ProofPanel
from widgets.trail_panel import TrailPanel

DAY_MS = 86_400_000
SPANS: dict[str, tuple[int, int]] = {"day": (DAY_MS, 120_000), "week": (7 * DAY_MS, 900_000)}
"""Length of the equity curve, and of the stretches it is thinned out to, ms."""
EQUITY_ROWS = 1_000
EQUITY_EVERY = 600
"""Beats of the painting timer (a minute) between two readings of the equity history."""

_TRAIL = msgspec.json.Decoder(Trail)


class _EquityPage(msgspec.Struct):
    rows: list[EquityRow]


_EQUITY = msgspec.json.Decoder(_EquityPage)


class PositionsScreen(Acting):
    """Positions, one of them chosen.

    Keys act on the position under the cursor of the upper panel, whatever panel has the focus.
    """

    PLACE: ClassVar[str] = ON_POSITIONS
    PANELS: ClassVar[tuple[str, ...]] = ("#held", "#proof", "#trail", "#closed", "#curve")
    BINDINGS: ClassVar[list[BindingType]] = bindings(ON_POSITIONS)
    CSS_PATH: ClassVar[str] = "positions.tcss"

    def __init__(self, source: Source, keys: dict[str, str], symbol: str | None) -> None:
        super().__init__(source, keys, symbol)
        self._only = ""
        self._pages = Pages(source, "closed", PositionRow)
        self._past: int | None = None
        self._trail: Trail | None = None
        self._trail_of: tuple[str, str | int, object] | None = None
        self._trail_said = ""
        self._open: frozenset[str] | None = None
        self._span = "day"
        self._equity: list[EquityRow] = []
        self._equity_said = ""

    def compose(self) -> ComposeResult:
        """Banner, positions, the chosen one, the past, keys."""
        yield ModeBanner(id="banner")
        yield Static(TOO_SMALL, id="too-small")
        yield Static(id="trouble")
        yield HoldingsPanel(id="held", classes="panel")
        with Horizontal(id="chosen", classes="row -shown"):
            yield ProofPanel(id="proof", classes="panel -shown")
            yield TrailPanel(id="trail", classes="panel")
        with Horizontal(id="past", classes="row"):
            yield ClosedPanel(id="closed", classes="panel")
            yield AccountCurve(id="curve", classes="panel")
        yield KeyLine(self._keys, self.PLACE)

    def on_screen_suspend(self) -> None:
        """The history may go on meanwhile."""
        self._open = None

    def on_screen_resume(self) -> None:
        """The curve goes up to this moment."""
        self._read_equity()

    @property
    def symbol(self) -> str:
        """Of the position under the cursor; empty where there is none."""
        symbol = self.query_one(HoldingsPanel).cursor
        return symbol if symbol in self.desk.positions else ""

    def _paint(self) -> None:
        desk, now = self.desk, self._source.now()
        self.query_one(HoldingsPanel).show(desk, now, self._only)
        super()._paint()
        self.query_one(ProofPanel).show(desk, self.symbol, now)
        if self._source.connected:
            self._keep_up()
        self._show_trail()
        self._show_closed()
        self.query_one(AccountCurve).show(self._equity, desk.account.equity, now, self._span, self._equity_said)
        if self._beat % EQUITY_EVERY == EQUITY_EVERY - 1:
            self._read_equity()

    # What is asked of the engine

    def _keep_up(self) -> None:
        """Ask for what the replica says has changed."""
        held = frozenset(self.desk.positions)
        if held != self._open:
            self._open = held
            self._renew()
        wanted = self._wanted()
        if wanted != self._trail_of:
            if self._trail_of is None or wanted is None or wanted[:2] != self._trail_of[:2]:
                self._trail = None
            self._trail_of = wanted
            if wanted is not None:
                self._read_trail(wanted[0], wanted[1])

    def _wanted(self) -> tuple[str, str | int, object] | None:
        """Argument and value of the trail on screen, and what it depends on."""
        if self._past is not None:
            return "position", self._past, None
        symbol = self.symbol
        position = self.desk.positions.get(symbol)
        if position is None:
            return None
        orders = tuple((o.client_id, o.status, o.filled) for o in self.desk.orders.values() if o.symbol == symbol)
        return "symbol", symbol, (position.opened, position.lots, orders)

    @work(group="trail", exclusive=True)
    async def _read_trail(self, name: str, value: str | int) -> None:
        try:
            self._trail = _TRAIL.decode(await self._source.query("trail", {name: value}))
            self._trail_said = ""
        except TrefoilError as error:
            self._trail_said = str(error)
        self._show_trail()

    @work(group="closed")
    async def _renew(self) -> None:
        if await self._pages.renew("id"):
            self._show_closed()

    @work(group="closed")
    async def _more(self) -> None:
        if await self._pages.more():
            self._show_closed()

    @work(group="equity", exclusive=True)
    async def _read_equity(self) -> None:
        length, every = SPANS[self._span]
        args: dict[str, str | int | float | None] = {
            "since": self._source.now() - length,
            "every": every,
            "limit": EQUITY_ROWS,
        }
        try:
            self._equity = _EQUITY.decode(await self._source.query("equity", args)).rows
            self._equity_said = ""
        except TrefoilError as error:
            self._equity_said = str(error)
        self._dirty = True

    # What is shown of it

    def _show_trail(self) -> None:
        if not self.is_mounted:
            return
        what, said = "", self._trail_said
        past = next((row for row in self._pages.rows if row.id == self._past), None)
        if past is not None:
            what = f"{base_of(past.symbol)} closed {when(past.closed or past.opened)}"
        elif self.symbol:
            what = base_of(self.symbol)
        else:
            self._trail = None
        if what and self._trail is None:
            said = said or "Asking the engine for its orders ..."
        self.query_one(TrailPanel).show(self._trail, what, said)

    def _show_closed(self) -> None:
        if self.is_mounted:
            pages = self._pages
            self.query_one(ClosedPanel).show(pages.rows, done=pages.done, said=pages.trouble, only=self._only)

    # What is looked at

    def _step_panel(self, by: int) -> None:
        super()._step_panel(by)
        shown = self.PANELS[self._panel]
        self.query_one("#proof").set_class(shown in {"#held", "#proof"}, "-shown")
        self.query_one("#chosen").set_class(shown in {"#held", "#proof", "#trail"}, "-shown")
        self.query_one("#past").set_class(shown in {"#closed", "#curve"}, "-shown")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The orders shown are those of the panel one is in: what is held, or what was closed."""
        name = event.widget.id
        if name in self.ids():
            self._panel = self.ids().index(name)
        if name in {"held", "proof"}:
            self._past = None
        elif name == "closed":
            self._past = self.query_one(ClosedPanel).position_id
        self._dirty = True

    def ids(self) -> list[str]:
        """The panels' ids in the order of Tab."""
        return [name.removeprefix("#") for name in self.PANELS]

    def on_holdings_panel_moved(self) -> None:
        """Another position."""
        self._past = None
        self._dirty = True

    def _do_outside(self) -> None:
        self.decide_outside(self.query_one(HoldingsPanel).cursor.removeprefix(OUTSIDE))

    def on_holdings_panel_outside_chosen(self, event: HoldingsPanel.OutsideChosen) -> None:
        """Something from outside: what is to become of it?"""
        self.decide_outside(event.key)

    def on_closed_panel_moved(self, event: ClosedPanel.Moved) -> None:
        """A closed position: its orders."""
        self._past = event.position_id
        self._dirty = True

    def on_closed_panel_wanted(self) -> None:
        """Scrolled near the end."""
        self._more()

    def _do_filter(self) -> None:
        from station.screens.search import Search

        if self._only:
            self._choose_only("")
            return
        known = dict.fromkeys([*self.desk.positions, *(row.symbol for row in self._pages.rows), *self.symbols()])

        def found(symbol: str | None) -> None:
            if symbol is not None:
                self._choose_only(symbol)

        self.app.push_screen(Search(list(known)), found)

    def _choose_only(self, symbol: str) -> None:
        self._only = symbol
        self._past = None
        self._pages.forget(symbol)
        self._more()
        self._dirty = True

    def _do_window(self) -> None:
        self._span = "week" if self._span == "day" else "day"
        self._equity = []
        self._read_equity()
        self._dirty = True
