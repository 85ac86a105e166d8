"""A simulated exchange with a history as long as a test wants, and a feed on it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from engine.bars import Bars
from engine.feeds.ccxt_feed import CcxtFeed
from engine.runtime import SystemClock
from engine.simulator.market import Step
from engine.simulator.server import RunningSimulator, serve
from engine.venues.ccxt_client import Access
from tests.engine.simulator.conftest import BTC, ETH

MINUTE = 60_000
BEGIN = 1_746_057_600_000  # 2025-05-01 00:00 UTC


def walk(count: int, begin: int = BEGIN, seed: int = 1, step_ms: int = MINUTE) -> Bars:
    """A random walk in ticks of 0.1, gap-free."""
    rng = np.random.default_rng(seed)
    close = 300_000 + np.cumsum(rng.integers(-5, 6, count))
    open_ = np.concatenate(([300_000], close[:-1]))
    high, low = np.maximum(open_, close) + 3, np.minimum(open_, close) - 3
    times = begin + np.arange(count, dtype=np.int64) * step_ms
    columns = [np.round(ticks * 0.1, 1) for ticks in (open_, high, low, close)]
    columns.append(rng.integers(1, 1_000, count) / 1_000)
    return Bars(times, *columns)


def without(bars: Bars, *holes: tuple[int, int]) -> Bars:
    """The bars without those numbered first <= i < last of each hole."""
    kept = np.ones(len(bars), dtype=bool)
    for first, last in holes:
        kept[first:last] = False
    return taken(bars, kept)


def taken(bars: Bars, kept: np.ndarray) -> Bars:
    """The bars a mask or an index chooses."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Bars(bars.open_time[kept], *(column[kept] for column in columns))


def rows(bars: Bars) -> list[tuple[float, ...]]:
    """Bars as plain rows, for comparison."""
    return [(b.open_time, b.open, b.high, b.low, b.close, b.volume) for b in bars]


class LongMarket:
    """Implements MarketSource: history, and a market that never moves on."""

    timeframe_ms = MINUTE
    instruments = (BTC, ETH)
    end = 0

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self.start = int(bars.open_time[-1]) + MINUTE

    def history(self, symbol: str) -> Bars:
        """The same for every symbol."""
        return self._bars

    def steps(self) -> Iterator[Step]:
        """None."""
        return iter(())


@dataclass
class Exchange:
    """A running simulator and a feed that knows its symbols."""

    running: RunningSimulator
    feed: CcxtFeed

    @property
    def asked(self) -> int:
        """Requests for bars so far."""
        return int(str(self.running.simulation.switchboard.report()[0]["hits"]))


@asynccontextmanager
async def exchange(bars: Bars, *faults: str) -> AsyncIterator[Exchange]:
    """Serve `bars` as history; faults as in `engine.simulator.faults`, from after the listing on."""
    running = await serve(LongMarket(bars))
    feed = CcxtFeed(Access(running.rest, running.ws), SystemClock())
    try:
        await feed.instruments()
        running.simulation.switchboard.add(["delay:path=klines,ms=0", *faults])  # the first one only counts
        yield Exchange(running, feed)
    finally:
        await feed.close()
        await running.stop()
