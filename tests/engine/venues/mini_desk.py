"""A desk without a core: sends orders to a venue and folds what comes back by the model's own table of an order's life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from msgspec.structs import replace

from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.order import (
    TRANSITIONS,
    Approved,
    Fill,
    Order,
    OrderKind,
    OrderRequest,
    OrderStatus,
    OrderStep,
    Purpose,
    Side,
)
from engine.ports import Clock, Venue

PATIENCE_S = 60.0
_GONE = {
    OrderStatus.CANCELED: OrderStep.CANCELED,
    OrderStatus.EXPIRED: OrderStep.EXPIRED,
    OrderStatus.REJECTED: OrderStep.REFUSED,
}


class MiniDesk:
    """Implements VenueSink.

    Args:
        instrument: what is traded.
        clock: stamps orders.
        name: begins the order ids.
    """

    def __init__(self, instrument: Instrument, clock: Clock, name: str = "desk-1") -> None:
        self.instrument = instrument
        self.orders: dict[str, Order] = {}
        self.fills: dict[str, Fill] = {}
        self.events: list[e.Event] = []
        self.links: list[tuple[bool, str]] = []
        self.codes: dict[str, str] = {}
        self.strange: list[Fill] = []
        self.cash_flow = 0
        self._clock = clock
        self._name = name
        self._numbers = count(1)
        self._changed = asyncio.Event()

    # VenueSink

    def event(self, event: e.Event) -> None:
        """Fold one event."""
        self.events.append(event)
        match event:
            case e.OrderAccepted(client_id=client_id, venue_id=venue_id):
                self._step(client_id, OrderStep.ACCEPTED, venue_id=venue_id)
            case e.OrderRefused(client_id=client_id, code=code, reason=reason):
                self.codes[client_id] = code
                self._step(client_id, OrderStep.REFUSED, reason=reason)
            case e.OrderLost(client_id=client_id):
                self._step(client_id, OrderStep.LOST)
            case e.OrderGone(client_id=client_id, status=status):
                self._step(client_id, _GONE[status])
            case e.OrderNotFound(client_id=client_id):
                self._step(client_id, OrderStep.NOT_FOUND)
            case e.CancelRefused(client_id=client_id, code=code):
                self.codes[client_id] = code
                if self.orders[client_id].status is OrderStatus.CANCELING:
                    self._step(client_id, OrderStep.CANCEL_REFUSED)
            case e.OrderFilled(fill=fill):
                self._filled(fill)
            case e.FundingPaid(amount=amount):
                self.cash_flow += amount
            case _:
                raise AssertionError(f"a venue does not say {event}")
        self._changed.set()

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """The stream came or went."""
        assert name == "venue"
        self.links.append((up, reason))
        self._changed.set()

    def _step(self, client_id: str, step: OrderStep, **changes: object) -> None:
        if self._is_strange(client_id):
            return
        order = self.orders[client_id]
        status = TRANSITIONS[order.status, step]  # a pair that is missing is a broken venue
        self.orders[client_id] = replace(order, status=status, **changes)

    def _filled(self, fill: Fill) -> None:
        if fill.trade_id in self.fills:
            assert self.fills[fill.trade_id].lots == fill.lots
            return
        self.fills[fill.trade_id] = fill
        if self._is_strange(fill.client_id):
            self.strange.append(fill)
            return
        order = self.orders[fill.client_id]
        filled = order.filled + fill.lots
        assert filled <= order.request.lots
        last = filled == order.request.lots
        self._step(fill.client_id, OrderStep.LAST_FILL if last else OrderStep.PART_FILL, filled=filled)

    def _is_strange(self, client_id: str) -> bool:
        """Somebody else's order, as the exchange's own when it liquidates; an unknown one with our name is a mistake."""
        return client_id not in self.orders and not client_id.startswith(self._name)

    # The desk's own doing

    def request(
        self,
        side: Side,
        lots: int,
        kind: OrderKind = OrderKind.MARKET,
        *,
        price: int | None = None,
        trigger: int | None = None,
        reduce_only: bool = False,
        purpose: Purpose | None = None,
        leverage: int = 3,
    ) -> OrderRequest:
        """A new order with an id of its own, remembered as an intent."""
        request = OrderRequest(
            client_id=f"{self._name}-{next(self._numbers)}",
            symbol=self.instrument.symbol,
            side=side,
            kind=kind,
            lots=lots,
            purpose=purpose or (Purpose.EXIT if reduce_only else Purpose.ENTRY),
            origin="person:test",
            price=price,
            trigger=trigger,
            reduce_only=reduce_only,
            leverage=leverage,
        )
        now = self._clock.now()
        self.orders[request.client_id] = Order(request=request, status=OrderStatus.INTENT, created=now, updated=now)
        return request

    async def send(self, venue: Venue, request: OrderRequest) -> Order:
        """Submit and answer the order as it stands then."""
        await venue.submit(Approved(request))
        return self.orders[request.client_id]

    async def cancel(self, venue: Venue, client_id: str) -> Order:
        """Ask for a cancel and answer the order as it stands then."""
        self._step(client_id, OrderStep.CANCEL_SENT)
        await venue.cancel(self.orders[client_id])
        return self.orders[client_id]

    async def reconcile(self, venue: Venue, since: int) -> None:
        """As the engine does it: fills of the report, then every order that the report does not show is asked for."""
        open_here = [order for order in self.orders.values() if order.open]
        report = await venue.report(since, open_here)
        for fill in report.fills:
            self._filled(fill)
        theirs = {order.client_id for order in report.orders}
        for client_id, order in list(self.orders.items()):
            if order.open and client_id not in theirs:
                await venue.query(order)
            elif order.open:
                self._step(client_id, OrderStep.ACCEPTED)
        assert {p.symbol: p.lots for p in report.positions} == (
            {self.instrument.symbol: self.lots} if self.lots else {}
        )

    @property
    def lots(self) -> int:
        """The position that the fills make, signed."""
        return sum(fill.lots * fill.side for fill in self.fills.values())

    def status(self, request: OrderRequest) -> OrderStatus:
        """Where an order is."""
        return self.orders[request.client_id].status

    async def until(self, true: Callable[[], bool], what: str = "") -> None:
        """Wait until the venue has told enough."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what or 'the venue did not say it'}: {self.orders} {self.links}") from None
