"""From the side wanted at each close to where it changes."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.bars import Floats, Ints
from engine.strategies.base import Sides


@njit(cache=True, error_model="numpy", nogil=True)
def turns_of(sides: Sides, open_: Floats, begin: int, end: int, before: int) -> tuple[Ints, Sides, Floats]:
    """The first three of `layout.Signals` over bars `begin` to `end`; `before` is the side that was known before them."""
    places = np.empty(end - begin + 1, dtype=np.int64)
    count, now = np.uint64(0), np.int8(before)
    for i in range(np.uint64(begin), np.uint64(end)):  # without a branch: nobody can guess where a side changes
        places[count] = i
        count += np.uint64(sides[i] != now)
        now = sides[i]
    places[count] = end
    changes = places[: count + 1].copy()
    wanted, opens = np.empty(count, dtype=np.int8), np.empty(count)
    for k in range(count):
        wanted[k] = sides[changes[k]]
        opens[k] = open_[min(changes[k] + 1, end - 1)]
    return changes, wanted, opens
