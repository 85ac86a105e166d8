"""The core against whatever comes: Hypothesis chooses what happens next, and after every event the same things hold.

Messages are doubled, held back, shuffled and lost; the venue refuses and forgets to answer; people press everything; the
engine dies and comes back from a snapshot and the journal after it.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from engine.core.core import Core
from engine.model import command as c
from engine.model import decision as d
from engine.model import event as e
from engine.model.market import MINUTE_MS
from engine.model.order import OrderStatus, Purpose
from engine.model.position import book
from engine.model.settings import Exits, Sizing
from engine.model.signal import Action, SignalStatus
from tests.engine.core.contracts import BTC, CONTRACTS, ETH, PRICES, SOL
from tests.engine.core.scenario import Desk, every, sent
from tests.engine.core.test_core_properties import calm, encoded, happen, random_command

SYMBOLS = st.sampled_from((BTC, ETH, SOL))
READINGS = st.sampled_from(((1,) * 6, (-1,) * 6, (0,) * 6, (1, 1, 1, 0, 0, 0), (-1, -1, -1, 0, 0, 1)))
NEWS = (e.OrderAccepted, e.OrderFilled, e.OrderGone, e.OrderLost, e.OrderRefused, e.CancelRefused)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"strategy": "ema-cross"},
    {"exits": Exits.FIXED, "stop_fraction": 0.01, "target_fraction": 0.02, "min_reward_risk": 0.5},
    {"exits": Exits.NONE, "sizing": Sizing.EQUITY, "size_share": 0.2},
)


class Watched(Desk):
    """A desk that keeps books of its own and compares them with the core's after every event."""

    def __init__(self, **options: Any) -> None:
        self.cash: int | None = None
        self.lots: dict[str, int] = {}
        self.costs: dict[str, int] = {}
        self.seen: set[tuple[str, str]] = set()
        self.asked_for: set[str] = set()
        super().__init__(timeframe_ms=MINUTE_MS, **options)

    def feed(self, event: e.Event) -> tuple[d.Decision, ...]:
        paused = self.core.state.paused
        decisions = super().feed(event)
        self._book(event, decisions)
        self._compare()
        self._judge(decisions, paused=paused)
        return decisions

    def _book(self, event: e.Event, decisions: tuple[d.Decision, ...]) -> None:
        match event:
            case e.EngineStarted() if self.cash is None:
                self.cash = event.balance
            case e.FundingPaid():
                self.cash = (self.cash or 0) + event.amount
            case e.OrderFilled(fill=fill) if (fill.client_id, fill.trade_id) not in self.seen:
                self.seen.add((fill.client_id, fill.trade_id))
                unit = CONTRACTS[fill.symbol].unit
                before = (self.lots.get(fill.symbol, 0), self.costs.get(fill.symbol, 0))
                done = book(*before, fill.side * fill.lots, fill.ticks, unit)
                self.lots[fill.symbol], self.costs[fill.symbol] = done.lots, done.cost
                self.cash = (self.cash or 0) + done.realised - fill.fee
            case _:
                pass
        for correction in every(d.CashSet, decisions):
            self.cash = correction.cash

    def _compare(self) -> None:
        state = self.core.state
        assert state.cash == self.cash
        for symbol, s in state.symbols.items():
            held = (s.position.lots, s.position.cost) if s.position is not None else (0, 0)
            assert held == (self.lots.get(symbol, 0), self.costs.get(symbol, 0))
            assert s.orders == [i for i, o in state.orders.items() if o.open and o.request.symbol == symbol]

    def _judge(self, decisions: tuple[d.Decision, ...], *, paused: bool) -> None:
        state = self.core.state
        requests = sent(decisions)
        for request in requests:
            assert request.client_id not in self.asked_for
            self.asked_for.add(request.client_id)
            assert request.reduce_only is (request.purpose is not Purpose.ENTRY)
            if request.purpose is Purpose.ENTRY:
                assert not (paused and state.paused)
        assert set(state.orders) == self.asked_for  # nothing was sent without a decision that names it
        for symbol in {r.symbol for r in requests if r.purpose is Purpose.EXIT and r.price is None}:
            self._exits_fit(symbol)

    def _exits_fit(self, symbol: str) -> None:
        """Market exits on their way never ask for more than the position, but for those nobody knows about."""
        s = self.core.state.symbols[symbol]
        coming = [
            o.remaining
            for o in self.orders(Purpose.EXIT, symbol)
            if o.request.price is None and o.status is not OrderStatus.UNKNOWN
        ]
        assert s.position is not None
        # a person's reduce-only order may be pressed while others are on their way: at most one beyond
        assert sum(coming) - max(coming) <= abs(s.position.lots)


