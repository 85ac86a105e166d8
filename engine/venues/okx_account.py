"""An account at OKX, net positions with isolated margin; see `AccountApi`.

Stops and targets are conditional (algo) orders of their own. There is no endpoint that cancels everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from engine.errors import VenueError, VenueRejected
from engine.model.instrument import Instrument
from engine.model.order import CONDITIONAL, Fill, Order, OrderRequest, OrderStatus
from engine.model.venue import VenueReport
from engine.venues.account_api import Found, Permissions, Placed, lane_of
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import confirmed, dial, sign_in, signed
from engine.venues.ccxt_errors import ACCOUNT_MODE, HEDGE, PERMISSION
from engine.venues.okx_ids import to_okx
from engine.venues.okx_report import fills_of, open_algos, open_orders, read_report
from engine.venues.okx_user_events import UserEvents, new_funding
from engine.venues.okx_words import ALGO, ALGO_OPEN, Words
from engine.venues.tell import Tell

SPOT_MODE = "1"
BATCH, ALGO_BATCH = 20, 10
FUNDING_AGAIN_S = (0.0, 1.0, 3.0)
CHANNELS = (
    ("private", [{"channel": "orders", "instType": "SWAP"}, {"channel": "balance_and_position"}]),
    ("business", [{"channel": "orders-algo", "instType": "SWAP"}]),
)


class OkxAccount:
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
        self._canceling: set[str] = set()
        self._events = UserEvents(tell, self._canceling)
        self._bills: set[str] = set()
        self._acks: asyncio.Queue[None] = asyncio.Queue()

    def learn(self, instruments: Sequence[Instrument], orders: Sequence[Order]) -> None:
        """What is traded, and the open orders that are known."""
        self._words = self._events.words = Words(instruments)
        self._tell.ids.update({order.venue_id: order.request.client_id for order in orders if order.venue_id})

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Who hears which messages."""
        own = {"notice": self._notice, "subscribe": lambda _: self._acks.put_nowait(None)}
        return self._events.handlers() | own

    async def server_time(self) -> int:
        """Ms UTC."""
        return int((await self._api("publicGetPublicTime"))["data"][0]["ts"])

    async def check(self) -> None:
        """Refuse hedged positions, the spot mode, and keys that may not trade; then learn the contracts' sizes."""
        config = (await self._api("privateGetAccountConfig"))["data"][0]
        if config["posMode"] != "net_mode":
            text = "the account is in hedge mode (long/short); switch it to one-way mode (net), Trefoil nets positions"
            raise VenueRejected(text, HEDGE)
        if config["acctLv"] == SPOT_MODE:
            raise VenueRejected("the account is in spot mode; switch it to futures mode on the exchange", ACCOUNT_MODE)
        if "trade" not in config["perm"].split(","):
            raise VenueRejected("the key may not trade; allow trading on the exchange's API page", PERMISSION)
        self._words.list_contracts((await self._api("publicGetPublicInstruments", {"instType": "SWAP"}))["data"])

    async def prepare(self, symbol: str, leverage: int, *, first: bool) -> None:
        """The leverage; each order says itself that its margin is isolated."""
        params = {"instId": self._words.venue_id(symbol), "lever": str(leverage), "mgnMode": "isolated"}
        await self._api("privatePostAccountSetLeverage", params)

    async def place(self, request: OrderRequest) -> Placed:
        """Send once."""
        params = self._words.order(request)
        if request.kind in CONDITIONAL:
            row = (await self._api("privatePostTradeOrderAlgo", params, lane=lane_of(request)))["data"][0]
            return Placed(f"{ALGO}{row['algoId']}", 0)
        row = (await self._api("privatePostTradeOrder", params, lane=lane_of(request)))["data"][0]
        self._tell.ids[row["ordId"]] = request.client_id
        return Placed(row["ordId"], int(row.get("ts") or 0))

    async def cancel(self, order: Order) -> Found:
        """OKX takes note of a cancel; what became of the order is asked for."""
        self._canceling.add(order.request.client_id)
        try:
            if self._waits(order):
                await self._api("privatePostTradeCancelAlgos", [self._named_algo(order)])
            else:
                await self._api("privatePostTradeCancelOrder", self._named(order))
            return await self.find(order)
        finally:
            self._canceling.discard(order.request.client_id)

    async def cancel_all(self, symbol: str) -> None:
        """List the open orders and cancel them in batches."""
        name = self._words.venue_id(symbol)
        plain, algos = await open_orders(self._api, name), await open_algos(self._api, name)
        for begin in range(0, len(plain), BATCH):
            rows = [{"instId": name, "ordId": row["ordId"]} for row in plain[begin : begin + BATCH]]
            await self._api("privatePostTradeCancelBatchOrders", rows)
        self._canceling.update(self._words.client_id(row) for row in algos)
        for begin in range(0, len(algos), ALGO_BATCH):
            rows = [{"instId": name, "algoId": row["algoId"]} for row in algos[begin : begin + ALGO_BATCH]]
            await self._api("privatePostTradeCancelAlgos", rows)

    async def amend(self, order: Order, lots: int, price: int) -> None:
        """Size and price of a limit order."""
        symbol = order.request.symbol
        change = {
            "newSz": self._words.contracts(symbol, lots),
            "newPx": f"{self._words.by_symbol[symbol].price(price):f}",
        }
        await self._api("privatePostTradeAmendOrder", self._named(order) | change)

    async def find(self, order: Order) -> Found:
        """Ask by id; a conditional order that triggered goes on as a plain one."""
        client_id = order.request.client_id
        if not self._waits(order):
            return await self._find_plain(self._named(order), client_id)
        row = (await self._api("privateGetTradeOrderAlgo", self._named_algo(order)))["data"][0]
        venue_id, time = f"{ALGO}{row['algoId']}", int(row.get("uTime") or row["cTime"])
        became = next((one for one in [*(row.get("ordIdList") or []), row.get("ordId")] if one), "")
        if became:
            return await self._find_plain({"instId": row["instId"], "ordId": became}, client_id)
        if row["state"] in ALGO_OPEN:
            return Found(status=OrderStatus.WORKING, venue_id=venue_id, venue_time=time)
        if row["state"] == "order_failed":
            text = "the exchange could not place the order when it triggered"
            code = row.get("failCode") or "order_failed"
            return Found(status=OrderStatus.REJECTED, venue_id=venue_id, venue_time=time, reason=text, code=code)
        status = OrderStatus.CANCELED if client_id in self._canceling else OrderStatus.EXPIRED
        return Found(status=status, venue_id=venue_id, venue_time=time, reason=row["state"])

    async def report(self, since: int) -> VenueReport:
        """See `read_report`."""
        return await read_report(self._api, self._words, self._tell.ids, since)

    async def permissions(self) -> Permissions:
        """As the account's configuration tells."""
        config = (await self._api("privateGetAccountConfig"))["data"][0]
        allowed = set(config.get("perm", "").split(","))
        return Permissions(
            read="read_only" in allowed,
            trade="trade" in allowed,
            withdraw="withdraw" in allowed,
            ip_bound=bool(config.get("ip")),
        )

    async def open_stream(self) -> list[asyncio.Future[Any]]:
        """Plain orders and the balance on one socket, conditional orders on another; both are signed in."""
        self.urls = [self._client.get_url("", access) for access, _ in CHANNELS]
        ended = []
        self._acks = asyncio.Queue()
        for (_, channels), url in zip(CHANNELS, self.urls, strict=True):
            await sign_in(self._client, url, self._login())
            ended.append(await dial(self._client, url, {"op": "subscribe", "args": channels}))
            await confirmed(ended[-1], self._acks, len(channels))
        return ended

    def _login(self) -> dict[str, Any]:
        stamp = str(self._client.nonce() // 1000)
        arg = {"apiKey": self._client.apiKey, "passphrase": self._client.password, "timestamp": stamp}
        arg["sign"] = signed(self._client, f"{stamp}GET/users/self/verify", "base64")
        return {"op": "login", "args": [arg]}

    async def keep_alive(self) -> None:
        """Ask for the bills whenever the stream says that funding was booked: it does not say how much."""
        while True:
            since = await self._events.funding_due()
            for pause in FUNDING_AGAIN_S:
                await asyncio.sleep(pause)
                try:
                    bills = await self._api("privateGetAccountBills", {"type": "8", "instType": "SWAP", "begin": since})
                except VenueError:
                    continue  # the next report has the balance
                found = new_funding(bills["data"], self._words, self._bills)
                for symbol, amount, time in found:
                    self._tell.funding(symbol, amount, time)
                if found:
                    break

    async def _find_plain(self, named: dict[str, str], client_id: str) -> Found:
        row = (await self._api("privateGetTradeOrder", named))["data"][0]
        self._tell.ids[row["ordId"]] = client_id
        fills: tuple[Fill, ...] = ()
        if float(row["accFillSz"] or 0):
            asked = {"instId": row["instId"], "ordId": row["ordId"]}
            rows = await fills_of(self._api, asked) or await fills_of(self._api, asked, old=True)
            fills = tuple(self._words.fill(one, client_id, one["fee"]) for one in rows)
        return self._words.found(row, fills)

    def _waits(self, order: Order) -> bool:
        """Whether an order is conditional and not known to have triggered."""
        plain = order.venue_id and not order.venue_id.startswith(ALGO)
        return order.venue_id.startswith(ALGO) or (order.request.kind in CONDITIONAL and not plain)

    def _named(self, order: Order) -> dict[str, str]:
        name = {"instId": self._words.venue_id(order.request.symbol)}
        if order.venue_id:
            return name | {"ordId": order.venue_id}
        return name | {"clOrdId": to_okx(order.request.client_id)}

    def _named_algo(self, order: Order) -> dict[str, str]:
        name = {"instId": self._words.venue_id(order.request.symbol)}
        if order.venue_id.startswith(ALGO):
            return name | {"algoId": order.venue_id.removeprefix(ALGO)}
        return name | {"algoClOrdId": to_okx(order.request.client_id)}

    def _notice(self, message: dict[str, Any]) -> None:
        """The exchange is about to close the connection: open a new one before it does."""
        import ccxt

        reason = str(message.get("msg") or "the exchange asks for a new connection")
        for url in self.urls:
            socket = self._client.clients.get(url)
            if socket is not None:
                socket.on_error(ccxt.NetworkError(reason))
