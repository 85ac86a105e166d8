"""The parts of the backtest screen and which of them are seen; it asks for nothing and runs nothing."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.backtest.view import RunRow, RunView
from station.research_actions import FORM, HISTORY, OVERVIEW, TRADES, State
from station.research_form import ResearchForm
from station.research_keys import ResearchKeys
from widgets.bucket_bars import BucketBars
from widgets.equity_panel import EquityPanel
from widgets.luck_panel import LuckPanel
from widgets.metric_cards import MetricCards
from widgets.month_map import MonthMap
from widgets.run_compare import RunCompare
from widgets.run_words import title_of
from widgets.runs_panel import RunsPanel
from widgets.spark import bar
from widgets.trade_chart import TradeChart
from widgets.trades_table import TradesTable

SAID_S = 4.0


class ResearchViews(Screen[None]):
    """Head, setup, the four views, keys."""

    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] = [  # noqa: RUF012 - Textual declares it as an instance variable
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - likewise
    AUTO_FOCUS: ClassVar[str] = ""  # back from a dialog the keys of the view are meant, not a field
    CSS_PATH: ClassVar[str] = "backtest.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._view = OVERVIEW
        self._computing = False
        self._run: RunView | None = None
        self._trade = -1
        self._rows: tuple[RunRow, ...] = ()

    def compose(self) -> ComposeResult:
        """Head, fields, results, keys."""
        yield Static(id="head")
        yield Static(id="progress")
        yield Static(id="trouble")
        with Horizontal(id="body"):
            yield ResearchForm(id="setup")
            with Horizontal(id="results"):
                with Vertical(id="overview", classes="view"):
                    yield MetricCards(id="cards")
                    yield Static(id="notes")
                    yield EquityPanel(id="equity")
                    with Horizontal(id="parts"):
                        yield MonthMap(id="months")
                        yield BucketBars(id="entries")
                with Vertical(id="trades", classes="view"):
                    yield TradeChart(id="chart")
                    yield TradesTable(id="table")
                with Vertical(id="luck", classes="view"):
                    yield LuckPanel(id="chances")
                with Vertical(id="history", classes="view"):
                    yield RunsPanel(id="runs")
                    yield RunCompare(id="compare")
        yield ResearchKeys()

    @property
    def _form(self) -> ResearchForm:
        return self.query_one(ResearchForm)

    @property
    def _table(self) -> TradesTable:
        return self.query_one(TradesTable)

    @property
    def _chart(self) -> TradeChart:
        return self.query_one(TradeChart)

    @property
    def state(self) -> State:
        """What the actions depend on."""
        return State(
            place=FORM if isinstance(self.focused, Input) else self._view,
            running=self._computing,
            trades=self._run.metrics.trades if self._run is not None else None,
            trade=self._trade,
            kept=len(self._rows),
            marked=len(self.query_one(RunsPanel).marked),
        )

    def _keys(self) -> None:
        if self.is_mounted:
            state = self.state
            self.query_one(ResearchKeys).show(state)
            self._form.set_class(state.place == FORM, "-active")

    def _head(self, text: str) -> None:
        run = self._run
        said = text or (title_of(run) if run is not None else "Choose strategy and data, then Enter.")
        self.query_one("#head", Static).update(Content.assemble(("BACKTEST", "bold $text-accent"), f"  {said}"))
        self._keys()

    def _trouble(self, text: str) -> None:
        line = self.query_one("#trouble", Static)
        line.display = bool(text)
        line.update(Content(text))

    def _progress(self, done: float | None, text: str = "") -> None:
        line = self.query_one("#progress", Static)
        line.display = done is not None
        if done is not None:
            share = f"{done * 100:3.0f} %"
            line.update(
                Content.assemble((bar(done, 24), "$accent"), f" {share}  {text}", ("   x cancels", "$foreground 60%"))
            )

    def _go(self, view: str) -> None:
        """Another view; the focus follows where it has something to move in."""
        self._view = view
        self.query_one("#results").set_classes(f"-{view}")
        self.query_one("#body").remove_class("-setup")
        target = {TRADES: "#table", HISTORY: "#runs"}.get(view)
        self.set_focus(self.query_one(target) if target is not None else None)
        self._keys()

    def _enter_form(self, name: str = "") -> None:
        self.query_one("#body").add_class("-setup")
        self._form.enter(name)

    def _show(self, run: RunView | None) -> None:
        self._run = run
        self._trade = -1
        self.query_one(MetricCards).show(run)
        self.query_one(EquityPanel).show(run)
        self.query_one(MonthMap).show(run.months if run is not None else None)
        self.query_one(BucketBars).show(run)
        self._table.show(run)
        self._chart.show(run)
        self.query_one(LuckPanel).show(None)
        notes = self.query_one("#notes", Static)
        notes.display = run is not None and bool(run.notes)
        notes.update(Content("; ".join(run.notes) if run is not None else ""))
        self._head("")

    def say(self, text: str, severity: SeverityLevel = "information") -> None:
        """One sentence at the top right; it takes the place of the one before."""
        self.app.clear_notifications()
        self.notify(text, severity=severity, timeout=SAID_S, markup=False)

    def on_resize(self, _event: events.Resize) -> None:
        """The footer is laid out anew."""
        self.call_after_refresh(self._keys)

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """The footer follows the focus."""
        self._keys()

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """The footer follows the focus."""
        self.call_after_refresh(self._keys)
