"""OKX through ccxt keeps the contract, over real HTTP and WebSocket against the simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from engine.venues.okx_ids import to_okx
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.hand import Hand
from tests.engine.venues.remote_contract import RemoteVenueContract
from tests.engine.venues.simulated_bench import SimulatedBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

CODES = {
    "would take": "cancelSource 31",
    "nothing to reduce": "51169",
    "too small": "51020",
    "would trigger": "51280",
    "too large": "51101",
    "unknown": "51400",
    "margin": "51008",
    "key": "50111",
    "hedge": "hedge",
}


class OkxBench(SimulatedBench):
    """A contract is ten lots."""

    exchange = "okx"
    codes = CODES

    def theirs(self, client_id: str) -> str:
        return to_okx(client_id)


@pytest.fixture
async def bench() -> AsyncIterator[OkxBench]:
    """An exchange and a venue on it."""
    import ccxt.pro  # noqa: F401 - before the exchange's clock begins

    made = OkxBench(await Hand.start(), replace(BTC, venue_id="BTC-USDT-SWAP"))
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


class TestOkx(RemoteVenueContract):
    """All of it."""
