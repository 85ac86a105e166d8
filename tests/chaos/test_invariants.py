"""Each invariant of the chaos suite can fail: a violation of it is planted, and it alone, or with its kin, speaks up."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model import event as e
from engine.model.command import ReducePosition, SetPaused
from engine.model.decision import SubmitOrder
from engine.model.order import OrderStatus, Purpose
from engine.ports import Entry
from engine.simulator.faults import parse
from tests.chaos.__main__ import result_of, seeds_of, summary_of
from tests.chaos.bare import Bare
from tests.chaos.invariants import CENT, Theirs, judged, protected
from tests.chaos.plan import CRASHES, HAPPENINGS, NAMES, ONLY_BINANCE, VENUES, WIRE, plan, wire
from tests.chaos.run import Result
from tests.chaos.starving import starved_s
from tests.engine.core.contracts import BTC, CONTRACTS
from tests.engine.core.scenario import Desk

POSITION = "position equals the exchange's"
CASH = "cash equals the exchange's"
EQUITY = "equity reconciles to the cent"
ORDERS = "open orders equal the exchange's"
FILLS = "fills equal the exchange's"
ONCE = "an order id is used once"
INTENT = "an order has its intent before it"
STOP = "a position has one stop over all of it"
DECISIONS = "the journal replays to the same decisions"
STATE = "the journal replays to the same state"


class Run:
    """A desk that bought, sold half of it and is protected; its journal; and its venue's account."""

    def __init__(self) -> None:
        desk = Desk()
        desk.hold()
        desk.ask(ReducePosition(symbol=BTC, percent=50))
        desk.settle()
        venue, unit = desk.venue, CONTRACTS[BTC].unit
        mark = desk.quotes[BTC].mark
        self.desk = desk
        self.core = desk.core
        self.entries = [Entry(i, *one) for i, one in enumerate(desk.log, 1)]
        self.account = Theirs(
            lots=venue.lots[BTC],
            mark=mark,
            wallet=venue.cash,
            equity=venue.cash + venue.lots[BTC] * mark * unit - venue.costs[BTC],
            open=frozenset(i for i, held in venue.orders.items() if held.status is OrderStatus.WORKING),
            orders=tuple(venue.orders),
            trades=tuple((fill.client_id, fill.trade_id) for fill in venue.fills),
        )

    def theirs(self, **changes: object) -> None:
        """The exchange has something else."""
        values = {name: getattr(self.account, name) for name in Theirs.__dataclass_fields__}
        self.account = Theirs(**{**values, **changes})

    def judged(self) -> list[str]:
        """What does not hold, without what was found."""
        return [text.partition(":")[0] for text in judged(self.core, self.entries, self.account, BTC)]


def another_position(run: Run) -> None:
    run.theirs(lots=run.account.lots + 1)


def other_cash(run: Run) -> None:
    run.theirs(wallet=run.account.wallet + 1)


def other_equity(run: Run) -> None:
    run.theirs(equity=run.account.equity + CENT + 1)


def an_open_order_more(run: Run) -> None:
    run.theirs(open=run.account.open | {"web_1"})


def an_open_order_less(run: Run) -> None:
    run.theirs(open=frozenset(sorted(run.account.open)[1:]))


def a_fill_that_is_not_booked(run: Run) -> None:
    run.theirs(trades=(*run.account.trades, (run.account.orders[0], "t99")))


def a_fill_that_never_was(run: Run) -> None:
    run.theirs(trades=run.account.trades[1:])


def an_id_sent_again(run: Run) -> None:
    run.theirs(duplicates=1)


def an_intent_twice(run: Run) -> None:
    sends = [entry for entry in run.entries if any(isinstance(one, SubmitOrder) for one in entry.decisions)]
    run.entries.append(Entry(len(run.entries) + 1, run.entries[-1].event, sends[0].decisions))


def an_order_without_intent(run: Run) -> None:
    run.theirs(orders=(*run.account.orders, "desk-1-99"))


def a_stop_over_less(run: Run) -> None:
    stop = run.desk.order_of(Purpose.STOP)
    order = run.core.state.orders[stop]
    run.core.state.orders[stop] = replace(order, request=replace(order.request, lots=order.request.lots - 1))


def another_decision(run: Run) -> None:
    last = max(i for i, entry in enumerate(run.entries) if entry.decisions)
    run.entries[last] = replace(run.entries[last], decisions=run.entries[last].decisions[1:])


