"""Which live round trip belongs to which replayed one, and what the two differ by, to the last 1e-8."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.model.money import Money, booked
from engine.replay.trip import Trip

Pair = tuple[Trip | None, Trip | None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Live less replayed, 1e-8 quote units; the parts add up to `total`.

    Attributes:
        entry: by the entry price, at the live size.
        exit: by the exit price, at the live size.
        size: by the size, at the replayed prices.
        fees: less paid is more.
        funding: likewise.
        total: of the profits after fees and funding.
        entry_bps: how much worse the live entry is, basis points of the replayed price; 0 without a pair.
        exit_bps: how much worse the live exit is, likewise.
    """

    entry: Money = 0
    exit: Money = 0
    size: Money = 0
    fees: Money = 0
    funding: Money = 0
    total: Money = 0
    entry_bps: float = 0.0
    exit_bps: float = 0.0


def pair(live: Sequence[Trip], replayed: Sequence[Trip], timeframe_ms: int) -> list[Pair]:
    """Match by symbol, side and the bar that decided, at most one bar apart; nearest first, each once.

    Only what a signal opened within the period can have a match. The rows come in the order of their entries.
    """
    candidates = [
        (abs(_decided(a, timeframe_ms) - _decided(b, timeframe_ms)), i, j)
        for i, a in enumerate(live)
        if a.signal and not a.carried
        for j, b in enumerate(replayed)
        if (a.symbol, a.side) == (b.symbol, b.side)
    ]
    mates: dict[int, int] = {}
    taken: set[int] = set()
    for distance, i, j in sorted(candidates):
        if distance <= timeframe_ms and i not in mates and j not in taken:
            mates[i] = j
            taken.add(j)
    rows: list[Pair] = [(one, replayed[mates[i]] if i in mates else None) for i, one in enumerate(live)]
    rows += [(None, one) for j, one in enumerate(replayed) if j not in taken]
    return sorted(rows, key=lambda row: (_opened(row), row[0] is None))


def difference(live: Trip | None, replayed: Trip | None) -> Difference:
    """What one row of `pair` differs by; an unmatched round trip differs by all it made."""
    if live is None or replayed is None:
        net = live.net if live is not None else -replayed.net if replayed is not None else 0
        return Difference(total=net)
    side = live.side
    # the replayed values at the live size: prices are compared there, and the rest is the size's
    entered = booked(replayed.entry_value * live.lots, replayed.lots)
    left = booked(replayed.exit_value * live.lots, replayed.lots)
    entry, end = side * (entered - live.entry_value), side * (live.exit_value - left)
    size = side * ((left - entered) - (replayed.exit_value - replayed.entry_value))
    fees, funding = replayed.fees - live.fees, live.funding - replayed.funding
    return Difference(
        entry=entry,
        exit=end,
        size=size,
        fees=fees,
        funding=funding,
        total=live.net - replayed.net,
        entry_bps=-entry / entered * 10_000,
        exit_bps=-end / left * 10_000,
    )


def _decided(trip: Trip, timeframe_ms: int) -> int:
    return trip.bar_time or trip.opened // timeframe_ms * timeframe_ms - timeframe_ms


def _opened(row: Pair) -> int:
    return min(one.opened for one in row if one is not None)
