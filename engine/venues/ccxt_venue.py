"""Binance USD-M as a venue, through ccxt: signed requests by its implicit methods, the user stream raw.

Stops and targets are separate reduce-only conditional orders on the algo endpoints; attached stop dictionaries would be
ignored silently by the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.errors import VenueError, VenueRateLimited, VenueRejected, VenueUnavailable
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import MarketView
from engine.model.order import CONDITIONAL, Approved, Order, OrderRequest, OrderStatus, Purpose
from engine.model.venue import VenueReport
from engine.ports import Clock, Probe, VenueSink
from engine.probe import no_probe
from engine.venues.binance_report import read_report
from engine.venues.binance_user_events import UserEvents
from engine.venues.binance_words import ENDED, OPEN, Words, algo_id
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import HEARTBEAT_MS, Access, make_client
from engine.venues.ccxt_errors import DUPLICATE, HEDGE, NO_CHANGE, UNKNOWN_ORDER
from engine.venues.user_stream import KEEP_ALIVE_S, UserStream

ENTRY_PATIENCE_MS = 500
"""An entry was decided on a price of now; later it is better not sent."""


class CcxtVenue:
    """Implements Venue.

    Args:
        access: addresses and keys.
        clock: received times.
        probe: told of the crash points on an order's way.
        measure_clock: add the measured offset of the venue's clock to signed requests, and measure again when it
            calls a timestamp wrong.
        keep_alive_s: seconds between two extensions of the listen key.
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
        self.name = "binance"
        self.offset_ms = 0
        self.on_user_event: Callable[[], None] | None = None
        self._clock = clock
        self._measure = measure_clock
        self._words = Words()
        self._ids: dict[str, str] = {}
        self._leverage: dict[str, int] = {}
        self._sink: VenueSink | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._events = UserEvents(self._put, clock, self._ids, probe, self._heard)
        self._client = make_client(
            access,
            self._events.handlers() | {"listenKeyExpired": lambda _: self._stream.expire("the listen key expired")},
            probe,
            heartbeat_ms,
        )
        self._api = Api(self._client, access, self._measure_clock if measure_clock else None)
        self._stream: UserStream = UserStream(self._client, self._api, self._link, keep_alive_s)

    @property
    def user_events(self) -> int:
        """Messages of the user stream so far."""
        return self._events.count

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Check the account's mode and start the user stream. Raises VenueError when the venue refuses or is not there."""
        self._sink = sink
        self._words = self._events.words = Words(instruments)
        for order in orders:
            if order.venue_id:
                self._ids[order.venue_id] = order.request.client_id
        if self._measure:
            await self._measure_clock()
        mode = await self._api("fapiPrivateGetPositionSideDual")
        if str(mode.get("dualSidePosition")).lower() == "true":
            raise VenueRejected(
                "the account is in hedge mode; switch it to one-way mode, Trefoil nets positions", HEDGE
            )
        self._streaming = asyncio.create_task(self._stream.run())

    async def close(self) -> None:
        """Release connections; orders stay where they are."""
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.gather(self._streaming, return_exceptions=True)
        await self._client.close()

    def market(self, view: MarketView, now: int) -> None:
        """Real venues see the market themselves."""

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Send once; the answer is an event."""
        request = approved.request
        patience = ENTRY_PATIENCE_MS if request.purpose is Purpose.ENTRY else None
        try:
            if request.purpose is Purpose.ENTRY:
                await self._prepare(request)
            await self._send(request, patience)
        except (VenueRejected, VenueRateLimited, VenueUnavailable) as error:
            if error.code == DUPLICATE:  # the first attempt was accepted after all
                self._lost(request.client_id, error)
            else:
                self._put(
                    e.OrderRefused(at=self._now(), client_id=request.client_id, code=error.code, reason=error.reason)
                )
        except VenueError as error:
            self._lost(request.client_id, error)

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the answer is an event."""
        request = order.request
        params: dict[str, Any] = {"symbol": self._words.venue_id(request.symbol)}
        try:
            if request.kind in CONDITIONAL:
                await self._api("fapiPrivateDeleteAlgoOrder", {**params, "clientAlgoId": request.client_id})
            else:
                await self._api("fapiPrivateDeleteOrder", {**params, "origClientOrderId": request.client_id})
        except VenueError as error:
            self._put(
                e.CancelRefused(at=self._now(), client_id=request.client_id, code=error.code, reason=error.reason)
            )
            return
        self._gone(request.client_id, OrderStatus.CANCELED, self._now(), "cancelled")

    async def query(self, order: Order) -> None:
        """Ask what became of an order: its fills first, then its state."""
        client_id = order.request.client_id
        try:
            await self._query(order)
        except VenueError as error:
            if error.code in UNKNOWN_ORDER:
                self._put(e.OrderNotFound(at=self._now(), client_id=client_id))
            else:
                self._lost(client_id, error)

    async def report(self, since: int) -> VenueReport:
        """Open orders, positions, wallet balance and the known orders' executions since a minute before `since`."""
        return await read_report(self._api, self._words, self._ids, since)

    async def _measure_clock(self) -> None:
        offsets = []
        for _ in range(3):
            before = self._now()
            server = int((await self._api("fapiPublicGetTime"))["serverTime"])
            offsets.append((before + self._now()) // 2 - server)
        self.offset_ms = sorted(offsets)[1]
        self._client.options["timeDifference"] = self.offset_ms

    async def _prepare(self, request: OrderRequest) -> None:
        """Isolated margin and leverage, once per symbol and leverage."""
        if self._leverage.get(request.symbol) == request.leverage:
            return
        venue_id = self._words.venue_id(request.symbol)
        if request.symbol not in self._leverage:
            try:
                await self._api(
                    "fapiPrivatePostMarginType", {"symbol": venue_id, "marginType": "ISOLATED"}, ENTRY_PATIENCE_MS
                )
            except VenueRejected as error:
                if error.code != NO_CHANGE:
                    raise
        params = {"symbol": venue_id, "leverage": request.leverage}
        await self._api("fapiPrivatePostLeverage", params, ENTRY_PATIENCE_MS)
        self._leverage[request.symbol] = request.leverage

    async def _send(self, request: OrderRequest, patience_ms: int | None) -> None:
        params = self._words.order(request)
        if request.kind in CONDITIONAL:
            answer = await self._api("fapiPrivatePostAlgoOrder", params, patience_ms)
            venue_id = algo_id(answer)
        else:
            answer = await self._api("fapiPrivatePostOrder", params, patience_ms)
            venue_id = str(answer["orderId"])
            self._ids[venue_id] = request.client_id
        self._accept(request.client_id, venue_id, int(answer.get("updateTime") or self._now()))

    async def _query(self, order: Order) -> None:
        request = order.request
        params: dict[str, Any] = {"symbol": self._words.venue_id(request.symbol)}
        if request.kind in CONDITIONAL:
            row = await self._api("fapiPrivateGetAlgoOrder", {**params, "clientAlgoId": request.client_id})
            status, order_id = row["algoStatus"], str(row.get("actualOrderId") or "")
            if not order_id or order_id == "0":
                self._state(request.client_id, status, algo_id(row), int(row.get("updateTime") or 0))
                return
            row = await self._api("fapiPrivateGetOrder", {**params, "orderId": order_id})
        else:
            row = await self._api("fapiPrivateGetOrder", {**params, "origClientOrderId": request.client_id})
        order_id = str(row["orderId"])
        self._ids[order_id] = request.client_id
        if Decimal(row["executedQty"]):
            for trade in await self._api("fapiPrivateGetUserTrades", {**params, "orderId": order_id}):
                self._put(e.OrderFilled(at=self._now(), fill=self._words.fill_of_trade(trade, request.client_id)))
        self._state(request.client_id, row["status"], order_id, int(row["updateTime"]))

    def _state(self, client_id: str, status: str, venue_id: str, venue_time: int) -> None:
        if status in OPEN:
            self._accept(client_id, venue_id, venue_time)
        elif status in ENDED:
            self._gone(client_id, ENDED[status], venue_time, status.lower())

    def _heard(self) -> None:
        if self.on_user_event is not None:
            self.on_user_event()

    def _now(self) -> int:
        return self._clock.now()

    def _put(self, event: e.Event) -> None:
        assert self._sink is not None
        self._sink.event(event)

    def _accept(self, client_id: str, venue_id: str, venue_time: int) -> None:
        self._put(e.OrderAccepted(at=self._now(), client_id=client_id, venue_id=venue_id, venue_time=venue_time))

    def _lost(self, client_id: str, error: VenueError) -> None:
        self._put(e.OrderLost(at=self._now(), client_id=client_id, reason=str(error)))

    def _gone(self, client_id: str, status: OrderStatus, venue_time: int, reason: str) -> None:
        self._put(e.OrderGone(at=self._now(), client_id=client_id, status=status, venue_time=venue_time, reason=reason))

    def _link(self, *, up: bool, reason: str) -> None:
        assert self._sink is not None
        self._sink.link("venue", up=up, reason=reason)
