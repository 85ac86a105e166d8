"""`core.process` over a mixed stream: 30 symbols, 10 positions with protection and 10 working entries."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from decimal import Decimal

from engine.core.core import Core
from engine.model import event as e
from engine.model.command import Autonomy, PlaceOrder, ReducePosition
from engine.model.decision import CancelSent, SubmitOrder
from engine.model.instrument import Instrument
from engine.model.market import Bar, MarketView, Quote
from engine.model.money import to_money
from engine.model.order import Fill, OrderKind, OrderStatus, Side
from engine.model.settings import Settings

MINUTE = 60_000
EVENTS = 100_000
LOTS, PARTS = 8_000, 40


def _contracts() -> tuple[Instrument, ...]:
    return tuple(
        Instrument(
            symbol=f"S{i}/USDT:USDT",
            venue_id=f"S{i}USDT",
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.001"),
            min_lots=1,
            max_lots=10**7,
            min_notional=to_money(5),
            max_leverage=20,
            maintenance_ppm=5_000,
            maker_ppm=200,
            taker_ppm=500,
            unit=10_000,
        )
        for i in range(30)
    )


class _Stream:
    """Makes a recorded day: a core decides on each event, a perfect venue answers, and everything is kept.

    Ten positions stay open; ten limit entries are filled in 40 parts each, then closed and placed again.
    """

    def __init__(self) -> None:
        self.core, self.contracts = _desk()
        self.events: list[e.Event] = []
        self.at = self.core.state.now
        self._number = 0

    def put(self, event: e.Event) -> None:
        """Process an event and everything the venue answers."""
        waiting = deque([event])
        while waiting:
            event = waiting.popleft()
            self.events.append(event)
            for decision in self.core.process(event):
                waiting.extend(self._answers(decision))

    def _answers(self, decision: object) -> list[e.Event]:
        if isinstance(decision, SubmitOrder):
            r = decision.approved.request
            accepted = e.OrderAccepted(at=self.at, client_id=r.client_id, venue_id="1", venue_time=self.at)
            return [accepted, self.fill(r.client_id, r.lots)] if r.kind is OrderKind.MARKET else [accepted]
        if isinstance(decision, CancelSent):
            gone = OrderStatus.CANCELED
            return [e.OrderGone(at=self.at, client_id=decision.client_id, status=gone, venue_time=self.at)]
        return []

    def fill(self, client_id: str, lots: int) -> e.OrderFilled:
        """An execution of a known order, or of one submitted just now."""
        self._number += 1
        r = self.core.state.orders[client_id].request
        fill = Fill(
            trade_id=str(self._number),
            client_id=client_id,
            symbol=r.symbol,
            side=r.side,
            ticks=r.price or 500_000,
            lots=lots,
            fee=100,
            maker=r.price is not None,
            venue_time=self.at,
        )
        return e.OrderFilled(at=self.at, fill=fill)


def _recorded() -> list[e.Event]:
    dice = random.Random(1)
    stream = _Stream()
    price = dict.fromkeys((c.symbol for c in stream.contracts), 500_000)
    number = 0
    while len(stream.events) < EVENTS:
        stream.at += 1_000
        views = []
        for contract in stream.contracts[number % 5 :: 5]:
            name = contract.symbol
            price[name] += dice.randint(-40, 40)
            p = price[name] / 10
            quote = Quote(price[name], price[name] + 1, 10**5, 10**5, price[name], price[name], stream.at, stream.at)
            views.append((name, quote))
            bar = Bar(stream.at // MINUTE * MINUTE, p, p + 2, p - 2, p, 1.0)
            stream.put(
                e.BarClosed(
                    at=stream.at,
                    symbol=name,
                    bar=bar,
                    readings=(1, 1, 0, -1, 0, 1),
                    stops=(200.0,) * 7,
                    targets=(600.0,) * 7,
                    view=MarketView(((name, quote),)),
                )
            )
        for _ in range(4):
            stream.put(e.ClockTick(at=stream.at, view=MarketView(tuple(views))))
        for contract in stream.contracts[10:20]:
            _entry(stream, contract.symbol, number)
        number += 1
    return stream.events[:EVENTS]


def _entry(stream: _Stream, symbol: str, number: int) -> None:
    """One more part of the symbol's entry; once it is whole, close the position and place the entry again."""
    s = stream.core.state.symbols[symbol]
    entry = next((i for i in s.orders if stream.core.state.orders[i].request.price), None)
    if entry is not None:
        stream.put(stream.fill(entry, LOTS // PARTS))
        return
    name = f"{symbol}-{number}"
    close, again = ReducePosition(symbol=symbol), _limit(symbol)
    stream.put(e.CommandReceived(at=stream.at, command_id=f"{name}-close", source="bench", command=close))
    stream.put(e.CommandReceived(at=stream.at, command_id=f"{name}-again", source="bench", command=again))


def _limit(symbol: str) -> PlaceOrder:
    return PlaceOrder(
        symbol=symbol,
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        quantity=Decimal(LOTS) / 1000,
        price=Decimal(40_000),
        stop=Decimal(30_000),
        target=Decimal(90_000),
    )


def _settle(core: Core, events: deque[e.Event]) -> None:
    """A perfect venue: market orders fill at once, everything is accepted."""
    number = 0
    while events:
        at = core.state.now
        for decision in core.process(events.popleft()):
            if isinstance(decision, SubmitOrder):
                r = decision.approved.request
                events.append(e.OrderAccepted(at=at, client_id=r.client_id, venue_id="1", venue_time=at))
                if r.kind is OrderKind.MARKET:
                    number += 1
                    fill = Fill(
                        trade_id=f"m{number}",
                        client_id=r.client_id,
                        symbol=r.symbol,
                        side=r.side,
                        ticks=500_000,
                        lots=r.lots,
                        fee=100,
                        maker=False,
                        venue_time=at,
                    )
                    events.append(e.OrderFilled(at=at, fill=fill))
            elif isinstance(decision, CancelSent):
                gone = OrderStatus.CANCELED
                events.append(e.OrderGone(at=at, client_id=decision.client_id, status=gone, venue_time=at))


def _desk() -> tuple[Core, tuple[Instrument, ...]]:
    contracts = _contracts()
    core = Core()
    settings = Settings(timeframe_ms=MINUTE, max_positions=40, max_exposure=1_000.0, autonomy=Autonomy.AUTO)
    start = e.EngineStarted(
        at=10**12,
        instance="benchmrk",
        epoch=1,
        mode="demo",
        venue="bench",
        settings=settings,
        instruments=contracts,
        symbols=tuple(c.symbol for c in contracts),
        balance=to_money(10_000_000),
    )
    events: deque[e.Event] = deque([start])
    quote = Quote(500_000, 500_001, 10**5, 10**5, 500_000, 500_000, 10**12, 10**12)
    for number, contract in enumerate(contracts[:20]):
        entry = number < 10
        order = (
            _limit(contract.symbol)
            if not entry
            else PlaceOrder(
                symbol=contract.symbol,
                side=Side.BUY,
                kind=OrderKind.MARKET,
                quantity=Decimal(1),
                stop=Decimal(30_000),
                target=Decimal(90_000),
            )
        )
        view = MarketView(((contract.symbol, quote),))
        events.append(e.CommandReceived(at=10**12, command_id=str(number), source="bench", command=order, view=view))
    _settle(core, events)
    return core, contracts


def measure() -> dict[str, object]:
    """Events a second, the median of five runs over the same stream."""
    rates = []
    stream = _recorded()
    kinds = Counter(type(event).__name__ for event in stream)
    for _ in range(5):
        core, _ = _desk()
        began = time.perf_counter()
        for event in stream:
            core.process(event)
        rates.append(EVENTS / (time.perf_counter() - began))
    positions = sum(1 for s in core.state.symbols.values() if s.position is not None)
    return {"events_per_second": round(sorted(rates)[2]), "positions": positions, "mix": dict(kinds), "goal": 100_000}
