"""Bars from the stored history for a recording: those no engine was told of, and finer ones within a bar."""

from __future__ import annotations

from engine.bars import Bars
from engine.errors import BadInput
from engine.readings import HistoryReadings
from engine.replay.recording import RecordedBar, SymbolDay

WARM_BARS = 2_500  # before the first missed bar: what the desk itself loads for its readings
MOSTLY = 0.9  # a venue corrects a bar now and then


def holes(day: SymbolDay) -> list[tuple[int, int]]:
    """Times the recording has no bars of: begin (included) and end (excluded), ms UTC of the market."""
    out = []
    for before, after in zip(day.bars, day.bars[1:], strict=False):
        due = before.bar.open_time + before.started.settings.timeframe_ms
        if after.bar.open_time > due:
            out.append((due, after.bar.open_time))
    return out


def agrees(day: SymbolDay, bars: Bars, timeframe_ms: int) -> bool:
    """The bars are of the very market that was recorded: where both have a close, all but a corrected few are the same.

    Args:
        day: a recording.
        bars: closed bars of any timeframe that divides the recorded one.
        timeframe_ms: of `bars`.
    """
    closes = dict(zip((bars.open_time + timeframe_ms).tolist(), bars.close.tolist(), strict=True))
    ends = [(row.bar.open_time + row.started.settings.timeframe_ms, row.bar.close) for row in day.bars]
    shared = [closes[end] == close for end, close in ends if end in closes]
    return bool(shared) and sum(shared) >= MOSTLY * len(shared)


def fill(symbol: str, day: SymbolDay, bars: Bars) -> int:
    """Put missed bars into the holes of a recording; returns how many there were to put in.

    Their readings are those of the whole history given, under the settings of the bar before the hole.

    Args:
        symbol: unified symbol.
        day: its recording; changed.
        bars: closed decision bars around the holes, with `WARM_BARS` before the first.
    """
    found = holes(day)
    if not found or len(bars) == 0:
        return 0
    rows = {row.bar.open_time: row for row in day.bars}
    added: list[RecordedBar] = []
    for begin, end in found:
        before = max((time for time in rows if time < begin), default=begin)
        started = rows[before].started
        readings = HistoryReadings({symbol: bars}, started.settings)
        first, last = (int(bars.open_time.searchsorted(at)) for at in (begin, end))
        for place, bar in enumerate(bars[first:last], first):
            added.append(RecordedBar(bar, readings.read(symbol, bars[place : place + 1]), started, missed=True))
    day.bars = sorted([*day.bars, *added], key=lambda row: row.bar.open_time)
    return len(added)


def refine(day: SymbolDay, bars: Bars) -> None:
    """Let finer bars say what came first within the recorded ones.

    Args:
        day: a recording; changed.
        bars: closed bars of a shorter timeframe.

    Raises BadInput where they are not shorter.
    """
    shortest = min(row.started.settings.timeframe_ms for row in day.bars)
    if len(bars) > 1 and int((bars.open_time[1:] - bars.open_time[:-1]).min()) >= shortest:
        raise BadInput("detail", "bars", "must be finer than the recorded ones")
    day.detail = bars
