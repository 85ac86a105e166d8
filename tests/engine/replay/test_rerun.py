"""The replay of a symbol: what it begins with, what each bar does, and what history adds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from engine.bars import Bars
from engine.errors import BadInput
from engine.model import command as c
from engine.model.event import BarClosed, EngineStarted, FundingPaid
from engine.model.market import Bar
from engine.model.order import Purpose
from engine.model.settings import Exits, Sizing
from engine.readings import HistoryReadings
from engine.replay.history import agrees, fill, holes, refine
from engine.replay.reasons import Cause
from engine.replay.recording import Recording
from engine.replay.rerun import rerun
from engine.replay.trip import Ended
from tests.engine.core.contracts import BTC, CONTRACTS, ETH, PRICES, T0, contract
from tests.engine.replay.day import FRAME, Day

START = PRICES[BTC]


def ran(day: Day, slippage: float = 0.0, **period: Any) -> Any:
    recording = day.recording(**period)
    return rerun(BTC, recording.days[BTC], slippage)


def turning(bars: int = 14, **settings: Any) -> Day:
    """A side that turns every third bar, prices that move."""
    day = Day(**settings)
    for i in range(bars):
        day.bar(0 if i == 0 else 1 if i // 3 % 2 == 0 else -1, (i * 7 % 5 - 2) * 100)
    return day


def test_it_is_filled_at_the_next_open_with_the_slippage() -> None:
    day = Day()
    for side, close in ((0, 0), (1, 100), (1, 50), (-1, 70), (-1, 0)):
        day.bar(side, close)
    first, second = ran(day, 0.0001).trips
    # decided at START + 100, where the next bar opens; 1 bp of a million ticks is 100, rounded up to a whole tick
    assert (first.opened, first.entry) == (T0 + 2 * FRAME, START + 100 + 101)
    assert (first.closed, first.exit) == (T0 + 4 * FRAME, START + 220 - 101)
    assert (second.side, second.ended, second.exit) == (-1, Ended.OPEN, START + 220)
    assert first.fees == pytest.approx(first.lots * 2_000_320 * CONTRACTS[BTC].unit * 0.0005, rel=1e-6)


def test_the_same_bars_give_the_same_trades() -> None:
    day = turning()
    assert ran(day).trips == ran(day).trips
    assert len(ran(day).trips) > 3


def test_it_begins_with_the_records_sides_and_equity_of_the_day() -> None:
    """Half a day before the period teaches; what follows is as live, where the trade carried in has ended."""
    day = turning(40)
    whole = day.report()
    begin = T0 + 20 * FRAME
    part = day.report(begin)
    assert part.begin == begin
    carried = [row for row in part.rows if row.reason.endswith("the replay begins flat")]
    assert [(row.cause, row.live is not None and row.live.carried) for row in carried] == [(Cause.PERIOD, True)]
    known = {row.live.opened: row for row in whole.rows if row.live is not None}
    for row in part.rows:
        if row.live is not None and row.replayed is not None:
            assert row.live == known[row.live.opened].live
            assert row.live.lots == row.replayed.lots  # sized by the equity of the moment, not by that of the first day
    recording = day.recording(begin)
    started = recording.days[BTC].begin
    before = Recording()
    for entry in day.entries():
        if isinstance(entry.event, BarClosed) and entry.event.bar.open_time >= begin:
            break
        before.take(entry)
    s = before.core.state.symbols[BTC]
    assert (started.records, started.shadows, started.sides) == (tuple(s.records), tuple(s.shadows), tuple(s.sides))
    assert started.equity == before.core.state.equity()


def test_the_period_ends_before_its_end() -> None:
    day = turning(20)
    end = T0 + 10 * FRAME
    report = day.report(end=end)
    assert report.bars == 10
    assert report.end == end
    assert all(row.trip.opened < end for row in report.rows)


@pytest.mark.parametrize("sign", [1, -1])
def test_funding_is_charged_at_the_rate_that_live_was(sign: int) -> None:
    """Live pays on its own position, the replay the same rate on its own."""
    day = Day()
    for side in (0, sign, sign):
        day.bar(side)
    desk = day.desk
    position, mark = desk.position(), desk.s().mark
    rate = 0.0003
    amount = -round(position.lots * mark * CONTRACTS[BTC].unit * rate)
    desk.feed(FundingPaid(at=desk.now, symbol=BTC, amount=amount, venue_time=desk.now))
    day.bar(sign)
    (row,) = day.rows()
    assert row.live is not None
    assert row.replayed is not None
    assert row.live.funding == amount
    assert row.replayed.funding == pytest.approx(amount, rel=1e-5)
    assert (amount < 0) == (sign > 0)


def test_a_restart_with_other_settings_is_obeyed_from_its_bar_on() -> None:
    day = turning(8)
    assert any(trip.ended is Ended.OPEN for trip in ran(day).trips)
    day.desk.settings = replace(day.desk.settings, strategy="ema-cross", max_symbol_exposure=0.1)
    day.desk.start()
    day.desk.reconcile()
    for i in range(8):
        day.bar(1 if i // 3 % 2 else -1)
    trips = ran(day).trips
    before = [trip for trip in trips if trip.opened < T0 + 8 * FRAME]
    after = [trip for trip in trips if trip.opened > T0 + 9 * FRAME]
    assert min(trip.lots for trip in before) > 2 * max(trip.lots for trip in after)
    assert all(row.live is not None and row.replayed is not None for row in day.rows())


def test_another_tick_begins_the_replay_again() -> None:
    day = turning(8)
    other = contract("BTC", "0.5", "0.001")
    day.desk.contracts[BTC] = other
    day.desk.start()
    day.close[BTC] = START // 5
    day.desk.move(BTC, START // 5)
    for i in range(6):
        day.bar(1 if i // 3 % 2 else -1)
    trips = ran(day).trips
    assert {trip.unit for trip in trips} == {CONTRACTS[BTC].unit, other.unit}
    ended = [trip for trip in trips if trip.unit == CONTRACTS[BTC].unit][-1]
    assert ended.open
    assert ended.closed < T0 + 8 * FRAME


def test_a_desk_that_waits_for_people_is_replayed_as_one_that_decides() -> None:
    day = turning(8, autonomy=c.Autonomy.OBSERVE)
    assert len(ran(day).trips) > 1
    assert all(row.live is None and row.cause is Cause.PERSON for row in day.rows())


def test_exits_without_orders_are_replayed_too() -> None:
    day = turning(14, exits=Exits.NONE, sizing=Sizing.EQUITY)
    rows = day.rows()
    assert len(rows) > 2
    assert all(row.live is not None and row.replayed is not None for row in rows)


# history


def without(day: Day, first: int, last: int) -> tuple[Recording, Bars]:
    """The recording as if no engine had seen bars first to last, and all bars as they are stored."""
    entries = day.entries()
    bars = Bars.of([one.event.bar for one in entries if isinstance(one.event, BarClosed)])
    gone = {int(time) for time in bars.open_time[first : last + 1]}
    kept = [one for one in entries if not (isinstance(one.event, BarClosed) and one.event.bar.open_time in gone)]
    recording = Recording()
    for entry in kept:
        recording.take(entry)
    recording.done()
    return recording, bars


def test_missed_bars_come_from_history_with_its_readings() -> None:
    day = turning(60)
    recording, bars = without(day, 30, 39)
    symbol = recording.days[BTC]
    times = bars.open_time.tolist()
    assert holes(symbol) == [(times[30], times[40])]
    assert agrees(symbol, bars, FRAME)
    assert fill(BTC, symbol, bars) == 10
    assert holes(symbol) == []
    assert [row.bar for row in symbol.bars] == list(bars)
    missed = [row for row in symbol.bars if row.missed]
    assert [row.bar.open_time for row in missed] == times[30:40]
    readings = HistoryReadings({BTC: bars}, day.desk.settings)
    assert [row.reading for row in missed] == [readings.read(BTC, bars[i : i + 1]) for i in range(30, 40)]
    assert fill(BTC, symbol, bars) == 0


def test_bars_of_another_market_do_not_agree() -> None:
    day = turning(20)
    symbol = day.recording().days[BTC]
    bars = Bars.of([row.bar for row in symbol.bars])
    other = Bars(bars.open_time, bars.open, bars.high, bars.low, bars.close + 1, bars.volume)
    later = Bars(bars.open_time + 100 * FRAME, bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert agrees(symbol, bars, FRAME)
    assert not agrees(symbol, other, FRAME)
    assert not agrees(symbol, later, FRAME)
    assert not agrees(symbol, Bars.empty(), FRAME)


@pytest.mark.parametrize(("down_first", "ended"), [(True, Ended.STOP), (False, Ended.TARGET)])
def test_finer_bars_say_what_came_first(down_first: bool, ended: Ended) -> None:  # noqa: FBT001 - a table's column
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    day.bar(1, through=(-5_500, 15_500) if down_first else (15_500, -5_500))
    day.bar(1)
    symbol = day.recording().days[BTC]
    assert rerun(BTC, symbol).trips[0].ended is Ended.STOP  # without them the worse extreme comes first
    wide = symbol.bars[3].bar
    half = FRAME // 2
    lower = Bar(wide.open_time, wide.open, wide.open, wide.low, wide.open, 1.0)
    upper = Bar(wide.open_time, wide.open, wide.high, wide.open, wide.open, 1.0)
    first, second = (lower, upper) if down_first else (upper, lower)
    refine(symbol, Bars.of([first, replace(second, open_time=wide.open_time + half)]))
    assert rerun(BTC, symbol).trips[0].ended is ended


def test_bars_that_are_not_finer_are_refused() -> None:
    day = turning(6)
    symbol = day.recording().days[BTC]
    with pytest.raises(BadInput, match="finer"):
        refine(symbol, Bars.of([row.bar for row in symbol.bars]))


# journals as they come


def test_a_bar_that_is_told_again_counts_once() -> None:
    day = turning(6)
    again = [event for event, _ in day.desk.log if isinstance(event, BarClosed)][-1]
    day.desk.core.process(again)
    day.desk.log.append((again, ()))
    assert len(day.recording().days[BTC].bars) == 6


def test_each_symbol_is_replayed_alone() -> None:
    day = Day(symbols=(BTC, ETH))
    for side in (0, 1, 1, -1, -1):
        day.bar(side)
        day.bar(side, symbol=ETH)
    report = day.report()
    assert {row.symbol for row in report.rows} == {BTC, ETH}
    assert report.bars == 10
    alone = [row for row in report.rows if row.symbol == ETH]
    only = [row for row in day.report().rows if row.symbol == ETH]
    assert alone == only
    totals = report.totals
    assert totals.matched <= min(totals.live, totals.replayed)
    assert totals.difference == sum(row.difference.total for row in report.rows)
    assert sum(money for _, money in totals.causes.values()) == totals.difference


def test_the_stop_of_a_position_survives_a_hole() -> None:
    """Beyond a hole the replay meets its stop at the first open."""
    day = turning(6)
    day.bar(1)
    day.bar(1)
    entry = ran(day).trips[-1]
    assert entry.open
    day.desk.now += 5 * FRAME
    day.close[BTC] -= 20_000
    day.bar(1)
    day.bar(1)
    trips = [trip for trip in ran(day).trips if trip.opened == entry.opened]
    assert [trip.ended for trip in trips] == [Ended.STOP]
    assert trips[0].exit == day.close[BTC]
    assert np.isclose(float(CONTRACTS[BTC].price(int(trips[0].exit))), float(Decimal(day.close[BTC]) / 10))
    assert day.desk.orders(Purpose.STOP) == []


def test_the_newest_start_says_mode_and_venue() -> None:
    day = turning(4)
    report = day.report()
    started = next(event for event, _ in day.desk.log if isinstance(event, EngineStarted))
    assert (report.mode, report.venue) == (started.mode, started.venue)
