"""Manners of OKX: requests in 2 s by endpoint, five-digit codes, and refusals in the data of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.venues.manners import Codes, Manners, Weights, seconds_to_wait
from engine.venues.weight import Lane, Limit

WINDOW_MS = 2_000
# (method, path) -> requests in 2 s, and the lane. The whole account may place and amend 1,000 orders in 2 s besides.
_ENDPOINTS: dict[tuple[str, str], tuple[int, Lane]] = {
    ("POST", "trade/order"): (60, Lane.TRADE),
    ("POST", "trade/order-algo"): (20, Lane.TRADE),
    ("POST", "trade/amend-order"): (60, Lane.TRADE),
    ("POST", "trade/cancel-order"): (60, Lane.TRADE),
    ("POST", "trade/cancel-batch-orders"): (300, Lane.TRADE),
    ("POST", "trade/cancel-algos"): (20, Lane.TRADE),
    ("POST", "account/set-leverage"): (20, Lane.ENTRY),
    ("GET", "trade/order"): (60, Lane.TRADE),
    ("GET", "trade/order-algo"): (20, Lane.TRADE),
    ("GET", "trade/fills"): (60, Lane.TRADE),
    ("GET", "trade/fills-history"): (10, Lane.ACCOUNT),
    ("GET", "trade/orders-pending"): (60, Lane.ACCOUNT),
    ("GET", "trade/orders-algo-pending"): (20, Lane.ACCOUNT),
    ("GET", "account/balance"): (10, Lane.ACCOUNT),
    ("GET", "account/positions"): (10, Lane.ACCOUNT),
    ("GET", "account/config"): (5, Lane.ACCOUNT),
    ("GET", "account/bills"): (5, Lane.ACCOUNT),
    ("GET", "public/time"): (10, Lane.ACCOUNT),
    ("GET", "public/instruments"): (20, Lane.ACCOUNT),
    ("GET", "market/candles"): (40, Lane.HISTORY),
    ("GET", "market/history-candles"): (20, Lane.HISTORY),
}
CODES = Codes(
    clock=frozenset({"50102", "50112"}),
    duplicate=frozenset({"51016", "51065"}),
    unknown_order=frozenset({"51400", "51401", "51402", "51503", "51603"}),
    no_change=frozenset(),
    key=frozenset({"50105", "50110", "50111", "50113", "50119", "50120"}),
    unknown_outcome=frozenset({"50001", "50004", "50013", "50026"}),
    too_often=frozenset({"50011"}),
    order_limit=frozenset({"50061"}),
    advice={
        "50101": "this API-key is of another environment: keys of the demo account do not work live, nor the reverse",
        "50105": "the passphrase is not the one this API-key was made with; set it again with trefoil keys set okx",
        "50110": "this machine's address is not on the API-key's list; add it on the exchange's API page",
        "50111": "the exchange does not know this API-key; set it again with trefoil keys set okx",
        "50113": "the secret does not belong to the API-key; set both again with trefoil keys set okx",
        "50119": "this API-key was deleted or has expired; make a new one",
        "50120": "this API-key may not do that; allow trading on the exchange's API page",
        "51000": "check the account's settings; Trefoil trades isolated margin with net positions",
        "51001": "choose a symbol that the exchange lists",
        "51004": "lower the leverage in the settings, or make the order smaller",
        "51006": "move the price nearer to the market",
        "51136": "move the price nearer to the market",
        "51137": "move the price nearer to the market",
        "51131": "free margin, or make the order smaller",
        "51008": "free margin, or make the order smaller",
        "51010": "switch the account to futures mode",
        "51020": "make the order larger",
        "51101": "make the order smaller",
        "51121": "use whole lots",
        "51169": "there is no position that this order could reduce",
        "59102": "lower the leverage in the settings",
    },
)


def name_of(method: str, path: str) -> str:
    """The limit of an endpoint."""
    return f"okx {method} {path}"


LIMITS = tuple(Limit(name_of(*key), most, WINDOW_MS) for key, (most, _) in _ENDPOINTS.items())


def _weights(_client: Any, entry: Any, _params: Any) -> Weights:
    key = (entry.method.upper(), entry.path)
    return ((name_of(*key), 1),) if key in _ENDPOINTS else ()


def _heard(_headers: Mapping[str, str], _counted: Weights) -> dict[str, int]:
    """OKX does not say what it has counted."""
    return {}


def _topic(message: dict[str, Any]) -> str:
    event = message.get("event")
    if event:
        return str(event) if event in {"notice", "subscribe"} else ""
    channel = str(message.get("arg", {}).get("channel", ""))
    return "candle" if channel.startswith("candle") else channel


OKX = Manners(
    name="okx",
    ccxt="okx",
    limits=LIMITS,
    lanes={key: lane for key, (_, lane) in _ENDPOINTS.items()},
    weights=_weights,
    heard=_heard,
    retry_ms=lambda headers, _: seconds_to_wait(headers, WINDOW_MS),
    codes=CODES,
    topic=_topic,
    order_paths=frozenset({"/api/v5/trade/order", "/api/v5/trade/order-algo"}),
    options={"fetchMarkets": {"types": ["swap"]}},
)
