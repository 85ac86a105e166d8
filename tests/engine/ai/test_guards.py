"""Budget, circuit and cache, with time brought by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.ai.guards import DAY_MS, HOUR_MS, Breaker, Budget, Cache, Circuit
from engine.model.vote import Stance, Vote, VoteStatus, abstention

NOON = 20_000 * DAY_MS + 12 * HOUR_MS


def test_a_budget_counts_what_is_asked_side_by_side() -> None:
    budget = Budget(hour=100, day=0)
    assert budget.reserve(NOON, 60) == ""
    assert budget.reserve(NOON, 60) == "over the hourly budget of 0.00 USD"
    budget.settle(NOON, 60, 10)
    assert budget.reserve(NOON, 60) == ""
    assert budget.spent(NOON) == (10, 10)


def test_the_hour_slides_and_the_day_is_utc() -> None:
    budget = Budget(hour=100, day=150)
    budget.book(NOON, 100)
    assert "hourly" in budget.reserve(NOON + HOUR_MS - 1, 1)
    assert budget.reserve(NOON + HOUR_MS, 50) == ""
    budget.settle(NOON + HOUR_MS, 50, 50)
    assert "daily" in budget.reserve(NOON + 2 * HOUR_MS, 1)
    assert budget.reserve(NOON + 12 * HOUR_MS, 1) == ""
    assert budget.spent(NOON + 12 * HOUR_MS) == (0, 0)


def test_no_limit_is_no_limit() -> None:
    assert Budget(0, 0).reserve(NOON, 10**15) == ""


@given(st.lists(st.tuples(st.integers(0, 3 * HOUR_MS), st.integers(1, 60), st.floats(0, 1)), max_size=40))
def test_no_hour_ever_costs_more_than_its_limit(questions: list[tuple[int, int, float]]) -> None:
    budget, now, paid = Budget(hour=100, day=0), NOON, list[tuple[int, int]]()
    for wait, most, share in questions:
        now += wait
        if not budget.reserve(now, most):
            cost = int(most * share)
            budget.settle(now, most, cost)
            paid.append((now, cost))
        assert sum(cost for at, cost in paid if at > now - HOUR_MS) <= 100


def test_a_circuit_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker(failures=3, rest_ms=1_000, most_ms=3_000)
    for _ in range(2):
        breaker.failed(NOON)
    breaker.succeeded()
    for _ in range(3):
        assert breaker.admits(NOON)
        breaker.failed(NOON)
    assert breaker.state is Circuit.OPEN
    assert not breaker.admits(NOON + 999)
    assert breaker.remaining(NOON + 400) == 600


def test_one_question_is_on_trial_and_a_failed_trial_doubles_the_rest() -> None:
    breaker = Breaker(failures=1, rest_ms=1_000, most_ms=3_000)
    breaker.failed(0)
    rests = []
    now = 0
    for _ in range(3):
        now += breaker.remaining(now)
        assert breaker.admits(now)
        assert not breaker.admits(now), "one at a time"
        breaker.failed(now)
        rests.append(breaker.remaining(now))
    assert rests == [2_000, 3_000, 3_000]
    now += 3_000
    assert breaker.admits(now)
    breaker.succeeded()
    assert breaker.state is Circuit.CLOSED
    breaker.failed(now)
    assert breaker.remaining(now) == 1_000


def test_a_trial_that_was_withdrawn_is_due_again() -> None:
    breaker = Breaker(failures=1, rest_ms=1_000)
    breaker.failed(0)
    assert breaker.admits(1_000)
    breaker.gave_up(1_000)
    assert breaker.admits(1_000)


def vote(confidence: int = 80) -> Vote:
    return Vote(voter="gpt", model="m", status=VoteStatus.OK, stance=Stance.LONG, confidence=confidence)


def key(prompt: str = "h", bar: int = 1) -> tuple[str, str, str, int, str]:
    return ("gpt", "m", "BTC/USDT:USDT", bar, prompt)


def test_the_same_question_has_its_answer_for_five_minutes() -> None:
    cache = Cache()
    cache.put(key(), NOON, vote())
    assert cache.get(key(), NOON + 299_999) == vote()
    assert cache.get(key(), NOON + 300_000) is None
    assert cache.get(key("other"), NOON) is None
    assert cache.get(key(bar=2), NOON) is None


def test_abstentions_are_not_kept() -> None:
    cache = Cache()
    cache.put(key(), NOON, abstention("gpt", "m", "late"))
    assert cache.get(key(), NOON) is None


def test_a_cache_forgets_the_oldest() -> None:
    cache = Cache(size=2)
    for i in range(3):
        cache.put(key(str(i)), NOON, vote(i))
    assert [cache.get(key(str(i)), NOON) is not None for i in range(3)] == [False, True, True]
