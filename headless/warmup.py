"""The bars before the live ones: from disk, from the exchange only what is missing there."""

from __future__ import annotations

import asyncio

from engine.bars import Bars
from engine.core.state import cost_fraction
from engine.history.load import load
from engine.history.series import Series, Span
from engine.readings import MIN_BARS, seed
from headless.parts import Parts
from headless.persist import persist
from headless.steps import StartSteps

DECISION_BARS = 2_500
BASE_BARS = 1_500
LOADS_AT_ONCE = 4
SETTLED_MS = 5_000  # a bar that ended less than this ago may still be corrected: it is used, not kept


class WarmUp:
    """Loads every symbol's history into the market; symbols the journal does not know get their records from it.

    Args:
        parts: of the engine.
        steps: shows "history".
    """

    def __init__(self, parts: Parts, steps: StartSteps) -> None:
        self._parts = parts
        self._steps = steps
        self._turn = asyncio.Semaphore(LOADS_AT_ONCE)
        self._loaded = 0

    async def run(self) -> None:
        """Load; while the exchange cannot be asked it is asked again. Raises VenueRejected where it refuses."""
        symbols = self._parts.symbols
        now = await persist(self._steps, "history", self._parts.feed.server_time)
        self._steps.step("history", 0, len(symbols))
        await asyncio.gather(*(self._symbol(symbol, now) for symbol in symbols))

    async def _symbol(self, symbol: str, now: int) -> None:
        parts = self._parts
        base_ms, timeframe_ms = parts.market.base_ms, parts.market.timeframe_ms
        async with self._turn:
            decision = await self._bars(symbol, timeframe_ms, DECISION_BARS, now)
            base = decision if base_ms == timeframe_ms else await self._bars(symbol, base_ms, BASE_BARS, now)
            parts.market.load(symbol, base, decision)
            s = parts.runtime.core.state.symbols.get(symbol)
            if (s is None or not s.known) and len(decision) >= MIN_BARS:
                cost = cost_fraction(parts.feed.instrument(symbol))
                parts.runtime.put(seed(symbol, decision, parts.settings, cost, parts.runtime.now()))
        self._loaded += 1
        self._steps.step("history", self._loaded, len(parts.symbols))

    async def _bars(self, symbol: str, timeframe_ms: int, count: int, now: int) -> Bars:
        """The newest `count` closed bars, as far as the contract has been traded."""
        parts, until = self._parts, now // timeframe_ms * timeframe_ms
        series = Series(parts.candles_of, symbol, timeframe_ms)
        whole_since = -(-parts.feed.instrument(symbol).listed // timeframe_ms) * timeframe_ms
        span = Span(max(until - count * timeframe_ms, whole_since), until)
        loaded = await persist(self._steps, "history", lambda: load(parts.feed, parts.candles, series, span))
        settled = int(loaded.fresh.open_time.searchsorted(now - SETTLED_MS - timeframe_ms, side="right"))
        parts.keeper.put(series, loaded.fresh[:settled])
        return loaded.bars
