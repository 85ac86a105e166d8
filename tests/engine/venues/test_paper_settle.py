"""Paper orders settle on back-filled bars after downtime: pessimistic, and marked so."""

from __future__ import annotations

import pytest

from engine.bars import Bars
from engine.core.state import State, SymbolState
from engine.model import event as e
from engine.model.market import Bar
from engine.model.money import fee_of
from engine.model.order import Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.model.position import Position
from engine.venues.paper import PaperVenue
from tests.engine.simulator.conftest import BTC

LOTS = 10


class Sink:
    def __init__(self) -> None:
        self.events: list[e.Event] = []

    def event(self, event: e.Event) -> None:
        self.events.append(event)

    def link(self, name: str, *, up: bool, reason: str) -> None:
        assert (name, up) == ("venue", True)


class Frozen:
    def now(self) -> int:
        return 1_700_000_000_000


def leg(purpose: Purpose, side: Side, trigger: int) -> Order:
    kind = OrderKind.STOP_MARKET if purpose is Purpose.STOP else OrderKind.TAKE_PROFIT_MARKET
    request = OrderRequest(
        client_id=f"i-1-{purpose.value}",
        symbol=BTC.symbol,
        side=side,
        kind=kind,
        lots=LOTS,
        purpose=purpose,
        origin="protection",
        trigger=trigger,
        reduce_only=True,
    )
    return Order(request=request, status=OrderStatus.WORKING, created=1, updated=1)


def bar(open_: int, high: int, low: int, close: int) -> Bar:
    o, h, bottom, c = (float(BTC.price(ticks)) for ticks in (open_, high, low, close))
    return Bar(0, o, h, bottom, c, 1.0)


# side, bar (ticks), purpose that fills, execution price in ticks; stop 100 ticks behind, target 200 beyond 10,000
CASES = [
    (1, (10_000, 10_050, 9_950, 10_000), None, 0),
    (1, (10_000, 10_010, 9_890, 9_950), "stop", 9_900),
    (1, (10_000, 10_250, 9_980, 10_240), "target", 10_200),
    (1, (10_000, 10_250, 9_890, 10_240), "stop", 9_900),
    (1, (9_800, 9_850, 9_700, 9_820), "stop", 9_800),
    (-1, (10_000, 10_120, 9_990, 10_050), "stop", 10_101),
    (-1, (10_000, 10_120, 9_790, 9_800), "stop", 10_101),
    (-1, (10_000, 10_010, 9_790, 9_800), "target", 9_801),
    (-1, (10_300, 10_310, 10_200, 10_250), "stop", 10_301),
]


@pytest.mark.parametrize(("side", "ticks", "purpose", "price"), CASES)
async def test_a_bar_settles(side: int, ticks: tuple[int, int, int, int], purpose: str | None, price: int) -> None:
    state = State(cash=10**12, instruments={BTC.symbol: BTC})
    cost = side * LOTS * 10_000 * BTC.unit
    held = Position(symbol=BTC.symbol, lots=side * LOTS, cost=cost, opened=1, origin="person:test")
    state.symbols[BTC.symbol] = SymbolState(symbol=BTC.symbol, position=held)
    legs = [
        leg(Purpose.STOP, Side(-side), 10_000 - side * 100),
        leg(Purpose.TARGET, Side(-side), 10_000 + side * 200),
    ]
    venue, sink = PaperVenue(Frozen(), state), Sink()
    await venue.open([BTC], legs, sink)
    venue.settle(BTC.symbol, Bars.of([bar(*ticks)]))
    fills = [event for event in sink.events if isinstance(event, e.OrderFilled)]
    if purpose is None:
        assert fills == []
        return
    (only,) = fills
    assert only.backfilled
    assert only.fill.client_id == f"i-1-{purpose}"
    assert (only.fill.ticks, only.fill.lots, only.fill.side) == (price, LOTS, -side)
    assert only.fill.fee == fee_of(price * LOTS * BTC.unit, BTC.taker_ppm)
    gone = [event.client_id for event in sink.events if isinstance(event, e.OrderGone)]
    assert gone == [f"i-1-{'target' if purpose == 'stop' else 'stop'}"]
