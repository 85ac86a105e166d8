"""Which trips belong together, and that the parts of a difference are the whole of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.replay.pairing import difference, pair
from engine.replay.trip import Ended, Trip

FRAME = 60_000
UNIT = 10_000


def trip(bar: int, side: int = 1, *, symbol: str = "A", origin: str = "signal:1", **values: Any) -> Trip:
    opened = (bar + 1) * FRAME
    given = {
        "lots": 10,
        "entry_value": 10 * 1_000 * UNIT,
        "exit_value": 10 * 1_010 * UNIT,
        "fees": 50,
        "funding": 0,
        "ended": Ended.SIGNAL,
        "closed": opened + 5 * FRAME,
    }
    return Trip(
        symbol=symbol,
        side=side,
        unit=UNIT,
        opened=opened,
        origin=origin,
        bar_time=bar * FRAME,
        **{**given, **values},
    )


@pytest.mark.parametrize(
    ("live", "replayed", "matched"),
    [
        ([trip(5)], [trip(5)], [(0, 0)]),
        ([trip(5)], [trip(6)], [(0, 0)]),
        ([trip(5)], [trip(7)], []),
        ([trip(5)], [trip(5, -1)], []),
        ([trip(5)], [trip(5, symbol="B")], []),
        ([trip(5, origin="person:x")], [trip(5)], []),
        ([trip(5, carried=True)], [trip(5)], []),
        ([trip(5), trip(6)], [trip(6), trip(7)], [(0, None), (1, 0)]),
        ([trip(5), trip(6)], [trip(6)], [(1, 0)]),
        ([], [trip(1)], []),
    ],
)
def test_nearest_of_the_same_symbol_and_side(
    live: list[Trip], replayed: list[Trip], matched: list[tuple[int, int | None]]
) -> None:
    rows = pair(live, replayed, FRAME)
    found = [(live.index(a), replayed.index(b)) for a, b in rows if a is not None and b is not None]
    assert found == [one for one in matched if one[1] is not None]
    assert len(rows) == len(live) + len(replayed) - len(found)


trips = st.builds(
    lambda bar, side, lots, entry, move, fees, funding, origin: trip(
        bar,
        side,
        lots=lots,
        entry_value=lots * entry * UNIT,
        exit_value=lots * (entry + move) * UNIT,
        fees=fees,
        funding=funding,
        origin=origin,
    ),
    st.integers(0, 30),
    st.sampled_from([1, -1]),
    st.integers(1, 500),
    st.integers(500, 2_000),
    st.integers(-400, 400),
    st.integers(-100, 10**9),
    st.integers(-(10**9), 10**9),
    st.sampled_from(["signal:1", "signal:2", "person:x", "outside"]),
)


@given(st.lists(trips, max_size=12), st.lists(trips, max_size=12))
def test_every_trip_is_in_one_row(live: list[Trip], replayed: list[Trip]) -> None:
    rows = pair(live, replayed, FRAME)
    assert sorted(id(a) for a, _ in rows if a is not None) == sorted(id(one) for one in live)
    assert sorted(id(b) for _, b in rows if b is not None) == sorted(id(one) for one in replayed)
    for a, b in rows:
        if a is not None and b is not None:
            assert a.side == b.side
            assert a.signal
            assert abs(a.bar_time - b.bar_time) <= FRAME


@given(trips, trips)
def test_the_parts_are_the_whole(live: Trip, replayed: Trip) -> None:
    gap = difference(live, replayed)
    assert gap.total == live.net - replayed.net
    if live.side == replayed.side:
        assert abs(gap.entry + gap.exit + gap.size + gap.fees + gap.funding - gap.total) <= 0
    assert difference(live, None).total == live.net
    assert difference(None, replayed).total == -replayed.net


@pytest.mark.parametrize(
    ("side", "entry", "worse"), [(1, 1_001, 10.0), (1, 999, -10.0), (-1, 1_001, -10.0), (-1, 999, 10.0)]
)
def test_a_worse_price_is_positive(side: int, entry: int, worse: float) -> None:
    gap = difference(trip(1, side, entry_value=10 * entry * UNIT), trip(1, side))
    assert gap.entry_bps == pytest.approx(worse)
    assert gap.entry == -round(worse) * 10 * UNIT // 10
    assert gap.exit_bps == 0
