"""Every reason that a day can give, from journals that a real core wrote."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from engine.model import command as c
from engine.model import event as e
from engine.model.command import Autonomy
from engine.model.forecast import Forecast
from engine.model.market import Bar, MarketView
from engine.model.order import Fill, OrderKind, Purpose, Side
from engine.model.vote import Stance, Vote, VoteStatus
from engine.replay.lines import event_words
from engine.replay.reasons import Cause
from tests.engine.core.scenario import BTC, ETH
from tests.engine.replay.day import FRAME, Day


class Told(NamedTuple):
    """A row: whether live and the replay have it, the cause, and what the reason says."""

    live: bool
    replayed: bool
    cause: Cause
    words: str


def plain() -> Day:
    """Long, then short, then long again."""
    day = Day()
    for side in (0, 1, 1, -1, -1, 1, 1):
        day.bar(side, spread=10)
    return day


def by_hand() -> Day:
    day = Day()
    for side in (0, 0):
        day.bar(side)
    buy = c.PlaceOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.01"))
    assert day.desk.ask(buy).ok
    day.desk.settle()
    day.bar(1)
    day.bar(1)
    return day


def paused(command: c.Command) -> Day:
    day = Day()
    day.bar(0)
    assert day.desk.ask(command).ok
    day.bar(1)
    assert day.desk.ask(c.SetPaused(paused=False)).ok
    day.bar(1)
    return day


def turned_in_a_pause() -> Day:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    assert day.desk.ask(c.SetPaused(paused=True)).ok
    day.bar(-1)
    day.bar(-1)
    return day


def observing() -> Day:
    day = Day()
    day.bar(0)
    assert day.desk.ask(c.SetAutonomy(autonomy=Autonomy.OBSERVE)).ok
    day.bar(1)
    day.bar(1)
    return day


def held() -> Day:
    """A person closes the first trade and holds the symbol; the next crossing is only shown."""
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    assert day.desk.ask(c.ReducePosition(symbol=BTC)).ok
    day.desk.settle()
    day.bar(-1)
    day.bar(-1)
    return day


def unapproved() -> Day:
    day = Day(autonomy=Autonomy.APPROVE, approve_ms=30_000)
    day.bar(0)
    day.bar(1)
    day.desk.tick(40_000)
    day.bar(1)
    return day


def rejected() -> Day:
    day = Day(autonomy=Autonomy.APPROVE)
    day.bar(0)
    day.bar(1)
    assert day.desk.ask(c.RejectSignal(signal_id=day.desk.signal().id)).ok
    day.bar(1)
    return day


def waiting() -> Day:
    day = Day(autonomy=Autonomy.APPROVE)
    for side in (0, 1, 1):
        day.bar(side)
    return day


def approved() -> Day:
    day = Day(autonomy=Autonomy.APPROVE)
    day.bar(0)
    day.bar(1)
    day.desk.tick(10_000)
    day.quote(BTC, day.close[BTC] + 500)
    assert day.desk.ask(c.ApproveSignal(signal_id=day.desk.signal().id)).ok
    day.desk.settle()
    day.bar(1)
    return day


def refused() -> Day:
    """The venue refuses the entry."""
    day = Day()
    day.bar(0)
    desk = day.desk
    desk.venue.submit = lambda request: desk.venue.say(  # type: ignore[method-assign] # a venue that says no
        e.OrderRefused(at=desk.now, client_id=request.client_id, code="-2019", reason="Margin is insufficient.")
    )
    day.bar(1)
    day.bar(1)
    return day


def wide() -> Day:
    day = Day()
    day.bar(0)
    day.bar(1, spread=500)
    day.bar(1)
    return day


def stale() -> Day:
    """The quote of the bar's last seconds never came."""
    day = Day(fresh_ms=500)
    day.bar(0)
    desk = day.desk
    begin = desk.now
    desk.now = begin + FRAME
    close = float(desk.contracts[BTC].price(day.close[BTC]))
    bar = Bar(begin, close, close, close, close, 1.0)
    old = MarketView(((BTC, replace(desk.quotes[BTC], received=begin)),))
    desk.feed(
        e.BarClosed(
            at=desk.now, symbol=BTC, bar=bar, readings=(1,) * 6, stops=(500.0,) * 7, targets=(1500.0,) * 7, view=old
        )
    )
    day.bar(1)
    return day


def crowded() -> Day:
    """The other symbol has taken the only slot."""
    day = Day(symbols=(BTC, ETH), max_positions=1)
    day.bar(0, symbol=ETH)
    day.bar(1, symbol=ETH)
    for side in (0, 1, 1):
        day.bar(side)
    day.bar(1, symbol=ETH)
    return day


def both_levels_in_a_bar() -> Day:
    """Up to the target, then down beyond the stop: the replay takes the stop first."""
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    day.bar(1, through=(15_500, -5_500))
    day.bar(1)
    return day


def moved_stop() -> Day:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    assert day.desk.ask(c.SetProtection(symbol=BTC, stop=Decimal("99900.0"))).ok
    day.desk.settle()
    day.bar(1, -1_500)
    day.bar(1)
    return day


def halved() -> Day:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    day.bar(1, 500)
    assert day.desk.ask(c.ReducePosition(symbol=BTC, percent=50)).ok
    day.desk.settle()
    assert day.desk.ask(c.ReleaseSymbol(symbol=BTC)).ok
    day.bar(-1)
    day.bar(-1)
    return day


