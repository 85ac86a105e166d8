"""A unified account at Bybit, linear contracts with isolated margin; see `AccountApi`.

Stops and targets are conditional orders of their own: a trailing percentage would be sent as a plain market order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, OrderRequest
from engine.model.venue import VenueReport
from engine.venues.account_api import Found, Permissions, Placed, lane_of, together
from engine.venues.bybit_manners import CODES
from engine.venues.bybit_report import executions_of, read_report
from engine.venues.bybit_user_events import UserEvents
from engine.venues.bybit_words import NOT_EXECUTIONS, Words
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import confirmed, dial, sign_in, signed
from engine.venues.ccxt_errors import HEDGE, PERMISSION
from engine.venues.tell import Tell
from engine.venues.weight import Lane

SIGN_IN_LIVES_MS = 10_000
ISOLATED = "ISOLATED_MARGIN"
TOPICS = ["order", "execution", "position", "wallet"]


class BybitAccount:
    """Implements AccountApi.

    Args:
        client: the ccxt client.
        api: requests.
        tell: takes the user stream's events.
    """

    def __init__(self, client: Any, api: Api, tell: Tell) -> None:
        self.urls: list[str] = []
        self.secret = ""
        self._client = client
        self._api = api
        self._tell = tell
        self._words = Words()
        self._events = UserEvents(tell)
        self._isolated = False
        self._acks: asyncio.Queue[None] = asyncio.Queue()

    def learn(self, instruments: Sequence[Instrument], orders: Sequence[Order]) -> None:
        """What is traded, and the open orders that are known."""
        self._words = self._events.words = Words(instruments)
        self._tell.ids.update({order.venue_id: order.request.client_id for order in orders if order.venue_id})

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Who hears which messages."""
        return self._events.handlers() | {"subscribe": lambda _: self._acks.put_nowait(None)}

    async def server_time(self) -> int:
        """Ms UTC."""
        return int((await self._api("publicGetV5MarketTime"))["time"])

    async def check(self) -> None:
        """Refuse keys that may not trade, and hedge mode of any traded contract."""
        allowed = await self.permissions()
        if not allowed.trade:
            text = "the key may not trade; allow orders and positions of contracts on the exchange's API page"
            raise VenueRejected(text, PERMISSION)
        answers = await together(
            *(self._api("privateGetV5PositionList", self._words.named(symbol)) for symbol in self._words.by_symbol)
        )
        for symbol, answer in zip(self._words.by_symbol, answers, strict=True):
            if any(int(row["positionIdx"]) for row in answer["result"]["list"]):
                text = f"the account is in hedge mode for {symbol}; switch it to one-way mode, Trefoil nets positions"
                raise VenueRejected(text, HEDGE)

    async def prepare(self, symbol: str, leverage: int, *, first: bool) -> None:
        """Isolated margin, which is a mode of the whole account, and the leverage."""
        if first and not self._isolated:
            info = (await self._api("privateGetV5AccountInfo", lane=Lane.ENTRY))["result"]
            if info["marginMode"] != ISOLATED:
                mode = {"setMarginMode": ISOLATED}
                await self._api("privatePostV5AccountSetMarginMode", mode)
            self._isolated = True
        params = self._words.named(symbol) | {"buyLeverage": str(leverage), "sellLeverage": str(leverage)}
        try:
            await self._api("privatePostV5PositionSetLeverage", params)
        except VenueRejected as error:
            if error.code not in CODES.no_change:
                raise

    async def place(self, request: OrderRequest) -> Placed:
        """Send once."""
        answer = await self._api("privatePostV5OrderCreate", self._words.order(request), lane=lane_of(request))
        venue_id = answer["result"]["orderId"]
        self._tell.ids[venue_id] = request.client_id
        return Placed(venue_id, int(answer.get("time") or 0))

    async def cancel(self, order: Order) -> Found:
        """Bybit takes note of a cancel; what became of the order is asked for."""
        await self._api("privatePostV5OrderCancel", self._named(order))
        return await self.find(order)

    async def cancel_all(self, symbol: str) -> None:
        """Plain and conditional orders at once."""
        await self._api("privatePostV5OrderCancelAll", self._words.named(symbol))

    async def amend(self, order: Order, lots: int, price: int) -> None:
        """Size and price of a limit order."""
        instrument = self._words.by_symbol[order.request.symbol]
        change = {"qty": f"{instrument.quantity(lots):f}", "price": f"{instrument.price(price):f}"}
        await self._api("privatePostV5OrderAmend", self._named(order) | change)

    async def find(self, order: Order) -> Found:
        """Ask the open orders, which know those that ended lately, then the history."""
        client_id, named = order.request.client_id, self._named(order)
        for method in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            rows = (await self._api(method, named))["result"]["list"]
            if rows:
                return await self._found(rows[0], client_id)
        raise VenueRejected("the exchange does not know the order", next(iter(CODES.unknown_order)))

    async def report(self, since: int) -> VenueReport:
        """See `read_report`."""
        return await read_report(self._api, self._words, self._tell.ids, since)

    async def permissions(self) -> Permissions:
        """As the key's own description tells."""
        row = (await self._api("privateGetV5UserQueryApi"))["result"]
        allowed = row.get("permissions", {})
        trades = {"Order", "Position"} <= set(allowed.get("ContractTrade") or [])
        addresses = [one for one in row.get("ips") or [] if one != "*"]
        return Permissions(
            read=True,
            trade=int(row.get("readOnly", 1)) == 0 and trades,
            withdraw="Withdraw" in (allowed.get("Wallet") or []),
            ip_bound=bool(addresses),
        )

    async def open_stream(self) -> list[asyncio.Future[Any]]:
        """One socket for everything."""
        url = self._client.implode_hostname(self._client.urls["api"]["ws"]["private"]["contract"])
        self.urls = [url]
        expires = str(self._client.nonce() + SIGN_IN_LIVES_MS)
        args = [self._client.apiKey, expires, signed(self._client, f"GET/realtime{expires}", "hex")]
        await sign_in(self._client, url, {"op": "auth", "args": args})
        self._acks = asyncio.Queue()
        ended = await dial(self._client, url, {"op": "subscribe", "args": TOPICS, "req_id": "1"})
        await confirmed(ended, self._acks, 1)
        return [ended]

    async def keep_alive(self) -> None:
        """Pings are all that it takes."""

    async def _found(self, row: dict[str, Any], client_id: str) -> Found:
        self._tell.ids[row["orderId"]] = client_id
        fills: tuple[Fill, ...] = ()
        if float(row["cumExecQty"] or 0):
            asked = {"category": "linear", "symbol": row["symbol"], "orderId": row["orderId"]}
            rows = await executions_of(self._api, asked)
            fills = tuple(self._words.fill(one, client_id) for one in rows if one["execType"] not in NOT_EXECUTIONS)
        return self._words.found(row, fills)

    def _named(self, order: Order) -> dict[str, Any]:
        name = self._words.named(order.request.symbol)
        if order.venue_id:
            return name | {"orderId": order.venue_id}
        return name | {"orderLinkId": order.request.client_id}
