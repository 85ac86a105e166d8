"""The limits are kept whatever the network does, and orders go before history."""

from __future__ import annotations

import heapq
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvariantBroken
from engine.simulator.rate_limits import WEIGHT_A_MINUTE, RateLimits
from engine.venues.weight import SHARES, Ask, Budget, Lane, Limit, RequestQueue

MINUTE = 60_000
WEIGHT = Limit("weight", 100, MINUTE)
ORDERS = Limit("orders", 10, 10_000)
TRADE, ACCOUNT, HISTORY = Lane.TRADE, Lane.ACCOUNT, Lane.HISTORY


def ask(lane: Lane, weight: int, orders: int = 0) -> Ask:
    return Ask(lane, (("weight", weight), *((("orders", orders),) if orders else ())))


class Venue:
    """Counts arrivals in windows of its own phase, and never forgives."""

    def __init__(self, limit: Limit, phase: int) -> None:
        self.limit = limit
        self._phase = phase
        self._counts: dict[int, int] = {}
        self.most = 0

    def arrive(self, at: int, weight: int) -> int:
        window = (at + self._phase) // self.limit.window_ms
        self._counts[window] = self._counts.get(window, 0) + weight
        self.most = max(self.most, self._counts[window])
        return self._counts[window]


def play(
    wishes: list[tuple[int, Ask]], limits: list[Limit], phase: int, dice: Random, slowest: int, silence: float
) -> tuple[dict[str, Venue], dict[int, tuple[int, int, Ask]]]:
    """Requests arrive between sending and answer, answers come in any order, some never say a count.

    Answers the venues, and for every ticket when it was asked for, when it was let go, and what it is.
    """
    queue = RequestQueue(limits)
    venues = {limit.name: Venue(limit, phase) for limit in limits}
    story: dict[int, tuple[int, int, Ask]] = {}
    # (time, tie-breaker, kind, ticket): wishes, arrivals, answers and wake-ups in one line of time
    line: list[tuple[int, int, str, int]] = [(at, i, "wish", i) for i, (at, _) in enumerate(wishes)]
    heapq.heapify(line)
    tie, woken = len(wishes), -1
    asked: dict[int, tuple[int, Ask]] = {}
    heard: dict[int, dict[str, int]] = {}
    while line:
        now, _, kind, key = heapq.heappop(line)
        if kind == "wish":
            asked[queue.ask(wishes[key][1])] = (now, wishes[key][1])
        elif kind == "arrive":
            heard[key] = {name: venues[name].arrive(now, w) for name, w in story[key][2].weights}
        elif kind == "answer":
            queue.settle(key, now, {} if dice.random() < silence else heard[key])
        for ticket in queue.admitted(now):
            begun, wish = asked.pop(ticket)
            story[ticket] = (begun, now, wish)
            arrives = now + dice.randrange(slowest)
            answers = arrives + dice.randrange(slowest)
            line_of = ((arrives, "arrive"), (answers, "answer"))
            for at, what in line_of:
                tie += 1
                heapq.heappush(line, (at, tie, what, ticket))
        wait = queue.wake_in(now)
        if wait is not None and not now < woken <= now + wait:
            tie += 1
            woken = now + wait
            heapq.heappush(line, (woken, tie, "wake", 0))
    assert not asked, "somebody waits for ever"
    return venues, story


