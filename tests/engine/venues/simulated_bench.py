"""What the benches of OKX and Bybit share: the exchange runs in this process, behind real sockets."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.instrument import Instrument
from engine.runtime import SystemClock
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.venues.hand import FIRST, Hand
from tests.engine.venues.mini_desk import MiniDesk

HEARTBEAT_MS = 100


class SimulatedBench:
    """Implements RemoteBench for an exchange of the simulator."""

    exchange: str
    codes: Mapping[str, str]

    def __init__(self, hand: Hand, instrument: Instrument) -> None:
        self.hand = hand
        self.clock = SystemClock()
        self.instrument = instrument
        self.desk = MiniDesk(instrument, self.clock)
        self.since = hand.now
        self.venue = self._make()

    def access(self, api_key: str | None = None) -> Access:
        """How to reach and sign in, or with another key."""
        running = self.hand.running
        keys = running.keys
        return Access(
            running.rest,
            running.ws,
            keys.api_key if api_key is None else api_key,
            keys.secret,
            exchange=self.exchange,
            passphrase=keys.passphrase,
        )

    def _make(self) -> CcxtVenue:
        return CcxtVenue(self.access(), self.clock, heartbeat_ms=HEARTBEAT_MS)

    async def start(self) -> None:
        """Open the venue and wait for its stream."""
        self.quote(FIRST)
        links = len(self.desk.links)
        await self.venue.open([self.instrument], [o for o in self.desk.orders.values() if o.open], self.desk)
        await self.desk.until(lambda: len(self.desk.links) > links)

    async def stop(self) -> None:
        """Close everything; nothing that was said held a secret."""
        await self.venue.close()
        await self.hand.stop()
        said = repr((self.desk.links, self.desk.events, self.access()))
        keys = self.hand.running.keys
        assert not [secret for secret in (keys.api_key, keys.secret, keys.passphrase) if secret in said]

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
        for socket in self.hand.simulation.private.sockets():
            socket.drop()

    def accepted(self, client_id: str) -> int:
        orders = self.hand.simulation.exchange.orders.values()
        return sum(order.new.client_id == self.theirs(client_id) for order in orders)

    def theirs(self, client_id: str) -> str:
        """A client order id as the exchange has it."""
        return client_id

    def server_clock_off(self, ms: int) -> None:
        self.hand.faults(f"skew:ms={ms}")

    def funding(self) -> None:
        exchange = self.hand.simulation.exchange
        self.hand.quote(FIRST, after=exchange.next_funding() - exchange.now)

    def wallet(self) -> int:
        return self.hand.simulation.exchange.account.wallet

    async def open_wrongly(self, how: str) -> None:
        if how == "hedge":
            self.hand.simulation.exchange.set_hedge_mode(hedged=True)
        other = CcxtVenue(self.access("wrong" if how == "key" else None), self.clock)
        try:
            await other.open([self.instrument], [], MiniDesk(self.instrument, self.clock))
        finally:
            await other.close()

    async def go_down(self) -> None:
        await self.hand.stop()

    async def come_back(self) -> None:
        port = int(self.hand.running.rest.rpartition(":")[2])
        self.hand = await Hand.start(port=port)
        self.quote(FIRST)
