"""One request of OKX's REST API: limits, key, signature, faults, endpoint, answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from engine.errors import VenueRejected
from engine.simulator import okx_account as account
from engine.simulator import okx_market as market
from engine.simulator import okx_orders as orders
from engine.simulator.endpoint_limits import EndpointLimits
from engine.simulator.okx_words import refusal
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.struck import answered

WINDOW_S = 2.0
STAMP_LIVES_MS = 30_000

Endpoint = Callable[[Simulation, Parameters], list[Any]]
Action = Callable[[Simulation, Parameters], dict[str, object]]

_PUBLIC: dict[str, tuple[Endpoint, int]] = {
    "public/time": (market.time, 10),
    "public/instruments": (market.instruments, 20),
    "public/mark-price": (market.mark_price, 10),
    "public/funding-rate": (market.funding_rate, 10),
    "market/candles": (market.candles, 40),
    "market/history-candles": (market.history_candles, 20),
    "market/ticker": (market.tickers, 20),
    "market/tickers": (market.tickers, 20),
    "market/books": (market.books, 40),
    "market/trades": (market.trades, 100),
}
_PRIVATE: dict[str, tuple[Endpoint, int]] = {
    "asset/currencies": (account.currencies, 12),
    "account/balance": (account.balance, 10),
    "account/positions": (account.positions, 10),
    "account/config": (account.config, 5),
    "account/leverage-info": (account.leverage, 20),
    "account/trade-fee": (account.fees, 5),
    "account/bills": (account.bills, 5),
    "trade/order": (orders.query, 60),
    "trade/orders-pending": (orders.pending, 60),
    "trade/orders-history": (orders.history, 40),
    "trade/fills": (orders.fills, 60),
    "trade/fills-history": (orders.fills, 10),
    "trade/order-algo": (orders.query_algo, 20),
    "trade/orders-algo-pending": (orders.pending_algos, 20),
}
_CHANGES: dict[str, tuple[Endpoint, int]] = {
    "account/set-leverage": (account.set_leverage, 20),
    "account/set-position-mode": (account.set_position_mode, 5),
}
# path -> (action, the switchboard's name of what it does, limit); lists of them are the batch endpoints
_ACTIONS: dict[str, tuple[Action, str, int]] = {
    "trade/order": (orders.create, "POST", 60),
    "trade/batch-orders": (orders.create, "POST", 300),
    "trade/cancel-order": (orders.cancel, "DELETE", 60),
    "trade/cancel-batch-orders": (orders.cancel, "DELETE", 300),
    "trade/amend-order": (orders.amend, "PUT", 60),
    "trade/order-algo": (orders.create_algo, "POST", 20),
    "trade/cancel-algos": (orders.cancel_algo, "DELETE", 20),
}
LIMITS = (
    {f"GET {path}": limit for path, (_, limit) in (_PUBLIC | _PRIVATE).items()}
    | {f"POST {path}": limit for path, (_, limit) in _CHANGES.items()}
    | {f"POST {path}": limit for path, (_, _, limit) in _ACTIONS.items()}
)
_STATUS = {"50111": 401, "50113": 401, "50102": 401, "50105": 401, "50103": 401, "50120": 401, "50011": 429}


class OkxRest:
    """Answers OKX's REST requests for one simulation; also says what faults make it say.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation
        self._limits = EndpointLimits(LIMITS, WINDOW_S)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path, body = request.match_info["tail"], (await request.read()).decode("utf-8", "replace")
        _, left, _ = self._limits.charge(self._sim.limit_clock(), f"{request.method} {path}")
        if left < 0:
            self._sim.refused_by_endpoint["okx"] += 1
            return _error("50011", "Too Many Requests", 429)
        method = _ACTIONS[path][1] if request.method == "POST" and path in _ACTIONS else request.method
        faults = self._sim.switchboard.request(method, request.path)
        return await answered(request, faults, self, lambda: self._answer(request, path, body))

    def limited(self, status: int, wait_s: int) -> web.Response:
        """50011; a ban comes from the network before OKX."""
        response = _error("50011", "Too Many Requests", status)
        response.headers["Retry-After"] = str(wait_s)
        return response

    def rejected(self, code: str) -> web.Response:
        """An order's refusal."""
        return _json({"code": "1", "msg": "All operations failed", "data": [_failed("", code, "Rejected by a fault.")]})

    def failing(self, status: int) -> web.Response:
        """50004: the outcome is not known."""
        return _error("50004", "Endpoint request timeout (does not indicate success or failure of order)", status)

    def _answer(self, request: web.Request, path: str, body: str) -> web.Response:
        try:
            if request.method == "GET" and path in _PUBLIC:
                query = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
                return _done(_PUBLIC[path][0](self._sim, Parameters(query)))
            check_signature(self._sim, request, body)
            if request.method == "GET" and path in _PRIVATE:
                query = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
                return _done(_PRIVATE[path][0](self._sim, Parameters(query)))
            self._sim.rights.check_trade("This API key doesn't have permission to use this function", "50120")
            given = orjson.loads(body) if body else {}
            if request.method == "POST" and path in _CHANGES:
                return _done(_CHANGES[path][0](self._sim, Parameters(_texts(given))))
            if request.method == "POST" and path in _ACTIONS:
                return self._acted(_ACTIONS[path][0], given)
        except VenueRejected as refused:
            said = refusal(refused)
            return _error(said.code, said.reason, _STATUS.get(said.code, 200))
        except orjson.JSONDecodeError:
            return _error("50002", "JSON syntax error", 400)
        return _error("50404", "Request path does not exist.", 404)

    def _acted(self, action: Action, given: Any) -> web.Response:
        """Orders and cancels: each has its own verdict, and the whole fails when all do."""
        rows = []
        for one in given if isinstance(given, list) else [given]:
            texts = _texts(one)
            try:
                rows.append(action(self._sim, Parameters(texts)) | {"sCode": "0", "sMsg": "", "ts": _now(self._sim)})
            except VenueRejected as refused:
                said = refusal(refused)
                rows.append(_failed(texts.get("clOrdId", ""), said.code, said.reason))
        failed = sum(row["sCode"] != "0" for row in rows)
        code, text = ("0", "") if not failed else ("1", "All operations failed") if failed == len(rows) else ("2", "")
        return _json({"code": code, "msg": text, "data": rows})


