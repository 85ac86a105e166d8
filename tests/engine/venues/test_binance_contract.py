"""Binance USD-M through ccxt keeps the contract, over real HTTP and WebSocket against the simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine.runtime import SystemClock
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.contract import CODES
from tests.engine.venues.hand import FIRST, Hand
from tests.engine.venues.mini_desk import MiniDesk
from tests.engine.venues.remote_contract import ListenKeyContract

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s


class BinanceBench:
    """The exchange runs in this process, behind real sockets."""

    codes = CODES

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.clock = SystemClock()
        self.desk = MiniDesk(BTC, self.clock)
        self.since = hand.now
        self.venue = self._make()

    def _make(self) -> CcxtVenue:
        running = self.hand.running
        self.access = Access(running.rest, running.ws, running.keys.api_key, running.keys.secret)
        return CcxtVenue(self.access, self.clock, keep_alive_s=0.2, heartbeat_ms=100)

    async def start(self) -> None:
        self.quote(FIRST)
        links = len(self.desk.links)
        await self.venue.open([BTC], [o for o in self.desk.orders.values() if o.open], self.desk)
        await self.desk.until(lambda: len(self.desk.links) > links)

    def quote(self, bid: int, lots: int = 10_000) -> None:
        self.hand.quote(bid, lots)

    async def reopen(self) -> None:
        await self.venue.close()
        self.venue = self._make()
        await self.start()

    def faults(self, *texts: str) -> None:
        self.hand.faults(*texts)

    def hits(self) -> int:
        return self.hand.hits()

    def calm(self) -> None:
        self.hand.calm()

    def cut_user_stream(self) -> None:
        for socket in self.hand.simulation.users.sockets():
            socket.drop()

    def expire_key(self, *, quietly: bool) -> None:
        if quietly:
            self.hand.faults("lose:target=user,count=1")
        self.hand.simulation.users.close_key()

    def accepted(self, client_id: str) -> int:
        return sum(order.new.client_id == client_id for order in self.hand.simulation.exchange.orders.values())

    def server_clock_off(self, ms: int) -> None:
        self.hand.faults(f"skew:ms={ms}")

    def funding(self) -> None:
        exchange = self.hand.simulation.exchange
        self.hand.quote(FIRST, after=exchange.next_funding() - exchange.now)

    def wallet(self) -> int:
        return self.hand.simulation.exchange.account.wallet

    async def open_wrongly(self, how: str) -> None:
        running = self.hand.running
        key = "wrong" if how == "key" else running.keys.api_key
        if how == "hedge":
            self.hand.simulation.exchange.set_hedge_mode(hedged=True)
        other = CcxtVenue(Access(running.rest, running.ws, key, running.keys.secret), self.clock)
        try:
            await other.open([BTC], [], MiniDesk(BTC, self.clock))
        finally:
            await other.close()

    def secrets(self) -> list[str]:
        keys = self.hand.running.keys
        return [keys.api_key, keys.secret, self.hand.simulation.users.create_key()]

    async def go_down(self) -> None:
        await self.hand.stop()

    async def come_back(self) -> None:
        port = int(self.hand.running.rest.rpartition(":")[2])
        self.hand = await Hand.start(port=port)
        self.quote(FIRST)


@pytest.fixture
async def bench() -> AsyncIterator[BinanceBench]:
    """An exchange and a venue on it."""
    import ccxt.pro  # noqa: F401 - before the exchange's clock begins

    made = BinanceBench(await Hand.start())
    await made.start()
    yield made
    await made.venue.close()
    await made.hand.stop()
    said = repr((made.desk.links, made.desk.events, made.access))
    assert not [secret for secret in made.secrets() if secret in said]


class TestBinance(ListenKeyContract):
    """All of it."""
