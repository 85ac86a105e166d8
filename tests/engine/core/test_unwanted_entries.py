"""Orders that are not wanted any more: recalled, cancelled when they turn up, closed when they still fill."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.core import Core
from engine.model import command as c
from engine.model.decision import CancelSent
from engine.model.order import OrderKind, Purpose, Side
from tests.engine.core.contracts import BTC
from tests.engine.core.desks import (
    flat,
    long,
    place,
    resting,
)
from tests.engine.core.scenario import Desk, every, sent

L = OrderKind.LIMIT


def on_its_way() -> Desk:
    """A resting entry the venue has not acknowledged, desk-1-1."""
    desk = flat()
    assert desk.ask(place(kind=L, price="99000", stop="98000")).ok
    return desk


def unanswered() -> Desk:
    desk = on_its_way()
    desk.lose("desk-1-1")
    return desk


@pytest.mark.parametrize("command", [c.Kill(), c.FlattenAll(), c.CancelAll(), c.CancelOrder(client_id="desk-1-1")])
@pytest.mark.parametrize("make", [on_its_way, unanswered, resting])
@pytest.mark.parametrize("restart", [False, True])
def test_an_entry_that_is_not_wanted_is_cancelled_when_it_turns_up(
    make: Callable[[], Desk],
    command: c.Command,
    restart: bool,  # noqa: FBT001 - a column
) -> None:
    desk = make()
    desk.ask(command)
    if restart:
        desk.core = Core.restore(desk.core.snapshot())
        desk.start()
        desk.report()
    desk.accept("desk-1-1")
    desk.cancel_refused("desk-1-1")
    desk.accept("desk-1-1")
    asked = desk.tick(5_000)
    assert CancelSent(client_id="desk-1-1") in asked
    desk.gone("desk-1-1")
    assert every(CancelSent, desk.tick(5_000)) == []
    assert not [timer for timer in desk.state.timers if timer.startswith("cancel|")]


@pytest.mark.parametrize(("command", "left"), [(c.FlattenAll(), []), (c.Kill(), [10])])
def test_what_still_fills_of_an_entry_is_closed_after_flatten_and_protected_after_kill(
    command: c.Command, left: list[int]
) -> None:
    desk = flat()
    (request,) = sent(desk.order(place()))
    desk.ask(command)
    decisions = desk.fill(request.client_id)
    exits = [r.lots for r in sent(decisions) if r.purpose is Purpose.EXIT]
    assert exits == ([] if left else [10])
    assert len([r for r in sent(decisions) if r.purpose is Purpose.STOP]) == 1


def test_an_order_after_flatten_is_left_alone() -> None:
    desk = on_its_way()
    desk.ask(c.FlattenAll())
    desk.gone("desk-1-1")
    desk.ask(place())
    desk.settle()
    desk.tick(5_000)
    assert desk.position().lots == 10


def test_a_flip_recalls_the_entries_of_the_old_side() -> None:
    desk = long()
    desk.ask(place(kind=L, price="99900"))
    desk.settle()
    (entry,) = desk.orders(Purpose.ENTRY)
    decisions = desk.order(c.FlipPosition(symbol=BTC))
    assert every(CancelSent, decisions) == [CancelSent(client_id=entry.request.client_id)]


def test_entries_of_both_sides_cannot_rest_at_once_but_a_position_can_be_reduced() -> None:
    desk = resting()
    refused = desk.ask(place(side=Side.SELL, kind=L, price="101000"))
    assert not refused.ok
    assert refused.text == "order: sell - an entry on the other side is open; cancel it first"
    desk.fill("desk-1-1", 5, 990_000)
    assert desk.ask(place("0.005", side=Side.SELL)).ok


def test_a_planned_reversal_does_not_outlive_a_restart() -> None:
    desk = long()
    desk.bar(side=-1)
    exit_ = desk.order_of(Purpose.EXIT)
    desk.start()
    assert desk.s().planned is None
    assert desk.signal().reason == "reversal given up: the engine was started again"
    assert [r.purpose for r in sent(desk.fill(exit_))] == []
