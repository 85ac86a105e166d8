"""The desk: layout and messages. It paints the replica on one timer and keeps only what is being looked at."""

from __future__ import annotations

from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.widgets import Static

from engine.model import command as c
from engine.model.order import Side
from station.actions import ACTIONS, BY_ID
from station.keyline import KeyLine
from station.screens.looking import Looking
from widgets.banner import ModeBanner
from widgets.board_line import BoardLine
from widgets.board_panel import BoardPanel
from widgets.candle_chart import CandleChart
from widgets.depth_panel import DepthPanel
from widgets.ensemble_panel import EnsemblePanel
from widgets.log_panel import LogPanel
from widgets.positions_panel import PositionsPanel
from widgets.signals_panel import SignalsPanel
from widgets.start_steps import StartSteps
from widgets.tape_panel import TapePanel
from widgets.watchlist import Watchlist

PAINT_S = 0.1
AGES_EVERY = 10
SAID_S = 4.0
MIN_WIDTH, MIN_HEIGHT = 60, 16
ORDER = (c.Autonomy.OBSERVE, c.Autonomy.APPROVE, c.Autonomy.AUTO)


def counted(count: int, noun: str) -> str:
    """``1 position``, ``2 positions``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


class DeskScreen(Looking):
    """The one screen a trader lives in.

    Args:
        source: replica and asks.
        keys: the person's own keys.
        symbol: chosen at first; None takes the first there is.
    """

    class BacktestWanted(Message):
        """A person wants to try strategies on the past."""

    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [  # noqa: RUF012 - Textual declares it as an instance variable
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.key, f"do('{action.id}')", action.label, id=action.id, show=False, priority=action.key == "tab")
        for action in ACTIONS
    ]

    def compose(self) -> ComposeResult:
        """Banner, charts, decisions, holdings, keys."""
        yield ModeBanner(id="banner")
        yield Static(f"This terminal is too small: {MIN_WIDTH} x {MIN_HEIGHT} are needed.", id="too-small")
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
        yield KeyLine(self._keys)

    def on_mount(self) -> None:
        """Paint at once, then on the timer."""
        for chart in self.query(CandleChart):
            chart.plain = self.app.no_color
        self.query_one("#positions").focus()
        self._paint()
        self.set_interval(PAINT_S, self._on_beat)

    def on_resize(self, event: events.Resize) -> None:
        """A sentence instead of a broken screen."""
        small = event.size.width < MIN_WIDTH or event.size.height < MIN_HEIGHT
        self.set_class(small, "-small")
        self._dirty = True

    def _on_beat(self) -> None:
        self._beat += 1
        if (self._dirty or self._beat % AGES_EVERY == 0) and self.is_current:
            self._dirty = False
            self._paint()

    def _paint(self) -> None:
        desk, symbol, now = self.desk, self.symbol, self._source.now()
        wide = self.has_class("-wide")
        charts = {(symbol, self.timeframe_ms)} | ({(symbol, self.longer_ms)} if wide else set())
        self._source.watch_bars(frozenset(charts) if symbol else frozenset())
        self.query_one(ModeBanner).show(desk, now, connected=self._source.connected)
        self.query_one(StartSteps).show(desk)
        trouble = self._source.trouble
        line = self.query_one("#trouble", Static)
        line.display = bool(trouble)
        line.update(Content(trouble))
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
        self.query_one(KeyLine).show(desk, symbol)
        if self.has_class("-narrow"):
            self.query_one(BoardLine).show(desk, symbol)

    def _chart(self, name: str, timeframe_ms: int, now: int) -> None:
        desk, symbol = self.desk, self.symbol
        orders = [o for o in desk.orders.values() if o.symbol == symbol]
        fills = [f for f in desk.fills if f.symbol == symbol]
        watch = desk.watch.get(symbol)
        self.query_one(name, CandleChart).show(
            self._source.bars(symbol, timeframe_ms),
            desk.instruments.get(symbol),
            desk.quotes.get(symbol),
            desk.positions.get(symbol),
            orders,
            fills,
            now,
            change=watch.change if watch is not None else None,
        )

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

    def _do_cancel_all(self) -> None:
        self.ask(c.CancelAll())

    def _do_approve(self) -> None:
        self.ask(c.ApproveSignal(signal_id=self.desk.waiting()[0].id))

    def _do_reject(self) -> None:
        self.ask(c.RejectSignal(signal_id=self.desk.waiting()[0].id))

    def _do_why(self) -> None:
        waiting = self.desk.waiting()
        self._why(waiting[0].id if waiting else max(self.desk.signals))

    def _why(self, signal_id: int) -> None:
        from station.screens.why import Why

        signal = self.desk.signals.get(signal_id)
        if signal is not None:
            self.app.push_screen(Why(signal, self.desk.instruments.get(signal.symbol)))

    def _do_pause(self) -> None:
        status = self.desk.status
        self.ask(c.SetPaused(paused=not (status.paused or status.halt)))

    def _do_mode(self) -> None:
        now = ORDER.index(c.Autonomy(self.desk.status.autonomy))
        self.ask(c.SetAutonomy(autonomy=ORDER[(now + 1) % len(ORDER)]))

    def _do_release(self) -> None:
        self.ask(c.ReleaseSymbol(symbol=self.symbol))

    def _do_search(self) -> None:
        from station.screens.search import Search

        def found(symbol: str | None) -> None:
            if symbol is not None:
                self.choose(symbol)

        self.app.push_screen(Search(self.symbols()), found)

    def _do_palette(self) -> None:
        self.app.action_command_palette()

    def _do_backtest(self) -> None:
        self.post_message(self.BacktestWanted())

    def _do_help(self) -> None:
        from station.screens.help import Help

        self.app.push_screen(Help(self._keys))

    def _do_quit(self) -> None:
        from station.screens.leave import Leave

        self.app.push_screen(Leave(len(self.desk.positions)), self._leave)

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

    # Messages of the widgets

    def on_watchlist_chosen(self, event: Watchlist.Chosen) -> None:
        """A row of the watchlist."""
        self.choose(event.symbol)

    def on_signals_panel_chosen(self, event: SignalsPanel.Chosen) -> None:
        """A signal: why?"""
        self._why(event.signal_id)

    def on_positions_panel_position_chosen(self, event: PositionsPanel.PositionChosen) -> None:
        """A position: look at its symbol."""
        self.choose(event.symbol)
