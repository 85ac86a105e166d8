"""An account at Binance USD-M; see `AccountApi`.

Stops and targets live on the algo endpoints: stop dictionaries attached to an order would be ignored silently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.errors import VenueError, VenueRejected
from engine.model.instrument import Instrument
from engine.model.order import CONDITIONAL, Order, OrderRequest, OrderStatus
from engine.model.venue import VenueReport
from engine.venues.account_api import Found, Permissions, Placed, lane_of, together
from engine.venues.binance_manners import CODES
from engine.venues.binance_report import read_report
from engine.venues.binance_user_events import UserEvents
from engine.venues.binance_words import ENDED, OPEN, Words, algo_id
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import dial
from engine.venues.ccxt_errors import HEDGE
from engine.venues.tell import Tell

KEEP_ALIVE_S = 30 * 60.0
NO_LISTEN_KEY = "-1125"


class BinanceAccount:
    """Implements AccountApi.

    Args:
        client: the ccxt client.
        api: requests.
        tell: takes the user stream's events.
        keep_alive_s: seconds between two extensions of the listen key (it lives an hour).
    """

    def __init__(self, client: Any, api: Api, tell: Tell, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self.urls: list[str] = []
        self.secret = ""
        self._client = client
        self._api = api
        self._ids = tell.ids
        self._keep_alive_s = keep_alive_s
        self._words = Words()
        self._events = UserEvents(tell)

    def learn(self, instruments: Sequence[Instrument], orders: Sequence[Order]) -> None:
        """What is traded, and the open orders that are known."""
        self._words = self._events.words = Words(instruments)
        self._ids.update({order.venue_id: order.request.client_id for order in orders if order.venue_id})

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Who hears which messages."""
        return self._events.handlers() | {"listenKeyExpired": lambda _: self._expire("the listen key expired")}

    async def server_time(self) -> int:
        """Ms UTC."""
        return int((await self._api("fapiPublicGetTime"))["serverTime"])

    async def check(self) -> None:
        """Refuse hedge mode."""
        mode = await self._api("fapiPrivateGetPositionSideDual")
        if str(mode.get("dualSidePosition")).lower() == "true":
            text = "the account is in hedge mode; switch it to one-way mode, Trefoil nets positions"
            raise VenueRejected(text, HEDGE)

    async def prepare(self, symbol: str, leverage: int, *, first: bool) -> None:
        """Isolated margin once, then the leverage."""
        venue_id = self._words.venue_id(symbol)
        if first:
            try:
                margin = {"symbol": venue_id, "marginType": "ISOLATED"}
                await self._api("fapiPrivatePostMarginType", margin)
            except VenueRejected as error:
                if error.code not in CODES.no_change:
                    raise
        await self._api("fapiPrivatePostLeverage", {"symbol": venue_id, "leverage": leverage})

    async def place(self, request: OrderRequest) -> Placed:
        """Send once."""
        params = self._words.order(request)
        if request.kind in CONDITIONAL:
            answer = await self._api("fapiPrivatePostAlgoOrder", params, lane=lane_of(request))
            venue_id = algo_id(answer)
        else:
            answer = await self._api("fapiPrivatePostOrder", params, lane=lane_of(request))
            venue_id = str(answer["orderId"])
            self._ids[venue_id] = request.client_id
        return Placed(venue_id, int(answer.get("updateTime") or 0))

    async def cancel(self, order: Order) -> Found:
        """The answer to a cancel is the end of the order."""
        request = order.request
        params: dict[str, Any] = {"symbol": self._words.venue_id(request.symbol)}
        if request.kind in CONDITIONAL:
            answer = await self._api("fapiPrivateDeleteAlgoOrder", {**params, "clientAlgoId": request.client_id})
        else:
            answer = await self._api("fapiPrivateDeleteOrder", {**params, "origClientOrderId": request.client_id})
        time = int(answer.get("updateTime") or 0)
        return Found(status=OrderStatus.CANCELED, venue_id=order.venue_id, venue_time=time, reason="cancelled")

    async def cancel_all(self, symbol: str) -> None:
        """Plain and conditional orders have an endpoint each."""
        params = {"symbol": self._words.venue_id(symbol)}
        await together(
            self._api("fapiPrivateDeleteAllOpenOrders", params), self._api("fapiPrivateDeleteAlgoOpenOrders", params)
        )

    async def amend(self, order: Order, lots: int, price: int) -> None:
        """Size and price of a limit order."""
        await self._api("fapiPrivatePutOrder", self._words.amendment(order.request, lots, price))

    async def find(self, order: Order) -> Found:
        """Ask by our id; a conditional order that triggered goes on as a plain one."""
        request = order.request
        params: dict[str, Any] = {"symbol": self._words.venue_id(request.symbol)}
        if request.kind in CONDITIONAL:
            row = await self._api("fapiPrivateGetAlgoOrder", {**params, "clientAlgoId": request.client_id})
            order_id = str(row.get("actualOrderId") or "")
            if not order_id or order_id == "0":
                return _found(row["algoStatus"], algo_id(row), int(row.get("updateTime") or 0))
            row = await self._api("fapiPrivateGetOrder", {**params, "orderId": order_id})
        else:
            row = await self._api("fapiPrivateGetOrder", {**params, "origClientOrderId": request.client_id})
        order_id = str(row["orderId"])
        self._ids[order_id] = request.client_id
        trades = []
        if Decimal(row["executedQty"]):
            trades = await self._api("fapiPrivateGetUserTrades", {**params, "orderId": order_id})
        found = _found(row["status"], order_id, int(row["updateTime"]))
        fills = tuple(self._words.fill_of_trade(trade, request.client_id) for trade in trades)
        return Found(
            status=found.status, venue_id=order_id, venue_time=found.venue_time, fills=fills, reason=found.reason
        )

    async def report(self, since: int) -> VenueReport:
        """See `read_report`."""
        return await read_report(self._api, self._words, self._ids, since)

    async def permissions(self) -> Permissions:
        """As the wallet's API tells."""
        row = await self._api("sapiGetAccountApiRestrictions")
        return Permissions(
            read=bool(row.get("enableReading")),
            trade=bool(row.get("enableFutures")),
            withdraw=bool(row.get("enableWithdrawals") or row.get("permitsUniversalTransfer")),
            ip_bound=bool(row.get("ipRestrict")),
        )

    async def open_stream(self) -> list[asyncio.Future[Any]]:
        """A listen key, and the socket on it."""
        self.urls = []
        self.secret = (await self._api("fapiPrivatePostListenKey"))["listenKey"]
        url = f"{self._client.get_ws_url('linear', 'private')}?listenKey={self.secret}"
        self.urls = [url]
        return [await dial(self._client, url, None)]

    async def keep_alive(self) -> None:
        """Extend the listen key again and again."""
        while True:
            await asyncio.sleep(self._keep_alive_s)
            try:
                await self._api("fapiPrivatePutListenKey")
            except VenueError as error:
                if error.code == NO_LISTEN_KEY:  # the socket stays open then, and says nothing any more
                    self._expire("the listen key is gone")

    def _expire(self, reason: str) -> None:
        """The key is no longer valid: end the socket, so that a new one is opened with a new key."""
        import ccxt

        for url in self.urls:
            socket = self._client.clients.get(url)
            if socket is not None:
                socket.on_error(ccxt.NetworkError(reason))


def _found(status: str, venue_id: str, venue_time: int) -> Found:
    if status in OPEN:
        return Found(status=OrderStatus.WORKING, venue_id=venue_id, venue_time=venue_time)
    ended = ENDED.get(status, OrderStatus.FILLED)
    return Found(status=ended, venue_id=venue_id, venue_time=venue_time, reason=status.lower())
