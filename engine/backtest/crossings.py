"""Where many pairs of moving averages cross: every average once, block of bars after block of bars.

A block of the averages fits the processor's cache while all pairs are compared over it; what is kept of a pair is where its
side changes.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.backtest.layout import inlined
from engine.bars import Floats, Ints

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.uint16]

WIDTH = 1_024  # bars a block
SPACE = 24  # between two averages: at multiples of 4,096 bytes all of a bar would share the same few lines of the cache
NONE = 2  # no side yet, where 1 is the fast average above the slow one and 0 below it
_0, _1, _8, _56 = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(56)
_LOWEST = np.uint64(0x0101_0101_0101_0101)  # the lowest bit of every byte
_BYTES = np.uint64(0x0001_0203_0405_0607)  # times 2**(8 k) its highest byte is k


class Room(NamedTuple):
    """What the search works in and leaves behind.

    Memory is given to a process when it is written to first, which takes longer than the search itself: room is made once
    and used over and over.

    Attributes:
        lines: float64[a, WIDTH + SPACE], a block of the averages.
        above: uint8[WIDTH], the side at each bar of a block.
        words: the same, eight by eight.
        changes: uint16[c], the bars of their block at whose close a side changes: those of a block's first pair, of its
            second, ... of the next block's first pair and so on.
        starts: int64[blocks x pairs + 1], where among them each of these begins; at the end how many there are.
        sides: int64[p], the side of each pair in the end.
    """

    lines: Floats
    above: Bytes
    words: Words
    changes: Places
    starts: Ints
    sides: Ints


def room_for(pairs: int, bars: int) -> Room:
    """Room for so many pairs at most, over so many bars."""
    above = np.empty(WIDTH, dtype=np.uint8)
    return Room(
        np.empty((2 * pairs + 8, WIDTH + SPACE)),
        above,
        above.view(np.uint64),
        np.empty(pairs * bars, dtype=np.uint16),
        np.empty(-(-bars // WIDTH) * pairs + 1, dtype=np.int64),
        np.empty(pairs, dtype=np.int64),
    )


@njit(cache=True, error_model="numpy", _nrt=False)
def _seed(close: Floats, period: int, end: int, out: Floats) -> float:
    """The first EMA(period), its seed the mean of as many closes, as `indicators.ema`; on to bar `end`. Returns the last."""
    value, k = 0.0, 2.0 / (period + 1)
    for i in range(period):
        value += close[i]
    value /= period
    out[period - 1] = value
    for i in range(period, end):
        value = (close[i] - value) * k + value
        out[i] = value
    return value


@njit(cache=True, error_model="numpy", _nrt=False)
def _eight(close: Floats, begin: int, end: int, at: int, periods: Ints, values: Floats, out: Floats) -> None:
    """Eight of them at once, past their seeds: their chains of additions do not wait for one another.

    Bars `begin` to `end` are put to places `at` and on.
    """
    k0, k1, k2, k3 = 2.0 / (periods[0] + 1), 2.0 / (periods[1] + 1), 2.0 / (periods[2] + 1), 2.0 / (periods[3] + 1)
    k4, k5, k6, k7 = 2.0 / (periods[4] + 1), 2.0 / (periods[5] + 1), 2.0 / (periods[6] + 1), 2.0 / (periods[7] + 1)
    a, b, c, d = values[0], values[1], values[2], values[3]
    e, f, g, h = values[4], values[5], values[6], values[7]
    shift = np.uint64(begin - at)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a sign: no place is counted from the end
        price, j = close[i], i - shift
        a = (price - a) * k0 + a
        b = (price - b) * k1 + b
        c = (price - c) * k2 + c
        d = (price - d) * k3 + d
        e = (price - e) * k4 + e
        f = (price - f) * k5 + f
        g = (price - g) * k6 + g
        h = (price - h) * k7 + h
        out[0, j], out[1, j], out[2, j], out[3, j] = a, b, c, d
        out[4, j], out[5, j], out[6, j], out[7, j] = e, f, g, h
    values[0], values[1], values[2], values[3] = a, b, c, d
    values[4], values[5], values[6], values[7] = e, f, g, h


@njit(cache=True, error_model="numpy", _nrt=False)
def _lines(close: Floats, begin: int, end: int, periods: Ints, values: Floats, out: Floats) -> None:
    """One block of all averages, eight by eight; `periods` rise and are as many as a multiple of eight."""
    for p in range(0, len(periods), 8):
        since = begin
        if begin == 0:
            since = min(periods[p + 7], end)
            for k in range(p, p + 8):
                values[k] = _seed(close, periods[k], since, out[k])
        _eight(close, since, end, since - begin, periods[p:], values[p:], out[p:])


@inlined
def _compared(quick: Floats, long: Floats, count: int, above: Bytes) -> None:
    """1 where the quick average is above the long one, 0 elsewhere, as `indicators.ema_cross`.

    The last side stands again to the end of its word.
    """
    for i in range(np.uint64(count)):  # places without a sign are never counted from the end
        above[i] = 1 if quick[i] - long[i] > 1e-9 * abs(long[i]) else 0
    for i in range(count, count + -count % 8):
        above[i] = above[count - 1]


@inlined
def _unequal(words: Words, count: int, before: int, changes: Places, kept: int) -> int:
    """Adds the bars whose side differs from the one before it, and returns how many `changes` are kept then.

    Eight bars are looked at together: a byte each, the first one lowest (little-endian). The first bar is compared with
    `before`.
    """
    last, place = np.uint64(before), np.uint64(kept)
    for w in range(np.uint64((count + 7) // 8)):
        word = words[w]
        odd = word ^ ((word << _8) | last)
        last = word >> _56
        odd = (odd | (odd >> _1)) & _LOWEST
        while odd != _0:
            lowest = odd & (~odd + _1)
            changes[place] = w * _8 + ((lowest * _BYTES) >> _56)
            place += _1
            odd ^= lowest
    return np.int64(place)  # type: ignore[return-value] # the compiler's int


@inlined
def _crossings(
    begin: int, end: int, first: int, warm: int, quick: Floats, long: Floats, room: Room, side: int, kept: int
) -> tuple[int, int]:
    """Adds where a pair's side changes within a block, at bar `first` or later; it has a side from bar `warm` on.

    `side` is the one so far. Returns the one after the block, and how many changes are kept.
    """
    since, count = max(begin, warm), end - begin
    if since >= end:
        return side, kept
    _compared(quick, long, count, room.above)
    if since < first:
        since = min(first, end)
        side = np.int64(room.above[since - 1 - begin])  # type: ignore[assignment] # the compiler's int
    for i in range(since - begin):
        room.above[i] = side
    kept = _unequal(room.words, count, side, room.changes, kept)
    side = np.int64(room.above[count - 1])  # type: ignore[assignment] # the compiler's int
    return side, kept


@njit(cache=True, error_model="numpy")
def find(close: Floats, first: int, end: int, pairs: Ints, forgets: int, room: Room) -> None:
    """Find where the sides of all pairs change at the closes of bars `first` to `end`; fills `room`.

    Args:
        close: float64[n].
        first: changes before it are not kept.
        end: the bar after the last one; at least as many as the longest period.
        pairs: int64[p, 2], the periods of a faster and a slower average.
        forgets: 1 where a pair has no side before bar `first`, so that its first one is a change.
        room: for as many pairs and bars.
    """
    periods = np.unique(pairs)
    places = np.searchsorted(periods, pairs)
    periods = np.append(periods, np.full(-len(periods) % 8, periods[-1]))
    values, count, kept = np.zeros(len(periods)), len(pairs), 0
    room.sides[:count] = NONE
    for begin in range(0, end, WIDTH):
        stop, start = min(begin + WIDTH, end), begin // WIDTH * count
        _lines(close, begin, stop, periods, values, room.lines)
        for p in range(count):
            room.starts[start + p] = kept
            warm = max(pairs[p, 1] - 1, first if forgets else 0)
            quick, long = room.lines[places[p, 0]], room.lines[places[p, 1]]
            room.sides[p], kept = _crossings(begin, stop, first, warm, quick, long, room, room.sides[p], kept)
        room.starts[start + count] = kept


@njit(cache=True, error_model="numpy", _nrt=False)
def changes_of(pair: int, pairs: int, blocks: int, room: Room, changes: Ints) -> int:
    """Write the bars at whose close the side of one of so many pairs changes; returns how many they are."""
    kept = 0
    for block in range(blocks):
        at = block * pairs + pair
        for k in range(room.starts[at], room.starts[at + 1]):
            changes[kept] = block * WIDTH + room.changes[k]
            kept += 1
    return kept
