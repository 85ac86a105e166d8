"""What must hold whatever happens: random markets, commands and restarts over a venue that behaves badly."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.core import Core
from engine.model import command as c
from engine.model import decision as d
from engine.model import event as e
from engine.model.market import MINUTE_MS
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from tests.engine.core.contracts import CONTRACTS, PRICES
from tests.engine.core.scenario import Desk, every, sent

ROOT = Path(__file__).parents[3]


def random_command(desk: Desk, dice: Random) -> c.Command:
    symbol = dice.choice(desk.symbols)
    instrument, quote = CONTRACTS[symbol], desk.quotes[symbol]
    side = dice.choice((Side.BUY, Side.SELL))
    quantity = instrument.quantity(dice.randrange(1, 60))
    near = instrument.price(quote.bid - side * dice.randrange(-3, 60))
    last = desk.state.last_signal
    choices: tuple[c.Command, ...] = (
        c.PlaceOrder(symbol=symbol, side=side, kind=OrderKind.MARKET, quantity=quantity),
        c.PlaceOrder(symbol=symbol, side=side, kind=OrderKind.LIMIT, quantity=quantity, price=near),
        c.PlaceOrder(symbol=symbol, side=side, kind=OrderKind.LIMIT, quantity=quantity, price=Decimal("0.07")),
        c.ReducePosition(symbol=symbol, percent=dice.choice((0, 1, 50, 100))),
        c.FlipPosition(symbol=symbol),
        c.SetProtection(symbol=symbol, stop=instrument.price(quote.bid - side * dice.randrange(1, 900))),
        c.SetProtection(symbol=symbol, target=instrument.price(quote.bid + side * dice.randrange(1, 900))),
        c.FlattenAll(),
        c.CancelAll(symbol=dice.choice((None, symbol))),
        c.CancelOrder(client_id=f"desk-{desk.epoch}-{dice.randrange(1, 30)}"),
        c.SetPaused(paused=dice.random() < 0.3),
        c.SetPaused(paused=False),
        c.Kill(),
        c.SetAutonomy(autonomy=dice.choice(list(c.Autonomy))),
        c.SetAutonomy(autonomy=c.Autonomy.AUTO),
        c.ApproveSignal(signal_id=last),
        c.RejectSignal(signal_id=last),
        *(c.ReleaseSymbol(symbol=name) for name in desk.symbols),
    )
    return dice.choice(choices)


def happen(desk: Desk, dice: Random) -> None:
    """One random thing."""
    symbol = dice.choice(desk.symbols)
    roll = dice.random()
    if roll < 0.35:
        desk.bar(symbol, readings=tuple(dice.choice(((1,) * 6, (-1,) * 6, (0,) * 6, (1, 1, 1, 0, 0, 0)))))
    elif roll < 0.60:
        reach = PRICES[symbol] // 400
        desk.move(symbol, max(1_000, desk.quotes[symbol].bid + dice.randrange(-reach, reach + 1)))
        desk.tick(dice.choice((200, 1_000, 3_000)))
        desk.venue.match()
    elif roll < 0.85:
        desk.order(random_command(desk, dice), command_id=f"c{dice.randrange(400)}")
    elif roll < 0.90:
        amount = dice.randrange(-10_000_000, 10_000_000)
        desk.venue.cash += amount
        desk.feed(e.FundingPaid(at=desk.now, symbol=symbol, amount=amount, venue_time=desk.now))
    elif roll < 0.93:
        desk.start()
        desk.reconcile()
    elif roll < 0.96:
        desk.reconcile()
    else:
        desk.feed(e.LinkChanged(at=desk.now, link="venue", up=dice.random() < 0.5))


def play(seed: int, steps: int, faults: float) -> Desk:
    """A random day."""
    dice = Random(seed)
    desk = Desk(dice=dice, faults=faults, timeframe_ms=MINUTE_MS)
    for symbol in desk.symbols:
        desk.bar(symbol, 0)
    for _ in range(steps):
        happen(desk, dice)
        desk.carry_out()
        desk.deliver()
    return desk


def calm(desk: Desk) -> None:
    """The venue behaves, time passes, the desk asks for everything: what is left must be in order."""
    desk.venue.faults = 0.0
    for i in range(30):
        desk.tick()
        desk.venue.match()
        desk.settle()
        if i % 5 == 4:
            desk.reconcile()
            desk.settle()


def encoded(core: Core) -> bytes:
    return msgspec.msgpack.encode(core.state)


SEEDS = st.integers(0, 2**32)
STEPS = st.integers(5, 90)
FAULTS = st.sampled_from((0.0, 0.05, 0.2, 0.4))
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(SEEDS, STEPS, FAULTS, st.floats(0.0, 1.0))
def test_what_is_recovered_is_what_was(seed: int, steps: int, faults: float, cut: float) -> None:
    desk = play(seed, steps, faults)
    whole = Core()
    snapshot, at = b"", int(cut * len(desk.log))
    for i, (event, decisions) in enumerate(desk.log):
        if i == at:
            snapshot = whole.snapshot()
        whole.recover(event, decisions)
    assert encoded(whole) == encoded(desk.core)
    part = Core.restore(snapshot) if snapshot else Core()
    for event, decisions in desk.log[at if snapshot else 0 :]:
        part.recover(event, decisions)
    assert encoded(part) == encoded(desk.core)


@THOROUGH
@given(SEEDS, STEPS, FAULTS)
def test_deciding_again_decides_the_same(seed: int, steps: int, faults: float) -> None:
    desk = play(seed, steps, faults)
    again = Core()
    for event, decisions in desk.log:
        assert again.process(event) == decisions


@THOROUGH
@given(SEEDS, STEPS, FAULTS)
def test_cash_moves_only_by_profit_fees_funding_and_corrections(seed: int, steps: int, faults: float) -> None:
    desk = play(seed, steps, faults)
    core = Core()
    booked: set[str] = set()
    for event, decisions in desk.log:
        before = core.state.cash
        worth = _worth(core, event)
        core.recover(event, decisions)
        state = core.state
        if isinstance(event, e.EngineStarted) and before is None:
            continue
        assert before is not None
        expected = before
        if isinstance(event, e.OrderFilled) and event.fill.trade_id not in booked:
            booked.add(event.fill.trade_id)
            assert _worth(core, event) == worth - event.fill.fee  # worth at the price of the fill: only the fee is lost
            expected = state.cash or 0
        elif isinstance(event, e.FundingPaid):
            expected += event.amount
        for correction in every(d.CashSet, decisions):
            expected = correction.cash
        assert state.cash == expected
        unrealised = sum(
            s.position.unrealised(state.instruments[name], s.mark)
            for name, s in state.symbols.items()
            if s.position is not None
        )
        assert state.equity() == (state.cash or 0) + unrealised


def _worth(core: Core, event: e.Event) -> int:
    """Cash and the symbol's position at the price of a fill."""
    if not isinstance(event, e.OrderFilled):
        return 0
    symbol, ticks = event.fill.symbol, event.fill.ticks
    position = core.state.symbols[symbol].position
    profit = position.unrealised(CONTRACTS[symbol], ticks) if position is not None else 0
    return (core.state.cash or 0) + profit


