"""What a feed asks of an exchange's market data, whichever exchange it is; one implementation an exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engine.model.instrument import Instrument
from engine.model.market import Bar
from engine.venues.weight import Lane

Row = tuple[int, str, str, str, str, str]
"""Open time (ms UTC), open, high, low, close, volume in coins."""
MAINTENANCE_PPM = 10_000  # until the account tells its brackets: the safe side
STREAMS_PER_SOCKET = 180


class Hears(Protocol):
    """Where messages go, by the exchange's names and in its texts; later ones have the higher `order`."""

    def top(self, venue_id: str, order: tuple[int, ...], time: int, bid: tuple[str, str], ask: tuple[str, str]) -> None:
        """The best prices with their sizes; `time` ms UTC."""
        ...

    def mark(self, venue_id: str, time: int, price: str) -> None:
        """The mark price."""
        ...

    def funding(self, venue_id: str, rate: str, at: int) -> None:
        """What longs pay shorts, a fraction of the notional, at the next funding time `at`, ms UTC."""
        ...

    def candle(self, venue_id: str, order: tuple[float, ...], time: int, bar: Bar, *, closed: bool) -> None:
        """A bar as it stands, or closed; `time` 0 where the message does not say when it was sent."""
        ...


class LooksOn(Protocol):
    """Where order books and trades go."""

    def depth(self, venue_id: str, bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> None:
        """Levels as (price, size, ...) texts, best first."""
        ...

    def traded(self, venue_id: str, time: int, price: str, size: str, side: int) -> None:
        """A trade of the market; `side` is the taker's, +1 or -1."""
        ...


Handlers = dict[str, Callable[[dict[str, Any]], None]]
Subscription = tuple[str, dict[str, Any], list[str]]
"""Address, request, and the exchange's names of the contracts it is for."""


class MarketApi(Protocol):
    """An exchange's market data. Methods raise VenueError."""

    page: int
    """Most bars in one request."""

    async def instruments(self) -> tuple[list[Instrument], list[str]]:
        """USDT-margined perpetuals that trade, and sentences about those with a grid finer than 1e-8."""
        ...

    async def learn(self) -> None:
        """Whatever `size_step` needs to know, if `instruments` has not been asked."""
        ...

    async def server_time(self) -> int:
        """Ms UTC."""
        ...

    async def bars(self, venue_id: str, timeframe_ms: int, begin: int, end: int, lane: Lane) -> list[Row]:
        """Closed bars with begin <= open time < end, at most `page`, oldest first."""
        ...

    def size_step(self, instrument: Instrument) -> float:
        """What one lot is in the exchange's quantities."""
        ...

    def handlers(self, hears: Hears) -> Handlers:
        """Who hears which messages of the streams that a feed lives on."""
        ...

    def subscriptions(self, venue_ids: Sequence[str], base_ms: int, *, one_socket: bool) -> list[Subscription]:
        """The sockets of a feed."""
        ...

    def look_handlers(self, looks: LooksOn) -> Handlers:
        """Who hears which messages of order books and trades."""
        ...

    def look_subscription(self, venue_ids: Sequence[str], number: int) -> Subscription:
        """The socket of order books and trades; `number` makes its address one of its own."""
        ...


def parts(names: Sequence[str]) -> list[list[str]]:
    """Streams in groups that one socket may have."""
    return [list(names[i : i + STREAMS_PER_SOCKET]) for i in range(0, len(names), STREAMS_PER_SOCKET)]
