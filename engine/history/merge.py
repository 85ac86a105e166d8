"""Bars from two places made one series."""

from __future__ import annotations

import numpy as np

from engine.bars import Bars

COLUMNS = ("open", "high", "low", "close", "volume")


def joined(parts: list[Bars]) -> Bars:
    """Bars one after another."""
    return Bars(
        np.concatenate([part.open_time for part in parts]),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS),
    )


def merge(known: Bars, newer: Bars) -> Bars:
    """Both, oldest first; where an open time is in both, the newer bar. Each must be sorted and without duplicates."""
    both = joined([known, newer])
    if len(known) == 0 or len(newer) == 0 or known.open_time[-1] < newer.open_time[0]:
        return both
    order = np.argsort(both.open_time, kind="stable")  # of equal times the newer stands last
    times = both.open_time[order]
    order = order[np.append(np.diff(times) != 0, True)]
    return Bars(both.open_time[order], *(getattr(both, name)[order] for name in COLUMNS))


def same(a: Bars, b: Bars) -> bool:
    """Equal in every time and number."""
    return np.array_equal(a.open_time, b.open_time) and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS
    )
