"""The door that every request to one venue goes through: it waits until the venue's limits have room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from engine.errors import VenueRateLimited
from engine.ports import Clock
from engine.venues.weight import Ask, Limit, RequestQueue

TOO_MANY = "429"


class Uptime:
    """A clock that never goes back; ms since some moment."""

    def now(self) -> int:
        """Ms."""
        return time.monotonic_ns() // 1_000_000


class RequestGate:
    """Lets requests go when `RequestQueue` says so.

    Args:
        limits: what the venue allows.
        clock: a clock that never goes back.
    """

    def __init__(self, limits: Sequence[Limit], clock: Clock | None = None) -> None:
        self.queue = RequestQueue(limits)
        self._clock = clock or Uptime()
        self._doors: dict[int, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, ask: Ask, patience_ms: int | None) -> int:
        """Wait for the turn; answers the ticket that `leave` wants back.

        Raises VenueRateLimited, with nothing sent, as soon as it is sure that the wait is longer than `patience_ms`
        (None waits for ever).
        """
        ticket = self.queue.ask(ask)
        door = self._doors[ticket] = asyncio.get_running_loop().create_future()
        through = False
        try:
            self._open()
            if not door.done():
                self._refuse_hopeless(ticket, patience_ms)
            async with asyncio.timeout(None if patience_ms is None else patience_ms / 1000):
                await door
            through = True
        except TimeoutError:
            raise self._refusal(patience_ms or 0) from None
        finally:
            del self._doors[ticket]
            if not through:
                self._turn_away(ticket, let_in=door.done() and not door.cancelled())
        return ticket

    def leave(self, ticket: int, heard: Mapping[str, int]) -> None:
        """The answer is in (or will not come); `heard` are the venue's counts."""
        self.queue.settle(ticket, self._clock.now(), heard)
        self._open()

    def now(self) -> int:
        """Ms by the clock of this gate."""
        return self._clock.now()

    def shut(self, wait_ms: int) -> None:
        """The venue wants to be left alone for `wait_ms`."""
        self.queue.shut(self._clock.now() + wait_ms)

    def _refuse_hopeless(self, ticket: int, patience_ms: int | None) -> None:
        wait = self.queue.wait_of(self._clock.now(), ticket)
        if patience_ms is not None and wait is not None and wait > patience_ms:
            raise self._refusal(wait)

    @staticmethod
    def _refusal(wait_ms: int) -> VenueRateLimited:
        text = f"the venue's request limit is used up; there is room in {max(1, round(wait_ms / 1000))} s"
        return VenueRateLimited(text, TOO_MANY, wait_ms)

    def _turn_away(self, ticket: int, *, let_in: bool) -> None:
        """Somebody stopped waiting, perhaps at the very moment his turn came."""
        if let_in:
            self.leave(ticket, {})
        else:
            self.queue.leave(ticket)
            self._open()

    def _open(self) -> None:
        """Let go who may, and come back when the next one may."""
        now = self._clock.now()
        for ticket in self.queue.admitted(now):
            door = self._doors[ticket]
            if door.cancelled():
                self.queue.settle(ticket, now, {})
            else:
                door.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait = self.queue.wake_in(now)
        if wait is not None:
            self._timer = asyncio.get_running_loop().call_later(wait / 1000, self._open)
