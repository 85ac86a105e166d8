"""A sweep over pairs of moving averages through the engine.

The engine itself is `kernel.run`, so that a pair of a sweep and a single run are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.backtest import crossings
from engine.backtest.crossings import WIDTH, changes_of, find
from engine.backtest.kernel import run
from engine.backtest.layout import Costs, Found, Market, Signals, Terms
from engine.backtest.measure import ROOM
from engine.backtest.result import TRADE, Rows
from engine.bars import Floats, Ints
from engine.strategies.base import Sides


class Room(NamedTuple):
    """What a group of pairs is worked on in; see `crossings.Room`.

    Attributes:
        crossings: of all pairs.
        changes: int64[n + 1], `layout.Signals` of one pair.
        wanted: int8[n], likewise.
        opens: float64[n], likewise.
        buffer: float64[measure.ROOM], to work in.
        rows: TRADE[0], for trades are counted only.
    """

    crossings: crossings.Room
    changes: Ints
    wanted: Sides
    opens: Floats
    buffer: Floats
    rows: Rows


def room_for(pairs: int, bars: int) -> Room:
    """Room for so many pairs at most, over so many bars."""
    return Room(
        crossings.room_for(pairs, bars),
        np.empty(bars + 1, dtype=np.int64),
        np.empty(bars, dtype=np.int8),
        np.empty(bars),
        np.empty(ROOM),
        np.empty(0, dtype=TRADE),
    )


@njit(cache=True, error_model="numpy", nogil=True)
def run_pairs(
    market: Market, costs: Costs, terms: Terms, pairs: Ints, forgets: int, room: Room, books: Ints, sums: Floats
) -> None:
    """A group of pairs, one after the other.

    Args:
        market: bars and period.
        costs: of fills.
        terms: rules and grid.
        pairs: int64[p, 2], the periods of a faster and a slower average.
        forgets: 1 where the period begins without a side wanted before.
        room: for as many pairs and bars.
        books: int64[p, BOOK], filled here.
        sums: float64[p, SUMS], filled here.
    """
    end, count, blocks = market.end, len(pairs), -(-market.end // WIDTH)
    find(market.close, market.begin, end, pairs, forgets, room.crossings)
    nothing, one = np.zeros(0), np.zeros(1)
    for p in range(count):
        kept = changes_of(p, count, blocks, room.crossings, room.changes)
        room.changes[kept] = end
        last = 2 * room.crossings.sides[p] - 1
        side = last if kept % 2 == 1 else -last
        for k in range(kept):
            room.wanted[k], side = side, -side
            room.opens[k] = market.open_[min(room.changes[k] + 1, end - 1)]
        signals = Signals(room.changes[: kept + 1], room.wanted[:kept], room.opens[:kept], one, one)
        run(market, signals, costs, terms, Found(books[p], sums[p], room.rows, nothing, room.buffer))
