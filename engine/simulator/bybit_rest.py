"""One request of Bybit's REST API: limits, key, signature, faults, endpoint, answer."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from engine.errors import VenueRejected
from engine.simulator import bybit_account as account
from engine.simulator import bybit_market as market
from engine.simulator import bybit_orders as orders
from engine.simulator.bybit_words import refusal
from engine.simulator.endpoint_limits import EndpointLimits
from engine.simulator.parameters import Parameters
from engine.simulator.signing import sign
from engine.simulator.simulation import Simulation
from engine.simulator.struck import answered

AHEAD_MS = 1_000
LONGEST_WINDOW_MS = 60_000

Endpoint = Callable[[Simulation, Parameters], dict[str, Any]]

_PUBLIC: dict[str, Endpoint] = {
    "market/time": market.time,
    "market/instruments-info": market.instruments_info,
    "market/kline": market.kline,
    "market/tickers": market.tickers,
    "market/orderbook": market.orderbook,
    "market/recent-trade": market.recent_trades,
    "market/risk-limit": market.risk_limit,
    "market/funding/history": market.funding_history,
}
# what is asked -> (endpoint, requests a second)
_PRIVATE: dict[str, tuple[Endpoint, int]] = {
    "asset/coin/query-info": (account.coins, 5),
    "user/query-api": (account.query_api, 10),
    "account/info": (account.info, 50),
    "account/wallet-balance": (account.wallet_balance, 50),
    "account/fee-rate": (account.fee_rate, 10),
    "position/list": (account.positions, 50),
    "order/realtime": (orders.realtime, 50),
    "order/history": (orders.history, 50),
    "execution/list": (orders.executions, 50),
}
# what is done -> (endpoint, the switchboard's name of it, requests a second)
_CHANGES: dict[str, tuple[Endpoint, str, int]] = {
    "account/set-margin-mode": (account.set_margin_mode, "POST", 5),
    "position/set-leverage": (account.set_leverage, "POST", 10),
    "position/switch-mode": (account.switch_mode, "POST", 10),
    "order/create": (orders.create, "POST", 10),
    "order/amend": (orders.amend, "PUT", 10),
    "order/cancel": (orders.cancel, "DELETE", 10),
    "order/cancel-all": (orders.cancel_all, "DELETE", 10),
}
LIMITS = {f"GET {path}": limit for path, (_, limit) in _PRIVATE.items()} | {
    f"POST {path}": limit for path, (_, _, limit) in _CHANGES.items()
}


class BybitRest:
    """Answers Bybit's REST requests for one simulation; also says what faults make it say.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation
        self._limits = EndpointLimits(LIMITS, 1.0)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path, body = request.match_info["tail"], (await request.read()).decode("utf-8", "replace")
        most, left, wait_s = self._limits.charge(self._sim.limit_clock(), f"{request.method} {path}")
        if left < 0:
            self._sim.refused_by_endpoint["bybit"] += 1
            return self._too_many(wait_s)
        method = _CHANGES[path][1] if request.method == "POST" and path in _CHANGES else request.method
        # there is one path for plain orders and conditional ones; faults tell them apart
        conditional = "/conditional" if method == "POST" and "triggerPrice" in body else ""
        faults = self._sim.switchboard.request(method, request.path + conditional)
        response = await answered(request, faults, self, lambda: self._answer(request, path, body))
        if most and "X-Bapi-Limit-Status" not in response.headers and not response.prepared:
            response.headers["X-Bapi-Limit"] = str(most)
            response.headers["X-Bapi-Limit-Status"] = str(left)
        return response

    def limited(self, status: int, wait_s: int) -> web.Response:
        """10006 with the time when there is room again; a ban (403) comes from the network before Bybit."""
        if status == 418:
            body = orjson.dumps({"retCode": 403, "retMsg": "access too frequent, please try it again in 10 minutes"})
            response = web.Response(body=body, status=403, content_type="application/json")
            response.headers["Retry-After"] = str(wait_s)
            return response
        return self._too_many(float(wait_s))

    def rejected(self, code: str) -> web.Response:
        """An order's refusal."""
        return self._json(int(code), "Rejected by a fault.", {})

    def failing(self, status: int) -> web.Response:
        """10016: the outcome is not known."""
        return self._json(10016, "Internal server error. Server Timeout", {}, status)

    def _too_many(self, wait_s: float) -> web.Response:
        response = self._json(10006, "Too many visits. Exceeded the API Rate Limit.", {})
        response.headers["X-Bapi-Limit-Status"] = "0"
        response.headers["X-Bapi-Limit-Reset-Timestamp"] = str(int(self._sim.server_time() + wait_s * 1000))
        return response

    def _answer(self, request: web.Request, path: str, body: str) -> web.Response:
        query = request.raw_path.partition("?")[2]
        try:
            asked = Parameters(dict(parse_qsl(query, keep_blank_values=True)))
            if request.method == "GET" and path in _PUBLIC:
                return self._json(0, "OK", _PUBLIC[path](self._sim, asked))
            self._check_signature(request, query or body)
            if request.method == "GET" and path in _PRIVATE:
                return self._json(0, "OK", _PRIVATE[path][0](self._sim, asked))
            self._sim.rights.check_trade("Permission denied, please check your API key permissions.", "10005")
            if request.method == "POST" and path in _CHANGES:
                texts = {k: _text(v) for k, v in orjson.loads(body).items()} if body else {}
                return self._json(0, "OK", _CHANGES[path][0](self._sim, Parameters(texts)))
        except VenueRejected as refused:
            said = refusal(refused)
            return self._json(int(said.code), said.reason, {})
        except (orjson.JSONDecodeError, AttributeError):
            return self._json(10001, "params error: the body is no JSON object", {})
        return self._json(404, "path not found", {}, 404)

    def _check_signature(self, request: web.Request, payload: str) -> None:
        heads, keys = request.headers, self._sim.keys
        given, window = heads.get("X-BAPI-TIMESTAMP", ""), heads.get("X-BAPI-RECV-WINDOW", "5000")
        if not hmac.compare_digest(heads.get("X-BAPI-API-KEY", ""), keys.api_key):
            raise VenueRejected("API key is invalid.", "10003")
        if not given.isdigit() or not window.isdigit() or int(window) > LONGEST_WINDOW_MS:
            raise VenueRejected("params error: timestamp or recv_window", "10001")
        expected = sign(keys.secret, given + keys.api_key + window + payload)
        if not hmac.compare_digest(heads.get("X-BAPI-SIGN", ""), expected):
            raise VenueRejected("error sign! please check your signature generation algorithm.", "10004")
        now = self._now()
        if not now - int(window) <= int(given) < now + AHEAD_MS:
            text = f"invalid request, please check your server timestamp or recv_window param. req_timestamp[{given}]"
            raise VenueRejected(f"{text},server_timestamp[{now}],recv_window[{window}]", "10002")

    def _now(self) -> int:
        return self._sim.wall() + self._sim.switchboard.skew_ms()

    def _json(self, code: int, text: str, result: dict[str, Any], status: int = 200) -> web.Response:
        value = {
            "retCode": code,
            "retMsg": text,
            "result": result,
            "retExtInfo": {},
            "time": self._sim.server_time(),
        }
        return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
