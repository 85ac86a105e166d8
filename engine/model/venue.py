"""What a venue says of itself when it is asked."""

from __future__ import annotations

import msgspec

from engine.model.money import Money
from engine.model.order import Fill, OrderStatus


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the venue holds it.

    `status` is WORKING or terminal; `filled` lots; `venue_time` ms UTC; `conditional`: it waits for a trigger. `side`
    (+1 buys), `lots`, `price` and `trigger` (ticks) are what it would do, 0 and None where the venue did not tell.
    """

    client_id: str
    venue_id: str
    symbol: str
    status: OrderStatus
    filled: int
    reduce_only: bool
    venue_time: int
    reason: str = ""
    conditional: bool = False
    side: int = 0
    lots: int = 0
    price: int | None = None
    trigger: int | None = None


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """One net position as the venue holds it, signed lots; `entry` is quote currency; `leverage` 1 where it is not told."""

    symbol: str
    lots: int
    entry: float
    leverage: int = 1


class VenueReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to reconcile.

    Attributes:
        orders: all open orders of the account, conditional ones included.
        positions: all positions that are not flat.
        fills: executions since the asked time, oldest first.
        balance: wallet balance (realised cash, no unrealised profit), 1e-8 quote units.
        venue_time: ms UTC by the venue's clock.
    """

    orders: tuple[VenueOrder, ...]
    positions: tuple[VenuePosition, ...]
    fills: tuple[Fill, ...]
    balance: Money
    venue_time: int
