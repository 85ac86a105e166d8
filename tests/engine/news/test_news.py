"""News: what strangers publish becomes short plain lines with their time, or a sentence of what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ai.brief import Headline, Mood
from engine.errors import BadInput
from engine.news.desk import MOST_BYTES, NewsDesk, NewsSources
from engine.news.mood import mood_of
from engine.news.rss import fresh, headlines_of, plain
from tests.engine.news.sources import HOUR, NOW, Source, rss, source

BTC = "BTC/USDT:USDT"


@dataclass
class HandClock:
    at: int = NOW

    def now(self) -> int:
        return self.at


def desk(
    one: Source, *feeds: str, mood: str = "", told: list[str] | None = None, clock: HandClock | None = None
) -> NewsDesk:
    sources = NewsSources(tuple(one.base + path for path in feeds), one.base + mood if mood else "")
    hear = (told if told is not None else []).append
    return NewsDesk(sources, clock or HandClock(), hear)


def index(value: object, at: int = NOW) -> bytes:
    point = {"value": str(value), "value_classification": "Greed", "timestamp": str(at // 1000)}
    return json.dumps({"name": "x", "data": [point]}).encode()


# feeds


def test_a_feed_becomes_headlines() -> None:
    body = rss((NOW - HOUR, "Bitcoin &amp; friends &lt;b&gt;rise&lt;/b&gt;"), (NOW - 2 * HOUR, "  two\n lines "))
    assert headlines_of(body, "http://x") == (
        Headline(NOW - HOUR, "Wire", "Bitcoin & friends rise"),
        Headline(NOW - 2 * HOUR, "Wire", "two lines"),
    )


def test_atom_is_read_too() -> None:
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title>
      <entry><title>Ether falls</title><updated>2025-05-01T10:00:00Z</updated></entry></feed>"""
    assert headlines_of(body, "http://x") == (Headline(1_746_093_600_000, "Atom", "Ether falls"),)


def test_an_entry_without_time_or_title_is_left_out() -> None:
    assert headlines_of(rss((None, "when?"), (NOW, "")), "http://x") == ()


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    assert isinstance(headlines_of(body, "http://x"), tuple)


@given(st.text())
def test_plain_text_is_one_line(text: str) -> None:
    found = plain(text)
    assert "\n" not in found
    assert len(found) <= 300


def test_an_external_entity_is_not_followed() -> None:
    body = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
      <rss version="2.0"><channel><item><title>&x; secret</title><pubDate>Thu, 01 May 2025 10:00:00 GMT</pubDate></item>
      </channel></rss>"""
    assert all("root:" not in one.title for one in headlines_of(body, "http://x"))


def test_old_and_future_headlines_are_left_out_and_a_story_stands_once() -> None:
    found = fresh(
        [
            Headline(NOW - 25 * HOUR, "a", "old"),
            Headline(NOW + 1, "a", "tomorrow"),
            Headline(NOW - HOUR, "later", "Bitcoin rises!"),
            Headline(NOW - 2 * HOUR, "first", "BITCOIN  rises"),
            Headline(NOW, "a", "now"),
        ],
        NOW,
        24 * HOUR,
    )
    assert found == (Headline(NOW, "a", "now"), Headline(NOW - 2 * HOUR, "first", "BITCOIN  rises"))


# the index


def test_the_index_is_read() -> None:
    assert mood_of(index(72)) == Mood(72, "Greed", NOW // 1000 * 1000)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"data": []}', index("x"), index(101), index(-1)])
def test_a_wrong_index_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="fear and greed index"):
        mood_of(body)


# the desk


async def test_headlines_that_name_the_coin_come_first() -> None:
    async with source() as one:
        one.bodies["/a"] = rss((NOW - 1 * HOUR, "Rates rise"), (NOW - 3 * HOUR, "Bitcoin falls"))
        one.bodies["/b"] = rss((NOW - 2 * HOUR, "BTC miners sell"), title="Ticker")
        one.bodies["/mood"] = index(20)
        news = desk(one, "/a", "/b", mood="/mood")
        await news.refresh()
    assert [one.title for one in news.headlines(BTC)] == ["BTC miners sell", "Bitcoin falls", "Rates rise"]
    assert news.headlines("ETH/USDT:USDT")[0].title == "Rates rise"
    assert news.mood == Mood(20, "Greed", NOW // 1000 * 1000)


async def test_what_did_not_change_is_not_sent_again_and_old_news_goes() -> None:
    clock = HandClock()
    async with source() as one:
        one.bodies["/a"] = rss((NOW - HOUR, "Bitcoin falls"))
        news = desk(one, "/a", clock=clock)
        await news.refresh()
        await news.refresh()
        (_, first), (_, second) = one.asked
    assert (first, bool(second)) == ("", True)
    assert len(news.headlines(BTC)) == 1
    clock.at += 24 * HOUR
    assert news.headlines(BTC) == ()


async def test_an_old_mood_is_not_told() -> None:
    clock = HandClock()
    async with source() as one:
        one.bodies["/mood"] = index(20)
        news = desk(one, mood="/mood", clock=clock)
        await news.refresh()
    assert news.mood is not None
    clock.at += 49 * HOUR
    assert news.mood is None


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/feed", b"", 500, "cannot be read: 500"),
        ("/feed", b"<html>no feed</html>", 200, "holds no headlines"),
        ("/feed", b"x" * (MOST_BYTES + 1), 200, "no feed is that large"),
        ("/mood", b"{}", 200, "fear and greed index"),
    ],
)
async def test_a_source_that_fails_is_told_of_and_the_others_go_on(
    path: str, body: bytes, status: int, words: str
) -> None:
    told: list[str] = []
    async with source() as one:
        one.bodies.update({"/good": rss((NOW - HOUR, "Bitcoin falls")), path: body})
        one.statuses[path] = status
        news = desk(
            one, "/good", *(["/feed"] if path == "/feed" else []), mood="/mood" if path == "/mood" else "", told=told
        )
        await news.refresh()
    assert len(news.headlines(BTC)) == 1
    (sentence,) = told
    assert words in sentence


async def test_nobody_there_is_told_of_and_the_last_news_stay() -> None:
    told: list[str] = []
    async with source() as one:
        one.bodies["/a"] = rss((NOW - HOUR, "Bitcoin falls"))
        news = desk(one, "/a", told=told)
        await news.refresh()
    await news.refresh()
    assert len(told) == 1
    assert len(news.headlines(BTC)) == 1


async def test_without_an_address_there_is_no_request() -> None:
    news = NewsDesk(NewsSources(), HandClock(), print)
    assert not news.on
    await news.run()  # it ends at once: there is nothing to wait for
    assert (news.headlines(BTC), news.mood) == ((), None)
