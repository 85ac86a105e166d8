"""Days that go another way live than in the replay, each by one thing that happens on it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from engine.model import command as c
from engine.model import event as e
from engine.model.command import Autonomy
from engine.model.forecast import Forecast
from engine.model.market import Bar, MarketView
from engine.model.order import Fill, OrderKind, Purpose, Side
from engine.model.vote import Stance, Vote, VoteStatus
from tests.engine.core.contracts import BTC, ETH
from tests.engine.replay.day import FRAME, Day


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
