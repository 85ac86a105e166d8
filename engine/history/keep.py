"""Keeps the bars an engine comes by: collected as they close, written now and then by a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import reduce

from engine.bars import Bars
from engine.errors import BadInput
from engine.history.merge import merge
from engine.history.series import Series
from engine.model.event import BarCorrected
from engine.model.market import Bar, Quote
from engine.ports import CandleStore, Entry

FLUSH_S = 300.0  # what a crash loses of it is asked for again at the next start
FLUSH_BARS = 20_000  # a replay at full speed brings more in that time
FIRST_FLUSH_S = 10.0  # what was loaded at the start, when the start is over


class BarKeeper:
    """Implements MarketWatcher and the runtime's Watcher.

    Args:
        store: where the bars go.
        venue: whose bars they are, as a name of `store`.
        base_ms: length of the live bars.
        told: gets one sentence when the disk begins to fail; bars wait meanwhile.
    """

    def __init__(self, store: CandleStore, venue: str, base_ms: int, told: Callable[[str], None]) -> None:
        self._store = store
        self._venue = venue
        self._base_ms = base_ms
        self._told = told
        self._loaded: dict[Series, list[Bars]] = {}
        self._closed: dict[str, dict[int, Bar]] = {}
        self._count = 0
        self._full = asyncio.Event()
        self._failing = False

    def put(self, series: Series, bars: Bars) -> None:
        """Keep bars of a series, newer than what was put before."""
        if len(bars):
            self._loaded.setdefault(series, []).append(bars)

    def quoted(self, symbol: str, quote: Quote) -> None:
        """Quotes are not kept."""

    def barred(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """A closed bar waits for the next flush."""
        if closed:
            self._take(symbol, bar)

    def committed(self, entries: Sequence[Entry]) -> None:
        """A correction replaces its bar."""
        for entry in entries:
            event = entry.event
            if isinstance(event, BarCorrected) and event.timeframe_ms == self._base_ms:
                self._take(event.symbol, event.after)

    async def run(self, first_s: float = FIRST_FLUSH_S, every_s: float = FLUSH_S) -> None:
        """Flush after `first_s`, then every `every_s` seconds and whenever much has come together, until cancelled."""
        patience = first_s
        while True:
            try:
                async with asyncio.timeout(patience):
                    await self._full.wait()
            except TimeoutError:
                pass
            await self.flush()
            patience = every_s

    async def flush(self) -> None:
        """Write everything that waits; what the disk refuses waits on."""
        self._full.clear()
        self._count = 0
        for symbol, closed in self._closed.items():
            bars = Bars.of([closed[at] for at in sorted(closed)])
            self.put(Series(self._venue, symbol, self._base_ms), bars)
        self._closed.clear()
        for series in list(self._loaded):
            await self._write(series, reduce(merge, self._loaded.pop(series)))

    async def _write(self, series: Series, bars: Bars) -> None:
        try:
            await asyncio.to_thread(self._store.write, series.venue, series.symbol, series.timeframe_ms, bars)
        except asyncio.CancelledError:
            self._wait(series, bars)  # for the last flush
            raise
        except BadInput as error:
            self._wait(series, bars)
            if not self._failing:
                self._told(f"bars cannot be kept: {error}")
            self._failing = True
        else:
            self._failing = False

    def _wait(self, series: Series, bars: Bars) -> None:
        self._loaded[series] = [bars, *self._loaded.get(series, [])]

    def _take(self, symbol: str, bar: Bar) -> None:
        self._closed.setdefault(symbol, {})[bar.open_time] = bar
        self._count += 1
        if self._count >= FLUSH_BARS:
            self._full.set()
