"""The engine's copy of the desk and of the watched charts, and the numbered frames that keep every replica equal to it.

Changes enter with `publish` and `publish_bar`, both synchronous and cheap. What came together leaves together: a flush
runs at once when the line was idle, else `interval_s` after the last one, so that thousands of quotes a second become a
few hundred frames. Each frame is encoded once for all subscribers.

A subscriber that cannot take a frame (it lags) gets nothing more until it calls `catch_up`, and then a fresh snapshot of
all its topics: what it missed is conflated into the snapshot, and nothing is kept for it meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Protocol

import msgspec

from engine.errors import BadInput
from engine.model.signal import Signal
from engine.view import (
    DESK_TOPIC,
    AccountView,
    Change,
    Desk,
    FillView,
    Gone,
    InstrumentView,
    NoteView,
    OrderView,
    OutsideOrderView,
    OutsideView,
    PositionView,
    StatusView,
)
from engine.view_bars import BarChange, BarsView, bars_topic
from engine.view_board import BallotView, BoardView
from engine.view_market import DepthView, FundingView, Quotes, QuoteView, TapeView, WatchView
from headless.protocol import BarsSnapshot, BarsUpdate, DeskSnapshot, Update, encode

FLUSH_INTERVAL_S = 0.005
MAX_TOPICS = 64

BarsLoader = Callable[[str, int], BarsView | None]


class Subscriber(Protocol):
    """Where frames go; `headless.server` has one for each client."""

    def send(self, frame: str | bytes) -> bool:
        """Take a frame for sending, in order; False when it lags and did not take it."""
        ...


class _Topic(msgspec.Struct, eq=False):
    """Subscribers of one topic: up to date, lagging (a snapshot when drained), waiting (for a chart to be known)."""

    seq: int = 0
    current: set[Subscriber] = msgspec.field(default_factory=set)
    lagging: set[Subscriber] = msgspec.field(default_factory=set)
    waiting: set[Subscriber] = msgspec.field(default_factory=set)

    @property
    def all(self) -> set[Subscriber]:
        return self.current | self.lagging | self.waiting

    def drop(self, subscriber: Subscriber) -> None:
        for group in (self.current, self.lagging, self.waiting):
            group.discard(subscriber)

    def send(self, frame: str | bytes) -> None:
        """To all that are up to date; those that cannot take it are lagging from now on."""
        for subscriber in tuple(self.current):
            if not subscriber.send(frame):
                self.current.discard(subscriber)
                self.lagging.add(subscriber)

    def send_snapshot(self, subscriber: Subscriber, frame: str | bytes) -> None:
        self.drop(subscriber)
        (self.current if subscriber.send(frame) else self.lagging).add(subscriber)


def parse_topic(topic: str) -> tuple[str, int] | None:
    """Symbol and timeframe (ms) of a chart's topic, None for the desk; raises BadInput for anything else."""
    if topic == DESK_TOPIC:
        return None
    match topic.split("|"):
        case ["bars", symbol, timeframe] if symbol and timeframe.isascii() and timeframe.isdigit():
            return symbol, int(timeframe)
    raise BadInput("topic", topic[:80], f"use {DESK_TOPIC} or {bars_topic('SYMBOL', 60_000)}")


