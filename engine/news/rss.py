"""Feeds as bytes to headlines: pure, and never surprised by what a stranger publishes."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from html import unescape

import feedparser

from engine.ai.brief import Headline

MOST_ENTRIES = 100
TITLE_LENGTH = 300
_TAG = re.compile(r"<[^>]{0,500}>")
_WORD = re.compile(r"[^\W_]+")


def headlines_of(body: bytes, address: str) -> tuple[Headline, ...]:
    """The entries of an RSS or Atom document that tell their time, as plain text; none where it is no feed."""
    found = feedparser.parse(body)  # bytes: it opens no address
    source = plain(str(found.feed.get("title", ""))) or address
    return tuple(
        Headline(stamp, source[:80], title)
        for entry in found.entries[:MOST_ENTRIES]
        if (stamp := _time(entry)) and (title := plain(str(entry.get("title", ""))))
    )


def _time(entry: feedparser.FeedParserDict) -> int:
    """When it was published (or changed), ms UTC; 0 where it does not say."""
    stamp = entry.get("published_parsed") or entry.get("updated_parsed")
    return calendar.timegm(stamp) * 1000 if stamp is not None else 0


def plain(text: str) -> str:
    """Text without markup, entities and line breaks."""
    return " ".join(unescape(_TAG.sub(" ", text)).split())[:TITLE_LENGTH]


def fresh(found: Iterable[Headline], now: int, max_age_ms: int) -> tuple[Headline, ...]:
    """Newest first, none older than `max_age_ms` or from the future, each story once.

    Two titles are one story where their words are the same in the same order, however they are spelt and whoever
    published them; the first publication stays.
    """
    stories: dict[tuple[str, ...], Headline] = {}
    for one in sorted(found):
        if now - max_age_ms <= one.at <= now:
            stories.setdefault(tuple(_WORD.findall(one.title.casefold())), one)
    return tuple(sorted(stories.values(), reverse=True))
