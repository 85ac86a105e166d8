"""How far the start is: the steps that the station shows while it waits."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from engine.view import StepView
from headless.publisher import Publisher

STEPS = ("journal", "exchange client", "contracts", "history", "account", "live")


class StartSteps:
    """The steps of `STEPS`, each published as it moves.

    Args:
        publisher: owner of the desk whose status shows them.
        told: gets the sentence about a step that has to wait, once.
    """

    def __init__(self, publisher: Publisher, told: Callable[[str], None]) -> None:
        self._publisher = publisher
        self._told = told
        self._done = {name: StepView(name, 0, 0) for name in STEPS}

    def step(self, name: str, done: int, total: int) -> None:
        """`done` of `total` parts of a step are there; the last step makes the engine ready."""
        self._done[name] = StepView(name, done, total)
        self._publish(ready=name == STEPS[-1])

    def waits(self, name: str, why: str) -> None:
        """A step cannot go on for the moment; its next `step` says that it does."""
        was = self._done[name]
        if was.waits != why:
            self._done[name] = msgspec.structs.replace(was, waits=why)
            self._told(f"{name}: {why}; trying again")
            self._publish(ready=False)

    def views(self) -> tuple[StepView, ...]:
        """As the desk's status has them."""
        return tuple(self._done.values())

    def _publish(self, *, ready: bool) -> None:
        status = self._publisher.desk.status
        self._publisher.publish(msgspec.structs.replace(status, steps=self.views(), ready=ready, pid=os.getpid()))