def outside(client_id: str) -> Callable[[], Day]:
    def build() -> Day:
        day = Day()
        for side in (0, 1, 1):
            day.bar(side)
        desk = day.desk
        lots = desk.position().lots
        desk.venue.lots[BTC] = 0
        ticks = day.close[BTC]
        desk.feed(
            desk.filled(
                Fill(
                    trade_id="x", client_id=client_id, symbol=BTC, side=Side.SELL, ticks=ticks, lots=lots, fee=0,
                    maker=False, venue_time=desk.now,
                )
            )
        )  # fmt: skip
        desk.settle()
        day.bar(1)
        return day

    return build


def down() -> Day:
    """The engine dies with a position; its stop is filled while nobody looks; two bars later it is back."""
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    desk = day.desk
    stop = desk.order_of(Purpose.STOP)
    desk.now += 20_000
    desk.move(BTC, day.close[BTC] - 6_000)
    desk.venue.match()
    assert desk.venue.orders[stop].status.value == "filled"
    desk.now += 2 * FRAME
    desk.start()
    desk.reconcile()
    desk.settle()
    day.close[BTC] -= 6_000
    day.bar(1)
    day.bar(1)
    return day


def lost() -> Day:
    """No answer to the entry, and the venue never had it."""
    day = Day()
    day.bar(0)
    desk = day.desk
    submit, asked = desk.venue.submit, list[str]()
    desk.venue.submit = lambda request: desk.venue.say(  # type: ignore[method-assign] # a venue that is silent
        e.OrderLost(at=desk.now, client_id=request.client_id, reason="time out")
    )
    desk.venue.query = asked.append  # type: ignore[method-assign,assignment] # and stays so for a while
    day.bar(1)
    desk.venue.submit = submit  # type: ignore[method-assign] # it speaks again
    desk.now += 10_000
    desk.not_found(next(iter(desk.s().orders)))
    desk.settle()
    assert asked
    day.bar(1)
    return day


def flipped() -> Day:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    assert day.desk.ask(c.FlipPosition(symbol=BTC)).ok
    day.desk.settle()
    day.bar(1)
    day.bar(1)
    return day


def flattened() -> Day:
    day = Day()
    for side in (0, 1, 1):
        day.bar(side)
    assert day.desk.ask(c.FlattenAll()).ok
    day.desk.settle()
    day.bar(1)
    return day


def voted_down() -> Day:
    """The voters were asked and never answered in time for the journal's end."""
    day = Day(voters=("one", "two"), preset="default")
    for side in (0, 1, 1):
        day.bar(side)
    return day


def voted(*stances: Stance) -> Day:
    """The voters answer while the price stands: the replay hears the same votes."""
    day = Day(voters=tuple(f"v{i}" for i in range(len(stances))), preset="default")
    day.bar(0)
    day.bar(1)
    signal = day.desk.signal()
    assert signal.status.value == "voting"
    votes = tuple(
        Vote(
            voter=f"v{i}", model="m", status=VoteStatus.OK, stance=stance, confidence=90, horizon=4, reasons=("x",),
            prompt_hash="h",
        )
        for i, stance in enumerate(stances)
    )  # fmt: skip
    day.desk.feed(e.VotesCast(at=day.desk.now, signal_id=signal.id, symbol=BTC, votes=votes, view=day.desk.view(BTC)))
    day.desk.settle()
    for side in (1, -1, -1):
        day.bar(side)
    return day


def drifted() -> Day:
    """The price has moved away before a person approves."""
    day = Day(autonomy=Autonomy.APPROVE)
    day.bar(0)
    day.bar(1)
    day.desk.tick(10_000)
    day.quote(BTC, day.close[BTC] + 4_000)
    assert not day.desk.ask(c.ApproveSignal(signal_id=day.desk.signal().id)).ok
    day.bar(1)
    return day


def foreseen(side: int) -> Day:
    """A trusted forecast at the bar that decides: live and the replay heed it alike."""
    day = Day()
    day.bar(0)
    desk = day.desk
    begin = desk.now
    desk.now = begin + FRAME
    desk.freshen()
    close = float(desk.contracts[BTC].price(day.close[BTC]))
    forecast = Forecast(
        bar_time=begin, horizon_ms=FRAME, value=0.01 * side, low=-0.02, high=0.02, level=0.8, model="m", trusted=True
    )
    desk.feed(
        e.BarClosed(
            at=desk.now,
            symbol=BTC,
            bar=Bar(begin, close, close, close, close, 1.0),
            readings=(1,) * 6,
            stops=(500.0,) * 7,
            targets=(1500.0,) * 7,
            view=desk.view(BTC),
            forecast=forecast,
        )
    )
    desk.settle()
    day.bar(1)
    return day


def halted() -> Day:
    """Two losses reach the day's limit on both sides: what follows is traded on neither."""
    day = Day(day_loss=0.008)
    day.bar(0)
    for _ in range(2):
        day.bar(1)
        day.bar(1, through=(-5_500,))
        day.bar(-1)
        day.bar(-1)
        day.bar(-1, through=(5_500,))
    for side in (1, 1, -1, -1):
        day.bar(side)
    assert day.desk.state.halt
    return day


def carried() -> Day:
    """Only used with a period: see the test of periods."""
    day = Day()
    for side in (0, 1, 1, 1, -1, -1):
        day.bar(side)
    return day


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