class Publisher:
    """Owner of the desk.

    Args:
        desk: the state to begin with; from now on only `publish` changes it.
        bars_loader: gives a chart as it is right now, or None while it is not known; called on the event loop.
        interval_s: least time between two flushes, seconds.
    """

    def __init__(self, desk: Desk, bars_loader: BarsLoader, *, interval_s: float = FLUSH_INTERVAL_S) -> None:
        self.desk = desk
        self._bars_loader = bars_loader
        self._interval_s = interval_s
        self._topic = _Topic()
        self._charts: dict[tuple[str, int], _Topic] = {}
        self._pending: dict[Hashable, Change] = {}
        self._quotes: dict[str, QuoteView] = {}
        self._bars: dict[tuple[str, int], list[BarChange]] = {}
        self._handle: asyncio.Handle | None = None
        self._flushed_at = -interval_s
        self._snapshot: tuple[int, str | bytes] | None = None

    @property
    def seq(self) -> int:
        """Number of the newest desk update."""
        return self._topic.seq

    def watched(self) -> frozenset[tuple[str, int]]:
        """The charts that somebody watches, as (symbol, timeframe_ms)."""
        return frozenset(self._charts)

    def publish(self, *changes: Change) -> None:
        """Take changes into the desk and queue those that change something. On the event loop's thread only."""
        for change in changes:
            if isinstance(change, Quotes):
                self._publish_quotes(change)
            elif self._news(change):
                self.desk.apply(change)
                self._pending[_conflation_key(change) or ("in order", len(self._pending))] = change
        if not (self._pending or self._quotes):
            return
        self._snapshot = None
        if self._topic.current:
            self._schedule()
        else:
            self._pending.clear()
            self._quotes.clear()

    def publish_bar(self, symbol: str, timeframe_ms: int, change: BarChange) -> None:
        """The newest bar of a chart; free when nobody watches it. The loader must already give it when this is called."""
        chart = (symbol, timeframe_ms)
        topic = self._charts.get(chart)
        if topic is None:
            return
        if topic.waiting:
            self.flush()
            for subscriber in tuple(topic.waiting):
                self._send_chart(chart, topic, subscriber)
        if not topic.current:
            return
        queue = self._bars.setdefault(chart, [])
        if queue and _replaces(queue[-1], change):
            queue[-1] = change
        else:
            queue.append(change)
        self._schedule()

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Send a snapshot now (a chart's when it is known) and updates from then on.

        Raises:
            BadInput: no such topic, or one client wants more than `MAX_TOPICS` charts.
        """
        chart = parse_topic(topic)
        self.flush()
        if chart is None:
            self._topic.send_snapshot(subscriber, self._desk_frame())
            return
        mine = {known for known, one in self._charts.items() if subscriber in one.all}
        if len(mine | {chart}) > MAX_TOPICS:
            raise BadInput("topic", topic[:80], f"watch at most {MAX_TOPICS} charts at once")
        self._send_chart(chart, self._charts.setdefault(chart, _Topic()), subscriber)

    def unsubscribe(self, topic: str, subscriber: Subscriber) -> None:
        """No more of a topic; harmless when it was not subscribed. Raises BadInput for an unknown topic."""
        chart = parse_topic(topic)
        if chart is None:
            self._topic.drop(subscriber)
        elif chart in self._charts:
            self._drop_chart(chart, subscriber)

    def forget(self, subscriber: Subscriber) -> None:
        """The client is gone."""
        self._topic.drop(subscriber)
        for chart in tuple(self._charts):
            self._drop_chart(chart, subscriber)

    def catch_up(self, subscriber: Subscriber) -> None:
        """The client has drained: a fresh snapshot of every topic it missed something of."""
        self.flush()
        if subscriber in self._topic.lagging:
            self._topic.send_snapshot(subscriber, self._desk_frame())
        for chart, topic in self._charts.items():
            if subscriber in topic.lagging:
                self._send_chart(chart, topic, subscriber)

    def flush(self) -> None:
        """Send what is queued, now."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._flushed_at = asyncio.get_running_loop().time()
        if self._pending or self._quotes:
            changes = tuple(self._pending.values())
            if self._quotes:
                changes += (Quotes(tuple(self._quotes.values())),)
            self._pending.clear()
            self._quotes.clear()
            self._topic.seq += 1
            self._topic.send(encode(Update(self._topic.seq, changes)))
        for (symbol, timeframe_ms), bars in self._bars.items():
            topic = self._charts[symbol, timeframe_ms]
            for change in bars:
                topic.seq += 1
                topic.send(encode(BarsUpdate(bars_topic(symbol, timeframe_ms), topic.seq, change)))
        self._bars.clear()

    def _schedule(self) -> None:
        if self._handle is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._flushed_at + self._interval_s - loop.time()
        self._handle = loop.call_later(wait, self.flush) if wait > 0 else loop.call_soon(self.flush)

    def _publish_quotes(self, change: Quotes) -> None:
        known = self.desk.quotes
        for row in change.rows:
            if known.get(row.symbol) != row:
                known[row.symbol] = self._quotes[row.symbol] = row

    def _news(self, change: Change) -> bool:
        """Whether taking the change in makes a difference; lines of the log and fills always do."""
        desk = self.desk
        match change:
            case StatusView():
                return desk.status != change
            case AccountView():
                return desk.account != change
            case InstrumentView():
                return desk.instruments.get(change.symbol) != change
            case WatchView():
                return desk.watch.get(change.symbol) != change
            case BoardView():
                return desk.boards.get(change.symbol) != change
            case BallotView():
                return desk.ballots.get(change.symbol) != change
            case Signal():
                return desk.signals.get(change.id) != change
            case PositionView():
                return desk.positions.get(change.symbol) != change
            case OrderView():
                return desk.orders.get(change.client_id) != change
            case DepthView():
                return desk.depths.get(change.symbol) != change
            case Gone(kind="book", key=key):
                return key in desk.depths or key in desk.tapes
            case OutsideView():
                return desk.outside.get(change.symbol) != change
            case OutsideOrderView():
                return desk.outside_orders.get(change.client_id) != change
            case FundingView():
                return desk.funding.get(change.symbol) != change
            case Gone(kind=kind, key=key):
                return key in desk.kept(kind)
            case _:
                return True

    def _desk_frame(self) -> str | bytes:
        """The snapshot as of `seq`, compressed once for all that ask at the same number."""
        if self._snapshot is None or self._snapshot[0] != self.seq:
            self._snapshot = self.seq, encode(DeskSnapshot(self.seq, self.desk))
        return self._snapshot[1]

    def _send_chart(self, chart: tuple[str, int], topic: _Topic, subscriber: Subscriber) -> None:
        bars = self._bars_loader(*chart)
        if bars is None:
            topic.drop(subscriber)
            topic.waiting.add(subscriber)
            return
        topic.send_snapshot(subscriber, encode(BarsSnapshot(bars_topic(*chart), topic.seq, bars)))

    def _drop_chart(self, chart: tuple[str, int], subscriber: Subscriber) -> None:
        topic = self._charts[chart]
        topic.drop(subscriber)
        if not topic.all:
            del self._charts[chart]
            self._bars.pop(chart, None)


def _conflation_key(change: Change) -> Hashable:
    """Under which key only the newest of a flush is sent; None for what must arrive one by one, in order."""
    match change:
        case StatusView() | AccountView():
            return type(change)
        case InstrumentView() | WatchView() | BoardView() | BallotView() | FundingView():
            return type(change), change.symbol
        case (
            Signal()
            | DepthView()
            | TapeView()
            | PositionView()
            | OrderView()
            | OutsideView()
            | OutsideOrderView()
            | FillView()
            | NoteView()
            | Gone()
            | Quotes()
        ):
            return None


def _replaces(before: BarChange, after: BarChange) -> bool:
    """Whether `after` makes `before` needless: a newer picture of the same unfinished bar."""
    same_bar = before.bar.open_time == after.bar.open_time
    return same_bar and not before.closed and before.overlays.keys() <= after.overlays.keys()
