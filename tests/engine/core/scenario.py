"""A desk for the core's tests: a started core, quotes and bars on demand, and a venue that answers it, well or badly."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from engine.core.core import Core
from engine.core.state import SymbolState
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Command
from engine.model.instrument import Instrument, unit_of
from engine.model.market import MINUTE_MS, Bar, MarketView, Quote
from engine.model.money import MONEY_SCALE, fee_of
from engine.model.order import CONDITIONAL, Fill, Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.model.position import Position, book
from engine.model.settings import Settings
from engine.model.signal import Gate, Signal
from engine.model.venue import VenueOrder, VenuePosition, VenueReport

T = TypeVar("T")

FRAME = 15 * MINUTE_MS
DAY = 24 * 60 * MINUTE_MS
T0 = 1_750_000_000_000 // DAY * DAY + 8 * 60 * MINUTE_MS
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


def contract(base: str, tick: str, lot: str, **changes: Any) -> Instrument:
    symbol, tick_size, lot_size = f"{base}/USDT:USDT", Decimal(tick), Decimal(lot)
    values: dict[str, Any] = {
        "symbol": symbol,
        "venue_id": f"{base}USDT",
        "tick_size": tick_size,
        "lot_size": lot_size,
        "min_lots": 1,
        "max_lots": 1_000_000,
        "min_notional": 5 * MONEY_SCALE,
        "max_leverage": 50,
        "maintenance_ppm": 4_000,
        "maker_ppm": 200,
        "taker_ppm": 500,
        "unit": unit_of(symbol, tick_size, lot_size),
    }
    return Instrument(**{**values, **changes})


CONTRACTS = {i.symbol: i for i in (contract("BTC", "0.1", "0.001"), contract("ETH", "0.01", "0.001"))} | {
    SOL: contract("SOL", "0.01", "0.1")
}
PRICES = {BTC: 1_000_000, ETH: 400_000, SOL: 20_000}  # ticks
STOPS = {BTC: 500.0, ETH: 20.0, SOL: 1.0}  # quote currency; targets are three times as far


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


class Desk:
    """A started core with its market and its venue. `log` keeps every event with its decisions, as the journal does."""

    def __init__(
        self,
        *,
        mode: str = "demo",
        balance: int | None = 10_000,
        symbols: Sequence[str] = (BTC, ETH, SOL),
        contracts: Iterable[Instrument] = (),
        dice: Random | None = None,
        faults: float = 0.0,
        **settings: Any,
    ) -> None:
        self.core = Core()
        self.now = T0
        self.settings = Settings(**settings)
        self.mode = mode
        self.symbols = tuple(symbols)
        self.contracts = CONTRACTS | {i.symbol: i for i in contracts}
        self.balance = None if balance is None else balance * MONEY_SCALE
        self.log: list[tuple[e.Event, tuple[d.Decision, ...]]] = []
        self.pending: list[d.Decision] = []
        self.timers: list[tuple[int, str]] = []
        self.quotes: dict[str, Quote] = {}
        self.venue = Venue(self, self.balance or 10_000 * MONEY_SCALE, dice, faults)
        self.epoch = 0
        self.asked = 0
        for symbol in self.symbols:
            self.move(symbol, PRICES[symbol])
        self.start()

    # events

    def feed(self, event: e.Event) -> tuple[d.Decision, ...]:
        decisions = self.core.process(event)
        self.log.append((event, decisions))
        self.pending += decisions
        return decisions

    def start(self) -> tuple[d.Decision, ...]:
        """A new epoch: what was on its way to or from the venue is lost."""
        self.epoch += 1
        self.pending.clear()
        self.timers.clear()
        self.venue.outbox.clear()
        return self.feed(
            e.EngineStarted(
                at=self.now,
                instance="desk",
                epoch=self.epoch,
                mode=self.mode,
                venue="venue",
                settings=self.settings,
                instruments=tuple(self.contracts[symbol] for symbol in self.symbols),
                symbols=self.symbols,
                balance=self.balance,
            )
        )

    def move(self, symbol: str, ticks: int, *, spread: int = 1, size: int = 100_000, at: int | None = None) -> None:
        """A new quote, seen by the core with the next event that carries it."""
        at = self.now if at is None else at
        self.quotes[symbol] = Quote(ticks, ticks + spread, size, size, ticks, ticks, at, at)

    def view(self, *symbols: str) -> MarketView:
        return MarketView(tuple((symbol, self.quotes[symbol]) for symbol in symbols or self.symbols))

    def freshen(self) -> None:
        for symbol, quote in self.quotes.items():
            self.move(symbol, quote.bid, spread=quote.ask - quote.bid, size=quote.ask_lots)

    def tick(self, ms: int = 1_000) -> tuple[d.Decision, ...]:
        """Time passes, with fresh quotes; due timers fire."""
        self.now += ms
        self.freshen()
        out = self.feed(e.ClockTick(at=self.now, view=self.view()))
        return out + self.fire()

    def fire(self) -> tuple[d.Decision, ...]:
        """Fire the timers that are due."""
        self._collect()
        out: tuple[d.Decision, ...] = ()
        while self.timers and self.timers[0][0] <= self.now:
            _, timer = heapq.heappop(self.timers)
            out += self.feed(e.TimerFired(at=self.now, timer=timer, view=self.view()))
            self._collect()
        return out

    def _collect(self) -> None:
        for decision in self.pending:
            if isinstance(decision, d.TimerSet):
                heapq.heappush(self.timers, (decision.deadline, decision.timer))
        self.pending = [decision for decision in self.pending if not isinstance(decision, d.TimerSet)]

    def bar(
        self,
        symbol: str = BTC,
        side: int = 0,
        *,
        readings: tuple[int, ...] | None = None,
        stop: float | None = None,
        target: float | None = None,
        backfilled: bool = False,
        fresh: bool = True,
    ) -> tuple[d.Decision, ...]:
        """The next decision bar closes at the present price with all six readings at `side`."""
        frame = self.settings.timeframe_ms
        self.now = (self.now // frame + 1) * frame
        if fresh:
            self.freshen()
        instrument = self.contracts[symbol]
        price = float(instrument.price(self.quotes[symbol].bid))
        stop = STOPS[symbol] if stop is None else stop
        target = 3 * stop if target is None else target
        return self.feed(
            e.BarClosed(
                at=self.now,
                symbol=symbol,
                bar=Bar(self.now - frame, price, price, price, price, 10.0),
                readings=readings or (side,) * 6,
                stops=(stop,) * 7,
                targets=(target,) * 7,
                view=self.view(symbol),
                backfilled=backfilled,
            )
        )

    def cross(self, symbol: str = BTC, side: int = 1, **options: Any) -> tuple[d.Decision, ...]:
        """A bar without a side, then one with it."""
        self.bar(symbol, 0, **options)
        return self.bar(symbol, side, **options)

    def ask(self, command: Command, command_id: str | None = None, source: str = "keyboard") -> d.CommandAnswered:
        """The answer to a command."""
        return only(d.CommandAnswered, self.order(command, command_id, source))

    def order(
        self, command: Command, command_id: str | None = None, source: str = "keyboard"
    ) -> tuple[d.Decision, ...]:
        """Everything decided on a command."""
        self.asked += 1
        return self.feed(
            e.CommandReceived(
                at=self.now,
                command_id=command_id or f"c{self.asked}",
                source=source,
                command=command,
                view=self.view(),
            )
        )

    # the venue's words, spoken by hand

    def accept(self, client_id: str) -> tuple[d.Decision, ...]:
        return self.feed(
            e.OrderAccepted(at=self.now, client_id=client_id, venue_id=f"v-{client_id}", venue_time=self.now)
        )

    def refuse(self, client_id: str, code: str = "-1", reason: str = "no") -> tuple[d.Decision, ...]:
        return self.feed(e.OrderRefused(at=self.now, client_id=client_id, code=code, reason=reason))

    def lose(self, client_id: str) -> tuple[d.Decision, ...]:
        return self.feed(e.OrderLost(at=self.now, client_id=client_id, reason="time out"))

    def cancel_refused(self, client_id: str) -> tuple[d.Decision, ...]:
        return self.feed(e.CancelRefused(at=self.now, client_id=client_id, code="-2011", reason="unknown order"))

    def not_found(self, client_id: str) -> tuple[d.Decision, ...]:
        return self.feed(e.OrderNotFound(at=self.now, client_id=client_id))

    def gone(self, client_id: str, status: OrderStatus = OrderStatus.CANCELED) -> tuple[d.Decision, ...]:
        return self.feed(e.OrderGone(at=self.now, client_id=client_id, status=status, venue_time=self.now))

    def fill(
        self, client_id: str, lots: int | None = None, ticks: int | None = None, *, fee: int = 0, trade: str = ""
    ) -> tuple[d.Decision, ...]:
        """An execution of an order, by default of all that is left of it at the quote."""
        order = self.state.orders[client_id]
        request = order.request
        quote = self.quotes[request.symbol]
        fill = Fill(
            trade_id=trade or f"hand-{len(self.log)}",
            client_id=client_id,
            symbol=request.symbol,
            side=request.side,
            ticks=ticks or (quote.ask if request.side is Side.BUY else quote.bid),
            lots=order.remaining if lots is None else lots,
            fee=fee,
            maker=False,
            venue_time=self.now,
        )
        return self.feed(self.filled(fill))

    def filled(self, fill: Fill) -> e.OrderFilled:
        return e.OrderFilled(at=self.now, fill=fill, view=self.view(fill.symbol))

    def report(
        self, *, orders: tuple[VenueOrder, ...] = (), lots: dict[str, int] | None = None, balance: int | None = None
    ) -> tuple[d.Decision, ...]:
        """A hand-made report; what is not given is as the desk has it."""
        held = {name: s.position.lots for name, s in self.state.symbols.items() if s.position} if lots is None else lots
        report = VenueReport(
            orders=orders,
            positions=tuple(VenuePosition(symbol=s, lots=n, entry=self._entry(s)) for s, n in held.items()),
            fills=(),
            balance=(self.state.cash or 0) if balance is None else balance,
            venue_time=self.now,
        )
        return self.feed(e.Reconciled(at=self.now, report=report, view=self.view()))

    def _entry(self, symbol: str) -> float:
        """Of the desk's position; where it has none, any."""
        position = self.state.symbols[symbol].position
        return entry_of(self.contracts[symbol], position.lots, position.cost) if position is not None else 1.0

    # the venue's words, spoken by itself

    def settle(self, rounds: int = 200) -> None:
        """Carry out decisions and deliver what the venue says until both are silent."""
        for _ in range(rounds):
            self._collect()
            if not self.pending and not self.venue.outbox:
                return
            self.carry_out()
            self.deliver()
        raise AssertionError("the desk and its venue never fall silent")

    def carry_out(self) -> None:
        self._collect()
        pending, self.pending = self.pending, []
        for decision in pending:
            match decision:
                case d.SubmitOrder():
                    self.venue.submit(decision.approved.request)
                case d.CancelSent():
                    self.venue.cancel(decision.client_id)
                case d.QueryOrder():
                    self.venue.query(decision.client_id)
                case d.RequestReport():
                    self.reconcile()
                case _:
                    pass

    def reconcile(self) -> None:
        report = self.venue.report()
        self.deliver(hold_back=0.0)
        self.feed(e.Reconciled(at=self.now, report=report, view=self.view()))

    def deliver(self, hold_back: float = 0.3) -> None:
        """Hand over what the venue said; with faults some of it later and in another order."""
        venue, dice = self.venue, self.venue.dice
        said, venue.outbox = venue.outbox, []
        if venue.faults:
            kept = [event for event in said if isinstance(event, e.OrderFilled) and dice.random() < hold_back]
            said = [event for event in said if not any(event is other for other in kept)]
            venue.outbox += kept
            if dice.random() < venue.faults:
                dice.shuffle(said)
        for event in said:
            self.feed(event)

    # reading the state

    @property
    def state(self) -> Any:
        return self.core.state

    def s(self, symbol: str = BTC) -> SymbolState:
        found: SymbolState = self.state.symbols[symbol]
        return found

    def position(self, symbol: str = BTC) -> Position:
        position = self.s(symbol).position
        assert position is not None
        return position

    def orders(self, purpose: Purpose, symbol: str = BTC) -> list[Order]:
        """Open orders of a purpose, oldest first."""
        return [o for o in self.core.state.open_orders(symbol) if o.request.purpose is purpose]

    def order_of(self, purpose: Purpose, symbol: str = BTC) -> str:
        """The client id of the only open order of a purpose."""
        (order,) = self.orders(purpose, symbol)
        return order.request.client_id

    def signal(self, signal_id: int | None = None) -> Signal:
        signals = self.core.state.signals
        return signals[max(signals) if signal_id is None else signal_id]

    def signal_or_none(self) -> Signal | None:
        return self.signal() if self.core.state.signals else None

    def hold(self, symbol: str = BTC, side: int = 1) -> None:
        """Open a protected position through a crossing."""
        self.cross(symbol, side)
        self.settle()
        assert self.position(symbol).side == side


def every(kind: type[T], decisions: Iterable[object]) -> list[T]:
    """The decisions of one type."""
    return [decision for decision in decisions if isinstance(decision, kind)]


def only(kind: type[T], decisions: Iterable[object]) -> T:
    """The only decision of one type."""
    (decision,) = every(kind, decisions)
    return decision


def sent(decisions: Iterable[object]) -> list[OrderRequest]:
    """What was sent."""
    return [decision.approved.request for decision in every(d.SubmitOrder, decisions)]


def alarms(decisions: Iterable[object]) -> list[str]:
    """The texts of the alarms."""
    return [note.text for note in every(d.Noted, decisions) if note.level is d.Level.ALARM]


def gate(signal: Signal, name: str) -> Gate:
    """The verdict of one gate."""
    return next(g for g in signal.gates if g.name == name)
