"""Manners of Bybit: requests a second by endpoint, 600 in 5 s by address, and a retCode in every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.venues.manners import Codes, Manners, Weights, seconds_to_wait
from engine.venues.weight import Lane, Limit

ADDRESS = "bybit address"
DEFAULT_RETRY_MS = 1_000
# (method, path) -> requests a second, and the lane
_ENDPOINTS: dict[tuple[str, str], tuple[int, Lane]] = {
    ("POST", "v5/order/create"): (10, Lane.TRADE),
    ("POST", "v5/order/amend"): (10, Lane.TRADE),
    ("POST", "v5/order/cancel"): (10, Lane.TRADE),
    ("POST", "v5/order/cancel-all"): (10, Lane.TRADE),
    ("POST", "v5/position/set-leverage"): (10, Lane.ENTRY),
    ("POST", "v5/account/set-margin-mode"): (5, Lane.ENTRY),
    ("GET", "v5/order/realtime"): (50, Lane.TRADE),
    ("GET", "v5/order/history"): (50, Lane.TRADE),
    ("GET", "v5/execution/list"): (50, Lane.TRADE),
    ("GET", "v5/position/list"): (50, Lane.ACCOUNT),
    ("GET", "v5/account/info"): (50, Lane.ACCOUNT),
    ("GET", "v5/account/wallet-balance"): (50, Lane.ACCOUNT),
    ("GET", "v5/user/query-api"): (10, Lane.ACCOUNT),
}
_HISTORY = frozenset({("GET", "v5/market/kline"), ("GET", "v5/market/instruments-info")})
CODES = Codes(
    clock=frozenset({"10002"}),
    duplicate=frozenset({"110072"}),
    unknown_order=frozenset({"110001", "170213"}),
    no_change=frozenset({"110043", "110026", "110025"}),
    key=frozenset({"10003", "10004", "10005", "10009", "10010", "33004"}),
    unknown_outcome=frozenset({"10000", "10016", "10019"}),
    too_often=frozenset({"403", "10006", "10018", "10429"}),
    advice={
        "10003": "the exchange does not know this API-key; set it again with trefoil keys set bybit",
        "10004": "the secret does not belong to the API-key; set both again with trefoil keys set bybit",
        "10005": "this API-key may not do that; allow orders and positions of contracts on the exchange's API page",
        "10010": "this machine's address is not on the API-key's list; add it on the exchange's API page",
        "10024": "the exchange does not serve this account's country",
        "33004": "this API-key has expired; make a new one",
        "110007": "free margin, or make the order smaller",
        "110012": "free margin, or make the order smaller",
        "110013": "lower the leverage in the settings",
        "110017": "there is no position that this order could reduce",
        "110094": "make the order larger",
        "110003": "move the price nearer to the market",
        "110004": "free margin, or make the order smaller",
        "110025": "switch the account to one-way mode",
        "110052": "free margin, or make the order smaller",
        "10029": "choose a symbol that the exchange lists, and allow it to the API-key",
        "10001": "check that the exchange lists the symbol and takes such an order",
        "EC_PostOnlyWillTakeLiquidity": "move the price away from the market, or do not ask for post-only",
    },
)


def name_of(method: str, path: str) -> str:
    """The limit of an endpoint."""
    return f"bybit {method} {path}"


LIMITS = (
    Limit(ADDRESS, 600, 5_000),
    *(Limit(name_of(*key), most, 1_000) for key, (most, _) in _ENDPOINTS.items()),
)


def _weights(_client: Any, entry: Any, _params: Any) -> Weights:
    key = (entry.method.upper(), entry.path)
    return ((ADDRESS, 1), (name_of(*key), 1)) if key in _ENDPOINTS else ((ADDRESS, 1),)


def _heard(headers: Mapping[str, str], weights: Weights) -> dict[str, int]:
    """The endpoint's count: its limit less what it says is left."""
    most, left = headers.get("x-bapi-limit", ""), headers.get("x-bapi-limit-status", "")
    if len(weights) < 2 or not most.isdigit() or not left.isdigit():
        return {}
    return {weights[1][0]: max(0, int(most) - int(left))}


class _Said(msgspec.Struct):
    """The part of every answer that says when it was given, ms UTC by Bybit's clock."""

    time: int


def _retry_ms(headers: Mapping[str, str], body: str) -> int:
    """Until the limit is reset, both by Bybit's own clock: ours may differ."""
    until = headers.get("x-bapi-limit-reset-timestamp", "")
    if until.isdigit():
        try:
            return max(1, int(until) - msgspec.json.decode(body, type=_Said).time)
        except msgspec.DecodeError:
            return DEFAULT_RETRY_MS
    return seconds_to_wait(headers, DEFAULT_RETRY_MS)


def _topic(message: dict[str, Any]) -> str:
    topic = message.get("topic")
    if topic is None:
        return "subscribe" if message.get("op") == "subscribe" and message.get("success") else ""
    return str(topic).partition(".")[0]


BYBIT = Manners(
    name="bybit",
    ccxt="bybit",
    limits=LIMITS,
    lanes={key: lane for key, (_, lane) in _ENDPOINTS.items()} | dict.fromkeys(_HISTORY, Lane.HISTORY),
    weights=_weights,
    heard=_heard,
    retry_ms=_retry_ms,
    codes=CODES,
    topic=_topic,
    order_paths=frozenset({"/v5/order/create"}),
    options={"fetchMarkets": {"types": ["linear"]}},
)
