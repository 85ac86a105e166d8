"""A start outlives an exchange that is away: what it asks there is asked again until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from engine.errors import VenueRateLimited, VenueUnavailable, VenueUnknown
from headless.steps import StartSteps

FIRST_S, MOST_S = 0.5, 30.0

T = TypeVar("T")


async def persist(steps: StartSteps, step: str, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer to `ask`, which only reads and may be repeated; the pauses between attempts double up to `MOST_S`.

    Args:
        steps: shows why it waits.
        step: of the start, that waits.
        ask: asks the exchange.

    Raises:
        VenueRejected: the exchange said no; asking again would not change that.
    """
    pause = FIRST_S
    while True:
        try:
            return await ask()
        except VenueRateLimited as error:
            wait = max(pause, error.retry_after_ms / 1000)
            steps.waits(step, str(error))
        except (VenueUnavailable, VenueUnknown) as error:
            wait = pause
            steps.waits(step, str(error))
        await asyncio.sleep(wait)
        pause = min(MOST_S, pause * 2)
