"""A book made of its changes is the book."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.feeds.level_book import LevelBook

LEVELS = st.dictionaries(st.integers(1, 30).map(str), st.integers(0, 5).map(str))
MESSAGES = st.lists(st.tuples(LEVELS, LEVELS, st.booleans()), min_size=1, max_size=12)


@given(MESSAGES)
def test_changes_make_the_book(messages: list[tuple[dict[str, str], dict[str, str], bool]]) -> None:
    book = LevelBook()
    expected: tuple[dict[int, int], dict[int, int]] = {}, {}
    for bids, asks, whole in messages:
        book.take(list(bids.items()), list(asks.items()), whole=whole)
        for side, levels in zip(expected, (bids, asks), strict=True):
            if whole:
                side.clear()
            side |= {int(price): int(size) for price, size in levels.items()}
    bids_now, asks_now = book.best(4)
    for shown, side, sign in ((bids_now, expected[0], -1), (asks_now, expected[1], 1)):
        held = sorted(((price, size) for price, size in side.items() if size), key=lambda one: sign * one[0])
        assert [(int(price), int(size)) for price, size in shown] == held[:4]
