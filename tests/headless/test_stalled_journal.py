"""A journal that does not answer is told while nothing can be decided or sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.core.core import Core
from engine.model import event as e
from engine.ports import Entry
from engine.runtime import Runtime, SystemClock
from tests.headless.test_voting import Silent


class Slow:
    """A journal that keeps nothing before it is let."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def append(self, entries: Sequence[Entry]) -> None:
        assert entries
        self.asked.set()
        await self.go.wait()


async def test_it_is_told_until_the_journal_answers() -> None:
    journal = Slow()
    runtime = Runtime(Core(), journal, Silent(), SystemClock(), 0, stalled_s=0.0)  # type: ignore[arg-type] # no more is needed
    task = asyncio.create_task(runtime.run())
    try:
        assert runtime.stalled == ""
        runtime.put(e.ClockTick(at=1))
        await asyncio.wait_for(journal.asked.wait(), 10)
        assert runtime.stalled == "the journal does not answer; until it does nothing is decided or sent"
        assert runtime.read_only == ""
        journal.go.set()
        await asyncio.wait_for(runtime.quiet(), 10)
        assert runtime.stalled == ""
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_journal_that_answers_in_time_is_not_spoken_of() -> None:
    journal = Slow()
    runtime = Runtime(Core(), journal, Silent(), SystemClock(), 0, stalled_s=60.0)  # type: ignore[arg-type] # no more is needed
    task = asyncio.create_task(runtime.run())
    try:
        runtime.put(e.ClockTick(at=1))
        await asyncio.wait_for(journal.asked.wait(), 10)
        assert runtime.stalled == ""
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
