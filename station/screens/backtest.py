"""The backtest screen: what is run, what came of it, trade by trade, and the runs before."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from engine.backtest.view import LuckView, RunView, SeriesView, TradeView
from engine.errors import TrefoilError
from headless.research import protocol as p
from headless.research.source import ResearchSource
from station.research_actions import ACTIONS, BY_ID, FORM, HISTORY, LUCK, OVERVIEW, TRADES
from station.research_choices import names_in, rows_for
from station.research_fields import BY_NAME
from station.research_form import ResearchForm
from station.screens.research_views import ResearchViews
from widgets.luck_panel import LuckPanel
from widgets.run_compare import RunCompare
from widgets.runs_panel import RunsPanel
from widgets.trades_table import TradesTable

REACHES = (10, 20, 40, 80, 160, 320, 640)
"""Bars shown before and after a trade."""
BEGIN_REACH = 2


class BacktestScreen(ResearchViews):
    """One screen for trying strategies on the past.

    Args:
        source: the research process.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.key, f"do('{action.id}')", action.label, show=False) for action in ACTIONS if action.id
    ]

    def __init__(self, source: ResearchSource) -> None:
        super().__init__()
        self._source = source
        self._reach = BEGIN_REACH
        self._series: tuple[SeriesView, ...] = ()
        self._lucks: dict[str, LuckView] = {}
        self._checking = False
        self._changed = False
        self._ready = False

    def on_mount(self) -> None:
        """Begin in the fields, and ask what there is."""
        self._go(OVERVIEW)
        self._enter_form()
        self._chart.plain = self.app.no_color
        self._head("Starting the research process ...")
        self._begin()

    @work(group="begin", exclusive=True)
    async def _begin(self) -> None:
        try:
            strategies = await self._source.strategies()
        except TrefoilError as error:
            self._trouble(f"{error} Press r to try again.")
            self._head("")
            self._go(self._view)
            return
        form = self._form
        form.know(strategies)
        self._ready = True
        series = await self._source.ask(p.ListSeries())
        if isinstance(series, p.Series):
            self._series = series.rows
        await self._list()
        if not form.request.data:
            newest = self._rows[0].request if self._rows else None
            form.put("data", newest.data if newest is not None else self._series[0].data if self._series else "")
            if newest is not None:
                form.put("timeframe", newest.timeframe)
        self._head("")
        self._check()

    # What is done

    def action_do(self, action_id: str) -> None:
        """A key: carry out an action of the table, or say why not."""
        action = BY_ID[action_id]
        reason = action.blocked(self.state)
        if reason:
            self.say(f"{action.label}: {reason}", "warning")
            return
        getattr(self, f"_do_{action_id}")()
        self._keys()

    def _do_run(self) -> None:
        self._trouble("")
        if not self._ready:
            self._head("Starting the research process ...")
            self._begin()
            return
        self._computing = True
        self._progress(0.0, "asking")
        self._compute()

    @work(group="run", exclusive=True)
    async def _compute(self) -> None:
        answer = await self._source.ask(p.Start(self._form.request), self._told)
        self._computing = False
        self._progress(None)
        match answer:
            case p.Finished(runs):
                await self._take(runs)
            case p.Stopped(runs, text):
                if runs:
                    await self._take(runs)
                self.say(text, "warning")
            case p.Refused(text, errors):
                self._refused(text, errors)
        self._keys()

    def _told(self, news: p.News) -> None:
        match news:
            case p.Compiling():
                self._progress(0.0, "compiling the engine, once for this machine (about 15 s)")
            case p.Progress(done, text):
                self._progress(done, text)

    async def _take(self, runs: tuple[RunView, ...]) -> None:
        best = max(runs, key=lambda run: run.metrics.total_return)
        self._show(best)
        await self._list()
        if len(runs) > 1:
            self._go(HISTORY)
            self.query_one(RunsPanel).put_cursor(best.id)
            self.say(f"{len(runs)} runs are done; the best is {best.strategy}.")
        elif self.state.place == FORM or self._view == HISTORY:
            self._go(OVERVIEW)

    def _refused(self, text: str, errors: dict[str, str]) -> None:
        placed = {name: sentence for name, sentence in errors.items() if name in BY_NAME}
        if placed:
            self.query_one("#body").add_class("-setup")
            self._form.show_refusal(placed)
        else:
            self._trouble(f"{text} Press r to run again.")
            self._go(self._view)

    def _do_cancel(self) -> None:
        self._progress(0.0, "cancelling")
        self._stop()

    @work(group="cancel", exclusive=True)
    async def _stop(self) -> None:
        await self._source.cancel()

    def _do_setup(self) -> None:
        self._enter_form(self._form.place)

    def _do_overview(self) -> None:
        self._go(OVERVIEW)

    def _do_months(self) -> None:
        self._go("months")

    def _do_trades(self) -> None:
        self._go(TRADES)

    def _do_luck(self) -> None:
        self._go(LUCK)
        run = self._run
        if run is not None and run.id not in self._lucks and not self._computing:
            self._computing = True
            self._progress(0.0, "asking")
            self._weigh(run)
        elif run is not None:
            self._show_luck(run)

    def _show_luck(self, run: RunView) -> None:
        if self._run is run:
            known = self._lucks.get(run.id)
            self.query_one(LuckPanel).show(
                known, "" if known is not None else "Something else is computed; press l again."
            )

    @work(group="run", exclusive=True)
    async def _weigh(self, run: RunView) -> None:
        self.query_one(LuckPanel).show(None, "Drawing histories, orders and random entries ...")
        answer = await self._source.ask(p.HoldAgainstLuck(run.id), self._told)
        self._computing = False
        self._progress(None)
        if isinstance(answer, p.AgainstLuck):
            self._lucks[run.id] = answer.luck
            self._show_luck(run)
        elif isinstance(answer, p.Refused | p.Stopped):
            self.query_one(LuckPanel).show(None, f"{answer.text} Press l to try again.")
        self._keys()

    def _do_history(self) -> None:
        self._go(HISTORY)
        self._refresh_list()

    def _do_next(self) -> None:
        self._step(1)

    def _do_previous(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        if self._view != TRADES:
            self._go(TRADES)
        self._table.put(self._trade + by)
        self._look_at(self._trade + by)

    def _do_closer(self) -> None:
        self._widen(-1)

    def _do_wider(self) -> None:
        self._widen(1)

    def _widen(self, by: int) -> None:
        self._reach = max(0, min(len(REACHES) - 1, self._reach + by))
        trade = self._table.trade
        if self._run is not None and trade is not None:
            self._fetch(self._run, trade)

    def _do_whole(self) -> None:
        self._trade = -1
        self._chart.show(self._run)

    def _look_at(self, index: int) -> None:
        self._trade = index
        trade = self._table.trade
        if self._run is not None and trade is not None:
            self._chart.show_trade(index, trade, self._table.trades)
            self._fetch(self._run, trade)
        self._keys()

    @work(group="candles", exclusive=True)
    async def _fetch(self, run: RunView, trade: TradeView) -> None:
        """Candles around a trade."""
        around = REACHES[self._reach] * run.timeframe_ms
        begin = max(run.begin, trade.entry_time - around)
        end = min(run.end, trade.exit_time + around + run.timeframe_ms)
        answer = await self._source.ask(p.Candles(run.id, begin, end, self._chart.columns))
        if self._run is not run or self._trade < 0:
            return
        if isinstance(answer, p.Prices):
            self._chart.show_candles(answer.candles, answer.candle_ms)
        elif isinstance(answer, p.Refused):
            self._chart.show_trouble(f"No closer prices: {answer.text}")

    async def _list(self) -> None:
        answer = await self._source.ask(p.ListRuns())
        panel = self.query_one(RunsPanel)
        if isinstance(answer, p.Runs):
            self._rows = answer.rows
            panel.show(answer.rows, self._source.now())
        elif isinstance(answer, p.Refused):
            panel.show_trouble(answer.text)
        self._keys()

    @work(group="list", exclusive=True)
    async def _refresh_list(self) -> None:
        await self._list()

    def _do_mark(self) -> None:
        reason = self.query_one(RunsPanel).mark()
        if reason:
            self.say(f"Mark: {reason}", "warning")

    def _do_compare(self) -> None:
        self._load(self.query_one(RunsPanel).marked, side_by_side=True)

    @work(group="load", exclusive=True)
    async def _load(self, ids: tuple[str, ...], *, side_by_side: bool) -> None:
        answer = await self._source.ask(p.Load(ids))
        if isinstance(answer, p.Refused):
            self.say(answer.text, "error")
        elif isinstance(answer, p.Loaded) and side_by_side:
            self.query_one(RunCompare).show(answer.runs)
        elif isinstance(answer, p.Loaded) and answer.runs:
            self._show(answer.runs[0])
            self._form.fill(answer.runs[0].request)
            self._go(OVERVIEW)

    def _do_remove(self) -> None:
        from station.screens.confirm import Confirm

        row = next((row for row in self._rows if row.id == self.query_one(RunsPanel).cursor), None)
        if row is None:
            return

        def said(yes: bool | None) -> None:  # noqa: FBT001 - Textual calls it with the result
            if yes:
                self._remove(row.id)

        what = f"{row.strategy} on {row.symbol} {row.timeframe}, {row.metrics.trades:,} trades. It cannot be had back."
        self.app.push_screen(Confirm("Remove run", what, ""), said)

    @work(group="remove")
    async def _remove(self, run_id: str) -> None:
        answer = await self._source.ask(p.Remove((run_id,)))
        if isinstance(answer, p.Refused):
            self.say(answer.text, "error")
        await self._list()

    def _do_help(self) -> None:
        from station.screens.research_help import ResearchHelp

        self.app.push_screen(ResearchHelp())

    def _do_leave(self) -> None:
        if isinstance(self.focused, Input):
            self._go(self._view)
        else:
            self.app.pop_screen()

    # The fields

    def _check(self) -> None:
        """One check at a time; what changed meanwhile is checked after it."""
        self._changed = True
        if self._ready and not self._checking:
            self._check_all()

    @work(group="check")
    async def _check_all(self) -> None:
        self._checking = True
        while self._changed:
            self._changed = False
            answer = await self._source.ask(p.Check(self._form.request))
            if isinstance(answer, p.Checked) and not self._changed:
                self._form.show_check(answer.errors, answer.series)
        self._checking = False

    def on_research_form_changed(self) -> None:
        """A field changed."""
        self._check()

    def on_research_form_submitted(self) -> None:
        """Enter in a field."""
        self.action_do("run")

    def on_research_form_choice_wanted(self, event: ResearchForm.ChoiceWanted) -> None:
        """F2 in a field."""
        from station.screens.choose import Choose

        name = event.name
        form = self._form
        now = getattr(form.request, name)

        def taken(value: str | None) -> None:
            if value is not None:
                form.put(name, value)

        rows, empty = rows_for(name, form.strategies, self._series, self._rows)
        several = name == "strategy"
        chosen = names_in(now, form.strategies) if several else [now]
        self.app.push_screen(
            Choose(BY_NAME[name].label.capitalize(), rows, chosen, several=several, empty=empty), taken
        )

    # Messages of the widgets

    def on_trades_table_chosen(self, event: TradesTable.Chosen) -> None:
        """The cursor came to a trade."""
        if event.index != self._trade:
            self._look_at(event.index)

    def on_trades_table_missing(self, event: TradesTable.Missing) -> None:
        """More rows are on screen than there are."""
        if self._run is not None:
            self._more(self._run.id, event.first)

    @work(group="more")
    async def _more(self, run_id: str, first: int) -> None:
        answer = await self._source.ask(p.MoreTrades(run_id, first))
        if isinstance(answer, p.Trades):
            self._table.add(run_id, first, answer.rows)
            if self._trade >= first:
                self._look_at(self._trade)
        elif isinstance(answer, p.Refused):
            self.say(answer.text, "error")

    def on_runs_panel_opened(self, event: RunsPanel.Opened) -> None:
        """Enter on a run."""
        self._load((event.run_id,), side_by_side=False)
