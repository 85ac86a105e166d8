"""How a client keeps the simulated market from running ahead of it.

A lockstep client opens ``/sim/lockstep`` before it subscribes to anything and sends ``{"ready": true}`` when the market
may start (or go on), then ``{"bar": open_time, "updates": n}`` as it gets along: the newest closed bar it has dealt with
and how many user-stream events since this socket was opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

PATIENCE_S = 30.0


class LockstepMessage(msgspec.Struct, frozen=True):
    """What a lockstep client says; `bar` is an open time in ms UTC."""

    ready: bool = False
    bar: int = 0
    updates: int = 0


class Lockstep:
    """The attached client, if any, and how far it is."""

    def __init__(self) -> None:
        self.attached = False
        self.used = False
        self.ready = False
        self.timeouts = 0
        self._bar = 0
        self._updates = 0
        self._sent = 0
        self._changed = asyncio.Event()

    def attach(self) -> bool:
        """A client came; False when there is one already."""
        if self.attached:
            return False
        self.attached = self.used = True
        self.ready = False
        self._bar = self._updates = self._sent = 0
        self._changed.set()
        return True

    def detach(self) -> None:
        """The client went."""
        self.attached = self.ready = False
        self._changed.set()

    def hear(self, message: LockstepMessage) -> None:
        """Take what the client says of itself."""
        self.ready = self.ready or message.ready
        self._bar = max(self._bar, message.bar)
        self._updates = max(self._updates, message.updates)
        self._changed.set()

    def sent(self) -> None:
        """A user-stream event went out."""
        self._sent += 1

    @property
    def behind(self) -> bool:
        """Whether an attached client has user-stream events before it."""
        return self.attached and self._updates < self._sent

    async def may_start(self) -> None:
        """Wait until an attached client is ready; a client that went away may come back within the patience."""
        await self._wait(lambda: self.ready or not self.used)

    async def caught_up(self, bar: int = 0) -> None:
        """Wait until the client has dealt with the bar opened at `bar` and with every user-stream event."""
        if self.attached:
            await self._wait(lambda: not self.attached or (self._bar >= bar and self._updates >= self._sent))

    async def _wait(self, done: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self.timeouts += 1
            self._updates = max(self._updates, self._sent)
            if not self.attached:
                self.used = False
