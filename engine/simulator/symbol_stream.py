"""The order in which a venue's market messages follow from a step; the words are a subclass's."""

from __future__ import annotations

from abc import ABC, abstractmethod

from engine.model.market import Bar
from engine.simulator.candles import Candles
from engine.simulator.exchange import Exchange
from engine.simulator.market import Step
from engine.simulator.sockets import Hub
from engine.simulator.wire import Wire

SECOND_MS = 1_000


class SymbolStream(ABC):
    """Market messages of one symbol; channels of the hub are named ``<prefix><channel>:<venue's name>``.

    Args:
        exchange: the state that messages speak of.
        symbol: unified symbol.
        candles: its candles.
        hub: the subscribers.
        prefix: begins the venue's channels.
        name: the venue's name of the symbol.
    """

    def __init__(self, exchange: Exchange, symbol: str, candles: Candles, hub: Hub, prefix: str, name: str) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self.candles = candles
        self.hub = hub
        self.name = name
        self.wire: Wire = exchange.wires[symbol]
        self.top = (0, 0, 0, 0)
        self.update = 1_000
        self.trade_id = 0
        self.wanted: frozenset[str] = frozenset()
        self._prefix, self._suffix = prefix, f":{name}"
        self._known_version = -1
        self._second = -1

    def step(self, step: Step) -> None:
        """Publish what a step changed."""
        if self.hub.version != self._known_version:
            self._look_up()
        changed = (step.bid, step.bid_lots, step.ask, step.ask_lots)
        if changed != self.top:
            self.top = changed
            self.update += 1
            if self.wanted:
                self.say_top(step.at)
        if step.trade:
            self.trade_id += 1
        if not self.wanted:
            return
        closed = step.closed
        closed_before = closed is not None and step.at >= closed.open_time + self.candles.timeframe_ms
        if closed is not None and closed_before:
            self.say_second(step.at)
            self.say_closed(closed, step.at)
        if step.trade:
            self.say_trade(step)
        second = step.at // SECOND_MS
        if second != self._second or (closed is not None and not closed_before):
            self._second = second
            self.say_second(step.at)
        if closed is not None and not closed_before:
            self.say_closed(closed, step.at)

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids and asks as (ticks, lots) from the top outwards; each further tick holds twice the size."""
        bid, bid_lots, ask, ask_lots = self.top
        bids = [(bid - i, bid_lots << min(i, 20)) for i in range(levels) if bid - i > 0]
        asks = [(ask + i, ask_lots << min(i, 20)) for i in range(levels) if ask > 0]
        return bids, asks

    def publish(self, channel: str, data: bytes) -> None:
        """Send to whoever hears a channel of this symbol."""
        self.hub.publish(f"{self._prefix}{channel}{self._suffix}", data)

    def longer(self, bar: Bar, timeframe_ms: int) -> tuple[Bar, bool]:
        """The bar of a timeframe that a closed base bar belongs to, and whether it closes with it."""
        base = self.candles.timeframe_ms
        shown = bar if timeframe_ms == base else self.candles.group_of(bar, timeframe_ms)
        return shown, (bar.open_time + base) % timeframe_ms == 0

    @abstractmethod
    def say_top(self, at: int) -> None:
        """The top of the book changed."""

    @abstractmethod
    def say_trade(self, step: Step) -> None:
        """A trade, and the bars it changed."""

    @abstractmethod
    def say_closed(self, bar: Bar, at: int) -> None:
        """The base bar closed: so do the longer bars that end with it."""

    @abstractmethod
    def say_second(self, at: int) -> None:
        """What comes once a second."""

    def _look_up(self) -> None:
        """Which of this symbol's channels have subscribers."""
        self._known_version = self.hub.version
        self.wanted = frozenset(
            stream.removeprefix(self._prefix).removesuffix(self._suffix)
            for stream in self.hub.subscribers
            if stream.startswith(self._prefix) and stream.endswith(self._suffix)
        )
