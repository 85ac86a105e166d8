"""Bybit through ccxt keeps the contract, over real HTTP and WebSocket against the simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.simulator.conftest import BTC
from tests.engine.venues.hand import Hand
from tests.engine.venues.remote_contract import RemoteVenueContract
from tests.engine.venues.simulated_bench import SimulatedBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

CODES = {
    "would take": "EC_PostOnlyWillTakeLiquidity",
    "nothing to reduce": "110017",
    "too small": "110094",
    "would trigger": "110093",
    "too large": "10001",
    "unknown": "110001",
    "margin": "110007",
    "key": "10003",
    "hedge": "hedge",
}


class BybitBench(SimulatedBench):
    """A unified account."""

    exchange = "bybit"
    codes = CODES


@pytest.fixture
async def bench() -> AsyncIterator[BybitBench]:
    """An exchange and a venue on it."""
    import ccxt.pro  # noqa: F401 - before the exchange's clock begins

    made = BybitBench(await Hand.start(), BTC)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


class TestBybit(RemoteVenueContract):
    """All of it."""
