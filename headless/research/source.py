"""What a screen sees of the research process. The real client and the tests' fake both are one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.backtest.view import StrategyView
from headless.research.protocol import Answer, Ask, News


def unheard(news: News) -> None:
    """Nobody follows."""


class ResearchSource(Protocol):
    """Asks, and gets one answer each."""

    async def strategies(self) -> tuple[StrategyView, ...]:
        """All strategies; starts the process where none runs. Raises TrefoilError where it cannot be started."""
        ...

    async def ask(self, ask: Ask, told: Callable[[News], None] = unheard) -> Answer:
        """Ask for something; `told` hears how it goes on.

        Never raises for what a person can mend: the answer is then `Refused`, also where the process died.
        """
        ...

    async def cancel(self) -> None:
        """Stop what computes, a run or its luck, whatever it takes; its `ask` returns `Stopped`."""
        ...

    async def close(self) -> None:
        """End the process."""
        ...

    def now(self) -> int:
        """Wall time, ms UTC (frozen in tests)."""
        ...
