"""Binance USD-M as a venue, through ccxt: signed requests by its implicit methods, the user stream raw.

Stops and targets are separate reduce-only conditional orders on the algo endpoints; attached stop dictionaries would be
ignored silently by the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any

import aiohttp

from engine.errors import VenueError, VenueRateLimited, VenueRejected, VenueUnavailable
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import MarketView
from engine.model.money import to_money
from engine.model.order import CONDITIONAL, Approved, Fill, Order, OrderKind, OrderRequest, OrderStatus, Purpose, Side
from engine.model.venue import VenueOrder, VenuePosition, VenueReport
from engine.ports import Clock, Probe, VenueSink
from engine.probe import no_probe
from engine.venues.ccxt_client import Access, call, make_client

KEEP_ALIVE_S = 30 * 60.0
BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0)
TRADES_MARGIN_MS = 60_000
NO_CHANGE = "-4046"
DUPLICATE = "-4116"
UNKNOWN_ORDER = frozenset({"-2013", "-2011"})

_KINDS: dict[OrderKind, dict[str, str]] = {
    OrderKind.MARKET: {"type": "MARKET"},
    OrderKind.LIMIT: {"type": "LIMIT", "timeInForce": "GTC"},
    OrderKind.POST_ONLY: {"type": "LIMIT", "timeInForce": "GTX"},
    OrderKind.STOP_MARKET: {"type": "STOP_MARKET"},
    OrderKind.TAKE_PROFIT_MARKET: {"type": "TAKE_PROFIT_MARKET"},
}
_ENDED = {
    "CANCELED": OrderStatus.CANCELED,
    "CANCELLED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


class CcxtVenue:
    """Implements Venue.

    Args:
        access: addresses and keys.
        clock: received times.
        probe: told of the crash points on an order's way.
        measure_clock: add the measured offset of the venue's clock to signed requests.
    """

    def __init__(self, access: Access, clock: Clock, *, probe: Probe = no_probe, measure_clock: bool = True) -> None:
        self.name = "binance"
        self.offset_ms = 0
        self._clock = clock
        self._probe = probe
        self._measure = measure_clock
        self._client = make_client(
            access,
            {
                "ORDER_TRADE_UPDATE": self._on_order,
                "ALGO_UPDATE": self._on_algo,
                "ACCOUNT_UPDATE": self._on_account,
                "listenKeyExpired": self._on_key_expired,
                "TRADE_LITE": self._on_nothing,
                "ACCOUNT_CONFIG_UPDATE": self._on_nothing,
                "MARGIN_CALL": self._on_nothing,
            },
            probe,
        )
        self._by_id: dict[str, Instrument] = {}
        self._by_symbol: dict[str, Instrument] = {}
        self._ids: dict[str, str] = {}
        self._leverage: dict[str, int] = {}
        self._sink: VenueSink | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._key = ""
        self.user_events = 0
        self.on_user_event: Callable[[], None] | None = None

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Check the account's mode and start the user stream. Raises VenueError when the venue refuses or is not there."""
        self._sink = sink
        self._by_id = {i.venue_id: i for i in instruments}
        self._by_symbol = {i.symbol: i for i in instruments}
        for order in orders:
            if order.venue_id:
                self._ids[order.venue_id] = order.request.client_id
        if self._measure:
            await self._measure_clock()
        mode = await call(self._client.fapiPrivateGetPositionSideDual)
        if str(mode.get("dualSidePosition")).lower() == "true":
            raise VenueRejected(
                "the account is in hedge mode; switch it to one-way mode, Trefoil nets positions", "hedge"
            )
        self._tasks.append(asyncio.create_task(self._stream()))
        self._tasks.append(asyncio.create_task(self._keep_alive()))

    async def close(self) -> None:
        """Release connections; orders stay where they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    def market(self, view: MarketView, now: int) -> None:
        """Real venues see the market themselves."""

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Send once; the answer is an event."""
        request = approved.request
        try:
            if request.purpose is Purpose.ENTRY:
                await self._prepare(request)
            await self._send(request)
        except (VenueRejected, VenueRateLimited) as error:
            if error.code == DUPLICATE:  # the first attempt was accepted after all
                self._put(e.OrderLost(at=self._clock.now(), client_id=request.client_id, reason=str(error)))
                return
            self._refuse(request.client_id, error)
        except VenueUnavailable as error:
            self._refuse(request.client_id, error)
        except VenueError as error:
            self._put(e.OrderLost(at=self._clock.now(), client_id=request.client_id, reason=str(error)))

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the answer is an event."""
        request = order.request
        params: dict[str, Any] = {"symbol": self._venue_id(request.symbol)}
        try:
            if request.kind in CONDITIONAL:
                await call(self._client.fapiPrivateDeleteAlgoOrder, {**params, "clientAlgoId": request.client_id})
            else:
                await call(self._client.fapiPrivateDeleteOrder, {**params, "origClientOrderId": request.client_id})
        except VenueError as error:
            self._put(
                e.CancelRefused(at=self._clock.now(), client_id=request.client_id, code=error.code, reason=error.reason)
            )
            return
        self._gone(request.client_id, OrderStatus.CANCELED, self._clock.now(), "cancelled")

    async def query(self, order: Order) -> None:
        """Ask what became of an order: its fills first, then its state."""
        try:
            await self._query(order)
        except VenueError as error:
            client_id = order.request.client_id
            if error.code in UNKNOWN_ORDER:
                self._put(e.OrderNotFound(at=self._clock.now(), client_id=client_id))
            else:
                self._put(e.OrderLost(at=self._clock.now(), client_id=client_id, reason=str(error)))

    async def report(self, since: int) -> VenueReport:
        """Open orders, positions, wallet balance and the known orders' executions since a minute before `since`."""
        client = self._client
        orders, algos, positions, balances, server = await _together(
            call(client.fapiPrivateGetOpenOrders),
            call(client.fapiPrivateGetOpenAlgoOrders),
            call(client.fapiPrivateV3GetPositionRisk),
            call(client.fapiPrivateV3GetBalance),
            call(client.fapiPublicGetTime),
        )
        held = [self._position(row) for row in positions if Decimal(row["positionAmt"])]
        balance = next((row["balance"] for row in balances if row["asset"] == "USDT"), "0")
        found = [self._order(row) for row in orders if row["symbol"] in self._by_id]
        found += [self._algo(row) for row in algos if row["symbol"] in self._by_id]
        for row in orders:
            self._ids[str(row["orderId"])] = row["clientOrderId"]
        symbols = {order.symbol for order in found} | {p.symbol for p in held}
        fills = await self._fills_since(symbols, since) if since else []
        return VenueReport(
            orders=tuple(found),
            positions=tuple(held),
            fills=tuple(fills),
            balance=to_money(balance),
            venue_time=int(server["serverTime"]),
        )

    async def _fills_since(self, symbols: set[str], since: int) -> list[Fill]:
        asks = [
            call(
                self._client.fapiPrivateGetUserTrades,
                {"symbol": self._venue_id(symbol), "startTime": max(0, since - TRADES_MARGIN_MS), "limit": 1000},
            )
            for symbol in sorted(symbols)
        ]
        rows = [row for part in await _together(*asks) for row in part if str(row["orderId"]) in self._ids]
        rows.sort(key=lambda row: (int(row["time"]), int(row["id"])))
        return [self._fill_of_trade(row, self._ids[str(row["orderId"])]) for row in rows]

    async def _measure_clock(self) -> None:
        offsets = []
        for _ in range(3):
            before = self._clock.now()
            server = int((await call(self._client.fapiPublicGetTime))["serverTime"])
            offsets.append((before + self._clock.now()) // 2 - server)
        self.offset_ms = sorted(offsets)[1]
        self._client.options["timeDifference"] = self.offset_ms

    async def _prepare(self, request: OrderRequest) -> None:
        """Isolated margin and leverage, once per symbol and leverage."""
        if self._leverage.get(request.symbol) == request.leverage:
            return
        venue_id = self._venue_id(request.symbol)
        if request.symbol not in self._leverage:
            try:
                await call(self._client.fapiPrivatePostMarginType, {"symbol": venue_id, "marginType": "ISOLATED"})
            except VenueRejected as error:
                if error.code != NO_CHANGE:
                    raise
        await call(self._client.fapiPrivatePostLeverage, {"symbol": venue_id, "leverage": request.leverage})
        self._leverage[request.symbol] = request.leverage

    async def _send(self, request: OrderRequest) -> None:
        instrument = self._by_symbol[request.symbol]
        params: dict[str, Any] = {
            "symbol": instrument.venue_id,
            "side": request.side.name,
            "quantity": f"{instrument.quantity(request.lots):f}",
            **_KINDS[request.kind],
        }
        if request.reduce_only:
            params["reduceOnly"] = "true"
        if request.price is not None:
            params["price"] = f"{instrument.price(request.price):f}"
        if request.kind in CONDITIONAL:
            params |= {
                "algoType": "CONDITIONAL",
                "clientAlgoId": request.client_id,
                "triggerPrice": f"{instrument.price(request.trigger or 0):f}",
                "workingType": "MARK_PRICE",
            }
            answer = await call(self._client.fapiPrivatePostAlgoOrder, params)
            venue_id = f"algo:{answer['algoId']}"
        else:
            params |= {"newClientOrderId": request.client_id, "newOrderRespType": "ACK"}
            answer = await call(self._client.fapiPrivatePostOrder, params)
            venue_id = str(answer["orderId"])
            self._ids[venue_id] = request.client_id
        self._accept(request.client_id, venue_id, int(answer.get("updateTime") or self._clock.now()))

    async def _query(self, order: Order) -> None:
        request = order.request
        params: dict[str, Any] = {"symbol": self._venue_id(request.symbol)}
        if request.kind in CONDITIONAL:
            row = await call(self._client.fapiPrivateGetAlgoOrder, {**params, "clientAlgoId": request.client_id})
            status, order_id = row["algoStatus"], str(row.get("actualOrderId") or "")
            if not order_id or order_id == "0":
                self._state(request.client_id, status, f"algo:{row['algoId']}", int(row.get("updateTime") or 0))
                return
            row = await call(self._client.fapiPrivateGetOrder, {**params, "orderId": order_id})
        else:
            row = await call(self._client.fapiPrivateGetOrder, {**params, "origClientOrderId": request.client_id})
        order_id = str(row["orderId"])
        self._ids[order_id] = request.client_id
        if Decimal(row["executedQty"]):
            trades = await call(self._client.fapiPrivateGetUserTrades, {**params, "orderId": order_id})
            for trade in trades:
                fill = self._fill_of_trade(trade, request.client_id)
                self._put(e.OrderFilled(at=self._clock.now(), fill=fill))
        self._state(request.client_id, row["status"], order_id, int(row["updateTime"]))

    def _state(self, client_id: str, status: str, venue_id: str, venue_time: int) -> None:
        if status in {"NEW", "PARTIALLY_FILLED"}:
            self._accept(client_id, venue_id, venue_time)
        elif status in _ENDED:
            self._gone(client_id, _ENDED[status], venue_time, status.lower())

    # The user stream

    async def _stream(self) -> None:
        import ccxt

        failures = 0
        while True:
            try:
                answer = await call(self._client.fapiPrivatePostListenKey)
                self._key = answer["listenKey"]
                url = f"{self._client.get_ws_url('linear', 'private')}?listenKey={self._key}"
                socket = self._client.client(url)
                ended = self._client.watch(url, "trefoil", None, "trefoil", {"id": "1"})
                await socket.connected
                failures = 0
                self._link(up=True, reason="")
                await ended
            except (
                ccxt.NetworkError,
                ccxt.ExchangeError,
                VenueError,
                aiohttp.ClientError,
                ConnectionError,
                TimeoutError,
            ) as error:
                reason = str(error).replace(self._key, "...") if self._key else str(error)
                self._link(up=False, reason=reason.splitlines()[0][:120] if reason else type(error).__name__)
            for url in [url for url in self._client.clients if "listenKey" in url]:
                self._client.clients.pop(url)
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            try:
                await call(self._client.fapiPrivatePutListenKey)
            except VenueError as error:
                self._link(up=False, reason=f"listen key not extended: {error}")

    def _on_key_expired(self, _message: dict[str, Any]) -> None:
        import ccxt

        for url, socket in list(self._client.clients.items()):
            if "listenKey" in url:
                socket.on_error(ccxt.NetworkError("the listen key expired"))

    def _on_nothing(self, _message: dict[str, Any]) -> None:
        self._count()

    def _count(self) -> None:
        self.user_events += 1
        if self.on_user_event is not None:
            self.on_user_event()

    def _on_order(self, message: dict[str, Any]) -> None:
        o = message["o"]
        instrument = self._by_id.get(o["s"])
        if instrument is not None:
            order_id, client_id = str(o["i"]), o["c"]
            self._ids[order_id] = client_id
            match o["x"]:
                case "NEW":
                    self._accept(client_id, order_id, int(message["T"]))
                case "TRADE":
                    self._probe("filled_not_booked")
                    self._put(e.OrderFilled(at=self._clock.now(), fill=self._fill_of_update(o, instrument)))
                case "CANCELED" | "EXPIRED" | "REJECTED" as ended:
                    self._gone(client_id, _ENDED[ended], int(message["T"]), ended.lower())
        self._count()

    def _on_algo(self, message: dict[str, Any]) -> None:
        o = message["o"]
        status, client_id = o["X"], o["caid"]
        if o["s"] in self._by_id:
            if status == "NEW":
                self._accept(client_id, f"algo:{o['aid']}", int(message["T"]))
            elif status in _ENDED:
                self._gone(client_id, _ENDED[status], int(message["T"]), o.get("rm") or status.lower())
            elif o.get("ai"):
                self._ids[str(o["ai"])] = client_id
        self._count()

    def _on_account(self, message: dict[str, Any]) -> None:
        update = message["a"]
        if update.get("m") == "FUNDING_FEE":
            symbol = next((self._by_id[p["s"]].symbol for p in update.get("P", []) if p["s"] in self._by_id), "")
            for row in update["B"]:
                amount = to_money(row["bc"])
                if amount:
                    self._put(
                        e.FundingPaid(at=self._clock.now(), symbol=symbol, amount=amount, venue_time=int(message["T"]))
                    )
        self._count()

    # Small parts

    def _fill_of_update(self, o: dict[str, Any], instrument: Instrument) -> Fill:
        return Fill(
            trade_id=str(o["t"]),
            client_id=o["c"],
            symbol=instrument.symbol,
            side=Side[o["S"]],
            ticks=instrument.nearest_ticks(Decimal(o["L"])),
            lots=instrument.floor_lots(Decimal(o["l"])),
            fee=to_money(o.get("n") or "0"),
            maker=bool(o["m"]),
            venue_time=int(o["T"]),
        )

    def _fill_of_trade(self, row: dict[str, Any], client_id: str) -> Fill:
        instrument = self._by_id[row["symbol"]]
        return Fill(
            trade_id=str(row["id"]),
            client_id=client_id,
            symbol=instrument.symbol,
            side=Side[row["side"]],
            ticks=instrument.nearest_ticks(Decimal(row["price"])),
            lots=instrument.floor_lots(Decimal(row["qty"])),
            fee=to_money(row["commission"]),
            maker=bool(row["maker"]),
            venue_time=int(row["time"]),
        )

    def _order(self, row: dict[str, Any]) -> VenueOrder:
        instrument = self._by_id[row["symbol"]]
        return VenueOrder(
            client_id=row["clientOrderId"],
            venue_id=str(row["orderId"]),
            symbol=instrument.symbol,
            status=OrderStatus.WORKING,
            filled=instrument.floor_lots(Decimal(row["executedQty"])),
            reduce_only=bool(row["reduceOnly"]),
            venue_time=int(row["updateTime"]),
        )

    def _algo(self, row: dict[str, Any]) -> VenueOrder:
        return VenueOrder(
            client_id=row["clientAlgoId"],
            venue_id=f"algo:{row['algoId']}",
            symbol=self._by_id[row["symbol"]].symbol,
            status=OrderStatus.WORKING,
            filled=0,
            reduce_only=bool(row["reduceOnly"]),
            venue_time=int(row.get("updateTime") or 0),
        )

    def _position(self, row: dict[str, Any]) -> VenuePosition:
        instrument = self._by_id.get(row["symbol"])
        if instrument is None:
            return VenuePosition(symbol=row["symbol"], lots=0, entry=float(row["entryPrice"]))
        lots = int(Decimal(row["positionAmt"]) / instrument.lot_size)
        return VenuePosition(symbol=instrument.symbol, lots=lots, entry=float(row["entryPrice"]))

    def _venue_id(self, symbol: str) -> str:
        return self._by_symbol[symbol].venue_id

    def _put(self, event: e.Event) -> None:
        assert self._sink is not None
        self._sink.event(event)

    def _accept(self, client_id: str, venue_id: str, venue_time: int) -> None:
        self._put(e.OrderAccepted(at=self._clock.now(), client_id=client_id, venue_id=venue_id, venue_time=venue_time))

    def _refuse(self, client_id: str, error: VenueError) -> None:
        self._put(e.OrderRefused(at=self._clock.now(), client_id=client_id, code=error.code, reason=error.reason))

    def _gone(self, client_id: str, status: OrderStatus, venue_time: int, reason: str) -> None:
        self._put(
            e.OrderGone(at=self._clock.now(), client_id=client_id, status=status, venue_time=venue_time, reason=reason)
        )

    def _link(self, *, up: bool, reason: str) -> None:
        assert self._sink is not None
        self._sink.link("venue", up=up, reason=reason)


async def _together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    return list(await asyncio.gather(*work))
