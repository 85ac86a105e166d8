"""One series of bars, and which parts of it are missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import numpy as np

from engine.bars import Ints
from engine.errors import BadInput

DAY_MS = 86_400_000


class Series(msgspec.Struct, frozen=True):
    """Bars of one kind: where they come from, unified symbol, length of a bar in ms."""

    venue: str
    symbol: str
    timeframe_ms: int


class Span(msgspec.Struct, frozen=True):
    """Open times with begin <= open time < end, ms UTC."""

    begin: int
    end: int


def missing(times: Ints, timeframe_ms: int, span: Span, near: int = 0) -> tuple[Span, ...]:
    """The parts of `span` that `times` lacks.

    Args:
        times: open times there are, rising, ms UTC.
        timeframe_ms: length of a bar; `times` are whole multiples of it.
        span: what is wanted, ms UTC.
        near: parts with at most so many bars between them become one, since a request brings them in any case.
    """
    begin, end = aligned(span, timeframe_ms)
    if begin >= end:
        return ()
    inside = times[int(times.searchsorted(begin)) : int(times.searchsorted(end))]
    edges = np.concatenate(([begin - timeframe_ms], inside, [end]))
    out: list[Span] = []
    for i in np.flatnonzero(np.diff(edges) > timeframe_ms):
        hole = Span(int(edges[i]) + timeframe_ms, int(edges[i + 1]))
        if out and hole.begin - out[-1].end <= near * timeframe_ms:
            hole = Span(out.pop().begin, hole.end)
        out.append(hole)
    return tuple(out)


def aligned(span: Span, timeframe_ms: int) -> tuple[int, int]:
    """First open time in the span and the end of its last whole bar, ms UTC."""
    return -(-span.begin // timeframe_ms) * timeframe_ms, span.end // timeframe_ms * timeframe_ms


def months(span: Span) -> Iterator[Span]:
    """The span cut at the beginnings of the UTC months."""
    begin = span.begin
    while begin < span.end:
        following = np.datetime64(begin, "ms").astype("datetime64[M]") + np.timedelta64(1, "M")
        end = min(span.end, int(following.astype("datetime64[ms]").astype(np.int64)))
        yield Span(begin, end)
        begin = end


def parse_time(name: str, text: str) -> int:
    """An ISO date or datetime (UTC unless it names a zone) as ms UTC; raises BadInput naming the argument."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadInput(name, text, "use an ISO date or time, e.g. 2025-05-01 or 2025-05-01T12:30 (UTC)") from error


def time_text(at: int) -> str:
    """A time in ms UTC as people read it, like ``2025-05-01 12:30``."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
