"""Pieces of work on several cores: each done once, errors come out, and what nobody asks for is left."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backtest.jobs import WORTH_BARS, all_done, cores, each


@given(count=st.integers(0, 40), jobs=st.integers(1, 5))
def test_each_piece_is_done_once_and_the_count_ends_with_all(count: int, jobs: int) -> None:
    done: list[int] = []
    told = list(each(done.append, range(count), jobs))
    assert sorted(done) == list(range(count))
    assert told == sorted(told)
    assert told[-1:] == ([count] if count else [])


@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.parametrize("bad", [0, 7, 19])
def test_an_error_of_any_piece_comes_out(jobs: int, bad: int) -> None:
    def work(piece: int) -> None:
        if piece == bad:
            raise ValueError(str(piece))

    with pytest.raises(ValueError, match=str(bad)):
        all_done(work, range(20), jobs)


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_has_not_begun_is_left_when_nobody_asks_on(jobs: int) -> None:
    begun: list[int] = []
    enough = threading.Event()

    def work(piece: int) -> None:
        begun.append(piece)
        if threading.current_thread() is not threading.main_thread():
            enough.wait(10)  # the others are held within their first piece

    pieces = each(work, range(1_000), jobs)
    assert next(pieces) == 1
    threading.Timer(0.05, enough.set).start()
    pieces.close()
    assert len(begun) <= jobs


def test_few_bars_stay_on_one_core() -> None:
    assert [cores(4, WORTH_BARS - 1), cores(4, WORTH_BARS), cores(0, WORTH_BARS)] == [1, 4, 1]
    assert cores(None, WORTH_BARS) >= 1
