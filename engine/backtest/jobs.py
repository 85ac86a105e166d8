"""Independent pieces of work on several processor cores: threads, since compiled work does not hold the interpreter."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
WORTH_BARS = 5_000  # fewer are worked on sooner than one thread hands the interpreter over to another


def cores(jobs: int | None, bars: int) -> int:
    """`jobs`, at least one; as many as the processor has cores where it is None; one where the pieces have few bars."""
    if bars < WORTH_BARS:
        return 1
    return max(1, jobs if jobs is not None else os.cpu_count() or 1)


def each(work: Callable[[T], None], pieces: Sequence[T], jobs: int) -> Generator[int, None, None]:
    """Do every piece, `jobs` at a time, and yield how many are done; what has not begun is left where nobody asks on.

    The calling thread works too, which spares a short piece of work the waiting for another one. An error of a piece that
    another one does is raised at the end.
    """
    left: SimpleQueue[T] = SimpleQueue()
    for piece in pieces:
        left.put(piece)
    done: list[T] = []

    def some() -> Iterator[int]:
        """Run by each thread: whatever nobody else has taken."""
        while (piece := _next(left)) is not None:
            work(piece)
            done.append(piece)
            yield len(done)

    told, others = 0, min(jobs, len(pieces)) - 1
    helpers = [_threads().submit(deque[int](maxlen=0).extend, some()) for _ in range(others)]
    try:
        for told in some():
            yield told
    finally:
        while not left.empty():
            _next(left)
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()
    if told < len(done):
        yield len(done)


@cache
def _threads() -> ThreadPoolExecutor:
    """They stay for the work to come: beginning and ending one takes as long as a short piece."""
    return ThreadPoolExecutor(thread_name_prefix="backtest")


def _next(left: SimpleQueue[T]) -> T | None:
    try:
        return left.get_nowait()
    except Empty:
        return None


def all_done(work: Callable[[T], None], pieces: Sequence[T], jobs: int) -> None:
    """Do every piece, `jobs` at a time."""
    for _ in each(work, pieces, jobs):
        pass