wishes_of = st.lists(
    st.tuples(
        st.integers(0, 3 * MINUTE),
        st.builds(ask, st.sampled_from(Lane), st.integers(1, 40), st.integers(0, 1)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(
    wishes_of, st.integers(0, MINUTE), st.integers(0, 2**32), st.integers(1, 9_000), st.sampled_from([0.0, 0.3, 1.0])
)
def test_no_window_of_the_venue_ever_holds_more_than_its_limit(
    wishes: list[tuple[int, Ask]], phase: int, seed: int, slowest: int, silence: float
) -> None:
    venues, story = play(wishes, [WEIGHT, ORDERS], phase, Random(seed), slowest, silence)
    assert len(story) == len(wishes)
    for venue in venues.values():
        assert venue.most <= venue.limit.most


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5_000))
def test_a_download_leaves_orders_their_share_in_every_window(seed: int, slowest: int) -> None:
    dice = Random(seed)
    download = [(0, ask(HISTORY, 10)) for _ in range(25)]
    orders = [(dice.randrange(3 * MINUTE), ask(TRADE, 1, 1)) for _ in range(10)]
    _, story = play(download + orders, [WEIGHT, ORDERS], dice.randrange(MINUTE), dice, slowest, 0.2)
    for begun, gone, wish in story.values():
        if wish.lane is TRADE:
            assert gone == begun


def test_orders_are_let_go_before_history_that_came_first() -> None:
    queue = RequestQueue([WEIGHT])
    first = queue.ask(ask(TRADE, 100))
    assert queue.admitted(0) == [first]
    history = [queue.ask(ask(HISTORY, 20)) for _ in range(3)]
    account = queue.ask(ask(ACCOUNT, 20))
    order = queue.ask(ask(TRADE, 20))
    assert queue.admitted(10) == []
    assert queue.wake_in(10) is None  # an answer must come first
    queue.settle(first, 1_000, {})
    assert queue.wake_in(1_000) == MINUTE
    assert queue.admitted(MINUTE + 1_000) == [order, account, history[0]]  # 60 is history's share
    assert SHARES[HISTORY] == 0.6


def test_entries_leave_exits_their_share() -> None:
    queue = RequestQueue([WEIGHT, ORDERS])
    entries = [queue.ask(ask(Lane.ENTRY, 1, 1)) for _ in range(12)]
    assert queue.admitted(0) == entries[:9]  # of ten orders
    exit_, later = queue.ask(ask(TRADE, 1, 1)), queue.ask(ask(TRADE, 1, 1))
    assert queue.admitted(1) == [exit_]
    queue.leave(later)
    for ticket in [*entries[:9], exit_]:
        queue.settle(ticket, 2, {})
    again = queue.ask(ask(TRADE, 1, 1))
    assert queue.admitted(2 + ORDERS.window_ms) == [
        again,
        *entries[9:],
    ]  # an exit overtakes entries that waited before it


def test_nobody_is_overtaken_by_a_lighter_one_behind_him() -> None:
    queue = RequestQueue([WEIGHT])
    assert len([queue.ask(ask(TRADE, 50)) for _ in range(2)]) == len(queue.admitted(0)) == 2
    queue.settle(1, 0, {})
    queue.settle(2, 30_000, {})
    heavy, light = queue.ask(ask(TRADE, 60)), queue.ask(ask(TRADE, 1))
    assert queue.admitted(MINUTE) == []
    assert queue.wake_in(MINUTE) == 30_000
    assert queue.admitted(MINUTE + 30_000) == [heavy, light]


def test_a_full_order_count_does_not_hold_up_cancels() -> None:
    queue = RequestQueue([WEIGHT, ORDERS])
    for _ in range(11):
        queue.ask(ask(TRADE, 1, 1))
    cancel = queue.ask(ask(TRADE, 1))
    assert queue.admitted(0) == [*range(1, 11), cancel]


@pytest.mark.parametrize(
    ("heard", "used"),
    [
        (None, 35),  # the venue did not say
        (35, 35),
        (5, 5),  # a new window: what came before has left it
        (90, 90),  # somebody else at our address
        (0, 5),  # this kind of request does not count there, but who knows
    ],
)
def test_the_venues_own_count_is_believed(heard: int | None, used: int) -> None:
    budget = Budget(WEIGHT)
    budget.take(1, 30)
    budget.settle(1, 0, None)
    budget.take(2, 5)
    budget.settle(2, 1_000, heard)
    assert budget.used(1_000) == used
    assert budget.used(2 * MINUTE) == 0


def test_an_answer_says_nothing_about_what_was_under_way_beside_it() -> None:
    budget = Budget(WEIGHT)
    budget.take(1, 30)
    budget.take(2, 5)
    budget.settle(2, 10, 5)
    assert budget.used(10) == 35  # the first may arrive after the second was counted
    budget.settle(1, 20, 35)
    assert budget.used(20) == 35


def test_a_venue_that_wants_to_be_left_alone_is() -> None:
    queue = RequestQueue([WEIGHT])
    queue.shut(5_000)
    queue.shut(1_000)
    ticket = queue.ask(ask(TRADE, 1))
    assert queue.admitted(4_999) == []
    assert (queue.wake_in(4_000), queue.wait_of(4_000, ticket)) == (1_000, 1_000)
    assert queue.admitted(5_000) == [ticket]


def test_who_leaves_is_not_let_go() -> None:
    queue = RequestQueue([WEIGHT])
    ticket = queue.ask(ask(TRADE, 1))
    queue.leave(ticket)
    assert queue.admitted(0) == []
    assert queue.wake_in(0) is None
    with pytest.raises(InvariantBroken):
        queue.settle(ticket, 0, {})


@pytest.mark.parametrize("lane", Lane)
def test_what_is_heavier_than_its_share_goes_alone(lane: Lane) -> None:
    queue = RequestQueue([WEIGHT])
    small, huge = queue.ask(ask(TRADE, 1)), queue.ask(ask(lane, 100))
    assert queue.admitted(0) == [small]
    queue.settle(small, 100, {})
    assert queue.wake_in(100) == MINUTE
    assert queue.admitted(MINUTE + 100) == [huge]


def test_five_minutes_of_download_and_trading_against_binances_own_counting() -> None:
    """No 429 in five minutes of asking as fast as it goes; and the limit is made use of."""
    venue, queue, dice = RateLimits(), RequestQueue([Limit("weight", WEIGHT_A_MINUTE, MINUTE)]), Random(1)
    kinds = {queue.ask(ask(HISTORY, 10)): 10 for _ in range(1_500)}
    now, done = 37_000, 0
    while now < 337_000:
        order = 0
        if dice.random() < 0.2:
            order = queue.ask(ask(TRADE, 1))
            kinds[order] = 1
        gone = queue.admitted(now)
        assert order == 0 or gone[0] == order
        for ticket in gone:
            verdict = venue.charge(now / 1000, kinds[ticket], order=False)
            assert verdict.status == 200
            queue.settle(ticket, now, {"weight": verdict.used_weight})
            done += kinds[ticket]
        now += 250
    assert done >= 4 * WEIGHT_A_MINUTE * SHARES[HISTORY] * 0.9
