"""What leaves the publisher: batches, conflation, numbers, snapshots."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from engine.errors import BadInput
from engine.model.market import Bar
from engine.view import Gone, NoteView
from engine.view_bars import BarChange, BarsView
from engine.view_market import Quotes, QuoteView, WatchView
from headless.protocol import BarsSnapshot, BarsUpdate, DeskSnapshot, ServerFrame, Update, decode_server
from headless.publisher import MAX_TOPICS, Publisher
from tests.headless.control import SYMBOLS, bars, desk

M = 60_000
A, B = SYMBOLS[:2]


class Screen:
    """A subscriber that keeps what it is sent, as long as it has room."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.room = True

    def send(self, frame: str | bytes) -> bool:
        if self.room:
            self.frames.append(frame)
        return self.room

    def read(self) -> list[ServerFrame]:
        frames, self.frames = self.frames, []
        return [decode_server(frame) for frame in frames]


def quote(symbol: str, bid: int) -> QuoteView:
    return QuoteView(symbol, bid, bid + 1, bid, bid, bid)


def bar(minute: int, close: float, *, closed: bool = False, **overlays: float | None) -> BarChange:
    return BarChange(bar=Bar(minute * M, 1.0, 9.0, 0.5, close, 1.0), closed=closed, overlays=overlays)


def subscribed(publisher: Publisher, topic: str = "desk") -> Screen:
    screen = Screen()
    publisher.subscribe(topic, screen)
    return screen


async def test_a_turn_of_the_loop_becomes_one_frame_with_one_quote_a_symbol() -> None:
    publisher = Publisher(desk(), bars)
    screen = subscribed(publisher)
    screen.read()
    for bid in range(1, 500):
        publisher.publish(Quotes((quote(A, bid),)), Quotes((quote(B, 2 * bid),)))
    publisher.publish(NoteView(1, "info", "n", "", 1), NoteView(1, "info", "n", "", 1), WatchView(A, 0.1, 1.0, ()))
    publisher.publish(WatchView(A, 0.2, 1.0, ()))
    await asyncio.sleep(0)
    (update,) = screen.read()
    assert isinstance(update, Update)
    assert update.seq == publisher.seq == 1
    *others, quotes = update.changes
    assert quotes == Quotes((quote(A, 499), quote(B, 998)))
    note = NoteView(1, "info", "n", "", 1)
    assert others == [note, note, WatchView(A, 0.2, 1.0, ())]


async def test_a_second_frame_waits_for_the_interval() -> None:
    publisher = Publisher(desk(), bars, interval_s=3600)
    screen = subscribed(publisher)
    publisher.publish(NoteView(1, "info", "first", "", 1))
    await asyncio.sleep(0)
    publisher.publish(NoteView(2, "info", "second", "", 2))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(screen.read()) == 2  # the snapshot and the first
    publisher.flush()
    (late,) = screen.read()
    assert isinstance(late, Update)
    assert late.seq == 2


async def test_what_changes_nothing_is_not_sent() -> None:
    publisher = Publisher(desk(), bars)
    publisher.publish(Quotes((quote(A, 5),)), WatchView(A, 0.1, 1.0, ()))
    screen = subscribed(publisher)
    screen.read()
    publisher.publish(
        Quotes((quote(A, 5),)),
        WatchView(A, 0.1, 1.0, ()),
        Gone("position", A),
        Gone("order", "x"),
        publisher.desk.status,
    )
    publisher.flush()
    assert screen.read() == []


async def test_a_quote_that_flips_back_within_one_change_is_the_newest() -> None:
    publisher = Publisher(desk(), bars)
    publisher.publish(Quotes((quote(A, 1),)))
    publisher.publish(Quotes((quote(A, 2), quote(A, 1))))
    assert publisher.desk.quotes[A] == quote(A, 1)


async def test_a_frame_is_encoded_once_for_all() -> None:
    publisher = Publisher(desk(), bars)
    one, other = subscribed(publisher), subscribed(publisher)
    publisher.publish(NoteView(1, "info", "n", "", 1))
    publisher.flush()
    assert one.frames[0] is other.frames[0]
    assert one.frames[1] is other.frames[1]


async def test_who_lags_gets_nothing_until_a_fresh_snapshot() -> None:
    publisher = Publisher(desk(), bars)
    screen = subscribed(publisher)
    publisher.subscribe(f"bars|{A}|{M}", screen)
    screen.read()
    screen.room = False
    for i in range(50):
        publisher.publish(NoteView(i, "info", "n", "", i))
        publisher.publish_bar(A, M, bar(i, 1.0))
        publisher.flush()
    screen.room = True
    publisher.publish(NoteView(50, "info", "n", "", 50))
    publisher.flush()
    assert screen.read() == []
    publisher.catch_up(screen)
    snapshot, chart = screen.read()
    assert isinstance(snapshot, DeskSnapshot)
    assert isinstance(chart, BarsSnapshot)
    assert snapshot.desk == publisher.desk
    publisher.publish(NoteView(51, "info", "n", "", 51))
    publisher.publish_bar(A, M, bar(51, 1.0))
    publisher.flush()
    update, bar_update = screen.read()
    assert isinstance(update, Update)
    assert isinstance(bar_update, BarsUpdate)
    assert (update.seq, bar_update.seq) == (snapshot.seq + 1, chart.seq + 1)


