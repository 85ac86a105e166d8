"""How a long computation is followed and stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _unheard(done: int, total: int) -> None:
    """Nobody follows."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Watch:
    """`progress(done, total)` hears how far it came; `cancelled()` is asked between steps and ends it when true."""

    progress: Callable[[int, int], None] = _unheard
    cancelled: Callable[[], bool] = _never


UNWATCHED = Watch()