def an_event_that_is_not_in_the_journal(run: Run) -> None:
    run.core.process(
        e.CommandReceived(
            at=run.desk.now, command_id="x", source="x", command=SetPaused(paused=True), view=run.desk.view()
        )
    )


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (another_position, {POSITION}),
        (other_cash, {CASH}),
        (other_equity, {EQUITY}),
        (an_open_order_more, {ORDERS}),
        (an_open_order_less, {ORDERS}),
        (a_fill_that_is_not_booked, {FILLS}),
        (a_fill_that_never_was, {FILLS}),
        (an_id_sent_again, {ONCE}),
        (an_intent_twice, {ONCE, DECISIONS}),
        (an_order_without_intent, {INTENT}),
        (a_stop_over_less, {STOP, STATE}),
        (another_decision, {DECISIONS}),
        (an_event_that_is_not_in_the_journal, {STATE}),
    ],
)
def test_a_planted_violation_is_found(plant: Callable[[Run], None], said: set[str]) -> None:
    run = Run()
    assert run.judged() == []
    plant(run)
    assert set(run.judged()) == said


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([(1.9, False, False)], False),
        ([(1.9, False, False), (0.2, False, False)], True),
        ([(1.9, False, False), (0.1, True, False), (1.9, False, False)], False),
        ([(1.9, False, False), (5.0, False, True)], False),
        ([(1.0, True, True), (2.1, False, False)], True),  # an alarm before is none about this
    ],
)
def test_bareness_is_found_where_nobody_is_told(looks: list[tuple[float, bool, bool]], *, found: bool) -> None:
    bare = Bare()
    for passed, covered, alarmed in looks:
        bare.look(passed, protected=covered, alarmed=alarmed)
    assert bool(list(protected(bare))) is found


def test_a_run_that_dies_is_broken(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "run.log").write_text("Traceback: boom")
    assert result_of(3, folder, 1)["broken"] == ["the run ends: exit 1: Traceback: boom"]
    assert "hung" in result_of(3, folder, -14)["broken"][0]
    (folder / "result.json").write_text('{"seed": 3, "broken": []}')
    assert result_of(3, folder, 0)["broken"] == []
    assert result_of(3, folder, 1)["broken"] != []


def result(name: str, *, broken: bool = False) -> dict[str, Any]:
    one = Result(1, (name,), hit=[name], broken=["it broke"] if broken else [], kills=1, command="again")
    return one.as_dict()


def test_a_full_set_names_the_faults_it_hit_too_seldom() -> None:
    seldom, *others = NAMES
    results = [result(others[i % len(others)]) for i in range(1_000)]
    found = summary_of([*results, *[result(seldom)] * 19], 1.0)
    assert found["missed"] == [seldom]
    assert summary_of([*results, *[result(seldom)] * 20], 1.0)["missed"] == []
    assert summary_of(results[:999], 1.0)["missed"] == []  # no full set


def test_a_broken_seed_comes_with_the_command_that_plays_it_again() -> None:
    found = summary_of([result("429"), result("418", broken=True)], 1.0)
    assert (found["runs"], found["survived"]) == (2, 1)
    assert found["broken"] == [{"seed": 1, "faults": ("418",), "invariant": "it broke", "command": "again"}]


@pytest.mark.parametrize("text", ["", "5", "5:", "a:b", "7:7", "9:3", "-1:4"])
def test_seeds_that_are_no_range_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="use A:B"):
        seeds_of(text)


def test_a_seed_always_means_the_same() -> None:
    assert [plan(seed) for seed in range(50)] == [plan(seed) for seed in range(50)]
    assert plan(7).command.endswith("--seeds 7:8")


def test_every_fault_is_planned_alone_and_with_others_at_every_venue() -> None:
    plans = [plan(seed) for seed in range(1_000)]
    for name in NAMES:
        having = [one for one in plans if name in one.faults]
        venues = ("binance",) if name in ONLY_BINANCE else VENUES
        assert {one.venue for one in having} == set(venues), name
        assert len(having) >= 35, name
        assert any(one.faults == (name,) for one in having), name
        assert any(len(one.faults) > 1 for one in having), name
    assert {one.live for one in plans if one.venue == "binance"} == {True, False}
    assert all(one.live for one in plans if one.venue != "binance")
    assert {*WIRE, *CRASHES, *HAPPENINGS} == set(NAMES)


@pytest.mark.parametrize("venue", VENUES)
def test_what_the_wire_is_told_is_understood(venue: str) -> None:
    assert all(parse(text) for name in WIRE for text in wire(name, venue))


def test_a_process_that_is_not_there_does_not_starve() -> None:
    assert starved_s(os.getpid()) >= 0.0
    assert starved_s(2**22 + 1) == 0.0
