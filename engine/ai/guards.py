"""What stands before a voter: a budget, a circuit breaker and a cache. Pure state machines; the caller brings the time."""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum

from engine.model.money import Money
from engine.model.vote import Vote

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
CACHE_MS = 300_000
CACHE_SIZE = 512


class Budget:
    """Money that may be spent on models within any hour and within a UTC day.

    What a question may cost at most is reserved before it is asked and settled after, so that questions asked side by
    side cannot exceed the limits together.

    Args:
        hour: at most so much within any 3,600 s, 1e-8 USD; 0 for no limit.
        day: at most so much within a UTC day, 1e-8 USD; 0 for no limit.
    """

    def __init__(self, hour: Money, day: Money) -> None:
        self._hour = hour
        self._day = day
        self._spent: deque[tuple[int, Money]] = deque()
        self._today = -1
        self._day_spent: Money = 0
        self._reserved: Money = 0

    def reserve(self, now: int, most: Money) -> str:
        """Set `most` aside; or, with nothing changed, the sentence that says which limit forbids it."""
        self._forget(now)
        open_ = self._reserved + most
        if self._hour and sum(cost for _, cost in self._spent) + open_ > self._hour:
            return f"over the hourly budget of {self._hour / 1e8:.2f} USD"
        if self._day and self._day_spent + open_ > self._day:
            return f"over the daily budget of {self._day / 1e8:.2f} USD"
        self._reserved += most
        return ""

    def settle(self, now: int, most: Money, cost: Money) -> None:
        """Give back what was set aside and book what it cost."""
        self._reserved -= most
        self.book(now, cost)

    def book(self, now: int, cost: Money) -> None:
        """Count what has been spent (also what a journal tells of an earlier run)."""
        self._forget(now)
        if cost:
            self._spent.append((now, cost))
            self._day_spent += cost

    def spent(self, now: int) -> tuple[Money, Money]:
        """Within the last hour, and today; 1e-8 USD."""
        self._forget(now)
        return sum(cost for _, cost in self._spent), self._day_spent

    def _forget(self, now: int) -> None:
        while self._spent and self._spent[0][0] <= now - HOUR_MS:
            self._spent.popleft()
        if now // DAY_MS > self._today:
            self._today = now // DAY_MS
            self._day_spent = 0


class Circuit(Enum):
    """CLOSED: questions pass. OPEN: none does. HALF_OPEN: one is on trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class Breaker:
    """Keeps a voter that fails again and again from being asked for a while; then one question decides.

    Args:
        failures: in a row that open the circuit.
        rest_ms: how long it stays open at first; doubles with each failed trial.
        most_ms: longest rest.
    """

    def __init__(self, failures: int = 3, rest_ms: int = 60_000, most_ms: int = 900_000) -> None:
        self.state = Circuit.CLOSED
        self._limit = failures
        self._first_rest = rest_ms
        self._most = most_ms
        self._rest = rest_ms
        self._failures = 0
        self._until = 0

    def admits(self, now: int) -> bool:
        """Whether a question may pass; the first after the rest is the trial, and no other passes until it has ended."""
        if self.state is Circuit.OPEN and now >= self._until:
            self.state = Circuit.HALF_OPEN
            return True
        return self.state is Circuit.CLOSED

    def remaining(self, now: int) -> int:
        """Ms until a trial may pass; 0 unless open."""
        return max(0, self._until - now) if self.state is Circuit.OPEN else 0

    def succeeded(self) -> None:
        """The voter answered."""
        self.state = Circuit.CLOSED
        self._failures = 0
        self._rest = self._first_rest

    def failed(self, now: int) -> None:
        """The voter did not answer, or not what was asked for."""
        self._failures += 1
        if self.state is Circuit.HALF_OPEN:
            self._rest = min(self._most, 2 * self._rest)
        elif self._failures < self._limit:
            return
        self.state = Circuit.OPEN
        self._until = now + self._rest

    def gave_up(self, now: int) -> None:
        """The question was withdrawn before there was an answer: a trial is due again, nothing else is learnt."""
        if self.state is Circuit.HALF_OPEN:
            self.state = Circuit.OPEN
            self._until = now


class Cache:
    """Valid votes of the last five minutes, by voter, model, symbol, bar and prompt hash."""

    def __init__(self, keep_ms: int = CACHE_MS, size: int = CACHE_SIZE) -> None:
        self._keep = keep_ms
        self._size = size
        self._votes: OrderedDict[tuple[str, str, str, int, str], tuple[int, Vote]] = OrderedDict()

    def get(self, key: tuple[str, str, str, int, str], now: int) -> Vote | None:
        """The vote, if it is young enough."""
        found = self._votes.get(key)
        return found[1] if found is not None and now - found[0] < self._keep else None

    def put(self, key: tuple[str, str, str, int, str], now: int, vote: Vote) -> None:
        """Keep a valid vote; abstentions are not kept, so that the next question is asked."""
        if not vote.valid:
            return
        self._votes.pop(key, None)
        self._votes[key] = (now, vote)
        while len(self._votes) > self._size:
            self._votes.popitem(last=False)
