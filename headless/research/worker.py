"""Answers the calls of a station: computes in a thread, one run at a time, and hears a cancel between its steps."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import msgspec

from engine.backtest import compiled
from engine.backtest.run import Result
from engine.backtest.view import ParameterView, RunView, StrategyView
from engine.errors import BadInput, TrefoilError
from engine.strategies import BOARD, STRATEGIES
from headless.research import lucky
from headless.research import protocol as p
from headless.research.data import Markets
from headless.research.pictures import CANDLES, Made, joined, made, own_first
from headless.research.reading import Job, Reading, place_of, read
from headless.research.shelf import Shelf
from storage.home import Home
from storage.research import new_id

Told = Callable[[p.News], None]
RECENT = 16
TRIED = 10_000


class Cancelled(TrefoilError):
    """The run is not wanted any more."""


def catalogue() -> tuple[StrategyView, ...]:
    """Every strategy with its parameters; the board has none."""
    rows = [
        StrategyView(
            one.name,
            tuple(
                ParameterView(name, float(default), one.ranges[name].low, one.ranges[name].high)
                for name, default in own_first(msgspec.structs.asdict(one.params())).items()
            ),
        )
        for one in STRATEGIES.values()
    ]
    return (*rows, StrategyView(BOARD, ()))


class Worker:
    """Answers calls.

    Args:
        home: data directory.
        send: takes a frame; called from any thread.
        clock: wall time, ms UTC.
    """

    def __init__(
        self, home: Home, send: Callable[[p.Hello | p.Told | p.Reply], None], clock: Callable[[], int]
    ) -> None:
        self._send = send
        self._clock = clock
        self._markets = Markets(home.candles)
        self._shelf = Shelf(home)
        self._recent: dict[str, Made] = {}
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()
        self._one = asyncio.Lock()  # one run computes at a time
        self._calls: asyncio.Queue[p.Call] = asyncio.Queue()

    def hear(self, frame: p.Call | p.Cancel) -> None:
        """Take a frame of the station."""
        if isinstance(frame, p.Cancel):
            with self._lock:
                self._cancelled.add(frame.id)
        else:
            self._calls.put_nowait(frame)

    def cancel_all(self) -> None:
        """Nobody is there any more."""
        with self._lock:
            self._cancelled.add(-1)

    def _wanted(self, call_id: int) -> bool:
        with self._lock:
            return call_id not in self._cancelled and -1 not in self._cancelled

    async def run(self) -> None:
        """Say hello and answer until cancelled; old runs can be looked at while a new one computes."""
        self._send(p.Hello(p.VERSION, catalogue()))
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    group.create_task(self._reply(await self._calls.get()))
        finally:
            await self._shelf.close()

    async def _reply(self, call: p.Call) -> None:
        self._send(p.Reply(call.id, await self._answered(call)))
        with self._lock:
            self._cancelled.discard(call.id)

    async def _answered(self, call: p.Call) -> p.Answer:
        try:
            return await self._answer(call)
        except BadInput as error:
            place = place_of(error.field, "")
            return p.Refused(str(error), {place: error.remedy} if place else {})
        except TrefoilError as error:
            return p.Refused(str(error))

    async def _answer(self, call: p.Call) -> p.Answer:
        match call.ask:
            case p.ListSeries():
                return p.Series(*await asyncio.to_thread(self._markets.stored))
            case p.Check(request):
                seen = await asyncio.to_thread(read, request, self._markets)
                return p.Checked(seen.errors, seen.series)
            case p.Start():
                async with self._one:
                    return await self._start(call.id, call.ask)
            case p.MoreTrades(run, first):
                kept = await self._run(run)
                return p.Trades(run, first, kept.trades[first : first + p.PAGE])
            case p.Candles(run, begin, end, most):
                return await self._prices(run, begin, end, most)
            case p.ListRuns(limit):
                return p.Runs(await self._shelf.rows(limit))
            case p.Load(runs):
                return p.Loaded(tuple([(await self._run(run)).view for run in runs]))
            case p.HoldAgainstLuck(run):
                async with self._one:
                    return await self._against_luck(call.id, run)
            case p.Remove(runs):
                return p.Removed(await self._shelf.remove(runs))

    async def _start(self, call_id: int, ask: p.Start) -> p.Answer:
        def told(news: p.News) -> None:
            self._send(p.Told(call_id, news))

        told(p.Progress(0.0, "reading the bars"))
        seen = await asyncio.to_thread(read, ask.request, self._markets)
        job = seen.job
        if job is None:
            return _refused(seen)
        if not compiled.is_compiled():
            told(p.Compiling())
        views: list[RunView] = []
        for done, name in enumerate(job.names):
            if not self._wanted(call_id):
                return _stopped(views, len(job.names))
            part = _Part(name, done, len(job.names), told, lambda: self._wanted(call_id))
            try:
                result, elapsed_ms = await asyncio.to_thread(_computed, job, part)
            except Cancelled:
                return _stopped(views, len(job.names))
            finished = await asyncio.to_thread(
                made, result, job.market, ask.request, new_id(), self._clock(), elapsed_ms
            )
            trouble = await self._shelf.kept(finished)
            if trouble:
                view = msgspec.structs.replace(finished.view, notes=(*finished.view.notes, trouble))
                finished = Made(view, finished.trades)
            self._remember(finished)
            views.append(finished.view)
        return p.Finished(tuple(views))

    async def _against_luck(self, call_id: int, run: str) -> p.Answer:
        view = (await self._run(run)).view
        variants = lucky.tried(view, await self._shelf.rows(TRIED))

        def told(done: float) -> None:
            self._send(p.Told(call_id, p.Progress(done, "drawing histories, orders and random entries")))

        def work() -> p.Answer:
            seen = read(view.request, self._markets)
            if seen.job is None:
                return _refused(seen)
            part = _Part(view.strategy, 0, 1, lambda _: None, lambda: self._wanted(call_id))
            result = lucky.same_as(_computed(seen.job, part)[0], view)
            luck = lucky.held(result, variants, told, lambda: self._wanted(call_id))
            return p.Stopped((), "Cancelled.") if luck is None else p.AgainstLuck(run, luck)

        told(0.0)
        try:
            return await asyncio.to_thread(work)
        except Cancelled:
            return p.Stopped((), "Cancelled.")

    def _remember(self, run: Made) -> None:
        self._recent[run.view.id] = run
        while len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    async def _run(self, run_id: str) -> Made:
        if run_id not in self._recent:
            self._remember(await self._shelf.load(run_id))
        return self._recent[run_id]

    async def _prices(self, run_id: str, begin: int, end: int, most: int) -> p.Prices:
        view = (await self._run(run_id)).view
        request = view.request
        market = await asyncio.to_thread(
            self._markets.load, request.data.strip(), request.timeframe.strip(), repair=request.repair == "yes"
        )
        times = market.bars.open_time
        part = market.bars[int(times.searchsorted(begin)) : int(times.searchsorted(end))]
        candles, candle_ms = joined(part, market.timeframe_ms, min(most, CANDLES))
        return p.Prices(run_id, candles, candle_ms)


class _Part:
    """One strategy of a run: tells how far it is and hears a cancel."""

    def __init__(self, name: str, done: int, total: int, told: Told, wanted: Callable[[], bool]) -> None:
        self.name = name
        self._done = done
        self._total = total
        self._told = told
        self._wanted = wanted

    def bars(self, done: int, total: int) -> bool:
        """Heard by the faithful engine every few thousand bars; False stops it."""
        text = f"{self.name}: {done:,} of {total:,} bars" if done else self.name
        self._told(p.Progress((self._done + done / total) / self._total, text))
        return self._wanted()

    def check(self) -> None:
        """Raise Cancelled where nobody wants the rest."""
        if not self._wanted():
            raise Cancelled("cancelled")


def _computed(job: Job, part: _Part) -> tuple[Result, float]:
    from engine.backtest.faithful import run_faithful

    part.bars(0, 1)
    part.check()
    began = time.perf_counter()
    if job.engine == "fast":
        result = job.test.run(part.name, job.params)
    else:
        try:
            result = run_faithful(job.test, part.name, job.params, part.bars)
        except BadInput:
            part.check()
            raise
    return result, (time.perf_counter() - began) * 1_000


def _refused(seen: Reading) -> p.Refused:
    place, text = next(iter(seen.errors.items()))
    return p.Refused(f"{place}: {text}", seen.errors)


def _stopped(views: list[RunView], total: int) -> p.Stopped:
    kept = f"{len(views)} of {total} strategies were finished before and are kept" if views else "nothing was kept"
    return p.Stopped(tuple(views), f"Cancelled: {kept}.")
