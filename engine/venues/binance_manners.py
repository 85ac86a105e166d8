"""Manners of Binance USD-M: weight a minute by address, orders by account, codes with a minus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.venues.manners import Codes, Manners, Weights, seconds_to_wait
from engine.venues.weight import Lane, Limit

WEIGHT = "x-mbx-used-weight-1m"
ORDERS = ("x-mbx-order-count-10s", "x-mbx-order-count-1m")
LIMITS = (Limit(WEIGHT, 2_400, 60_000), Limit(ORDERS[0], 300, 10_000), Limit(ORDERS[1], 1_200, 60_000))
DEFAULT_RETRY_MS = 1_000
COUNTED_AS_ORDERS = frozenset({("POST", "order"), ("PUT", "order"), ("POST", "algoOrder")})
LANES = {
    ("POST", "order"): Lane.TRADE,
    ("GET", "order"): Lane.TRADE,
    ("DELETE", "order"): Lane.TRADE,
    ("PUT", "order"): Lane.TRADE,
    ("DELETE", "allOpenOrders"): Lane.TRADE,
    ("POST", "algoOrder"): Lane.TRADE,
    ("GET", "algoOrder"): Lane.TRADE,
    ("DELETE", "algoOrder"): Lane.TRADE,
    ("DELETE", "algoOpenOrders"): Lane.TRADE,
    ("POST", "leverage"): Lane.ENTRY,
    ("POST", "marginType"): Lane.ENTRY,
    ("GET", "klines"): Lane.HISTORY,
    ("GET", "exchangeInfo"): Lane.HISTORY,
}
CODES = Codes(
    clock=frozenset({"-1021"}),
    duplicate=frozenset({"-4116"}),
    unknown_order=frozenset({"-2013", "-2011"}),
    no_change=frozenset({"-4046"}),
    key=frozenset({"-2015"}),  # ccxt takes it for a ban once the key has worked
    unknown_outcome=frozenset({"-1006", "-1007"}),
    order_limit=frozenset({"-1015"}),
    advice={
        "-1022": "the secret does not belong to the key; set both again with trefoil keys set binance",
        "-2014": "this is no API-key; set it again with trefoil keys set binance",
        "-2015": "check that the key exists, may trade futures, and is bound to this machine's address",
        "-2018": "free margin, or make the order smaller",
        "-2019": "free margin, or make the order smaller",
        "-2022": "there is no position that this order could reduce",
        "-2027": "lower the leverage in the settings, or make the order smaller",
        "-4016": "move the price nearer to the market",
        "-4024": "move the price nearer to the market",
        "-4003": "make the order larger",
        "-4061": "switch the account to one-way mode",
        "-4164": "make the order larger",
        "-1121": "choose a symbol that the exchange lists",
        "-4131": "wait until there is a market again",
    },
)


def _weights(client: Any, entry: Any, params: Any) -> Weights:
    key = (entry.method.upper(), entry.path)
    weight = int(client.calculate_rate_limiter_cost(entry.api, entry.method, entry.path, params, entry.config))
    return (WEIGHT, weight), *((name, 1) for name in ORDERS if key in COUNTED_AS_ORDERS)


def _heard(headers: Mapping[str, str], weights: Weights) -> dict[str, int]:
    counts = {name: headers.get(name, "") for name, _ in weights}
    return {name: int(text) for name, text in counts.items() if text.isdigit()}


def _topic(message: dict[str, Any]) -> str:
    return str(message.get("e", ""))


BINANCE = Manners(
    name="binance",
    ccxt="binanceusdm",
    limits=LIMITS,
    lanes=LANES,
    weights=_weights,
    heard=_heard,
    retry_ms=lambda headers, _: seconds_to_wait(headers, DEFAULT_RETRY_MS),
    codes=CODES,
    topic=_topic,
    order_paths=frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder"}),
    options={"fetchMarkets": {"types": ["linear"]}},
)
