"""A recorded period and its replay, side by side: every round trip with its difference and the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from engine.errors import InvariantBroken
from engine.model.instrument import Instrument
from engine.model.money import Money
from engine.replay.endings import both
from engine.replay.pairing import Difference, difference, pair
from engine.replay.reasons import Cause, Day, Reason
from engine.replay.recording import Recording
from engine.replay.rerun import Rerun, rerun
from engine.replay.trip import Trip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One round trip: as it was live, as it is replayed, or one of the two."""

    live: Trip | None
    replayed: Trip | None
    difference: Difference
    cause: Cause
    reason: str

    @property
    def symbol(self) -> str:
        """Unified symbol."""
        return self.trip.symbol

    @property
    def trip(self) -> Trip:
        """The live one where there is one."""
        found = self.live or self.replayed
        if found is None:
            raise InvariantBroken("a row of the comparison has no round trip")
        return found


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the rows; money is 1e-8 quote units. `causes` sums the differences by kind of reason."""

    live: int
    replayed: int
    matched: int
    live_net: Money
    replayed_net: Money
    causes: dict[str, tuple[int, Money]]

    @property
    def difference(self) -> Money:
        """Live less replayed."""
        return self.live_net - self.replayed_net


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole comparison; times are ms UTC of the market, `bars` the replayed ones of all symbols."""

    begin: int
    end: int
    mode: str
    venue: str
    bars: int
    missed: int
    slippage_bps: float
    instruments: dict[str, Instrument]
    rows: tuple[Row, ...]
    totals: Totals


def replay(recording: Recording, symbols: Sequence[str] = (), slippage_bps: float = 0.0) -> Report:
    """Replay the symbols of a recording (all where none is named) and compare.

    Args:
        recording: of the period, done.
        symbols: unified symbols; those without a recorded bar give rows of their live trades alone.
        slippage_bps: taken from every fill of the replay at market, basis points.
    """
    days = {name: day for name, day in recording.days.items() if not symbols or name in symbols}
    reruns = {name: rerun(name, day, slippage_bps / 10_000) for name, day in days.items()}
    live = [trip for trip in recording.trips() if not symbols or trip.symbol in symbols]
    rows = compare(recording, live, reruns)
    state = recording.core.state
    return Report(
        begin=recording.first,
        end=recording.last,
        mode=state.mode,
        venue=state.venue,
        bars=sum(len(day.bars) for day in days.values()),
        missed=sum(row.missed for day in days.values() for row in day.bars),
        slippage_bps=slippage_bps,
        instruments=dict(state.instruments),
        rows=tuple(rows),
        totals=totals(rows),
    )


def compare(recording: Recording, live: Sequence[Trip], reruns: Mapping[str, Rerun]) -> list[Row]:
    """Every live and every replayed round trip in one row each, matched where they belong together, by their entry."""
    rows: list[Row] = []
    for symbol in dict.fromkeys([*reruns, *(trip.symbol for trip in live)]):
        mine = [trip for trip in live if trip.symbol == symbol]
        found = reruns.get(symbol)
        if found is None:
            rows += [_row(trip, None, _unrecorded()) for trip in mine]
            continue
        day = Day(symbol, recording.days[symbol], found, mine, recording.evidence)
        rows += [_explained(day, *one) for one in pair(mine, found.trips, day.timeframe_ms)]
    return sorted(rows, key=lambda row: (row.trip.opened, row.symbol))


def totals(rows: Sequence[Row]) -> Totals:
    """Sums over the rows."""
    counts: Counter[str] = Counter()
    money: Counter[str] = Counter()
    for row in rows:
        counts[row.cause.value] += 1
        money[row.cause.value] += row.difference.total
    return Totals(
        live=sum(row.live is not None for row in rows),
        replayed=sum(row.replayed is not None for row in rows),
        matched=sum(row.live is not None and row.replayed is not None for row in rows),
        live_net=sum(row.live.net for row in rows if row.live is not None),
        replayed_net=sum(row.replayed.net for row in rows if row.replayed is not None),
        causes={name: (count, money[name]) for name, count in counts.most_common()},
    )


def _explained(day: Day, live: Trip | None, replayed: Trip | None) -> Row:
    gap = difference(live, replayed)
    if live is not None and replayed is not None:
        reason = both(day, live, replayed, gap)
    elif live is not None:
        reason = day.only_live(live)
    elif replayed is not None:
        reason = day.only_replayed(replayed)
    else:
        raise InvariantBroken("neither live nor the replay has this round trip")
    return _row(live, replayed, reason)


def _row(live: Trip | None, replayed: Trip | None, reason: Reason) -> Row:
    return Row(
        live=live,
        replayed=replayed,
        difference=difference(live, replayed),
        cause=reason.cause,
        reason=reason.text,
    )


def _unrecorded() -> Reason:
    return Reason(Cause.PERIOD, "the journal has no closed bar of this symbol in the period")
