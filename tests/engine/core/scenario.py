"""A desk for the core's tests: a started core, quotes and bars on demand, and a venue that answers it, well or badly."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, TypeVar

from engine.core.core import Core
from engine.core.state import SymbolState
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Command
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.money import MONEY_SCALE
from engine.model.order import Fill, Order, OrderRequest, OrderStatus, Purpose, Side
from engine.model.position import Position
from engine.model.settings import Settings
from engine.model.signal import Gate, Signal
from engine.model.venue import VenueOrder, VenuePosition, VenueReport
from tests.engine.core.contracts import BTC, CONTRACTS, ETH, PRICES, SOL, STOPS, T0
from tests.engine.core.pretend_venue import Venue, entry_of

T = TypeVar("T")


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
