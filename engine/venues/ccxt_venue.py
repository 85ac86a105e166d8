"""An account at Binance USD-M, OKX or Bybit as a venue, through ccxt.

Requests are signed by ccxt and sent by its implicit methods; the user stream is read raw. Stops and targets are separate
reduce-only conditional orders. What differs between the exchanges is an `AccountApi`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.errors import VenueError, VenueRateLimited, VenueRejected, VenueUnavailable
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import MarketView
from engine.model.order import Approved, Fill, Order, OrderRequest, OrderStatus, Purpose
from engine.model.venue import VenueReport
from engine.ports import Clock, Probe, VenueSink
from engine.probe import no_probe
from engine.venues.account_api import AccountApi, Permissions, together
from engine.venues.binance_account import KEEP_ALIVE_S, BinanceAccount
from engine.venues.bybit_account import BybitAccount
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import HEARTBEAT_MS, Access, Handler, make_client
from engine.venues.exchanges import manners_of
from engine.venues.executions import in_order
from engine.venues.okx_account import OkxAccount
from engine.venues.tell import Tell
from engine.venues.user_stream import UserStream


class CcxtVenue:
    """Implements Venue.

    Args:
        access: exchange, addresses and keys.
        clock: received times.
        probe: told of the crash points on an order's way.
        measure_clock: add the measured offset of the venue's clock to signed requests, and measure again when it
            calls a timestamp wrong.
        keep_alive_s: seconds between two extensions of Binance's listen key.
        heartbeat_ms: the user stream is pinged so often; one that misses two answers is replaced.
    """

    def __init__(
        self,
        access: Access,
        clock: Clock,
        *,
        probe: Probe = no_probe,
        measure_clock: bool = True,
        keep_alive_s: float = KEEP_ALIVE_S,
        heartbeat_ms: int = HEARTBEAT_MS,
    ) -> None:
        self.name = access.exchange
        self.offset_ms = 0
        self._codes = manners_of(access.exchange).codes
        self._clock = clock
        self._measure = measure_clock
        self._leverage: dict[str, int] = {}
        self._tell = Tell(clock, probe)
        handlers: dict[str, Handler] = {}
        self._client = make_client(access, handlers, probe, heartbeat_ms)
        set_clock = self._measure_clock if measure_clock else None
        api = Api(self._client, access, set_clock)
        self._account = _account(access.exchange, self._client, api, self._tell, keep_alive_s)
        handlers.update(self._account.handlers())
        self._stream = UserStream(self._client, self._account, self._link, set_clock)
        self._streaming: asyncio.Task[None] | None = None

    @property
    def user_events(self) -> int:
        """Messages of the user stream so far."""
        return self._tell.count

    @property
    def on_user_event(self) -> Callable[[], None] | None:
        """Called after each message of the user stream."""
        return self._tell.on_message

    @on_user_event.setter
    def on_user_event(self, call: Callable[[], None] | None) -> None:
        self._tell.on_message = call

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Check the account's mode and start the user stream. Raises VenueError when the venue refuses or is not there."""
        self._tell.sink = sink
        self._account.learn(instruments, orders)
        if self._measure:
            await self._measure_clock()
        await self._account.check()
        self._streaming = asyncio.create_task(self._stream.run())

    async def close(self) -> None:
        """Release connections; orders stay where they are."""
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.gather(self._streaming, return_exceptions=True)
        await self._client.close()

    def market(self, view: MarketView, now: int) -> None:
        """Real venues see the market themselves."""

    async def permissions(self) -> Permissions:
        """What the key may do, as the venue says; the venue need not be open. Raises VenueError."""
        if self._measure:
            await self._measure_clock()
        return await self._account.permissions()

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Send once; the answer is an event."""
        request = approved.request
        try:
            if request.purpose is Purpose.ENTRY:
                await self._prepare(request)
            placed = await self._account.place(request)
        except (VenueRejected, VenueRateLimited, VenueUnavailable) as error:
            if error.code in self._codes.duplicate:  # the first attempt was accepted after all
                self._tell.lost(request.client_id, str(error))
            else:
                self._tell.refused(request.client_id, error.code, error.reason)
        except VenueError as error:
            self._tell.lost(request.client_id, str(error))
        else:
            self._tell.accepted(request.client_id, placed.venue_id, placed.venue_time or self._clock.now())

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the answer is an event, that of the stream where the venue only takes note."""
        client_id = order.request.client_id
        try:
            found = await self._account.cancel(order)
        except VenueError as error:
            self._tell.put(
                e.CancelRefused(at=self._clock.now(), client_id=client_id, code=error.code, reason=error.reason)
            )
            return
        if found.status is not OrderStatus.WORKING:
            self._tell.found(client_id, found)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel every order of a symbol, whoever placed it; the stream tells of each. Raises VenueError."""
        await self._account.cancel_all(symbol)

    async def amend(self, order: Order, lots: int, price: int) -> None:
        """Change size (lots, what is filled included) and price (ticks) of a working limit order. Raises VenueError."""
        await self._account.amend(order, lots, price)

    async def query(self, order: Order) -> None:
        """Ask what became of an order: its fills first, then its state."""
        client_id = order.request.client_id
        try:
            found = await self._account.find(order)
        except VenueError as error:
            if error.code in self._codes.unknown_order:
                self._tell.put(e.OrderNotFound(at=self._clock.now(), client_id=client_id))
            else:
                self._tell.lost(client_id, str(error))
            return
        self._tell.found(client_id, found)

    async def report(self, since: int, orders: Sequence[Order] = ()) -> VenueReport:
        """Open orders, positions, wallet balance and our orders' executions since a minute before `since`.

        The exchange names executions by its own order numbers; those of an order whose acknowledgement was never heard
        are found by asking for the order.
        """
        report = await self._account.report(since)
        held = {order.client_id for order in report.orders}
        ended = await together(*(self._executions(order) for order in orders if order.request.client_id not in held))
        return msgspec.structs.replace(report, fills=in_order([report.fills, *ended]))

    async def _executions(self, order: Order) -> tuple[Fill, ...]:
        """Of one order, as far as the exchange knows it."""
        try:
            return (await self._account.find(order)).fills
        except VenueError as error:
            if error.code in self._codes.unknown_order:
                return ()
            raise

    async def _measure_clock(self) -> None:
        offsets = []
        for _ in range(3):
            before = self._clock.now()
            server = await self._account.server_time()
            offsets.append((before + self._clock.now()) // 2 - server)
        self.offset_ms = sorted(offsets)[1]
        self._client.options["timeDifference"] = self.offset_ms

    async def _prepare(self, request: OrderRequest) -> None:
        """Isolated margin and leverage, once per symbol and leverage."""
        if self._leverage.get(request.symbol) == request.leverage:
            return
        first = request.symbol not in self._leverage
        await self._account.prepare(request.symbol, request.leverage, first=first)
        self._leverage[request.symbol] = request.leverage

    def _link(self, *, up: bool, reason: str) -> None:
        self._tell.sink.link("venue", up=up, reason=reason)


def _account(exchange: str, client: Any, api: Api, tell: Tell, keep_alive_s: float) -> AccountApi:
    if exchange == "okx":
        return OkxAccount(client, api, tell)
    if exchange == "bybit":
        return BybitAccount(client, api, tell)
    return BinanceAccount(client, api, tell, keep_alive_s)
