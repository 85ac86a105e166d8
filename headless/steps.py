"""How far the start is: the steps that the station shows while it waits."""

from __future__ import annotations

import os

import msgspec

from engine.view import StepView
from headless.publisher import Publisher

STEPS = ("journal", "exchange client", "contracts", "history", "account", "live")


class StartSteps:
    """The steps of `STEPS`, each published as it moves.

    Args:
        publisher: owner of the desk whose status shows them.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._done = dict.fromkeys(STEPS, (0, 0))

    def step(self, name: str, done: int, total: int) -> None:
        """`done` of `total` parts of a step are there; the last step makes the engine ready."""
        self._done[name] = (done, total)
        status = self._publisher.desk.status
        ready = name == STEPS[-1]
        self._publisher.publish(msgspec.structs.replace(status, steps=self.views(), ready=ready, pid=os.getpid()))

    def views(self) -> tuple[StepView, ...]:
        """As the desk's status has them."""
        return tuple(StepView(name, *progress) for name, progress in self._done.items())