async def test_only_the_newest_of_an_unfinished_bar_is_sent_and_every_closed_one() -> None:
    publisher = Publisher(desk(), bars)
    screen = subscribed(publisher, f"bars|{A}|{M}")
    screen.read()
    for close in (1.0, 2.0, 3.0):
        publisher.publish_bar(A, M, bar(7, close))
    publisher.publish_bar(A, M, bar(7, 4.0, closed=True, ema=1.5))
    publisher.publish_bar(A, M, bar(7, 4.5, closed=True, ema=1.6))
    publisher.publish_bar(A, M, bar(8, 5.0))
    publisher.publish_bar(A, M, bar(8, 6.0))
    publisher.publish_bar(B, M, bar(8, 6.0))
    publisher.flush()
    frames = screen.read()
    assert [(f.seq, f.change.bar.close) for f in frames if isinstance(f, BarsUpdate)] == [(1, 4.0), (2, 4.5), (3, 6.0)]


async def test_a_chart_that_is_not_known_yet_comes_with_its_first_bar() -> None:
    known: list[BarsView] = []
    publisher = Publisher(desk(), lambda *_: known[-1] if known else None)
    screen = subscribed(publisher, f"bars|{A}|{M}")
    publisher.publish_bar(A, M, bar(1, 1.0))
    publisher.flush()
    assert screen.read() == []
    assert publisher.watched() == {(A, M)}
    known.append(bars(A, M))
    publisher.publish_bar(A, M, bar(2, 1.5))
    publisher.flush()
    snapshot, update = screen.read()
    assert isinstance(snapshot, BarsSnapshot)
    assert isinstance(update, BarsUpdate)
    assert update.seq == snapshot.seq + 1


async def test_a_late_subscriber_is_not_sent_bars_older_than_its_snapshot() -> None:
    now = [3]
    publisher = Publisher(desk(), lambda s, t: bars(s, t, now[0]))
    first = subscribed(publisher, f"bars|{A}|{M}")
    publisher.publish_bar(A, M, bar(2, 1.0, closed=True))
    late = subscribed(publisher, f"bars|{A}|{M}")
    publisher.flush()
    assert [type(f) for f in late.read()] == [BarsSnapshot]
    assert [type(f) for f in first.read()] == [BarsSnapshot, BarsUpdate]


async def test_a_chart_nobody_watches_any_more_is_forgotten() -> None:
    publisher = Publisher(desk(), bars)
    one, other = subscribed(publisher, f"bars|{A}|{M}"), subscribed(publisher, f"bars|{A}|{M}")
    publisher.publish_bar(A, M, bar(1, 1.0))
    publisher.unsubscribe(f"bars|{A}|{M}", one)
    assert publisher.watched() == {(A, M)}
    publisher.forget(other)
    assert publisher.watched() == frozenset()
    publisher.flush()


@pytest.mark.parametrize(
    "topic", ["", "bar", "bars", "bars|X", "bars||60000", "bars|X|", "bars|X|1m", "bars|X|-1", "bars|X|²", "desk|1"]
)
async def test_an_unknown_topic_is_refused(topic: str) -> None:
    publisher = Publisher(desk(), bars)
    with pytest.raises(BadInput, match="topic"):
        publisher.subscribe(topic, Screen())
    assert publisher.watched() == frozenset()


async def test_one_client_cannot_watch_charts_without_end() -> None:
    publisher = Publisher(desk(), bars)
    screen = Screen()
    for n in range(MAX_TOPICS):
        publisher.subscribe(f"bars|{A}|{n + 1}", screen)
    publisher.subscribe(f"bars|{A}|1", screen)
    with pytest.raises(BadInput, match="at most"):
        publisher.subscribe(f"bars|{A}|9999", screen)


async def test_without_subscribers_the_desk_is_kept_all_the_same() -> None:
    publisher = Publisher(desk(), bars)
    publisher.publish(*(NoteView(i, "info", "n", "", i) for i in range(400)))
    screen = subscribed(publisher)
    (snapshot,) = screen.read()
    assert isinstance(snapshot, DeskSnapshot)
    assert msgspec.json.encode(snapshot.desk) == msgspec.json.encode(publisher.desk)
    assert len(snapshot.desk.notes) == 300
