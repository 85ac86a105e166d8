"""Binance USD-M through ccxt keeps the contract, over real HTTP and WebSocket against the simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.venues.remote_contract import ListenKeyContract
from tests.engine.venues.simulated_bench import BinanceBench

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s


@pytest.fixture
async def bench() -> AsyncIterator[BinanceBench]:
    """An exchange and a venue on it."""
    async with BinanceBench.running() as made:
        yield made


class TestBinance(ListenKeyContract):
    """All of it."""