def check_signature(sim: Simulation, request: web.Request, body: str) -> None:
    """Refuse a wrong key (50111), passphrase (50105), signature (50113) or timestamp (50102)."""
    heads, keys = request.headers, sim.keys
    if not hmac.compare_digest(heads.get("OK-ACCESS-KEY", ""), keys.api_key):
        raise VenueRejected("Invalid OK-ACCESS-KEY", "50111")
    if not hmac.compare_digest(heads.get("OK-ACCESS-PASSPHRASE", ""), keys.passphrase):
        raise VenueRejected("Request header OK-ACCESS-PASSPHRASE incorrect.", "50105")
    stamp = heads.get("OK-ACCESS-TIMESTAMP", "")
    expected = signature(keys.secret, stamp + request.method + request.raw_path + body)
    if not hmac.compare_digest(heads.get("OK-ACCESS-SIGN", ""), expected):
        raise VenueRejected("Invalid Sign", "50113")
    sent = datetime.fromisoformat(stamp).timestamp() * 1000
    if abs(sent - sim.wall() - sim.switchboard.skew_ms()) > STAMP_LIVES_MS:
        raise VenueRejected("Timestamp request expired", "50102")


def signature(secret: str, text: str) -> str:
    """HMAC SHA256, base64."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _texts(given: Any) -> dict[str, str]:
    """A JSON object's values as texts, as a form would have them."""
    if not isinstance(given, dict):
        raise VenueRejected("Body is no object", "50002")
    return {k: str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for k, v in given.items()}


def _failed(client_id: str, code: str, text: str) -> dict[str, object]:
    return {"clOrdId": client_id, "ordId": "", "tag": "", "sCode": code, "sMsg": text}


def _now(sim: Simulation) -> str:
    return str(sim.exchange.now)


def _done(rows: list[Any]) -> web.Response:
    return _json({"code": "0", "msg": "", "data": rows})


def _error(code: str, text: str, status: int) -> web.Response:
    return _json({"code": code, "msg": text, "data": []}, status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
