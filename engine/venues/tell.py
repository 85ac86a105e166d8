"""Events from a venue into the engine's queue, stamped with the time they were received."""

from __future__ import annotations

from collections.abc import Callable

from engine.model import event as e
from engine.model.money import Money
from engine.model.order import Fill, OrderStatus
from engine.ports import Clock, Probe, VenueSink
from engine.venues.account_api import Found
from engine.venues.order_ids import OrderIds
from engine.venues.unopened import Unopened


class Tell:
    """Puts events; `ids` is the venue's order number to ours, of orders heard of lately.

    Args:
        clock: received times.
        probe: told of an execution of the stream before it is handed on.
    """

    def __init__(self, clock: Clock, probe: Probe) -> None:
        self.ids = OrderIds()
        self.sink: VenueSink = Unopened()
        self.count = 0
        self.on_message: Callable[[], None] | None = None
        self._clock = clock
        self._probe = probe

    def heard(self) -> None:
        """A message of the user stream has been dealt with."""
        self.count += 1
        if self.on_message is not None:
            self.on_message()

    def now(self) -> int:
        """Ms UTC."""
        return self._clock.now()

    def accepted(self, client_id: str, venue_id: str, venue_time: int) -> None:
        """The venue holds an order."""
        self.put(e.OrderAccepted(at=self.now(), client_id=client_id, venue_id=venue_id, venue_time=venue_time))

    def refused(self, client_id: str, code: str, reason: str) -> None:
        """The venue said no."""
        self.put(e.OrderRefused(at=self.now(), client_id=client_id, code=code, reason=reason))

    def lost(self, client_id: str, reason: str) -> None:
        """Nobody knows what became of an order."""
        self.put(e.OrderLost(at=self.now(), client_id=client_id, reason=reason))

    def gone(self, client_id: str, status: OrderStatus, venue_time: int, reason: str) -> None:
        """The venue ended an order."""
        self.put(e.OrderGone(at=self.now(), client_id=client_id, status=status, venue_time=venue_time, reason=reason))

    def streamed(self, fill: Fill) -> None:
        """An execution that the user stream told of."""
        self._probe("filled_not_booked")
        self.put(e.OrderFilled(at=self.now(), fill=fill))

    def funding(self, symbol: str, amount: Money, venue_time: int) -> None:
        """Funding received (+) or paid (-)."""
        self.put(e.FundingPaid(at=self.now(), symbol=symbol, amount=amount, venue_time=venue_time))

    def found(self, client_id: str, found: Found) -> None:
        """The answer to a question for an order: its executions first, then its state."""
        for fill in found.fills:
            self.put(e.OrderFilled(at=self.now(), fill=fill))
        if found.status is OrderStatus.WORKING:
            self.accepted(client_id, found.venue_id, found.venue_time)
        elif found.code:
            self.refused(client_id, found.code, found.reason)
        elif found.status is not OrderStatus.FILLED:
            self.gone(client_id, found.status, found.venue_time, found.reason)

    def put(self, event: e.Event) -> None:
        """Into the queue."""
        self.sink.event(event)
