"""Random bad days: whatever a journal holds, every trade is in one row with a reason, and the sums add up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.model.event import BarClosed, EngineStarted
from engine.ports import Entry
from engine.replay.compare import Report, Row, replay
from engine.replay.export import values
from engine.replay.live import live_trades
from engine.replay.reasons import Cause
from tests.engine.core.test_core_properties import play
from tests.engine.replay.day import recorded
from tests.storage.desk_journal import random_journal


def checked(entries: list[Entry], begin: int = 0, end: int | None = None) -> Report:
    recording = recorded(entries, begin, end)
    report = replay(recording, slippage_bps=1.0)
    assert [row.live for row in report.rows if row.live is not None] == recording.trips()
    assert all(row.reason and not row.reason.endswith(".") for row in report.rows)
    assert [row.trip.opened for row in report.rows] == sorted(row.trip.opened for row in report.rows)
    assert sum(row.difference.total for row in report.rows) == report.totals.difference
    for symbol in {row.symbol for row in report.rows}:
        trips = [row.replayed for row in report.rows if row.symbol == symbol and row.replayed is not None]
        for one, following in pairwise(sorted(trips, key=lambda trip: (trip.opened, trip.closed))):
            assert one.closed <= following.opened  # one position a symbol
    assert len(values(report)["trades"]) == len(report.rows)
    return report


@pytest.mark.parametrize("seed", range(20))
def test_every_trade_has_its_row_and_its_reason(seed: int) -> None:
    entries = random_journal(seed, 60, 0.2)
    report = checked(entries)
    assert {(t.symbol, t.opened) for t in live_trades(entries)} == {
        (row.symbol, row.live.opened) for row in report.rows if row.live is not None
    }


@pytest.mark.parametrize("seed", range(6))
def test_any_part_of_a_day(seed: int) -> None:
    entries = random_journal(seed, 60, 0.2)
    times = sorted({one.event.bar.open_time for one in entries if isinstance(one.event, BarClosed)})
    third = len(times) // 3
    report = checked(entries, times[third], times[2 * third])
    assert times[third] <= report.begin
    assert all(row.trip.opened < times[2 * third] for row in report.rows)
    assert all(row.live.carried for row in report.rows if row.live is not None and row.live.opened < times[third])


@pytest.mark.parametrize("faults", [0.0, 0.2, 0.4])
def test_no_row_stays_an_open_question(faults: float) -> None:
    """Days with people, pauses and restarts, and with a venue that refuses, loses, delays, doubles and splits."""
    rows: list[Row] = []
    for seed in range(8):
        log = play(seed, 60, faults).log
        rows += checked([Entry(seq, event, decisions) for seq, (event, decisions) in enumerate(log, 1)]).rows
    assert len(rows) > 50
    assert [row.reason for row in rows if row.cause is Cause.OPEN_QUESTION] == []


def test_a_journal_without_bars_has_no_rows() -> None:
    entries = random_journal(3, 60, 0.0)
    report = checked([one for one in entries[:1] if isinstance(one.event, EngineStarted)])
    assert (report.rows, report.bars) == ((), 0)
