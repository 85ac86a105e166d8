"""The asyncio shell around the core: one ordered queue in, the journal, then effects.

Events wait in one queue. All that wait are processed by the core, committed with their decisions in one transaction, and
only then shown and acted on. If the commit fails nothing leaves: the engine turns read-only and keeps the journal whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from engine.core.core import Core
from engine.core.state import OUTSIDE, Answered
from engine.errors import InvariantBroken, JournalFailed, VenueError
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Command
from engine.model.market import EMPTY_VIEW, MarketView
from engine.model.order import Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.model.venue import VenueOrder
from engine.model.vote import Vote
from engine.ports import Clock, Entry, Journal, Probe, Venue
from engine.probe import no_probe

SNAPSHOT_EVERY = 10_000
BATCH_LIMIT = 256
REPORT_RETRY_MS = 1_000
STALLED_S = 1.0  # a commit takes a few ms; a disk under load a few hundred

Watcher = Callable[[Sequence[Entry]], None]
Asker = Callable[[d.AskVotes], Coroutine[Any, Any, tuple[Vote, ...]]]


class SystemClock:
    """Wall time."""

    def now(self) -> int:
        """Ms UTC."""
        import time

        return time.time_ns() // 1_000_000


class Runtime:
    """Runs one core.

    Args:
        core: recovered, see `recover`.
        journal: where everything goes before anything leaves.
        venue: where orders go.
        clock: wall time, for stamps and deadlines.
        last_seq: the newest sequence the journal holds.
        probe: told of the crash points.
        view: gives the newest quotes of the named symbols, for events that carry them.
        snapshot_every: entries between two snapshots.
        stalled_s: a commit that takes longer is told of.
    """

    def __init__(
        self,
        core: Core,
        journal: Journal,
        venue: Venue,
        clock: Clock,
        last_seq: int,
        *,
        probe: Probe = no_probe,
        view: Callable[[Sequence[str]], MarketView] = lambda _: EMPTY_VIEW,
        snapshot_every: int = SNAPSHOT_EVERY,
        stalled_s: float = STALLED_S,
    ) -> None:
        self.core = core
        self.read_only = ""
        self.counts: dict[str, int] = {}
        self._journal = journal
        self.venue = venue
        self._clock = clock
        self._seq = last_seq
        self._snapshot_seq = last_seq
        self._snapshot_every = snapshot_every
        self._probe = probe
        self._view = view
        self._queue: deque[e.Event] = deque()
        self._wake = asyncio.Event()
        self._effects: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._watchers: list[Watcher] = []
        self._answers: dict[str, asyncio.Future[Answered]] = {}
        self._reporting = False
        self._busy = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reconciled = asyncio.Event()
        self._settled = asyncio.Event()
        self._commits_since: float | None = None
        self._stalled_s = stalled_s
        self.on_idle: Callable[[], None] | None = None
        self.asker: Asker | None = None

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every committed batch, in order, before its effects."""
        self._watchers.append(watcher)

    def put(self, event: e.Event) -> None:
        """Queue an event. Never blocks, never drops."""
        self._queue.append(event)
        self._wake.set()

    def now(self) -> int:
        """Wall time, ms UTC."""
        return self._clock.now()

    @property
    def idle(self) -> bool:
        """Nothing waits, nothing is being committed, no effect is under way, and no order awaits an answer."""
        return not (self._queue or self._busy or self._effects or self.core.state.busy())

    async def run(self) -> None:
        """Process until cancelled. Raises InvariantBroken (the journal is whole) or what an effect raised."""
        loop = asyncio.create_task(self._loop())
        try:
            done, _ = await asyncio.wait({loop, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                finished.result()
        finally:
            loop.cancel()
            for task in [loop, *self._effects]:
                task.cancel()
            await asyncio.gather(loop, *self._effects, return_exceptions=True)
            for handle in self._timers.values():
                handle.cancel()

    async def _loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self.read_only:
                self._busy = True
                await self._batch()
                self._busy = False
            self.settle()

    async def _batch(self) -> None:
        entries: list[Entry] = []
        broken: InvariantBroken | None = None
        while self._queue and len(entries) < BATCH_LIMIT and broken is None:
            event = self._queue.popleft()
            try:
                decisions = self.core.process(event)
            except InvariantBroken as error:
                broken = error
            else:
                entries.append(Entry(self._seq + len(entries) + 1, event, decisions))
        if entries and not await self._commit(entries):
            return
        self._seq += len(entries)
        for watcher in self._watchers:
            watcher(entries)
        for entry in entries:
            self._tell(entry)
            for decision in entry.decisions:
                self._act(decision)
        if broken is not None:
            raise broken
        if self._seq - self._snapshot_seq >= self._snapshot_every:
            await self.snapshot()

    @property
    def stalled(self) -> str:
        """What keeps the engine from deciding and sending for the moment, or empty."""
        if self._commits_since is None or asyncio.get_running_loop().time() - self._commits_since < self._stalled_s:
            return ""
        return "the journal does not answer; until it does nothing is decided or sent"

    async def _commit(self, entries: list[Entry]) -> bool:
        self._probe("before_commit")
        self._commits_since = asyncio.get_running_loop().time()
        try:
            await self._journal.append(entries)
        except JournalFailed as error:
            self._turn_read_only(str(error))
            return False
        finally:
            self._commits_since = None
        self._probe("after_commit")
        return True

    def stand_down(self, reason: str) -> None:
        """Turn read-only: this engine may not trade any more, and says why."""
        if not self.read_only:
            self._turn_read_only(reason)

    def _turn_read_only(self, reason: str) -> None:
        self.read_only = reason
        self._queue.clear()
        self._settled.set()
        for future in self._answers.values():
            if not future.done():
                future.set_result(Answered(self.now(), ok=False, text=f"read-only: {reason}"))
        for watcher in self._watchers:
            watcher(())

    async def snapshot(self) -> None:
        """Keep the state as of the newest entry."""
        try:
            await self._journal.snapshot(self._seq, self.core.snapshot())
        except JournalFailed as error:
            self._turn_read_only(str(error))
            return
        self._snapshot_seq = self._seq

    def _tell(self, entry: Entry) -> None:
        kind = type(entry.event).__name__
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if isinstance(entry.event, e.Reconciled):
            self._reconciled.set()

    def _act(self, decision: d.Decision) -> None:
        state = self.core.state
        match decision:
            case d.SubmitOrder(approved=approved):
                request = approved.request
                if request.purpose is Purpose.STOP:
                    self._probe("filled_not_protected")
                self._effect(self.venue.submit(approved))
            case d.CancelSent(client_id=client_id):
                order = state.orders.get(client_id)
                if order is not None:
                    if (
                        order.request.purpose is Purpose.STOP
                        and state.symbols[order.request.symbol].position is not None
                    ):
                        self._probe("resizing_protection")
                    self._effect(self.venue.cancel(order))
            case d.QueryOrder(client_id=client_id):
                order = state.orders.get(client_id)
                if order is not None:
                    self._effect(self.venue.query(order))
            case d.OutsideCanceled(order=held):
                self._effect(self.venue.cancel(_outside(held)))
            case d.RequestReport():
                self.reconcile()
            case d.AskVotes() if self.asker is not None:
                self._effect(self._ask(self.asker, decision))
            case d.TimerSet(timer=timer, deadline=deadline):
                self._set_timer(timer, deadline)
            case d.CommandAnswered(command_id=command_id, ok=ok, text=text):
                future = self._answers.pop(command_id, None)
                if future is not None and not future.done():
                    future.set_result(Answered(state.now, ok, text))
            case d.SignalDecided():
                self.counts["signals"] = self.counts.get("signals", 0) + 1
            case _:
                pass

    def _effect(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._effects.add(task)
        task.add_done_callback(self._effect_done)

    def _effect_done(self, task: asyncio.Task[None]) -> None:
        self._effects.discard(task)
        if not task.cancelled() and task.exception() is not None and not self._failed.done():
            self._failed.set_exception(task.exception() or InvariantBroken("an effect failed"))
        self.settle()

    def settle(self) -> None:
        """Tell `on_idle`, and who waits for `quiet`, when there is nothing left to do."""
        if self.idle or self.read_only:
            self._settled.set()
        if self.on_idle is not None and self.idle:
            self.on_idle()

    async def quiet(self) -> None:
        """Wait until there is nothing left to do, or the engine has turned read-only."""
        while not (self.idle or self.read_only):
            self._settled.clear()
            await self._settled.wait()

    def _set_timer(self, timer: str, deadline: int) -> None:
        old = self._timers.pop(timer, None)
        if old is not None:
            old.cancel()
        delay = max(0, deadline - self.now()) / 1000
        self._timers[timer] = asyncio.get_running_loop().call_later(delay, self._fire, timer)

    def _fire(self, timer: str) -> None:
        self._timers.pop(timer, None)
        self.put(e.TimerFired(at=self.now(), timer=timer, view=self._view(self.interests())))

    def interests(self) -> list[str]:
        """Symbols whose quotes matter right now: with a position, an open order or a waiting signal."""
        symbols = self.core.state.symbols
        return [name for name, s in symbols.items() if s.position is not None or s.orders]

    def tick(self) -> None:
        """The clock event of this second."""
        self.put(e.ClockTick(at=self.now(), view=self._view(self.interests())))

    async def command(self, command_id: str, source: str, command: Command) -> Answered:
        """Put a command through the one door and wait for its answer; a known id gets its first answer."""
        known = self.core.answered(command_id)
        if known is not None:
            return known
        if self.read_only:
            return Answered(self.now(), ok=False, text=f"read-only: {self.read_only}")
        future = self._answers.get(command_id)
        if future is None:
            future = self._answers[command_id] = asyncio.get_running_loop().create_future()
            symbol = getattr(command, "symbol", None)
            view = self._view([*self.interests(), symbol] if symbol else self.interests())
            self.put(e.CommandReceived(at=self.now(), command_id=command_id, source=source, command=command, view=view))
        return await asyncio.shield(future)

    def reconcile(self) -> None:
        """Ask the venue for everything, unless that is under way."""
        if not self._reporting:
            self._reporting = True
            self._effect(self._report())

    async def _ask(self, asker: Asker, asked: d.AskVotes) -> None:
        """Put the votes on a candidate into the queue. Bars and orders go on meanwhile."""
        votes = await asker(asked)
        view = self._view((asked.symbol,))
        self.put(e.VotesCast(at=self.now(), signal_id=asked.signal_id, symbol=asked.symbol, votes=votes, view=view))

    async def reconciled(self) -> None:
        """Wait for the first report to be worked through."""
        await self._reconciled.wait()

    def _sent(self) -> list[Order]:
        """Open orders that a venue may know of."""
        state = self.core.state
        found = (order for symbol in state.symbols for order in state.open_orders(symbol))
        return [order for order in found if order.status is not OrderStatus.INTENT]

    async def _report(self) -> None:
        try:
            report = await self.venue.report(self.core.state.fills_until, self._sent())
        except VenueError as error:
            self._reporting = False
            self.put(e.LinkChanged(at=self.now(), link="venue", up=False, reason=str(error)))
            self._set_timer("report", self.now() + REPORT_RETRY_MS)
            return
        self._reporting = False
        at = self.now()
        for fill in report.fills:
            self.put(e.OrderFilled(at=at, fill=fill))
        self.put(e.Reconciled(at=at, report=report, view=self._view(self.interests())))

    # VenueSink: what the venue hears enters the same queue.

    def event(self, event: e.Event) -> None:
        """An event from the venue."""
        self.put(event)

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """A connection came or went; a venue that came back is asked for everything."""
        self.put(e.LinkChanged(at=self.now(), link=name, up=up, reason=reason))
        if up and name == "venue":
            self.reconcile()


def _outside(held: VenueOrder) -> Order:
    """An order from outside, as far as a cancel needs it."""
    request = OrderRequest(
        client_id=held.client_id,
        symbol=held.symbol,
        side=Side.BUY,
        kind=OrderKind.STOP_MARKET if held.conditional else OrderKind.LIMIT,
        lots=1,
        purpose=Purpose.EXIT,
        origin=OUTSIDE,
        reduce_only=held.reduce_only,
    )
    return Order(
        request=request, status=held.status, created=held.venue_time, updated=held.venue_time, venue_id=held.venue_id
    )


async def recover(journal: Journal) -> tuple[Core, int]:
    """The core as the journal left it, and the newest sequence. Nothing is decided again."""
    recovery = await journal.recover()
    core = Core.restore(recovery.snapshot) if recovery.snapshot is not None else Core()
    for entry in recovery.entries:
        core.recover(entry.event, entry.decisions)
    return core, recovery.last_seq
