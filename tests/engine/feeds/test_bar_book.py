"""Whatever a stream does to its messages, each true bar is closed once and in order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.feeds.bar_book import BarBook, Closed, Corrected, Forming, Heard, Missing
from engine.model.market import Bar

MS = 60_000


def bar(i: int, close: float = 1.0) -> Bar:
    return Bar(i * MS, 1.0, max(1.0, close), min(1.0, close), close, float(i))


def closed(heard: list[Heard]) -> list[int]:
    return [item.bar.open_time // MS for item in heard if isinstance(item, Closed)]


def listen(
    truth: list[Bar], messages: list[tuple[Bar, bool]], dice: Random, known: Bar
) -> tuple[list[Bar], list[Forming], list[Missing]]:
    """Play messages into a book; REST answers some messages later with all the truth it was asked for."""
    book = BarBook(MS, known.open_time)
    out: list[Bar] = []
    forming: list[Forming] = []
    asked: list[Missing] = []
    open_question: list[Missing] = []

    def take(heard: list[Heard]) -> None:
        for item in heard:
            match item:
                case Closed(bar=final):
                    out.append(final)
                case Missing():
                    asked.append(item)
                    open_question.append(item)
                case Forming():
                    assert not out or item.bar.open_time > out[-1].open_time
                    forming.append(item)
                case Corrected():
                    raise AssertionError("the truth does not change")

    def answer() -> None:
        question = open_question.pop(0)
        assert book.waiting
        take(book.filled([b for b in truth if question.begin <= b.open_time < question.end]))

    for message, final in messages:
        take(book.hear(message, closed=final))
        if open_question and dice.random() < 0.5:
            answer()
    while open_question:
        answer()
    take(book.overdue(truth[-1].open_time + 3 * MS, 1_500))
    while open_question:
        answer()
    assert not book.waiting
    return out, forming, asked


@settings(max_examples=300, deadline=None)
@given(
    st.integers(2, 40),
    st.sets(st.integers(1, 39)),
    st.integers(0, 2**32),
    st.floats(0.0, 0.9),
    st.floats(0.0, 0.5),
    st.integers(0, 12),
)
def test_the_true_bars_come_out_once_each_in_order(
    count: int, holes: set[int], seed: int, loss: float, doubles: float, disorder: int
) -> None:
    dice = Random(seed)
    truth = [bar(i + 1_000, 1.0 + i / 100) for i in range(count) if i not in holes]
    sent: list[tuple[float, tuple[Bar, bool]]] = []
    for true in truth:
        half = Bar(true.open_time, true.open, true.open, true.open, true.open, 0.0)
        for message in ((half, False), (half, False), (true, True)):
            copies = 0 if dice.random() < loss else 1 + (dice.random() < doubles)
            sent += [(len(sent) + dice.uniform(0, disorder), message)] * copies
    messages = [message for _, message in sorted(sent, key=lambda item: item[0])]
    out, _, asked = listen(truth[1:], messages, dice, truth[0]) if len(truth) > 1 else ([], [], [])
    assert out == truth[1:]
    for question in asked:
        assert question.begin < question.end
    assert len({(q.begin, q.end) for q in asked}) == len(asked)


def test_a_hole_waits_for_rest_and_nothing_is_lost_meanwhile() -> None:
    book = BarBook(MS, 10 * MS)
    assert book.hear(bar(13), closed=False) == [Missing(11 * MS, 13 * MS)]
    assert book.waiting
    assert book.hear(bar(13, 2.0), closed=True) == []
    assert book.hear(bar(13), closed=False) == []  # an older message does not undo the close
    assert book.hear(bar(14), closed=False) == []
    assert book.filled([bar(11), bar(12)]) == [Closed(bar(11)), Closed(bar(12)), Closed(bar(13, 2.0)), Forming(bar(14))]
    assert not book.waiting


def test_what_rest_does_not_have_is_a_real_hole() -> None:
    book = BarBook(MS, 10 * MS)
    book.hear(bar(15), closed=True)
    assert closed(book.filled([])) == [15]
    assert closed(book.hear(bar(16), closed=True)) == [16]


def test_a_further_hole_behind_the_first_is_asked_for() -> None:
    book = BarBook(MS, 10 * MS)
    book.hear(bar(12), closed=True)
    book.hear(bar(15), closed=True)
    heard = book.filled([bar(11)])
    assert closed(heard) == [11, 12]
    assert heard[-1] == Missing(13 * MS, 15 * MS)
    assert closed(book.filled([bar(13), bar(14)])) == [13, 14, 15]


@pytest.mark.parametrize(
    ("now", "heard"),
    [
        (12 * MS, []),  # the bar at 11 has just ended
        (12 * MS + 1_499, []),
        (12 * MS + 1_500, [Missing(11 * MS, 12 * MS)]),
        (13 * MS + 1_499, [Missing(11 * MS, 12 * MS)]),
        (13 * MS + 1_500, [Missing(11 * MS, 13 * MS)]),
    ],
)
def test_bars_that_nobody_closed_are_asked_for(now: int, heard: list[Heard]) -> None:
    assert BarBook(MS, 10 * MS).overdue(now, 1_500) == heard


def test_nothing_is_overdue_before_the_first_bar_nor_twice() -> None:
    assert BarBook(MS).overdue(99 * MS, 0) == []
    book = BarBook(MS, 10 * MS)
    assert book.overdue(20 * MS, 0) != []
    assert book.overdue(20 * MS, 0) == []
    book.filled([])
    assert book.overdue(20 * MS, 0) == []


def test_the_first_bar_may_be_any() -> None:
    book = BarBook(MS)
    assert book.hear(bar(7), closed=False) == [Forming(bar(7))]
    assert closed(book.hear(bar(7), closed=True)) == [7]


def test_a_changed_close_of_the_newest_bar_is_a_correction() -> None:
    book = BarBook(MS, 10 * MS)
    book.hear(bar(11), closed=True)
    assert book.hear(bar(11), closed=True) == []
    assert book.hear(bar(11, 3.0), closed=False) == []
    assert book.hear(bar(11, 3.0), closed=True) == [Corrected(bar(11), bar(11, 3.0))]
    assert book.hear(bar(11, 3.0), closed=True) == []
    assert book.hear(bar(10, 5.0), closed=True) == []
