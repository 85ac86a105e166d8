"""Independent pieces of work on several processor cores: threads, since compiled work does not hold the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def cores(jobs: int | None) -> int:
    """`jobs`, at least one; as many as the processor has cores where it is None."""
    return max(1, jobs if jobs is not None else os.cpu_count() or 1)


def each(work: Callable[[T], None], pieces: Sequence[T], jobs: int | None = None) -> None:
    """Do every piece, `jobs` at a time; the first error is raised after all are done."""
    workers = min(cores(jobs), len(pieces))
    if workers <= 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, pieces):
            pass
