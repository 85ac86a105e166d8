"""Rate limits kept instead of hit: who may ask the venue now, and who waits for how long. No I/O, no clock.

A venue counts in windows of its own, whose beginning we do not know, and a request counts when it arrives there: some
time between our sending it and our having its answer. So a request weighs from the moment it is let go until a whole
window after its answer; then it cannot lie in the venue's current window any more, wherever that began. The venue's own
count, which it answers with, corrects ours both ways: what it counts more belongs to others at our address, and what it
counts less has left its window.

Exits and cancels may use the whole limit, entries and the account's upkeep most of it, history the rest: see `SHARES`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import count

import msgspec

from engine.errors import InvariantBroken


class Lane(IntEnum):
    """What a request is for; the lower goes first."""

    TRADE = 0
    ENTRY = 1
    ACCOUNT = 2
    HISTORY = 3


SHARES: dict[Lane, float] = {Lane.TRADE: 1.0, Lane.ENTRY: 0.9, Lane.ACCOUNT: 0.85, Lane.HISTORY: 0.6}


class Limit(msgspec.Struct, frozen=True):
    """At most `most` in any window of `window_ms`; `name` is the venue's, as its answers head the count."""

    name: str
    most: int
    window_ms: int


class _Flying(msgspec.Struct, frozen=True):
    """A request without an answer: its weight, and how many answers were in when it was let go."""

    weight: int
    answered: int


class _Settled(msgspec.Struct):
    """Weight that may still lie in the venue's window until `stamp` is a window ago; `number` of its answer."""

    stamp: int
    weight: int
    number: int


class Budget:
    """The use of one limit.

    Args:
        limit: what the venue allows.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._flying: dict[int, _Flying] = {}
        self._settled: deque[_Settled] = deque()
        self._sum = 0  # of flying and settled
        self._answered = 0

    def used(self, now: int) -> int:
        """The most that the venue may count in its current window."""
        while self._settled and self._settled[0].stamp + self.limit.window_ms <= now:
            self._sum -= self._settled.popleft().weight
        return self._sum

    def wait(self, now: int, weight: int, lane: Lane) -> int | None:
        """Ms until `weight` fits into the share of `lane`: 0 is now, None is not before an answer comes in."""
        most = int(self.limit.most * SHARES[lane])
        free = most - self.used(now)
        if weight <= free or self._sum == 0:
            return 0
        for entry in self._settled:
            free += entry.weight
            if weight <= free:
                return entry.stamp + self.limit.window_ms - now
        if not self._flying and self._settled:
            return self._settled[-1].stamp + self.limit.window_ms - now  # heavier than its share: it goes alone
        return None

    def take(self, ticket: int, weight: int) -> None:
        """Let a request go."""
        self._flying[ticket] = _Flying(weight, self._answered)
        self._sum += weight

    def settle(self, ticket: int, now: int, heard: int | None) -> None:
        """Its answer is in, or will not come; `heard` is the venue's count after it, None where it did not say."""
        request = self._flying.pop(ticket)
        self._answered += 1
        if heard is not None:
            self._believe(request, heard)
            others = heard - self._sum
            if others > 0:
                self._settled.append(_Settled(now, others, self._answered))
                self._sum += others
        self._settled.append(_Settled(now, request.weight, self._answered))

    def _believe(self, request: _Flying, heard: int) -> None:
        """Forget what the venue does not count: answers that were in before this request left are in its count or gone.

        The oldest are forgotten first, so that what stays lapses no sooner than it must.
        """
        before = sum(entry.weight for entry in self._settled if entry.number <= request.answered)
        gone = before - max(0, heard - request.weight)
        while gone > 0:
            oldest = self._settled[0]
            less = min(gone, oldest.weight)
            oldest.weight -= less
            self._sum -= less
            gone -= less
            if oldest.weight == 0:
                self._settled.popleft()


class Ask(msgspec.Struct, frozen=True):
    """A request that wants to go: its lane, and what it weighs by the limits' names."""

    lane: Lane
    weights: tuple[tuple[str, int], ...]


class RequestQueue:
    """Everybody who asks one venue from one address, in order of lane, then arrival.

    Within a limit nobody is overtaken by a lighter request of his own lane or a lower one.

    Args:
        limits: what the venue allows.
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.budgets = {limit.name: Budget(limit) for limit in limits}
        self.shut_until = 0
        self._waiting: dict[Lane, dict[int, Ask]] = {lane: {} for lane in Lane}
        self._lanes: dict[int, Lane] = {}
        self._flying: dict[int, Ask] = {}
        self._tickets = count(1)

    def ask(self, ask: Ask) -> int:
        """Stand in the queue; answers the ticket."""
        ticket = next(self._tickets)
        self._waiting[ask.lane][ticket] = ask
        self._lanes[ticket] = ask.lane
        return ticket

    def leave(self, ticket: int) -> None:
        """Stop waiting."""
        lane = self._lanes.pop(ticket, None)
        if lane is not None:
            del self._waiting[lane][ticket]

    def admitted(self, now: int) -> list[int]:
        """Tickets that may go now, first come first; they count from here on."""
        go: list[int] = []
        if now >= self.shut_until:
            for ticket, ask in self._front(now):
                if self._wait(now, ask) == 0:
                    go.append(ticket)
                    self._go(ticket, ask)
        return go

    def wake_in(self, now: int) -> int | None:
        """Ms until somebody may go (at least 1); None while that depends on an answer, or nobody waits."""
        if not self._lanes:
            return None
        if now < self.shut_until:
            return self.shut_until - now
        waits = [wait for _, ask in self._front(now) if (wait := self._wait(now, ask)) is not None]
        return max(1, min(waits)) if waits else None

    def wait_of(self, now: int, ticket: int) -> int | None:
        """Ms that a waiting request has before it at least; None where that is not known."""
        if now < self.shut_until:
            return self.shut_until - now
        return self._wait(now, self._waiting[self._lanes[ticket]][ticket])

    def settle(self, ticket: int, now: int, heard: Mapping[str, int]) -> None:
        """An answer came or will not come; `heard` are the venue's counts by limit name, as far as it gave them."""
        ask = self._flying.pop(ticket, None)
        if ask is None:
            raise InvariantBroken(f"request {ticket} is settled and was not under way")
        for name, _ in ask.weights:
            self.budgets[name].settle(ticket, now, heard.get(name))

    def shut(self, until: int) -> None:
        """Nobody goes before `until` (ms): the venue said so."""
        self.shut_until = max(self.shut_until, until)

    def _go(self, ticket: int, ask: Ask) -> None:
        self.leave(ticket)
        self._flying[ticket] = ask
        for name, weight in ask.weights:
            self.budgets[name].take(ticket, weight)

    def _wait(self, now: int, ask: Ask) -> int | None:
        waits = [self.budgets[name].wait(now, weight, ask.lane) for name, weight in ask.weights]
        known = [wait for wait in waits if wait is not None]
        return max(known, default=0) if len(known) == len(waits) else None

    def _front(self, now: int) -> Iterator[tuple[int, Ask]]:
        """Those who wait for a limit and for nobody before them; whoever is let go meanwhile stands in nobody's way."""
        full: set[str] = set()
        for lane in Lane:
            for ticket, ask in list(self._waiting[lane].items()):
                if not any(name in full for name, _ in ask.weights):
                    yield ticket, ask
                if ticket in self._lanes:
                    full |= {n for n, w in ask.weights if n not in full and self.budgets[n].wait(now, w, lane) != 0}
                if len(full) == len(self.budgets):
                    return
