"""Which parts of a series are missing, on any set of times; months and times as people write them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.candle_file import gaps_of
from engine.errors import BadInput
from engine.history.merge import merge, same
from engine.history.series import Span, aligned, missing, months, parse_time, time_text
from tests.engine.history.exchange import BEGIN, MINUTE, rows, taken, walk

SLOTS = st.sets(st.integers(0, 60))


def times(slots: set[int]) -> np.ndarray:
    return BEGIN + np.array(sorted(slots), dtype=np.int64) * MINUTE


@given(SLOTS, st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_missing_spans_cover_every_hole_once(slots: set[int], first: int, count: int, near: int) -> None:
    span = Span(BEGIN + first * MINUTE, BEGIN + (first + count) * MINUTE)
    holes = missing(times(slots), MINUTE, span, near)
    covered = [slot for hole in holes for slot in range(hole.begin, hole.end, MINUTE)]
    wanted = set(range(span.begin, span.end, MINUTE)) - set(times(slots).tolist())
    assert wanted <= set(covered)
    assert len(covered) == len(set(covered))
    assert set(covered) <= set(range(span.begin, span.end, MINUTE))
    for hole in holes:
        assert {hole.begin, hole.end - MINUTE} <= wanted  # a hole begins and ends with a bar that is missing
    for before, after in pairwise(holes):
        assert after.begin - before.end > near * MINUTE
    if near == 0:
        assert set(covered) == wanted


@pytest.mark.parametrize(
    ("near", "found"), [(0, [(2, 4), (6, 7)]), (1, [(2, 4), (6, 7)]), (2, [(2, 7)]), (1_500, [(2, 7)])]
)
def test_holes_with_few_bars_between_become_one(near: int, found: list[tuple[int, int]]) -> None:
    known = times({0, 1, 4, 5, 7, 8})
    holes = missing(known, MINUTE, Span(BEGIN, BEGIN + 9 * MINUTE), near)
    assert [((h.begin - BEGIN) // MINUTE, (h.end - BEGIN) // MINUTE) for h in holes] == found


def test_a_span_is_cut_to_whole_bars() -> None:
    assert aligned(Span(BEGIN + 1, BEGIN + 3 * MINUTE - 1), MINUTE) == (BEGIN + MINUTE, BEGIN + 2 * MINUTE)
    assert missing(times(set()), MINUTE, Span(BEGIN + 1, BEGIN + 2 * MINUTE - 1)) == ()
    assert missing(times(set()), MINUTE, Span(BEGIN + MINUTE, BEGIN)) == ()


@given(SLOTS.filter(lambda slots: len(slots) > 1))
def test_gaps_and_bars_fill_the_time_between_first_and_last(slots: set[int]) -> None:
    known = times(slots)
    gaps = gaps_of(known, MINUTE)
    inside = [at for gap in gaps for at in range(gap.begin, gap.end, MINUTE)]
    assert sorted([*inside, *known.tolist()]) == list(range(int(known[0]), int(known[-1]) + MINUTE, MINUTE))
    assert [len(range(gap.begin, gap.end, MINUTE)) for gap in gaps] == [gap.missing for gap in gaps]


@given(SLOTS, SLOTS)
def test_merging_is_sorted_without_duplicates_and_the_newer_bar_wins(known: set[int], newer: set[int]) -> None:
    old, new = walk(61, seed=1), walk(61, seed=2)
    a, b = taken(old, np.array(sorted(known), dtype=np.int64)), taken(new, np.array(sorted(newer), dtype=np.int64))
    both = merge(a, b)
    expected = {row[0]: row for row in rows(a)} | {row[0]: row for row in rows(b)}
    assert rows(both) == [expected[at] for at in sorted(expected)]
    assert same(merge(both, b), both)
    assert same(merge(both, both), both)
    assert same(both, old) == (not newer and len(known) == 61)


@pytest.mark.parametrize(
    ("begin", "end", "cut"),
    [
        ("2025-05-01", "2025-06-01", ["2025-05-01 00:00"]),
        ("2025-05-31T23:59", "2025-06-01T00:01", ["2025-05-31 23:59", "2025-06-01 00:00"]),
        ("2023-12-31", "2024-03-01", ["2023-12-31 00:00", "2024-01-01 00:00", "2024-02-01 00:00"]),
        ("2025-05-01", "2025-05-01", []),
    ],
)
def test_a_span_is_cut_at_months(begin: str, end: str, cut: list[str]) -> None:
    span = Span(parse_time("from", begin), parse_time("to", end))
    parts = list(months(span))
    assert [time_text(part.begin) for part in parts] == cut
    assert [part.end for part in parts[:-1]] == [part.begin for part in parts[1:]]
    assert not parts or parts[-1].end == span.end


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-05-01", BEGIN),
        ("2025-05-01T00:01", BEGIN + MINUTE),
        ("2025-05-01 02:00+02:00", BEGIN),
        ("2025-05-01T00:00:00Z", BEGIN),
    ],
)
def test_times_are_utc_unless_they_name_a_zone(text: str, at: int) -> None:
    assert parse_time("--from", text) == at


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "01.05.2025", "1746057600000"])
def test_other_times_are_refused_with_the_argument(text: str) -> None:
    with pytest.raises(BadInput, match=r"^--from: .* - use an ISO date or time"):
        parse_time("--from", text)
