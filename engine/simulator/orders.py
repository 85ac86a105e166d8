"""Orders and executions as the simulated exchange remembers them."""

from __future__ import annotations

from enum import Enum

import msgspec

from engine.matching import BookOrder
from engine.model.money import Money
from engine.model.order import CONDITIONAL, OrderKind, Side

TYPE_NAMES = {
    OrderKind.MARKET: "MARKET",
    OrderKind.LIMIT: "LIMIT",
    OrderKind.POST_ONLY: "LIMIT",
    OrderKind.STOP_MARKET: "STOP_MARKET",
    OrderKind.TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET",
}


class OrderState(Enum):
    """Status of an order by Binance's names."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class AlgoState(Enum):
    """Status of a conditional order by Binance's names."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


OPEN_STATES = frozenset({OrderState.NEW, OrderState.PARTIALLY_FILLED})


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, parsed: lots and ticks, time in force GTC, IOC, FOK or GTX."""

    symbol: str
    client_id: str
    side: Side
    kind: OrderKind
    lots: int
    price: int | None = None
    trigger: int | None = None
    reduce_only: bool = False
    close_position: bool = False
    time_in_force: str = "GTC"

    @property
    def conditional(self) -> bool:
        """Whether it waits for a trigger."""
        return self.kind in CONDITIONAL

    def for_book(self) -> BookOrder:
        """The same as the matching book takes it."""
        return BookOrder(
            client_id=self.client_id,
            side=self.side,
            kind=self.kind,
            lots=self.lots,
            price=self.price,
            trigger=self.trigger,
            reduce_only=self.reduce_only,
        )


class SimOrder:
    """An order and what became of it.

    `value` is the sum of ticks x lots executed; times are simulated ms UTC; `reason` says why the venue ended it.
    """

    __slots__ = (
        "algo_id",
        "algo_state",
        "created",
        "filled",
        "new",
        "order_id",
        "reason",
        "state",
        "triggered",
        "updated",
        "value",
    )

    def __init__(self, new: NewOrder, now: int) -> None:
        self.new = new
        self.order_id = 0
        self.algo_id = 0
        self.state = OrderState.NEW
        self.algo_state = AlgoState.NEW
        self.filled = 0
        self.value = 0
        self.created = now
        self.updated = now
        self.triggered = 0
        self.reason = ""

    @property
    def working(self) -> bool:
        """In the matching book as a plain order."""
        return self.order_id > 0 and self.state in OPEN_STATES

    @property
    def waiting(self) -> bool:
        """A conditional order that has not triggered."""
        return self.algo_id > 0 and self.algo_state is AlgoState.NEW

    @property
    def type_name(self) -> str:
        """Binance's order type; a triggered conditional order works as MARKET."""
        return "MARKET" if self.algo_id else TYPE_NAMES[self.new.kind]


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of the account."""

    trade_id: int
    order: SimOrder
    ticks: int
    lots: int
    fee: Money
    realised: Money
    maker: bool
    time: int


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """One booking of the wallet: REALIZED_PNL, COMMISSION or FUNDING_FEE."""

    symbol: str
    kind: str
    amount: Money
    time: int
    tran_id: int
    trade_id: str = ""
