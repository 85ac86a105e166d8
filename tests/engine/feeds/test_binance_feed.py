"""Binance's market data through ccxt keeps the contract, over real HTTP and WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.feeds.contract import FeedContract
from tests.engine.feeds.feed_bench import FeedBench
from tests.engine.venues.hand import Hand

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

STREAMS = {f"{s}@{channel}" for s in ("btcusdt", "ethusdt") for channel in ("bookTicker", "kline_1m", "markPrice@1s")}


@pytest.fixture
async def bench() -> AsyncIterator[FeedBench]:
    """A feed that listens."""
    made = FeedBench(await Hand.start(), "binance", STREAMS)
    await made.start()
    yield made
    await made.stop()


class TestBinanceFeed(FeedContract):
    """All of it."""