class Trading(RuleBasedStateMachine):
    """What may happen, in any order."""

    @initialize(
        seed=st.integers(0, 2**32),
        faults=st.sampled_from((0.0, 0.1, 0.3)),
        options=st.sampled_from(KINDS),
    )
    def begin(self, seed: int, faults: float, options: dict[str, Any]) -> None:
        self.dice = Random(seed)
        self.desk = Watched(dice=self.dice, faults=faults, **options)
        self.saved, self.saved_at = b"", 0
        for symbol in self.desk.symbols:
            self.desk.bar(symbol, 0)

    def ask(self, command: c.Command) -> None:
        """A command nobody asked before: random ones may carry an id that was answered already."""
        self.desk.order(command, command_id=f"machine-{len(self.desk.log)}")

    def go_on(self, *, answers: bool) -> None:
        if answers:
            self.desk.carry_out()
            self.desk.deliver()

    @rule(symbol=SYMBOLS, readings=READINGS, answers=st.booleans())
    def bar(self, symbol: str, readings: tuple[int, ...], answers: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        self.desk.bar(symbol, readings=readings)
        self.go_on(answers=answers)

    @rule(
        symbol=SYMBOLS,
        share=st.floats(-0.01, 0.01),
        ms=st.sampled_from((200, 1_000, 3_000, 7_000)),
        answers=st.booleans(),
    )
    def second(self, symbol: str, share: float, ms: int, answers: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        desk = self.desk
        desk.move(symbol, max(PRICES[symbol] // 2, round(desk.quotes[symbol].bid * (1 + share))))
        desk.tick(ms)
        desk.venue.match()
        self.go_on(answers=answers)

    @rule(number=st.integers(0, 2**32), answers=st.booleans())
    def press(self, number: int, answers: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        self.desk.order(random_command(self.desk, Random(number)))
        self.go_on(answers=answers)

    @rule(command=st.sampled_from((c.Kill(), c.FlattenAll(), c.CancelAll())), answers=st.booleans())
    def press_hard(self, command: c.Command, answers: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        self.ask(command)
        self.go_on(answers=answers)

    @rule()
    def resume(self) -> None:
        """Back to automatic trading everywhere."""
        self.ask(c.SetPaused(paused=False))
        self.ask(c.SetAutonomy(autonomy=c.Autonomy.AUTO))
        for symbol in self.desk.symbols:
            if self.desk.s(symbol).held:
                self.ask(c.ReleaseSymbol(symbol=symbol))

    @rule(symbol=SYMBOLS, side=st.sampled_from((1, -1)), answers=st.booleans())
    def cross(self, symbol: str, side: int, answers: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        self.desk.cross(symbol, side)
        self.go_on(answers=answers)

    @rule(number=st.integers(0, 2**32), steps=st.integers(1, 12))
    def busy_minutes(self, number: int, steps: int) -> None:
        dice = Random(number)
        for _ in range(steps):
            happen(self.desk, dice)
            self.go_on(answers=True)

    @rule()
    def answers_arrive(self) -> None:
        self.go_on(answers=True)

    @rule(number=st.integers(0, 400), times=st.integers(1, 5))
    def old_news_again(self, number: int, times: int) -> None:
        """Messages the desk has had come once more, much later."""
        news = [event for event, _ in self.desk.log if isinstance(event, NEWS)]
        for event in news[number % max(1, len(news)) :][:times]:
            self.desk.feed(replace(event, at=self.desk.now))

    @rule(symbol=SYMBOLS, amount=st.integers(-(10**8), 10**8))
    def funding(self, symbol: str, amount: int) -> None:
        self.desk.venue.cash += amount
        self.desk.feed(e.FundingPaid(at=self.desk.now, symbol=symbol, amount=amount, venue_time=self.desk.now))

    @rule()
    def report(self) -> None:
        self.desk.reconcile()

    @rule()
    def keep(self) -> None:
        """A snapshot."""
        self.saved, self.saved_at = self.desk.core.snapshot(), len(self.desk.log)

    @precondition(lambda self: self.saved)
    @rule(reconciled=st.booleans())
    def die_and_come_back(self, reconciled: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        desk = self.desk
        back = Core.restore(self.saved)
        for event, decisions in desk.log[self.saved_at :]:
            back.recover(event, decisions)
        assert encoded(back) == encoded(desk.core)
        desk.core = back
        desk.start()
        if reconciled:
            desk.reconcile()

    def teardown(self) -> None:
        """Afterwards: deciding again decides the same, and a killed desk falls silent, protected and without entries."""
        if not hasattr(self, "desk"):
            return
        desk, again = self.desk, Core()
        for event, decisions in desk.log:
            assert again.process(event) == decisions
        assert encoded(again) == encoded(desk.core)
        assert msgspec.msgpack.encode(Core.restore(desk.core.snapshot()).state) == encoded(desk.core)
        self.ask(c.Kill())
        calm(desk)
        for symbol in desk.symbols:
            self._settled(symbol)
        for signal in desk.state.signals.values():
            if signal.status is SignalStatus.SENT and signal.action is not Action.CLOSE:
                raise AssertionError(f"signal {signal.id} is still on its way: {signal.reason}")

    def _settled(self, symbol: str) -> None:
        desk = self.desk
        s = desk.s(symbol)
        assert desk.lots.get(symbol, 0) == desk.venue.lots.get(symbol, 0)
        assert desk.orders(Purpose.ENTRY, symbol) == []
        assert s.planned is None
        (legs, lots) = (desk.orders(Purpose.STOP, symbol), abs(desk.lots.get(symbol, 0)))
        if lots and s.plan_stop is not None:
            assert [(o.status, o.remaining) for o in legs] == [(OrderStatus.WORKING, lots)]
        elif not lots:
            assert s.orders == []
        else:
            assert desk.settings.exits is Exits.NONE


TestTrading = Trading.TestCase
TestTrading.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
