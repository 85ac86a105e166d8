"""A closed bar to its decisions, without models: strategies read, gates judged, journal committed; one symbol and thirty."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from engine.bars import Bars
from engine.core.core import Core
from engine.core.state import cost_fraction
from engine.market import DECISION_KEPT, Market
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import MINUTE_MS, Bar, Quote
from engine.model.settings import Settings
from engine.readings import LiveReadings, seed, warm_up
from engine.runtime import Runtime, SystemClock
from engine.simulator.prices import GeneratedMarket
from engine.venues.paper import PaperVenue
from storage import migrate
from storage.database import Database
from storage.journal import SqlJournal
from tests.bench.account import Machine, percentiles

SYMBOLS = 30
ROUNDS = 200
GOALS = {1: 10, SYMBOLS: 60}


def measure() -> dict[str, object]:
    """Milliseconds from the bar to the commit of its decisions, p50 and p99."""
    warm_up()
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(_measure(Path(name)))


async def _measure(folder: Path) -> dict[str, object]:
    machine = Machine(folder)
    found: dict[str, object] = {}
    for count, goal in GOALS.items():
        times, decided = await _times(folder / f"{count}.db", count, machine)
        found[f"{count}_symbols"] = percentiles(times) | {"goal_p99_ms": goal, "candidates": decided}
    return found | {"machine": machine.answers()}


async def _times(file: Path, count: int, machine: Machine) -> tuple[list[float], int]:
    """Seconds of each round, and how many candidates met their gates in all of them."""
    source = GeneratedMarket(1, count, start=1_700_000_000_000 // MINUTE_MS * MINUTE_MS, quotes_per_second=0.1)
    database, clock = Database(f"sqlite+aiosqlite:///{file}"), SystemClock()
    await migrate.upgrade(database)
    journal = SqlJournal(database)
    await journal.recover()
    core, settings = (
        Core(),
        Settings(timeframe_ms=MINUTE_MS, fresh_ms=2**53, max_positions=SYMBOLS, record_trades=10**6),
    )
    runtime = Runtime(core, journal, PaperVenue(clock, core.state), clock, 0)
    market = Market(
        [i.symbol for i in source.instruments], MINUTE_MS, MINUTE_MS, LiveReadings(settings), clock, runtime.put
    )
    done, closed = asyncio.Event(), set[str]()

    def committed(entries: object) -> None:
        assert isinstance(entries, list)
        closed.update(entry.event.symbol for entry in entries if isinstance(entry.event, e.BarClosed))
        if len(closed) == count:
            done.set()

    runtime.watch(committed)
    names = tuple(i.symbol for i in source.instruments)
    started = e.EngineStarted(
        at=clock.now(),
        instance="benchmrk",
        epoch=1,
        mode="paper",
        venue="paper",
        settings=settings,
        instruments=source.instruments,
        symbols=names,
        balance=settings.paper_balance,
    )
    runtime.put(started)
    bars = {i.symbol: _begin(market, runtime, i, source.history(i.symbol), settings) for i in source.instruments}
    running = asyncio.create_task(runtime.run())
    await runtime.venue.open(source.instruments, [], runtime)
    times = []
    for number in range(ROUNDS):
        while not runtime.idle:
            await asyncio.sleep(0.001)
        await machine.ask()
        closed.clear()
        done.clear()
        began = time.perf_counter()
        for name in names:
            market.bar(name, bars[name][number], closed=True)
        await done.wait()
        times.append(time.perf_counter() - began)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()
    return times, runtime.counts.get("signals", 0)


def _begin(market: Market, runtime: Runtime, contract: Instrument, history: Bars, settings: Settings) -> list[Bar]:
    """Load all bars but the newest, which are to come."""
    known, coming = history[:-ROUNDS], history[-ROUNDS:]
    window = known[-DECISION_KEPT:]
    market.load(contract.symbol, window, window)
    now = runtime.now()
    runtime.put(seed(contract.symbol, window, settings, cost_fraction(contract), now))
    bid = contract.nearest_ticks(float(known.close[-1]))
    market.quote(contract.symbol, Quote(bid, bid + 1, 10**6, 10**6, bid, bid, now, now))
    return list(coming)
