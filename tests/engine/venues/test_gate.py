"""The gate lets requests go in time, refuses what would be too late, and forgets nobody."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import VenueRateLimited
from engine.venues.gate import RequestGate
from engine.venues.weight import Ask, Lane, Limit

LIMIT = Limit("weight", 10, 60)


def ask(lane: Lane = Lane.TRADE, weight: int = 10) -> Ask:
    return Ask(lane, (("weight", weight),))


async def test_who_fits_goes_at_once_and_the_next_when_the_window_is_over() -> None:
    gate = RequestGate([LIMIT])
    first = await gate.enter(ask(), 0)
    waiting = asyncio.create_task(gate.enter(ask(), None))
    gate.leave(first, {})
    gate.leave(await asyncio.wait_for(waiting, 5), {})


async def test_a_wait_that_is_known_to_be_too_long_is_refused_at_once() -> None:
    gate = RequestGate([LIMIT])
    gate.shut(60_000)
    with pytest.raises(VenueRateLimited, match="60 s") as refused:
        await gate.enter(ask(), 5_000)
    assert 59_000 < refused.value.retry_after_ms <= 60_000
    assert gate.queue.wake_in(0) is None


async def test_a_wait_for_an_answer_that_does_not_come_is_refused_in_the_end() -> None:
    gate = RequestGate([LIMIT])
    first = await gate.enter(ask(), None)
    with pytest.raises(VenueRateLimited):
        await gate.enter(ask(), 20)
    gate.leave(first, {})
    gate.leave(await asyncio.wait_for(gate.enter(ask(), None), 5), {})


async def test_who_is_cancelled_while_waiting_takes_nothing_along() -> None:
    gate = RequestGate([LIMIT])
    first = await gate.enter(ask(), None)
    given_up, kept = (asyncio.create_task(gate.enter(ask(), None)) for _ in range(2))
    await asyncio.wait([given_up], timeout=0)
    given_up.cancel()
    gate.leave(first, {})
    gate.leave(await asyncio.wait_for(kept, 5), {})
    assert given_up.cancelled()


class Held:
    """A clock that the test moves."""

    ms = 0

    def now(self) -> int:
        return self.ms


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_who_is_cancelled_at_the_very_moment_of_his_turn_is_not_lost(cancel_first: bool) -> None:  # noqa: FBT001 - a case
    clock = Held()
    gate = RequestGate([LIMIT], clock)
    weightless, full = await gate.enter(ask(weight=0), None), await gate.enter(ask(), None)
    gate.leave(full, {})
    unlucky = asyncio.create_task(gate.enter(ask(), None))
    await asyncio.wait([unlucky], timeout=0)
    clock.ms = LIMIT.window_ms
    if cancel_first:
        unlucky.cancel()
    gate.leave(weightless, {})  # his turn has come
    unlucky.cancel()
    await asyncio.gather(unlucky, return_exceptions=True)
    assert unlucky.cancelled()
    assert gate.queue.budgets["weight"].used(clock.ms) == 10  # it may have been let go: it counts
    assert gate.queue.budgets["weight"].used(clock.ms + LIMIT.window_ms) == 0


async def test_the_venue_asked_to_wait_and_everybody_does() -> None:
    gate = RequestGate([LIMIT])
    gate.shut(50)
    begun = asyncio.get_running_loop().time()
    tickets = await asyncio.gather(*(gate.enter(ask(lane, 1), 5_000) for lane in reversed(Lane)))
    assert asyncio.get_running_loop().time() - begun >= 0.049
    assert len(set(tickets)) == len(Lane)
