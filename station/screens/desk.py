"""The desk: layout and messages. It paints the replica on one timer and keeps only what is being looked at."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from station.actions import ON_DESK
from station.keyline import KeyLine
from station.screens.acting import TOO_SMALL, bindings
from station.screens.looking import PANELS, Looking
from widgets import format as fmt
from widgets.banner import ModeBanner
from widgets.board_line import BoardLine
from widgets.board_panel import BoardPanel
from widgets.candle_chart import CandleChart
from widgets.depth_panel import DepthPanel
from widgets.ensemble_panel import EnsemblePanel
from widgets.log_panel import LogPanel
from widgets.position_lines import when_of
from widgets.positions_panel import PositionsPanel
from widgets.signals_panel import SignalsPanel
from widgets.start_steps import StartSteps
from widgets.tape_panel import TapePanel
from widgets.watchlist import Watchlist


class DeskScreen(Looking):
    """The one screen a trader lives in.

    Args:
        source: replica and asks.
        keys: the person's own keys.
        symbol: chosen at first; None takes the first there is.
    """

    VERTICAL_BREAKPOINTS: list[tuple[int, str]] = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - Textual's own
    PLACE: ClassVar[str] = ON_DESK
    PANELS: ClassVar[tuple[str, ...]] = PANELS
    BINDINGS: ClassVar[list[BindingType]] = bindings(ON_DESK)

    def compose(self) -> ComposeResult:
        """Banner, charts, decisions, holdings, keys."""
        yield ModeBanner(id="banner")
        yield Static(TOO_SMALL, id="too-small")
        yield Static(id="trouble")
        yield StartSteps(id="steps")
        with Horizontal(id="top", classes="row"):
            yield Watchlist(id="watch", classes="panel")
            yield CandleChart(id="chart")
            yield CandleChart(id="chart2")
            with Vertical(id="book"):
                yield DepthPanel(id="depth")
                yield TapePanel(id="tape")
        yield BoardLine(id="summary")
        with Horizontal(id="middle", classes="row"):
            yield BoardPanel(id="board", classes="panel")
            yield EnsemblePanel(id="ensemble", classes="panel")
            yield SignalsPanel(id="signals", classes="panel")
        with Horizontal(id="low", classes="row"):
            yield PositionsPanel(id="positions", classes="panel -shown")
            yield LogPanel(id="log", classes="panel")
        yield KeyLine(self._keys, self.PLACE)

    def on_mount(self) -> None:
        """Without colour candles are told apart by their shape."""
        for chart in self.query(CandleChart):
            chart.plain = self.app.no_color

    def _paint(self) -> None:
        desk, symbol, now = self.desk, self.symbol, self._source.now()
        wide = self.has_class("-wide")
        charts = {(symbol, self.timeframe_ms)} | ({(symbol, self.longer_ms)} if wide else set())
        self._source.watch_bars(frozenset(charts) if symbol else frozenset())
        super()._paint()
        self.query_one(StartSteps).show(desk)
        self._chart("#chart", self.timeframe_ms, now)
        if wide:
            self._chart("#chart2", self.longer_ms, now)
            self.query_one(DepthPanel).show(desk, symbol, now)
            self.query_one(TapePanel).show(desk, symbol)
        self.query_one(Watchlist).show(desk, symbol, now)
        self.query_one(BoardPanel).show(desk, symbol)
        self.query_one(EnsemblePanel).show(desk, symbol)
        self.query_one(SignalsPanel).show(desk, now)
        self.query_one(PositionsPanel).show(desk, now)
        self.query_one(LogPanel).show(desk)
        if self.has_class("-narrow") or self.has_class("-short"):
            self.query_one(BoardLine).show(desk, symbol)

    def _chart(self, name: str, timeframe_ms: int, now: int) -> None:
        desk, symbol = self.desk, self.symbol
        orders = [o for o in desk.orders.values() if o.symbol == symbol]
        fills = [f for f in desk.fills if f.symbol == symbol]
        watch, board, paid = desk.watch.get(symbol), desk.boards.get(symbol), desk.funding.get(symbol)
        self.query_one(name, CandleChart).show(
            self._source.bars(symbol, timeframe_ms),
            desk.instruments.get(symbol),
            desk.quotes.get(symbol),
            desk.positions.get(symbol),
            orders,
            fills,
            now,
            change=watch.change if watch is not None else None,
            outlook=board.outlook if board is not None else None,
            funding=fmt.funding(paid.rate, paid.at - when_of(desk.status, now).market) if paid is not None else "",
        )

    # What is done

    def _do_why(self) -> None:
        waiting = self.desk.waiting()
        self._why(waiting[0].id if waiting else max(self.desk.signals))

    def _why(self, signal_id: int) -> None:
        from station.screens.why import Why

        signal = self.desk.signals.get(signal_id)
        if signal is not None:
            self.app.push_screen(Why(signal, self.desk.instruments.get(signal.symbol)))

    def _do_search(self) -> None:
        from station.screens.search import Search

        def found(symbol: str | None) -> None:
            if symbol is not None:
                self.choose(symbol)

        self.app.push_screen(Search(self.symbols()), found)

    # Messages of the widgets

    def on_watchlist_chosen(self, event: Watchlist.Chosen) -> None:
        """A row of the watchlist."""
        self.choose(event.symbol)

    def on_signals_panel_chosen(self, event: SignalsPanel.Chosen) -> None:
        """A signal: why?"""
        self._why(event.signal_id)

    def on_positions_panel_outside_chosen(self, event: PositionsPanel.OutsideChosen) -> None:
        """Something from outside: what is to become of it?"""
        self.decide_outside(event.key)

    def on_positions_panel_position_chosen(self, event: PositionsPanel.PositionChosen) -> None:
        """A position: look at its symbol."""
        self.choose(event.symbol)
