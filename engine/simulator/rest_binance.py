"""One request of Binance's REST API: limits, key, signature, faults, endpoint, answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from engine.errors import VenueRejected
from engine.simulator import rest_account as account
from engine.simulator import rest_market as market
from engine.simulator import rest_orders as orders
from engine.simulator import rest_wallet as wallet
from engine.simulator.parameters import Parameters
from engine.simulator.rate_limits import ORDER_PATHS, Verdict, weight_of
from engine.simulator.signing import check_key, check_signature
from engine.simulator.simulation import Simulation
from engine.simulator.struck import answered

Endpoint = Callable[[Simulation, Parameters], object]


class Access(Enum):
    """What a request must prove."""

    PUBLIC = "public"
    KEY = "key"
    SIGNED = "signed"


@dataclass(frozen=True)
class Route:
    """An endpoint and what it asks of the caller."""

    endpoint: Endpoint
    access: Access = Access.SIGNED


_PUBLIC = {
    "/fapi/v1/ping": market.ping,
    "/fapi/v1/time": market.time,
    "/fapi/v1/exchangeInfo": market.exchange_info,
    "/fapi/v1/klines": market.klines,
    "/fapi/v1/ticker/24hr": market.ticker_24hr,
    "/fapi/v1/ticker/price": market.ticker_price,
    "/fapi/v2/ticker/price": market.ticker_price,
    "/fapi/v1/ticker/bookTicker": market.book_ticker,
    "/fapi/v1/depth": market.depth,
    "/fapi/v1/trades": market.trades,
    "/fapi/v1/aggTrades": market.agg_trades,
    "/fapi/v1/premiumIndex": market.premium_index,
    "/fapi/v1/fundingRate": market.funding_rate,
}
_SIGNED: dict[tuple[str, str], Endpoint] = {
    ("POST", "/fapi/v1/order"): orders.create,
    ("GET", "/fapi/v1/order"): orders.query,
    ("GET", "/fapi/v1/openOrder"): orders.query,
    ("DELETE", "/fapi/v1/order"): orders.cancel,
    ("PUT", "/fapi/v1/order"): orders.amend,
    ("GET", "/fapi/v1/openOrders"): orders.open_orders,
    ("GET", "/fapi/v1/allOrders"): orders.all_orders,
    ("DELETE", "/fapi/v1/allOpenOrders"): orders.cancel_all,
    ("POST", "/fapi/v1/algoOrder"): orders.create_algo,
    ("GET", "/fapi/v1/algoOrder"): orders.query_algo,
    ("DELETE", "/fapi/v1/algoOrder"): orders.cancel_algo,
    ("GET", "/fapi/v1/openAlgoOrders"): orders.open_algo_orders,
    ("GET", "/fapi/v1/allAlgoOrders"): orders.all_algo_orders,
    ("DELETE", "/fapi/v1/algoOpenOrders"): orders.cancel_all_algo,
    ("GET", "/fapi/v1/userTrades"): orders.user_trades,
    ("GET", "/fapi/v1/income"): account.income,
    ("GET", "/fapi/v1/commissionRate"): account.commission_rate,
    ("POST", "/fapi/v1/leverage"): account.leverage,
    ("POST", "/fapi/v1/marginType"): account.margin_type,
    ("GET", "/fapi/v1/positionSide/dual"): account.position_mode,
    ("POST", "/fapi/v1/positionSide/dual"): account.set_position_mode,
    ("GET", "/fapi/v1/leverageBracket"): account.leverage_bracket,
    ("GET", "/fapi/v1/symbolConfig"): account.symbol_config,
    ("GET", "/fapi/v1/accountConfig"): account.account_config,
    ("GET", "/fapi/v2/account"): account.account_v2,
    ("GET", "/fapi/v3/account"): account.account,
    ("GET", "/fapi/v2/balance"): account.balance,
    ("GET", "/fapi/v3/balance"): account.balance,
    ("GET", "/fapi/v2/positionRisk"): account.position_risk_v2,
    ("GET", "/fapi/v3/positionRisk"): account.position_risk,
    ("GET", "/sapi/v1/capital/config/getall"): wallet.coins,
    ("GET", "/sapi/v1/account/apiRestrictions"): wallet.api_restrictions,
    ("GET", "/sapi/v1/margin/allPairs"): wallet.margin_pairs,
}
_KEYED: dict[tuple[str, str], Endpoint] = {
    ("POST", "/fapi/v1/listenKey"): account.create_listen_key,
    ("PUT", "/fapi/v1/listenKey"): account.extend_listen_key,
    ("DELETE", "/fapi/v1/listenKey"): account.close_listen_key,
}
ROUTES: dict[tuple[str, str], Route] = (
    {("GET", path): Route(endpoint, Access.PUBLIC) for path, endpoint in _PUBLIC.items()}
    | {key: Route(endpoint) for key, endpoint in _SIGNED.items()}
    | {key: Route(endpoint, Access.KEY) for key, endpoint in _KEYED.items()}
)
# Binance's error code -> HTTP status; every other refusal is 400.
_STATUS = {"-2014": 401, "-2015": 401, "-1003": 429, "-1015": 429, "-1008": 503}


class RestServer:
    """Answers REST requests for one simulation; also says what faults make it say.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; faults that are switched on strike before and after the endpoint."""
        path = request.path
        body = (await request.read()).decode("utf-8", "replace")
        query = request.raw_path.partition("?")[2]
        verdict = self._charge(request.method, path, query, body)
        faults = self._sim.switchboard.request(request.method, path)
        refused = _limited(verdict)
        if refused is not None:
            return refused
        return await answered(request, faults, self, lambda: self._counted(request, query, body, verdict))

    def limited(self, status: int, wait_s: int) -> web.Response:
        """-1003, with seconds to wait."""
        response = _refusal("-1003", "Too many requests; a fault is switched on.", status)
        response.headers["Retry-After"] = str(wait_s)
        return response

    def rejected(self, code: str) -> web.Response:
        """An order's refusal."""
        return _refusal(code, "Order rejected; a fault is switched on.", 400)

    def failing(self, status: int) -> web.Response:
        """-1007: the outcome is not known."""
        text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        return _refusal("-1007", text, status)

    def _counted(self, request: web.Request, query: str, body: str, verdict: Verdict) -> web.Response:
        response = self._answer(request, query, body)
        response.headers.update(_used(verdict))
        return response

    def _charge(self, method: str, path: str, query: str, body: str) -> Verdict:
        tail = path.split("/", 3)[3] if path.count("/") >= 3 else path
        values = _values(query, body)
        limit = values.get("limit", "")
        weight = weight_of(
            method, tail, symbol=bool(values.get("symbol")), limit=int(limit[:6]) if limit.isdigit() else 0
        )
        return self._sim.limits.charge(self._sim.limit_clock(), weight, order=(method, tail) in ORDER_PATHS)

    def _answer(self, request: web.Request, query: str, body: str) -> web.Response:
        route = ROUTES.get((request.method, request.path))
        if route is None:
            return _json({"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}, 404)
        try:
            if route.access is not Access.PUBLIC:
                check_key(self._sim.keys, request.headers.get("X-MBX-APIKEY"))
            if route.access is Access.SIGNED:
                now = self._sim.wall() + self._sim.switchboard.skew_ms()
                check_signature(self._sim.keys, query, body, now)
                if request.method != "GET":
                    self._sim.rights.check_trade("Invalid API-key, IP, or permissions for action.", "-2015")
            return _json(route.endpoint(self._sim, Parameters(_values(query, body))), 200)
        except VenueRejected as refusal:
            return _refusal(refusal.code, refusal.reason, _STATUS.get(refusal.code, 400))


def _values(query: str, body: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))


def _json(value: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _refusal(code: str, reason: str, status: int) -> web.Response:
    return _json({"code": int(code), "msg": reason}, status)


def _used(verdict: Verdict) -> dict[str, str]:
    return {
        "X-MBX-USED-WEIGHT-1M": str(verdict.used_weight),
        "X-MBX-ORDER-COUNT-10S": str(verdict.orders_10s),
        "X-MBX-ORDER-COUNT-1M": str(verdict.orders_1m),
    }


def _limited(verdict: Verdict) -> web.Response | None:
    if verdict.status == 200:
        return None
    response = _refusal(str(verdict.code), verdict.message, verdict.status)
    response.headers.update(_used(verdict) | {"Retry-After": str(verdict.retry_after)})
    return response