@THOROUGH
@given(SEEDS, STEPS, FAULTS)
def test_every_order_has_an_id_of_its_own(seed: int, steps: int, faults: float) -> None:
    desk = play(seed, steps, faults)
    ids = [request.client_id for _, decisions in desk.log for request in sent(decisions)]
    assert len(ids) == len(set(ids))
    for _, decisions in desk.log:
        for request in sent(decisions):
            assert request.lots > 0
            assert request.reduce_only is (request.purpose is not Purpose.ENTRY)
            assert (request.trigger is not None) is (request.purpose in {Purpose.STOP, Purpose.TARGET})


@THOROUGH
@given(SEEDS, STEPS, FAULTS)
def test_when_the_venue_has_settled_every_position_is_protected_and_the_books_agree(
    seed: int, steps: int, faults: float
) -> None:
    desk = play(seed, steps, faults)
    calm(desk)
    for symbol in desk.symbols:
        s = desk.s(symbol)
        lots = s.position.lots if s.position is not None else 0
        assert lots == desk.venue.lots.get(symbol, 0)
        for purpose in (Purpose.STOP, Purpose.TARGET):
            legs = desk.orders(purpose, symbol)
            wanted = s.plan_stop if purpose is Purpose.STOP else s.plan_target
            if lots == 0:
                assert legs == []
            elif purpose is Purpose.STOP or wanted is not None:
                (leg,) = legs
                assert leg.status is OrderStatus.WORKING
                assert leg.remaining == abs(lots)
                assert leg.request.trigger == wanted
                assert leg.request.side == (Side.SELL if lots > 0 else Side.BUY)
                held = desk.venue.orders[leg.request.client_id]
                assert held.status is OrderStatus.WORKING
                assert held.request.lots - held.filled == abs(lots)
    assert desk.state.cash == desk.venue.cash
    open_there = {i for i, held in desk.venue.orders.items() if held.status is OrderStatus.WORKING}
    open_here = {i for symbol in desk.symbols for i in desk.s(symbol).orders}
    assert open_here == open_there


def test_random_days_meet_what_they_are_meant_to_meet() -> None:
    """A generator that never opens a position would make every property above true."""
    met: dict[str, int] = {}
    for seed in range(12):
        desk = play(seed, 80, 0.2)
        for event, decisions in desk.log:
            for thing in (event, *decisions):
                met[type(thing).__name__] = met.get(type(thing).__name__, 0) + 1
    for name in ("OrderFilled", "OrderLost", "OrderNotFound", "OrderGone", "CancelRefused", "OrderRefused"):
        assert met.get(name, 0) >= 10, met
    for name in ("SubmitOrder", "CancelSent", "QueryOrder", "EntryPlanned", "SymbolHeld", "ModeSet", "TimerFired"):
        assert met.get(name, 0) >= 10, met


@pytest.mark.parametrize("package", ["engine", "headless", "station", "storage", "widgets"])
def test_only_risk_makes_an_approved_order(package: str) -> None:
    makers = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.value if isinstance(node.func, ast.Subscript) else node.func
                called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
                if called == "Approved":
                    makers.add(path.relative_to(ROOT).as_posix())
    assert makers == ({"engine/core/risk.py"} if package == "engine" else set())
