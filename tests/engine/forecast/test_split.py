"""Parts follow one another in time, with an embargo between them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.forecast.split import Split, hold_out, walk_forward


def in_order(split: Split, embargo: int) -> bool:
    train, validation, test = split.train, split.validation, split.test
    return bool(
        train.start == 0
        and train.stop + embargo == validation.start
        and validation.stop + embargo == test.start
        and validation.start < validation.stop
    )


@given(samples=st.integers(300, 20_000), folds=st.integers(5, 12), embargo=st.integers(2, 100))
def test_test_parts_tile_the_newest_samples(samples: int, folds: int, embargo: int) -> None:
    try:
        splits = walk_forward(samples, folds, embargo)
    except BadInput:
        assume(False)
    assert all(in_order(split, embargo) for split in splits)
    assert len(splits) == folds
    for earlier, later in itertools.pairwise(splits):
        assert earlier.test.stop == later.test.start
        assert earlier.train.stop < later.train.stop
    assert splits[-1].test.stop == samples


@given(samples=st.integers(1_000, 20_000), embargo=st.integers(2, 100))
def test_the_newest_fifth_is_held_out(samples: int, embargo: int) -> None:
    split = hold_out(samples, embargo)
    assert in_order(split, embargo)
    assert (split.test.stop, split.test.stop - split.test.start) == (samples, int(samples * 0.2))


@pytest.mark.parametrize("samples", [0, 10, 300, 500])
def test_too_few_samples_are_refused(samples: int) -> None:
    with pytest.raises(BadInput, match="too few"):
        walk_forward(samples, 5, 61)
