"""An engine from its first event to its last: history, account, live, until it is cancelled."""

from __future__ import annotations

import asyncio
from operator import itemgetter

from engine.bars import Bars
from engine.runtime import Runtime
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.paper import PaperVenue
from headless.lockstep import Lockstep
from headless.parts import Parts
from headless.persist import persist
from headless.steps import StartSteps
from headless.warmup import WarmUp

STATUS_S = 0.25
TICK_S = 1.0
RECONCILE_S = 60.0


async def trade(parts: Parts, steps: StartSteps, ready: asyncio.Event) -> None:
    """Run until cancelled; sets `ready` when live. Raises what stops an engine."""
    runtime, venue, market = parts.runtime, parts.venue, parts.market
    async with asyncio.TaskGroup() as group:
        group.create_task(runtime.run())
        group.create_task(_report_status(parts, steps, ready))
        if parts.options.lockstep:
            _keep_step(group, parts, ready)
        await WarmUp(parts, steps).run()
        parts.forecasting.catch_up()
        parts.writer.begin()
        steps.step("account", 0, 1)
        # the paper venue lives on the open orders; a real one is told all of the last day, to know their executions by
        paper = isinstance(venue, PaperVenue)
        orders = [order for order in runtime.core.state.orders.values() if order.open or not paper]
        await persist(steps, "account", lambda: runtime.venue.open(parts.instruments, orders, runtime))
        await runtime.reconciled()
        if isinstance(venue, PaperVenue):
            await _settle(parts, venue)
        steps.step("account", 1, 1)
        parts.feed.resume({symbol: market.last_base(symbol) for symbol in parts.symbols})
        group.create_task(parts.feed.run(parts.symbols, market))
        group.create_task(parts.keeper.run())
        group.create_task(parts.forecasting.run())
        group.create_task(parts.voting.news.run())
        if parts.options.lockstep:
            await parts.voting.committee.ready()  # at this speed a first answer would wait for the import
        parts.voting.committee.begin()
        _tell_status(parts, steps, ready=False)  # a station that sees "ready" sees mode and autonomy of this engine too
        steps.step("live", 1, 1)
        ready.set()
        if not parts.options.lockstep:
            group.create_task(_tick(runtime))
            if not isinstance(venue, PaperVenue):
                group.create_task(_reconcile(runtime))
            group.create_task(parts.book_feed.run())
            group.create_task(parts.books.run(parts.book_feed))


def _keep_step(group: asyncio.TaskGroup, parts: Parts, ready: asyncio.Event) -> None:
    """The simulated exchange waits for this engine after each bar."""
    venue, runtime = parts.venue, parts.runtime
    step = Lockstep(parts.addresses.ws, runtime, parts.market, lambda: venue.user_events)
    if isinstance(venue, CcxtVenue):
        venue.on_user_event = runtime.settle
    group.create_task(step.run(ready))


async def _settle(parts: Parts, venue: PaperVenue) -> None:
    """Paper orders that were open while no engine ran settle on the whole bars since the last known quote.

    Bar by bar, all contracts side by side: what one bar fills is protected before the next one comes.
    """
    base_ms, runtime = parts.market.base_ms, parts.runtime
    missed: list[tuple[int, str, Bars]] = []
    for symbol, s in runtime.core.state.symbols.items():
        if s.orders and s.quote.venue_time:
            bars = parts.market.base(symbol)
            after = s.quote.venue_time // base_ms * base_ms + base_ms
            first = int(bars.open_time.searchsorted(after))
            missed += [(int(bars.open_time[i]), symbol, bars[i : i + 1]) for i in range(first, len(bars))]
    for _, symbol, bar in sorted(missed, key=itemgetter(0)):
        venue.settle(symbol, bar)
        await runtime.quiet()


async def _tick(runtime: Runtime) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        runtime.tick()


async def _reconcile(runtime: Runtime) -> None:
    """The venue is asked for everything every minute, so that a message that was lost is not missed for long."""
    while True:
        await asyncio.sleep(RECONCILE_S)
        runtime.reconcile()


async def _report_status(parts: Parts, steps: StartSteps, ready: asyncio.Event) -> None:
    while True:
        _tell_status(parts, steps, ready=ready.is_set())
        await asyncio.sleep(STATUS_S)


def _tell_status(parts: Parts, steps: StartSteps, *, ready: bool) -> None:
    parts.writer.funding(parts.feed.funding_rates)
    parts.writer.status(
        mode=parts.options.mode,
        venue=parts.venue_name,
        ready=ready,
        steps=steps.views(),
        read_only=parts.runtime.read_only,
        stalled=parts.runtime.stalled,
        clock=parts.market_time(),
        now=parts.clock.now(),
        forecaster=parts.forecasting.trusted,
    )
