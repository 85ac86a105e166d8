"""Every reason that a day can give, from journals that a real core wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from engine.model import command as c
from engine.model import event as e
from engine.model.vote import Stance
from engine.replay.lines import event_words
from engine.replay.reasons import Cause
from tests.engine.replay.day import Day
from tests.engine.replay.days import (
    approved,
    both_levels_in_a_bar,
    by_hand,
    carried,
    crowded,
    down,
    drifted,
    flattened,
    flipped,
    foreseen,
    halted,
    halved,
    held,
    lost,
    moved_stop,
    observing,
    outside,
    paused,
    plain,
    refused,
    rejected,
    stale,
    turned_in_a_pause,
    unapproved,
    voted,
    voted_down,
    waiting,
    wide,
)


class Told(NamedTuple):
    """A row: whether live and the replay have it, the cause, and what the reason says."""

    live: bool
    replayed: bool
    cause: Cause
    words: str


CASES: dict[str, tuple[Callable[[], Day], list[Told]]] = {
    "alone": (
        plain,
        [
            Told(True, True, Cause.PRICE, "entry 0.1 bp worse live: spread, latency and slippage"),
            Told(True, True, Cause.PRICE, "exit 0.1 bp worse live: spread, latency and slippage"),
            Told(True, True, Cause.PRICE, "entry 0.1 bp worse live: spread, latency and slippage"),
        ],
    ),
    "a person's order": (
        by_hand,
        [
            Told(True, False, Cause.PERSON, "opened by a person (keyboard)"),
            Told(False, True, Cause.PERSON, "live was long already, since"),
        ],
    ),
    "paused": (
        lambda: paused(c.SetPaused(paused=True)),
        [Told(False, True, Cause.PERSON, "entries were paused since")],
    ),
    "killed": (lambda: paused(c.Kill()), [Told(False, True, Cause.PERSON, "entries were killed since")]),
    "turned in a pause": (
        turned_in_a_pause,
        [
            Told(True, True, Cause.PRICE, "the same but for a tick"),
            Told(False, True, Cause.PERSON, "live closed and did not turn: entries were paused"),
        ],
    ),
    "observing": (observing, [Told(False, True, Cause.PERSON, "the desk only observed, since")]),
    "held": (
        held,
        [
            Told(True, True, Cause.PERSON, "a person (keyboard) closed it"),
            Told(False, True, Cause.PERSON, "held since"),
        ],
    ),
    "not approved": (unapproved, [Told(False, True, Cause.PERSON, "nobody approved in time")]),
    "rejected": (rejected, [Told(False, True, Cause.PERSON, "the signal was rejected by keyboard")]),
    "waiting": (waiting, [Told(False, True, Cause.PERSON, "still waits for a person's approval")]),
    "approved": (approved, [Told(True, True, Cause.PRICE, "filled 10 s after the close that decided")]),
    "drifted": (
        drifted,
        [Told(False, True, Cause.GATE, "live the gate 'drift' said no: 0.40% (needs <= 0.20%); it waited for votes")],
    ),
    "refused by the venue": (refused, [Told(False, True, Cause.VENUE, "Margin is insufficient")]),
    "spread": (
        wide,
        [
            Told(
                False,
                True,
                Cause.GATE,
                "the gate 'spread' said no: 5.0 bp (needs <= 3.0 bp), against 0.0 bp in the replay; bars",
            )
        ],
    ),
    "stale": (stale, [Told(False, True, Cause.GATE, "the gate 'data fresh' said no")]),
    "other symbols": (
        crowded,
        [
            Told(True, True, Cause.PRICE, ""),
            Told(
                False,
                True,
                Cause.GATE,
                "the gate 'positions' said no: 1 (needs < 1), against 0 in the replay; the replay",
            ),
        ],
    ),
    "both levels": (both_levels_in_a_bar, [Told(True, True, Cause.BARS, "live ended by target")]),
    "moved stop": (moved_stop, [Told(True, True, Cause.PERSON, "a person (keyboard) moved the protection")]),
    "halved": (
        halved,
        [Told(True, True, Cause.PERSON, "traded some of it"), Told(True, True, Cause.SAME, "the same")],
    ),
    "outside": (outside("web_1"), [Told(True, True, Cause.PERSON, "an order from outside the desk closed it")]),
    "liquidated": (outside("autoclose-7"), [Told(True, True, Cause.VENUE, "the venue closed it")]),
    "lost": (lost, [Told(False, True, Cause.VENUE, "the order came to nothing at")]),
    "flipped": (
        flipped,
        [
            Told(True, True, Cause.PERSON, "a person (keyboard) closed it"),
            Told(True, False, Cause.PERSON, "opened by a person (keyboard)"),
        ],
    ),
    "flattened": (flattened, [Told(True, True, Cause.PERSON, "a person (keyboard) closed it")]),
    "votes": (voted_down, [Told(False, True, Cause.GATE, "votes")]),
    "votes for it": (
        lambda: voted(Stance.LONG, Stance.LONG, Stance.SHORT),
        [
            Told(True, True, Cause.PRICE, "the same but for a tick"),
            Told(False, True, Cause.GATE, "its votes were asked for"),
        ],
    ),
    "votes against it": (
        lambda: voted(Stance.SHORT, Stance.LONG, Stance.NEUTRAL),
        [Told(False, True, Cause.GATE, "its votes were asked for, and the journal ends before they are in")],
    ),
    "a forecast against it": (lambda: foreseen(-1), []),
    "a forecast for it": (lambda: foreseen(1), [Told(True, True, Cause.PRICE, "the same but for a tick")]),
    "down": (down, [Told(True, True, Cause.DOWN, "the engine was down from")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason_of_every_row(name: str) -> None:
    build, expected = CASES[name]
    rows = build().rows()
    told = [(row.live is not None, row.replayed is not None, row.cause, row.reason) for row in rows]
    assert [one[:3] for one in told] == [(t.live, t.replayed, t.cause) for t in expected], told
    for (*_, reason), wanted in zip(told, expected, strict=True):
        assert wanted.words in reason
    assert not any(row.reason.endswith(".") or "unknown" in row.reason for row in rows)


def test_the_halt_of_a_day_is_the_replays_too() -> None:
    day = halted()
    rows = day.rows()
    assert day.desk.signal().reason.startswith("halt ")
    assert len(rows) == 2
    assert all(row.live is not None and row.replayed is not None for row in rows)


def test_what_was_carried_in_is_named_on_both_sides() -> None:
    """The period begins after the entry; the replay trades the side's next turn as live does."""
    day = carried()
    begin = [one.event.bar.open_time for one in day.entries() if isinstance(one.event, e.BarClosed)][3]
    rows = list(day.report(begin).rows)
    told = [(row.live is not None, row.replayed is not None, row.cause, row.reason) for row in rows]
    assert told[0][:3] == (True, False, Cause.PERIOD)
    assert "before the period: the replay begins flat" in told[0][3]
    assert told[1][:2] == (True, True)
    assert len(told) == 2


def test_votes_are_one_line_of_the_journal() -> None:
    day = voted(Stance.LONG, Stance.LONG, Stance.SHORT)
    (event,) = [one.event for one in day.entries() if isinstance(one.event, e.VotesCast)]
    words = event_words(event, dict(day.desk.contracts))
    assert words == "BTC/USDT:USDT votes on signal 1: v0 LONG 90, v1 LONG 90, v2 SHORT 90"
