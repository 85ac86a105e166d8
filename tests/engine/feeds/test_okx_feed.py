"""OKX's market data through ccxt keeps the contract, over real HTTP and WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.feeds.contract import FeedContract
from tests.engine.feeds.feed_bench import FeedBench
from tests.engine.venues.hand import Hand

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

CHANNELS = ("bbo-tbt", "mark-price", "candle1m")
STREAMS = {f"okx:{channel}:{name}-USDT-SWAP" for name in ("BTC", "ETH") for channel in CHANNELS}


@pytest.fixture
async def bench() -> AsyncIterator[FeedBench]:
    """A feed that listens."""
    made = FeedBench(await Hand.start(), "okx", STREAMS)
    await made.start()
    yield made
    await made.stop()


class TestOkxFeed(FeedContract):
    """All of it."""
