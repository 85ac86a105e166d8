"""Independent pieces of work on several processor cores: threads, since compiled work does not hold the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def cores(jobs: int | None) -> int:
    """`jobs`, at least one; as many as the processor has cores where it is None."""
    return max(1, jobs if jobs is not None else os.cpu_count() or 1)


def each(work: Callable[[T], None], pieces: Sequence[T], jobs: int) -> Iterator[int]:
    """Do every piece, `jobs` at a time, and yield how many are done; what has not begun is left where nobody asks on.

    An error of a piece is raised when it is its turn to be counted.
    """
    workers = min(jobs, len(pieces))
    if workers <= 1:
        for done, piece in enumerate(pieces, 1):
            work(piece)
            yield done
        return
    pool = ThreadPoolExecutor(workers)
    try:
        for done, _ in enumerate(pool.map(work, pieces), 1):
            yield done
    finally:
        pool.shutdown(cancel_futures=True)


def all_done(work: Callable[[T], None], pieces: Sequence[T], jobs: int) -> None:
    """Do every piece, `jobs` at a time."""
    for _ in each(work, pieces, jobs):
        pass
