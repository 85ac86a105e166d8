"""Weights, score and zone of the board."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.record import Record
from engine.strategies import board


def of(trades: int, mean: float) -> Record:
    """A record of so many trades with this mean net return."""
    return Record(trades, trades // 2, trades * mean, trades * mean * mean)


EQUAL = (1 / 3, 1 / 3, 1 / 3)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([Record(), Record(), Record()], EQUAL),
        ([of(19, 0.01), of(5, 0.02), Record()], EQUAL),  # nobody has 20 trades yet
        ([of(40, -0.01), of(30, -0.001), of(20, 0.0)], EQUAL),  # nobody earned
        ([of(20, 0.01), of(19, 0.5), of(50, -0.01)], (1.0, 0.0, 0.0)),
        # 0.01 x 20/40 = 0.005 against 0.01 x 60/80 = 0.0075: the longer record counts for more
        ([of(20, 0.01), of(60, 0.01), Record()], (0.4, 0.6, 0.0)),
    ],
)
def test_weights_follow_shrunk_expectancy(records: list[Record], expected: tuple[float, ...]) -> None:
    assert board.weights(records, 20) == pytest.approx(expected, abs=1e-12)


def test_how_many_trades_a_weight_needs_is_a_setting() -> None:
    records = [of(10, 0.01), of(30, 0.01), Record()]
    assert board.weights(records, 20) == (0.0, 1.0, 0.0)
    assert board.weights(records, 10)[0] > 0.0


RECORDS = st.lists(st.builds(of, st.integers(0, 500), st.floats(-0.1, 0.1)), min_size=6, max_size=6)
SIDES = st.lists(st.sampled_from([-1, 0, 1]), min_size=6, max_size=6)


@given(records=RECORDS, sides=SIDES)
def test_weights_sum_to_one_and_the_score_stays_within_one(records: list[Record], sides: list[int]) -> None:
    shares = board.weights(records, 20)
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) >= 0.0
    value = board.score(sides, shares)
    assert -1.0 - 1e-12 <= value <= 1.0 + 1e-12
    assert board.score([-side for side in sides], shares) == -value
    assert board.score([1] * 6, shares) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("value", "zone"),
    [(1.0, 1), (0.34, 1), (0.3399, 0), (0.0, 0), (-0.3399, 0), (-0.34, -1), (-1.0, -1)],
)
def test_the_zone_begins_at_the_entry_score(value: float, zone: int) -> None:
    assert board.zone(value, 0.34) == zone


def test_two_of_six_equal_voices_are_no_zone_and_three_are() -> None:
    shares = board.weights([Record()] * 6, 20)
    assert board.zone(board.score([1, 1, 0, 0, 0, 0], shares), 0.34) == 0
    assert board.zone(board.score([1, 1, 1, 0, 0, 0], shares), 0.34) == 1
    assert board.zone(board.score([1, 1, 1, -1, 0, 0], shares), 0.34) == 0
