"""What the engine needs from outside, as protocols: storage, feeds, venues and clocks implement them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.bars import Bars
from engine.model.decision import Decision
from engine.model.event import Event
from engine.model.forecast import Forecast
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.order import Approved, Order, OrderRequest
from engine.model.venue import VenueReport


class Clock(Protocol):
    """Where time comes from. The core never sees one."""

    def now(self) -> int:
        """Wall time, ms UTC."""
        ...


class Probe(Protocol):
    """Called at the named points of an order's way where a crash hurts most; tests kill the process there."""

    def __call__(self, point: str) -> None:
        """`point` is one of `engine.probe.POINTS`."""
        ...


class FeedSink(Protocol):
    """Where a feed puts what it hears. Synchronous and cheap: called for every message."""

    def quote(self, symbol: str, quote: Quote) -> None:
        """The newest top of book, last and mark of a symbol (fields the feed has not heard yet are 0)."""
        ...

    def bar(self, symbol: str, bar: Bar, *, closed: bool) -> None:
        """The current 1m bar; `closed` exactly once a bar, in order, gaps already back-filled by the feed."""
        ...

    def corrected(self, symbol: str, before: Bar, after: Bar) -> None:
        """A closed 1m bar was changed by the venue."""
        ...

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """The feed's connection came or went."""
        ...


class Feed(Protocol):
    """A source of market data."""

    async def instruments(self) -> tuple[Instrument, ...]:
        """Every linear perpetual the source lists."""
        ...

    async def history(self, symbol: str, timeframe_ms: int, since: int, until: int) -> Bars:
        """Closed bars with since <= open_time < until, gap-free as far as the source has them; ms UTC."""
        ...

    async def run(self, symbols: Sequence[str], sink: FeedSink) -> None:
        """Stream 1m bars and quotes until cancelled; reconnects by itself with backoff."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class VenueSink(Protocol):
    """Where a venue puts what it hears; the events enter the one queue in order."""

    def event(self, event: Event) -> None:
        """An OrderAccepted, OrderFilled, OrderGone, FundingPaid ... as it arrives."""
        ...

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """The user stream came or went; after each `up` the engine reconciles."""
        ...


class Venue(Protocol):
    """An account that takes orders. Methods never raise for what a venue may answer: answers come as events."""

    name: str

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Sign in and start the user stream; `orders` are the journal's open ones (the paper venue lives on them)."""
        ...

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Send once. Ends in OrderAccepted, OrderRefused or OrderLost through the sink."""
        ...

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel. Ends in OrderGone or CancelRefused through the sink."""
        ...

    async def query(self, order: Order) -> None:
        """Ask for the truth: missed fills first, then OrderAccepted, OrderGone or OrderNotFound through the sink."""
        ...

    async def report(self, since: int, orders: Sequence[Order] = ()) -> VenueReport:
        """All open orders, positions, balance and the fills since `since` (ms UTC). Raises VenueError when unreachable.

        `orders` are those the journal has open: the fills of one that the venue holds no longer are looked up by id, so
        that all fills come in the order of their execution. Average cost depends on it.
        """
        ...

    def market(self, view: MarketView, now: int) -> None:
        """New quotes; only the paper venue uses them (it fills on them)."""
        ...

    async def close(self) -> None:
        """Release connections; orders stay where they are."""
        ...


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the strategies read at one close: sides, and stop/target distances (quote currency), the board's last."""

    sides: tuple[int, ...]
    stops: tuple[float, ...]
    targets: tuple[float, ...]


class Readings(Protocol):
    """Strategies' answers for a bar: live computes rolling windows, a backtest looks them up."""

    def read(self, symbol: str, bars: Bars) -> Reading:
        """The reading at the close of the last of `bars`."""
        ...


class Forecaster(Protocol):
    """A forecast of each closed bar, where there is a model of the symbol. Synchronous and cheap."""

    def forecast(self, symbol: str, bars: Bars) -> Forecast | None:
        """The forecast at the close of the last of `bars`."""
        ...


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One event and what was decided on it; `seq` runs without gaps within a journal."""

    seq: int
    event: Event
    decisions: tuple[Decision, ...]


class Recovery(msgspec.Struct, frozen=True):
    """What a journal hands out at start: the newest snapshot (or None), the entries after it, the last sequence."""

    snapshot: bytes | None
    snapshot_seq: int
    entries: tuple[Entry, ...]
    last_seq: int


class Journal(Protocol):
    """The append-only record; the source of truth after a crash."""

    async def recover(self) -> Recovery:
        """Read back. A torn tail cannot exist (transactions); a corrupt row raises JournalFailed naming it."""
        ...

    async def next_epoch(self) -> int:
        """Raise the epoch durably and return it."""
        ...

    async def append(self, entries: Sequence[Entry]) -> None:
        """One durable transaction for all of `entries`; raises JournalFailed, and then nothing was kept."""
        ...

    async def snapshot(self, seq: int, state: bytes) -> None:
        """Keep the state as of `seq`, replacing older snapshots in one transaction."""
        ...


class CandleStore(Protocol):
    """Closed bars on disk. Blocking: call it from a thread."""

    def read(self, venue: str, symbol: str, timeframe_ms: int, since: int = 0, until: int | None = None) -> Bars:
        """Stored bars with since <= open time < until (ms UTC; None: to the end), oldest first."""
        ...

    def write(self, venue: str, symbol: str, timeframe_ms: int, bars: Bars) -> None:
        """Merge bars in; the newer version of an open time wins."""
        ...
