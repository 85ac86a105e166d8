"""The path inside a bar touches its open, high, low and close, and nothing outside them."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.simulator.path import pivots, shares, walk

CANDLES = st.tuples(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(0, 5_000), st.integers(0, 5_000)).map(
    lambda t: (t[0], max(t[0], t[1]) + t[2], max(1, min(t[0], t[1]) - t[3]), t[1])
)


@given(CANDLES, st.integers(4, 200), st.integers(0, 2**32))
def test_a_walk_touches_exactly_its_candle(candle: tuple[int, int, int, int], count: int, seed: int) -> None:
    open_, high, low, close = candle
    prices = walk(open_, high, low, close, count, Random(seed))
    assert len(prices) == count
    assert (prices[0], max(prices), min(prices), prices[-1]) == (open_, high, low, close)
    assert prices == walk(open_, high, low, close, count, Random(seed))


@given(CANDLES, st.integers(0, 2**32))
def test_the_extremes_come_between_open_and_close(candle: tuple[int, int, int, int], seed: int) -> None:
    open_, high, low, close = candle
    corners = pivots(open_, high, low, close, Random(seed))
    assert (corners[0], corners[3]) == (open_, close)
    assert sorted(corners[1:3]) == [low, high]


def test_an_up_bar_usually_falls_first() -> None:
    dice = Random(1)
    up = sum(pivots(10, 20, 5, 15, dice)[1] == 5 for _ in range(2_000))
    down = sum(pivots(15, 20, 5, 10, dice)[1] == 5 for _ in range(2_000))
    assert 1_300 < up < 1_500
    assert 500 < down < 700


@given(st.integers(0, 10**6), st.integers(1, 300))
def test_volume_is_shared_in_whole_lots(total: int, count: int) -> None:
    parts = shares(total, count)
    assert len(parts) == count
    assert sum(parts) == max(total, count)
    assert min(parts) >= 1
    assert max(parts) - min(parts) <= 1
