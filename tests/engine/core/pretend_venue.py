"""An account in memory that answers the core, well or badly."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.money import fee_of
from engine.model.order import CONDITIONAL, Fill, OrderKind, OrderRequest, OrderStatus, Side
from engine.model.position import book
from engine.model.venue import VenueOrder, VenuePosition, VenueReport
from tests.engine.core.contracts import CONTRACTS

if TYPE_CHECKING:
    from tests.engine.core.scenario import Desk


def entry_of(instrument: Instrument, lots: int, cost: int) -> float:
    """The entry price of a position, quote currency."""
    return cost / lots / instrument.unit * float(instrument.tick_size)


@dataclass
class Held:
    """An order as the venue holds it."""

    request: OrderRequest
    venue_id: str
    status: OrderStatus = OrderStatus.WORKING
    filled: int = 0


class Venue:
    """An account in memory. With `dice` and `faults` > 0 it refuses, loses, delays, doubles and splits.

    It books with the program's own arithmetic, so that its balance is the desk's as long as no message is missing.
    """

    def __init__(self, desk: Desk, balance: int, dice: Random | None = None, faults: float = 0.0) -> None:
        self.desk = desk
        self.cash = balance
        self.dice = dice or Random(0)
        self.faults = faults
        self.orders: dict[str, Held] = {}
        self.lots: dict[str, int] = {}
        self.costs: dict[str, int] = {}
        self.fills: list[Fill] = []
        self.outbox: list[e.Event] = []
        self.late: list[tuple[int, OrderRequest]] = []

    def bad(self, share: float = 1.0) -> bool:
        return self.dice.random() < self.faults * share

    def say(self, event: e.Event, *, may_vanish: bool = True) -> None:
        if may_vanish and self.bad(0.2):
            return
        self.outbox.append(event)
        if self.bad(0.5):
            self.outbox.append(event)

    def submit(self, request: OrderRequest) -> None:
        assert request.client_id not in self.orders, "an order was sent twice"
        now, client_id = self.desk.now, request.client_id
        if self.bad():
            match self.dice.randrange(4):
                case 0:
                    self.say(
                        e.OrderRefused(at=now, client_id=client_id, code="-1", reason="bad mood"), may_vanish=False
                    )
                    return
                case 1:
                    self.say(e.OrderLost(at=now, client_id=client_id, reason="time out"), may_vanish=False)
                    return
                case 2:
                    self.late.append((now + self.dice.randrange(5_000), request))
                    self.say(e.OrderLost(at=now, client_id=client_id, reason="time out"), may_vanish=False)
                    return
                case _:
                    self.say(e.OrderLost(at=now, client_id=client_id, reason="time out"), may_vanish=False)
        self.accept(request)

    def accept(self, request: OrderRequest) -> None:
        now, client_id = self.desk.now, request.client_id
        if self._triggers(request):
            refusal = e.OrderRefused(at=now, client_id=client_id, code="-2021", reason="would trigger at once")
            self.say(refusal, may_vanish=False)
            return
        if request.reduce_only and request.kind is OrderKind.MARKET and not self._reducible(request):
            refusal = e.OrderRefused(at=now, client_id=client_id, code="-2022", reason="reduce-only rejected")
            self.say(refusal, may_vanish=False)
            return
        self.orders[client_id] = Held(request, f"v{len(self.orders) + 1}")
        self.say(
            e.OrderAccepted(at=now, client_id=client_id, venue_id=self.orders[client_id].venue_id, venue_time=now),
            may_vanish=False,
        )
        if request.kind is OrderKind.MARKET:
            self._execute(client_id)
        else:
            self.match()

    def _reducible(self, request: OrderRequest) -> int:
        return max(0, -self.lots.get(request.symbol, 0) * request.side)

    def _triggers(self, request: OrderRequest) -> bool:
        if request.kind not in CONDITIONAL or request.trigger is None:
            return False
        mark = self.desk.quotes[request.symbol].mark
        falling = (request.kind is OrderKind.STOP_MARKET) == (request.side is Side.SELL)
        return mark <= request.trigger if falling else mark >= request.trigger

    def match(self) -> None:
        """Fill what the quotes reach."""
        arriving = [request for at, request in self.late if at <= self.desk.now]
        self.late = [(at, request) for at, request in self.late if at > self.desk.now]
        for request in arriving:
            self.accept(request)
        for client_id, held in list(self.orders.items()):
            request = held.request
            if held.status is not OrderStatus.WORKING or request.kind is OrderKind.MARKET:
                continue
            quote = self.desk.quotes[request.symbol]
            if request.price is not None:
                reached = quote.ask <= request.price if request.side is Side.BUY else quote.bid >= request.price
            else:
                reached = self._triggers(request)
            if reached:
                self._execute(client_id, request.price)

    def _execute(self, client_id: str, price: int | None = None) -> None:
        held = self.orders[client_id]
        request = held.request
        left = request.lots - held.filled
        if request.reduce_only:
            left = min(left, self._reducible(request))
        parts = [left] if left < 2 or not self.bad(2.0) else [left // 2, left - left // 2]
        quote = self.desk.quotes[request.symbol]
        ticks = price or (quote.ask if request.side is Side.BUY else quote.bid)
        for lots in parts:
            if lots:
                self.book(held, lots, ticks, maker=price is not None)
        if held.filled == request.lots:
            held.status = OrderStatus.FILLED
        elif held.status is OrderStatus.WORKING:
            held.status = OrderStatus.EXPIRED
            self.say(self._gone(held, "reduce-only"))

    def book(self, held: Held, lots: int, ticks: int, *, maker: bool = False) -> None:
        request, instrument = held.request, CONTRACTS[held.request.symbol]
        symbol = request.symbol
        fee = fee_of(instrument.notional(ticks, lots), instrument.maker_ppm if maker else instrument.taker_ppm)
        done = book(self.lots.get(symbol, 0), self.costs.get(symbol, 0), request.side * lots, ticks, instrument.unit)
        self.lots[symbol], self.costs[symbol] = done.lots, done.cost
        self.cash += done.realised - fee
        held.filled += lots
        fill = Fill(
            trade_id=f"t{len(self.fills) + 1}",
            client_id=request.client_id,
            symbol=symbol,
            side=request.side,
            ticks=ticks,
            lots=lots,
            fee=fee,
            maker=maker,
            venue_time=self.desk.now,
        )
        self.fills.append(fill)
        self.say(self.desk.filled(fill))

    def _gone(self, held: Held, reason: str) -> e.OrderGone:
        now = self.desk.now
        return e.OrderGone(at=now, client_id=held.request.client_id, status=held.status, venue_time=now, reason=reason)

    def cancel(self, client_id: str) -> None:
        held = self.orders.get(client_id)
        if held is None or held.status is not OrderStatus.WORKING or self.bad(0.5):
            refusal = e.CancelRefused(at=self.desk.now, client_id=client_id, code="-2011", reason="unknown order")
            self.say(refusal, may_vanish=False)
            return
        held.status = OrderStatus.CANCELED
        self.say(self._gone(held, "canceled"))

    def query(self, client_id: str) -> None:
        held, now = self.orders.get(client_id), self.desk.now
        self.outbox += [self.desk.filled(fill) for fill in self.fills if fill.client_id == client_id]
        if held is None:
            self.outbox.append(e.OrderNotFound(at=now, client_id=client_id))
        elif held.status is OrderStatus.WORKING:
            self.outbox.append(e.OrderAccepted(at=now, client_id=client_id, venue_id=held.venue_id, venue_time=now))
        elif held.status is not OrderStatus.FILLED:
            self.outbox.append(self._gone(held, "asked"))

    def report(self) -> VenueReport:
        """What the account holds. Its fills go into the outbox first."""
        self.outbox += [self.desk.filled(fill) for fill in self.fills]
        return VenueReport(
            orders=tuple(
                VenueOrder(
                    client_id=client_id,
                    venue_id=held.venue_id,
                    symbol=held.request.symbol,
                    status=held.status,
                    filled=held.filled,
                    reduce_only=held.request.reduce_only,
                    venue_time=self.desk.now,
                )
                for client_id, held in self.orders.items()
                if held.status is OrderStatus.WORKING
            ),
            positions=tuple(
                VenuePosition(symbol=symbol, lots=lots, entry=entry_of(CONTRACTS[symbol], lots, self.costs[symbol]))
                for symbol, lots in self.lots.items()
                if lots
            ),
            fills=(),
            balance=self.cash,
            venue_time=self.desk.now,
        )
