"""Benches of the three exchanges: each runs in this process, behind real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from msgspec.structs import replace

from engine.model.instrument import Instrument
from engine.runtime import SystemClock
from engine.simulator.rights import Rights
from engine.venues.ccxt_client import Access
from engine.venues.ccxt_venue import CcxtVenue
from engine.venues.okx_ids import to_okx
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.contract import CODES
from tests.engine.venues.hand import FIRST, Hand
from tests.engine.venues.mini_desk import MiniDesk

HEARTBEAT_MS = 100

OKX_CODES = {
    "would take": "cancelSource 31",
    "nothing to reduce": "51169",
    "too small": "51020",
    "would trigger": "51280",
    "too large": "51101",
    "too high": "51006",
    "too low": "51006",
    "unknown": "51400",
    "margin": "51008",
    "key": "50111",
    "permission": "50120",
    "hedge": "hedge",
}
BYBIT_CODES = {
    "would take": "EC_PostOnlyWillTakeLiquidity",
    "nothing to reduce": "110017",
    "too small": "110094",
    "would trigger": "110093",
    "too large": "10001",
    "too high": "110003",
    "too low": "110003",
    "unknown": "110001",
    "margin": "110007",
    "key": "10003",
    "permission": "10005",
    "hedge": "hedge",
}


class SimulatedBench:
    """Implements RemoteBench for an exchange of the simulator."""

    exchange: str
    codes: Mapping[str, str]
    instrument: Instrument = BTC

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.clock = SystemClock()
        self.desk = MiniDesk(self.instrument, self.clock)
        self.since = hand.now
        self.venue = self._make()

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        """An exchange and an open venue on it, closed afterwards."""
        import ccxt.pro  # noqa: F401 - before the exchange's clock begins

        made = cls(await Hand.start())
        try:
            await made.start()
            yield made
        finally:
            await made.stop()

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
        return CcxtVenue(self.access(), self.clock, keep_alive_s=0.2, heartbeat_ms=HEARTBEAT_MS)

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
        assert not [secret for secret in self.secrets() if secret in said]

    def secrets(self) -> list[str]:
        """What nobody may say."""
        keys = self.hand.running.keys
        return [keys.api_key, keys.secret, keys.passphrase]

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
        simulation = self.hand.simulation
        for socket in (*simulation.users.sockets(), *simulation.private.sockets()):
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

    def cross(self) -> None:
        self.hand.simulation.bybit_margin_mode = "REGULAR_MARGIN"
        self.hand.simulation.crossed.add(self.instrument.symbol)

    def margin(self) -> tuple[int, bool]:
        return self.hand.simulation.exchange.account.holdings[self.instrument.symbol].leverage, self.isolated()

    def isolated(self) -> bool:
        """OKX's orders say so themselves; the exchange refuses others."""
        return True

    def grant(self, rights: Rights) -> None:
        self.hand.simulation.rights = rights

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


class BinanceBench(SimulatedBench):
    """The user stream lives on a listen key."""

    exchange = "binance"
    codes = CODES

    def isolated(self) -> bool:
        return self.instrument.symbol not in self.hand.simulation.crossed

    def expire_key(self, *, quietly: bool) -> None:
        if quietly:
            self.hand.faults("lose:target=user,count=1")
        self.hand.simulation.users.close_key()

    def secrets(self) -> list[str]:
        return [*super().secrets(), self.hand.simulation.users.create_key()]


class OkxBench(SimulatedBench):
    """A contract is ten lots, and ids have no signs."""

    exchange = "okx"
    codes = OKX_CODES
    instrument = replace(BTC, venue_id="BTC-USDT-SWAP")

    def theirs(self, client_id: str) -> str:
        return to_okx(client_id)


class BybitBench(SimulatedBench):
    """A unified account."""

    exchange = "bybit"
    codes = BYBIT_CODES

    def isolated(self) -> bool:
        return self.hand.simulation.bybit_margin_mode == "ISOLATED_MARGIN"


BENCHES: tuple[type[SimulatedBench], ...] = (BinanceBench, OkxBench, BybitBench)
