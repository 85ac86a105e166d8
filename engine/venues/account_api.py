"""What a venue asks of an exchange's account, whichever exchange it is; one implementation an exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, OrderRequest, OrderStatus, Purpose
from engine.model.venue import VenueReport
from engine.venues.weight import Lane


class Permissions(msgspec.Struct, frozen=True):
    """What a key may do: see the account, trade contracts, move money out; and whether only from listed addresses."""

    read: bool
    trade: bool
    withdraw: bool
    ip_bound: bool


class Placed(msgspec.Struct, frozen=True):
    """The exchange holds an order; `venue_time` is ms UTC, 0 where it does not say."""

    venue_id: str
    venue_time: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order: WORKING, FILLED or another end, and its executions.

    `code` is the exchange's own for an order it ended by itself as refused.
    """

    status: OrderStatus
    venue_id: str
    venue_time: int
    fills: tuple[Fill, ...] = ()
    reason: str = ""
    code: str = ""


def lane_of(request: OrderRequest) -> Lane:
    """Entries leave a share of every limit to exits and cancels, and are not sent long after they were decided."""
    return Lane.ENTRY if request.purpose is Purpose.ENTRY else Lane.TRADE


class AccountApi(Protocol):
    """Every method raises VenueError with the exchange's own code and words."""

    def learn(self, instruments: Sequence[Instrument], orders: Sequence[Order]) -> None:
        """What is traded, and the open orders that are known."""
        ...

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Who hears which messages of the user stream."""
        ...

    async def server_time(self) -> int:
        """The exchange's clock, ms UTC."""
        ...

    async def check(self) -> None:
        """Refuse an account that Trefoil cannot trade: hedged positions, a mode without contracts, a key that may not."""
        ...

    async def prepare(self, symbol: str, leverage: int, *, first: bool) -> None:
        """Isolated margin (when this is the `first` entry of a symbol) and leverage."""
        ...

    async def place(self, request: OrderRequest) -> Placed:
        """Send once; an entry in a lane of its own, see `lane_of`."""
        ...

    async def cancel(self, order: Order) -> Found:
        """Cancel, and what became of it; WORKING when that is not known yet."""
        ...

    async def cancel_all(self, symbol: str) -> None:
        """Cancel every order of a symbol, conditional ones too."""
        ...

    async def amend(self, order: Order, lots: int, price: int) -> None:
        """A new size (all of it, what is filled included) and price (ticks) of a working limit order."""
        ...

    async def find(self, order: Order) -> Found:
        """Ask by id what became of an order."""
        ...

    async def report(self, since: int) -> VenueReport:
        """Open orders, positions, wallet and the known orders' executions since a minute before `since` (ms UTC)."""
        ...

    async def permissions(self) -> Permissions:
        """What the key may do."""
        ...

    # The user stream

    urls: list[str]
    secret: str
    """Part of an address that must not be shown."""

    async def open_stream(self) -> list[asyncio.Future[Any]]:
        """Sign in and subscribe; the futures fail when a socket ends. `urls` are those that were tried."""
        ...

    async def keep_alive(self) -> None:
        """Whatever keeps the stream alive besides pings, until cancelled."""
        ...


async def together(*work: Any) -> list[Any]:
    """The answers of requests made side by side."""
    return list(await asyncio.gather(*work))
