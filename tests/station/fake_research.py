"""A research process that is none: prepared answers, frozen time, and a list of what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.backtest.view import RunView, SeriesView, StrategyView, TradeView
from engine.errors import TrefoilError
from headless.research import protocol as p
from headless.research.source import unheard
from tests.widgets.research_sample import BEGIN, SERIES, STRATEGIES, row_of, sample_bars, sample_luck, sample_run

NOW = BEGIN + 90_000


class FakeResearch:
    """Implements headless.research.source.ResearchSource.

    Attributes:
        answers: what a `Start` is answered with, in turn; the last one stays.
        held: while it is set, a `Start` waits for `cancel` (or `go`).
    """

    def __init__(
        self,
        *answers: p.Finished | p.Stopped | p.Refused,
        kept: tuple[RunView, ...] = (),
        series: tuple[SeriesView, ...] = SERIES,
        news: tuple[p.News, ...] = (),
        trouble: str = "",
    ) -> None:
        self.answers = list(answers) or [p.Finished((sample_run(),))]
        self.kept = {run.id: run for run in kept}
        self.series = series
        self.news = news
        self.trouble = trouble
        self.errors: dict[str, str] = {}
        self.asked: list[p.Ask] = []
        self.all_trades: dict[str, tuple[TradeView, ...]] = {}
        self.luck: p.Refused | p.Stopped | None = None
        self.prices: p.Refused | None = None
        self.held: asyncio.Event | None = None
        self.heard = asyncio.Event()
        self.cancelled = 0
        self.closed = False

    async def strategies(self) -> tuple[StrategyView, ...]:
        if self.trouble:
            raise TrefoilError(self.trouble)
        return STRATEGIES

    async def ask(self, ask: p.Ask, told: Callable[[p.News], None] = unheard) -> p.Answer:
        self.asked.append(ask)
        match ask:
            case p.ListSeries():
                return p.Series(self.series)
            case p.Check():
                return p.Checked(self.errors, self.series[0] if self.series else None)
            case p.Start():
                return await self._start(told)
            case p.MoreTrades(run, first):
                return p.Trades(run, first, self.all_trades[run][first : first + p.PAGE])
            case p.Candles(run, begin, end, _):
                bars = tuple(b for b in sample_bars() if begin <= b.open_time < end)
                return self.prices or p.Prices(run, bars, 3_600_000)
            case p.HoldAgainstLuck(run):
                return self.luck or p.AgainstLuck(run, sample_luck())
            case p.ListRuns():
                rows = sorted((row_of(run) for run in self.kept.values()), key=lambda row: -row.created)
                return p.Runs(tuple(rows))
            case p.Load(runs):
                return p.Loaded(tuple(self.kept[run] for run in runs))
            case p.Remove(runs):
                for run in runs:
                    del self.kept[run]
                return p.Removed(len(runs))

    async def _start(self, told: Callable[[p.News], None]) -> p.Answer:
        for news in self.news:
            told(news)
        self.heard.set()
        if self.held is not None:
            await self.held.wait()
            if self.cancelled:
                return p.Stopped((), "Cancelled: nothing was kept.")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, p.Finished | p.Stopped):
            self.kept |= {run.id: run for run in answer.runs}
        return answer

    async def cancel(self) -> None:
        self.cancelled += 1
        if self.held is not None:
            self.held.set()

    async def close(self) -> None:
        self.closed = True

    def now(self) -> int:
        return NOW
