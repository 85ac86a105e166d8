"""Keeps headlines and mood at hand: fetched now and then beside everything else, never waited for by a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from engine.ai.brief import Headline, Mood
from engine.errors import BadInput
from engine.news.mood import mood_of
from engine.news.rss import fresh, headlines_of
from engine.ports import Clock

MOST_BYTES = 2 * 1024 * 1024
TIMEOUT_S = 15.0
MOOD_AGE_MS = 2 * 86_400_000
HOUR_MS = 3_600_000
# Names by which headlines call a coin, beside its own symbol.
NAMES = {
    "BTC": ("bitcoin",),
    "ETH": ("ethereum", "ether"),
    "SOL": ("solana",),
    "XRP": ("ripple",),
    "DOGE": ("dogecoin",),
    "BNB": ("binance coin",),
    "ADA": ("cardano",),
    "AVAX": ("avalanche",),
    "LTC": ("litecoin",),
    "DOT": ("polkadot",),
}


@dataclass(frozen=True, slots=True)
class NewsSources:
    """Where news come from: addresses of feeds and of a fear and greed index, none of which need be there."""

    feeds: tuple[str, ...] = ()
    mood: str = ""
    max_age_ms: int = 24 * HOUR_MS
    refresh_ms: int = 600_000


class NewsDesk:
    """Headlines and mood.

    Args:
        sources: with no address there is never a request.
        clock: wall time.
        told: hears in one sentence of a source that cannot be read; others go on.
    """

    def __init__(self, sources: NewsSources, clock: Clock, told: Callable[[str], None]) -> None:
        self._sources = sources
        self._clock = clock
        self._told = told
        self._found: dict[str, tuple[Headline, ...]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._mood: Mood | None = None

    @property
    def on(self) -> bool:
        """There is something to fetch."""
        return bool(self._sources.feeds or self._sources.mood)

    @property
    def mood(self) -> Mood | None:
        """The newest fear and greed, None where it is unknown or older than two days."""
        mood = self._mood
        return mood if mood is not None and self._clock.now() - mood.at <= MOOD_AGE_MS else None

    def headlines(self, symbol: str) -> tuple[Headline, ...]:
        """Fresh headlines, newest first: those that name the symbol's coin before the others."""
        everything = (one for found in self._found.values() for one in found)
        kept = fresh(everything, self._clock.now(), self._sources.max_age_ms)
        base = symbol.split("/", 1)[0]
        words = (base.casefold(), *NAMES.get(base, ()))
        return tuple(sorted(kept, key=lambda one: not _names(one, words)))  # a stable sort: newest first within both

    async def run(self) -> None:
        """Fetch now and then until cancelled."""
        if not self.on:
            return
        while True:
            await self.refresh()
            await asyncio.sleep(self._sources.refresh_ms / 1000)

    async def refresh(self) -> None:
        """Fetch every source once, side by side."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=True) as session:
            work = [self._feed(session, address) for address in self._sources.feeds]
            if self._sources.mood:
                work.append(self._index(session, self._sources.mood))
            await asyncio.gather(*work)

    async def _feed(self, session: aiohttp.ClientSession, address: str) -> None:
        body = await self._get(session, address)
        if body is not None:
            found = await asyncio.to_thread(headlines_of, body, address)
            if not found:
                self._told(f"news: {address} holds no headlines with a time")
            self._found[address] = found

    async def _index(self, session: aiohttp.ClientSession, address: str) -> None:
        body = await self._get(session, address)
        if body is None:
            return
        try:
            self._mood = mood_of(body)
        except BadInput as error:
            self._told(f"news: {address}: {error}")

    async def _get(self, session: aiohttp.ClientSession, address: str) -> bytes | None:
        """The body where there is a new one; what a source said last time stays where it cannot be read."""
        try:
            async with session.get(address, headers=self._tags.get(address, {})) as response:
                if response.status == 304:
                    return None
                response.raise_for_status()
                body = await _read(response)
                self._remember(address, response)
                return body
        except (aiohttp.ClientError, TimeoutError, BadInput) as error:
            self._told(f"news: {address} cannot be read: {error or type(error).__name__}")
            return None

    def _remember(self, address: str, response: aiohttp.ClientResponse) -> None:
        pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
        self._tags[address] = {ask: response.headers[said] for ask, said in pairs if said in response.headers}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_chunked(65_536):
        body += part
        if len(body) > MOST_BYTES:
            raise BadInput("size", f"more than {MOST_BYTES:,} bytes", "no feed is that large")
    return bytes(body)


def _names(one: Headline, words: Sequence[str]) -> bool:
    title = one.title.casefold()
    return any(word in title for word in words)
