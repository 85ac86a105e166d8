"""One matching book for one symbol: orders and quotes in, outcomes out. No account, no clock, no randomness.

The rules are those of Binance USD-M in one-way mode:

- A market order takes the opposite quote. The tick of the quote holds the displayed size, each further tick twice the
  size of the tick before, until all is executed; a displayed size of 0 is not known and holds everything.
- A limit order takes as far as its price allows, as taker, and the rest rests.
- A resting order executes as maker at its own price: all of it when the opposite quote crosses its price, the displayed
  size (shared by price, then arrival) when the quote just reaches it.
- A post-only order that would take is rejected, and so is a limit order to buy far above the mark price or to sell far
  below it (PERCENT_PRICE).
- A reduce-only order is rejected without a position to reduce, executes at most the position, and is expired when the
  position is gone.
- A conditional order triggers on the mark price (the last price where no mark is known) and then executes as a market
  order; one that would trigger at once is rejected.
- On a new quote resting orders come first, then stops, then take-profits, each by arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import pairwise
from typing import TypeAlias

import msgspec

from engine.model.instrument import Instrument
from engine.model.market import Quote
from engine.model.order import CONDITIONAL, OrderKind, OrderRequest, OrderStatus, Side

BAND_PERCENT = 5  # how far beyond the mark price a limit order may be willing to trade


class RejectCode(Enum):
    """Why an order is refused; the value is Binance's error code."""

    UNKNOWN_ORDER = -2011
    WOULD_TRIGGER = -2021
    REDUCE_ONLY = -2022
    PRECISION = -1111
    MISSING_PRICE = -1102
    PRICE_NOT_POSITIVE = -4001
    QUANTITY_NOT_POSITIVE = -4003
    BELOW_MIN_QUANTITY = -4004
    ABOVE_MAX_QUANTITY = -4005
    TICK_SIZE = -4014
    PRICE_TOO_HIGH = -4016
    PRICE_TOO_LOW = -4024
    DUPLICATE_ID = -4116
    NO_MARKET = -4131
    MIN_NOTIONAL = -4164
    WOULD_TAKE = -5022


class BookOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the book takes it: `lots` positive, `price` and `trigger` in ticks."""

    client_id: str
    side: Side
    kind: OrderKind
    lots: int
    price: int | None = None
    trigger: int | None = None
    reduce_only: bool = False


class RestingOrder(msgspec.Struct, frozen=True):
    """An order in the book and what of it is executed, lots."""

    order: BookOrder
    filled: int


class Accepted(msgspec.Struct, frozen=True):
    """The book holds the order."""

    client_id: str


class Rejected(msgspec.Struct, frozen=True):
    """The book refused the order (or the cancel); nothing changed."""

    client_id: str
    code: RejectCode
    reason: str


class Triggered(msgspec.Struct, frozen=True):
    """The mark price reached a conditional order; its executions follow."""

    client_id: str


class Executed(msgspec.Struct, frozen=True):
    """`lots` were executed at `ticks`; `left` lots of the order are still open."""

    client_id: str
    side: Side
    ticks: int
    lots: int
    maker: bool
    left: int


class Removed(msgspec.Struct, frozen=True):
    """The order left the book with `filled` lots executed; status CANCELED or EXPIRED."""

    client_id: str
    status: OrderStatus
    reason: str
    filled: int


Outcome: TypeAlias = Accepted | Rejected | Triggered | Executed | Removed


def book_order(request: OrderRequest, lots: int) -> BookOrder:
    """`lots` of a request as the book takes it."""
    return BookOrder(
        client_id=request.client_id,
        side=request.side,
        kind=request.kind,
        lots=lots,
        price=request.price,
        trigger=request.trigger,
        reduce_only=request.reduce_only,
    )


def through(corners: Sequence[int], levels: Iterable[int]) -> list[int]:
    """The corners of a bar with every level that lies between one and the next, in passing order; ticks."""
    known = set(levels)
    path = [corners[0]]
    for begin, end in pairwise(corners):
        low, high = min(begin, end), max(begin, end)
        path += sorted((level for level in known if low < level < high), reverse=end < begin)
        path.append(end)
    return path


class _Open:
    """An order in the book, with what changes."""

    __slots__ = ("left", "order")

    def __init__(self, order: BookOrder, left: int) -> None:
        self.order = order
        self.left = left


class MatchingBook:
    """The book of one symbol for one account.

    Args:
        instrument: the contract; gives minimum and maximum size and the minimum notional.
        position: signed lots to start with.
        slippage_ticks: added to every taker price against the taker (never beyond a limit price); may be changed.
    """

    def __init__(self, instrument: Instrument, position: int = 0, slippage_ticks: int = 0) -> None:
        self.instrument = instrument
        self.position = position
        self.quote: Quote | None = None
        self.slippage_ticks = slippage_ticks
        self._open: dict[str, _Open] = {}

    def resting(self) -> tuple[RestingOrder, ...]:
        """Orders in the book, oldest first."""
        return tuple(RestingOrder(entry.order, entry.order.lots - entry.left) for entry in self._open.values())

    def check(self, order: BookOrder) -> Rejected | None:
        """The first rule the order breaks, or None; nothing changes."""
        for check in (self._bad_shape, self._bad_size, self._bad_for_position, self._bad_for_market):
            found = check(order)
            if found is not None:
                return Rejected(order.client_id, *found)
        return None

    def submit(self, order: BookOrder) -> list[Outcome]:
        """Check an order, then execute it as far as it goes; what is left of a limit or conditional order stays."""
        refusal = self.check(order)
        if refusal is not None:
            return [refusal]
        outcomes: list[Outcome] = [Accepted(order.client_id)]
        entry = _Open(order, order.lots)
        self._open[order.client_id] = entry
        if order.kind not in CONDITIONAL:
            self._take(entry, outcomes)
        return outcomes

    def cancel(self, client_id: str, status: OrderStatus = OrderStatus.CANCELED, reason: str = "") -> list[Outcome]:
        """Take an order out of the book with `status` (EXPIRED for what an immediate-or-cancel order leaves)."""
        entry = self._open.pop(client_id, None)
        if entry is None:
            return [Rejected(client_id, RejectCode.UNKNOWN_ORDER, "Unknown order sent.")]
        return [Removed(client_id, status, reason, entry.order.lots - entry.left)]

    def amend(self, client_id: str, lots: int, price: int) -> list[Outcome]:
        """Change size and price of a resting limit order; it goes to the end of the queue and may execute at once."""
        entry = self._open.get(client_id)
        filled = 0 if entry is None else entry.order.lots - entry.left
        if entry is None or entry.order.kind in CONDITIONAL or lots <= filled:
            return [Rejected(client_id, RejectCode.UNKNOWN_ORDER, "Unknown order sent.")]
        order = msgspec.structs.replace(entry.order, lots=lots, price=price)
        del self._open[client_id]
        refusal = self.check(order)
        if refusal is not None:
            self._open[client_id] = entry
            return [refusal]
        changed = _Open(order, lots - filled)
        self._open[client_id] = changed
        outcomes: list[Outcome] = [Accepted(client_id)]
        self._take(changed, outcomes)
        return outcomes

    def market(self, quote: Quote) -> list[Outcome]:
        """Take a new top of book: resting orders execute, then conditional orders trigger."""
        self.quote = quote
        if not self._open:
            return []
        outcomes: list[Outcome] = []
        self._fill_resting(Side.BUY, quote.ask, quote.ask_lots, outcomes)
        self._fill_resting(Side.SELL, quote.bid, quote.bid_lots, outcomes)
        for kind in (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET):
            for entry in [e for e in self._open.values() if e.order.kind is kind]:
                if entry.order.client_id in self._open and self._reached(entry.order):
                    outcomes.append(Triggered(entry.order.client_id))
                    self._take(entry, outcomes)
        return outcomes

    def _bad_shape(self, order: BookOrder) -> tuple[RejectCode, str] | None:
        if order.client_id in self._open:
            return RejectCode.DUPLICATE_ID, "ClientOrderId is duplicated."
        needed = _needed_price(order)
        if order.kind is not OrderKind.MARKET and needed is None:
            return RejectCode.MISSING_PRICE, "Mandatory parameter 'price' or 'triggerPrice' was not sent."
        if needed is not None and needed <= 0:
            return RejectCode.PRICE_NOT_POSITIVE, "Price less than or equal to zero."
        return None

    def _bad_size(self, order: BookOrder) -> tuple[RejectCode, str] | None:
        if order.lots <= 0:
            return RejectCode.QUANTITY_NOT_POSITIVE, "Quantity less than or equal to zero."
        if order.lots < self.instrument.min_lots:
            return RejectCode.BELOW_MIN_QUANTITY, "Quantity less than min quantity."
        if order.lots > self.instrument.max_lots:
            return RejectCode.ABOVE_MAX_QUANTITY, "Quantity greater than max quantity."
        return None

    def _bad_for_position(self, order: BookOrder) -> tuple[RejectCode, str] | None:
        if order.reduce_only and self._closable(order.side) == 0:
            return RejectCode.REDUCE_ONLY, "ReduceOnly Order is rejected."
        return None

    def _bad_for_market(self, order: BookOrder) -> tuple[RejectCode, str] | None:
        best = self._best(order.side)
        if order.kind is OrderKind.MARKET and best == 0:
            return RejectCode.NO_MARKET, "There is no price on the other side of the book."
        if order.kind is OrderKind.POST_ONLY and order.price is not None and self._crosses(order.side, order.price):
            return (
                RejectCode.WOULD_TAKE,
                "Due to the order could not be executed as maker, the Post Only order will be rejected.",
            )
        if order.kind in CONDITIONAL and self._reached(order):
            return RejectCode.WOULD_TRIGGER, "Order would immediately trigger."
        beyond = self._beyond_band(order)
        if beyond is not None:
            return beyond
        price = _needed_price(order) or best
        if not order.reduce_only and self.instrument.notional(price, order.lots) < self.instrument.min_notional:
            return RejectCode.MIN_NOTIONAL, "Order's notional is below the minimum (unless you choose reduce only)."
        return None

    def _beyond_band(self, order: BookOrder) -> tuple[RejectCode, str] | None:
        mark = 0 if self.quote is None else self.quote.mark
        if order.price is None or mark == 0:
            return None
        if order.side is Side.BUY and order.price * 100 > mark * (100 + BAND_PERCENT):
            return RejectCode.PRICE_TOO_HIGH, "Limit price is higher than the mark price allows."
        if order.side is Side.SELL and order.price * 100 < mark * (100 - BAND_PERCENT):
            return RejectCode.PRICE_TOO_LOW, "Limit price is lower than the mark price allows."
        return None

    def _best(self, side: Side) -> int:
        """The price a taker of `side` meets, ticks; 0 when there is none."""
        if self.quote is None:
            return 0
        return self.quote.ask if side is Side.BUY else self.quote.bid

    def _crosses(self, side: Side, price: int) -> bool:
        """Whether the opposite quote is at or beyond `price`."""
        best = self._best(side)
        return best > 0 and (best - price) * side <= 0

    def _closable(self, side: Side) -> int:
        """Lots that an order of `side` can take off the position."""
        return max(0, -self.position * side)

    def _reached(self, order: BookOrder) -> bool:
        """Whether the mark price is at or beyond the trigger of a conditional order."""
        mark = 0 if self.quote is None else self.quote.mark or self.quote.last
        if mark == 0 or order.trigger is None:
            return False
        direction = order.side if order.kind is OrderKind.STOP_MARKET else -order.side
        return (mark - order.trigger) * direction >= 0

    def _take(self, entry: _Open, outcomes: list[Outcome]) -> None:
        """Execute as taker from the quote outwards, as far as price and position allow."""
        order = entry.order
        best = self._best(order.side)
        displayed = 0
        if self.quote is not None:
            displayed = self.quote.ask_lots if order.side is Side.BUY else self.quote.bid_lots
        limit = None if order.kind in CONDITIONAL else order.price
        level = 0
        while best > 0 and self._may_execute(entry):
            ticks = max(1, best + level * order.side)
            if limit is not None and (ticks - limit) * order.side > 0:
                break
            ticks = max(1, ticks + self.slippage_ticks * order.side)
            if limit is not None and (ticks - limit) * order.side > 0:
                ticks = limit
            size = displayed << level if displayed > 0 else entry.left
            self._execute(entry, ticks, size, maker=False, outcomes=outcomes)
            level += 1
        if limit is None and order.client_id in self._open:
            reason = "no price on the other side of the book"
            outcomes.extend(self.cancel(order.client_id, OrderStatus.EXPIRED, reason))

    def _fill_resting(self, side: Side, best: int, displayed: int, outcomes: list[Outcome]) -> None:
        """Execute resting orders of `side` that the opposite quote `best` has reached."""
        if best == 0:
            return
        reached = [
            entry
            for entry in self._open.values()
            if entry.order.side is side
            and entry.order.price is not None
            and entry.order.kind not in CONDITIONAL
            and self._crosses(side, entry.order.price)
        ]
        reached.sort(key=lambda entry: -side * (entry.order.price or 0))
        shared = displayed
        for entry in reached:
            price = entry.order.price
            if price is None or not self._may_execute(entry):
                continue
            touching = price == best and displayed > 0
            size = shared if touching else entry.left
            if size > 0:
                done = self._execute(entry, price, size, maker=True, outcomes=outcomes)
                shared -= done if touching else 0

    def _may_execute(self, entry: _Open) -> bool:
        order = entry.order
        return order.client_id in self._open and (not order.reduce_only or self._closable(order.side) > 0)

    def _execute(self, entry: _Open, ticks: int, size: int, *, maker: bool, outcomes: list[Outcome]) -> int:
        """Book one execution of at most `size` lots; returns the lots executed."""
        order = entry.order
        lots = min(entry.left, size)
        if order.reduce_only:
            lots = min(lots, self._closable(order.side))
        entry.left -= lots
        self.position += lots * order.side
        outcomes.append(Executed(order.client_id, order.side, ticks, lots, maker, entry.left))
        if entry.left == 0:
            del self._open[order.client_id]
        self._expire_reduce_only(outcomes)
        return lots

    def _expire_reduce_only(self, outcomes: list[Outcome]) -> None:
        """Expire reduce-only orders that have nothing left to reduce."""
        for open_id, entry in list(self._open.items()):
            if entry.order.reduce_only and self._closable(entry.order.side) == 0:
                outcomes.extend(self.cancel(open_id, OrderStatus.EXPIRED, "reduce-only: no position is left"))


def _needed_price(order: BookOrder) -> int | None:
    """The price that the kind of order cannot do without, ticks."""
    if order.kind in CONDITIONAL:
        return order.trigger
    return None if order.kind is OrderKind.MARKET else order.price
