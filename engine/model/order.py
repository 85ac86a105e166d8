"""Orders, their life as a table, fills and requests."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Generic, TypeVar

import msgspec

from engine.model.money import Money

T = TypeVar("T")


class Side(IntEnum):
    """Direction of an order or position; the value is its sign."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(Enum):
    """How an order executes. The two conditional kinds trigger on the mark price."""

    MARKET = "market"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT_MARKET = "take_profit_market"


CONDITIONAL = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})


class Purpose(Enum):
    """Why an order exists."""

    __hash__ = object.__hash__  # members are single: their place in memory will do, and it is quick

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"


PROTECTIVE = frozenset({Purpose.STOP, Purpose.TARGET})


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as the desk wants it, before any venue has seen it.

    Attributes:
        client_id: instance-epoch-sequence, unique for ever.
        symbol: unified symbol.
        side: BUY or SELL.
        kind: how it executes.
        lots: quantity, whole lots, positive.
        price: limit price in ticks, or None.
        trigger: trigger price in ticks for the conditional kinds, or None.
        reduce_only: may only shrink a position.
        purpose: why it exists.
        leverage: leverage the venue is asked to hold for this symbol.
        origin: who asked: ``signal:<id>``, ``person:<source>``, ``protection``, ``risk``.
    """

    client_id: str
    symbol: str
    side: Side
    kind: OrderKind
    lots: int
    purpose: Purpose
    origin: str
    price: int | None = None
    trigger: int | None = None
    reduce_only: bool = False
    leverage: int = 1


class Approved(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A request that risk has passed. Only `engine.core.risk` constructs it; venues accept nothing else."""

    request: T


class OrderStatus(Enum):
    """Where an order is in its life."""

    __hash__ = object.__hash__  # members are single: their place in memory will do, and it is quick

    INTENT = "intent"
    UNKNOWN = "unknown"
    WORKING = "working"
    CANCELING = "canceling"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class OrderStep(Enum):
    """What can happen to an order."""

    __hash__ = object.__hash__  # members are single: their place in memory will do, and it is quick

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"
    PART_FILL = "part_fill"
    LAST_FILL = "last_fill"
    CANCEL_SENT = "cancel_sent"
    CANCEL_REFUSED = "cancel_refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    NOT_FOUND = "not_found"


_S = OrderStatus
_E = OrderStep

# (status, step) -> next status. A pair that is missing is a broken invariant. Fills are taken in every state: a venue
# may report a fill after the cancel, the expiry or even the (wrong) refusal it raced with, and money moved all the same.
TRANSITIONS: dict[tuple[OrderStatus, OrderStep], OrderStatus] = {
    (_S.INTENT, _E.ACCEPTED): _S.WORKING,
    (_S.INTENT, _E.REFUSED): _S.REJECTED,
    (_S.INTENT, _E.LOST): _S.UNKNOWN,
    (_S.INTENT, _E.PART_FILL): _S.WORKING,
    (_S.INTENT, _E.LAST_FILL): _S.FILLED,
    (_S.INTENT, _E.CANCEL_SENT): _S.CANCELING,
    (_S.INTENT, _E.CANCELED): _S.CANCELED,
    (_S.INTENT, _E.EXPIRED): _S.EXPIRED,
    (_S.INTENT, _E.NOT_FOUND): _S.REJECTED,
    (_S.UNKNOWN, _E.ACCEPTED): _S.WORKING,
    (_S.UNKNOWN, _E.REFUSED): _S.REJECTED,
    (_S.UNKNOWN, _E.LOST): _S.UNKNOWN,
    (_S.UNKNOWN, _E.PART_FILL): _S.WORKING,
    (_S.UNKNOWN, _E.LAST_FILL): _S.FILLED,
    (_S.UNKNOWN, _E.CANCEL_SENT): _S.UNKNOWN,
    (_S.UNKNOWN, _E.CANCEL_REFUSED): _S.UNKNOWN,
    (_S.UNKNOWN, _E.CANCELED): _S.CANCELED,
    (_S.UNKNOWN, _E.EXPIRED): _S.EXPIRED,
    (_S.UNKNOWN, _E.NOT_FOUND): _S.REJECTED,
    (_S.WORKING, _E.ACCEPTED): _S.WORKING,
    (_S.WORKING, _E.REFUSED): _S.REJECTED,
    (_S.WORKING, _E.LOST): _S.WORKING,
    (_S.WORKING, _E.PART_FILL): _S.WORKING,
    (_S.WORKING, _E.LAST_FILL): _S.FILLED,
    (_S.WORKING, _E.CANCEL_SENT): _S.CANCELING,
    (_S.WORKING, _E.CANCEL_REFUSED): _S.WORKING,
    (_S.WORKING, _E.CANCELED): _S.CANCELED,
    (_S.WORKING, _E.EXPIRED): _S.EXPIRED,
    (_S.WORKING, _E.NOT_FOUND): _S.EXPIRED,
    (_S.CANCELING, _E.ACCEPTED): _S.CANCELING,
    (_S.CANCELING, _E.REFUSED): _S.REJECTED,
    (_S.CANCELING, _E.LOST): _S.CANCELING,
    (_S.CANCELING, _E.PART_FILL): _S.CANCELING,
    (_S.CANCELING, _E.LAST_FILL): _S.FILLED,
    (_S.CANCELING, _E.CANCEL_SENT): _S.CANCELING,
    (_S.CANCELING, _E.CANCEL_REFUSED): _S.WORKING,
    (_S.CANCELING, _E.CANCELED): _S.CANCELED,
    (_S.CANCELING, _E.EXPIRED): _S.EXPIRED,
    (_S.CANCELING, _E.NOT_FOUND): _S.CANCELED,
}

TERMINAL = frozenset({_S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})

for _status in TERMINAL:
    for _step in OrderStep:
        TRANSITIONS[_status, _step] = _status  # late news changes nothing ...
    TRANSITIONS[_status, _E.LAST_FILL] = _S.FILLED  # ... but a late fill is a fill


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution. `ticks` price, `lots` positive, `fee` 1e-8 quote units (negative: rebate), `venue_time` ms UTC."""

    trade_id: str
    client_id: str
    symbol: str
    side: Side
    ticks: int
    lots: int
    fee: Money
    maker: bool
    venue_time: int


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order and all that is known of it.

    `value` is the sum of ticks x lots filled; times are ms UTC. `trade_ids` are its newest executions, `fills` counts all.
    """

    request: OrderRequest
    status: OrderStatus
    created: int
    updated: int
    venue_id: str = ""
    filled: int = 0
    value: int = 0
    fees: Money = 0
    trade_ids: tuple[str, ...] = ()
    fills: int = 0
    confirmed: int = 0
    reason: str = ""

    @property
    def open(self) -> bool:
        """Not in a terminal state."""
        return self.status not in TERMINAL

    @property
    def executions(self) -> int:
        """How many fills it has had (orders kept before they were counted have all their trade ids)."""
        return max(self.fills, len(self.trade_ids))

    @property
    def remaining(self) -> int:
        """Lots not yet filled."""
        return self.request.lots - self.filled
