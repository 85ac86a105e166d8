"""Binance USD-M's request limits: weight a minute by address, orders in 10 s and a minute by account, then a ban.

Pure: time comes in as seconds of a clock that never goes back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WEIGHT_A_MINUTE = 2_400
ORDERS_IN_10_S = 300
ORDERS_A_MINUTE = 1_200
WARNINGS_BEFORE_BAN = 20
FIRST_BAN_S = 120
LONGEST_BAN_S = 3 * 24 * 3600

# (highest limit parameter, weight)
_KLINES = ((99, 1), (499, 2), (1000, 5), (1500, 10))
_DEPTH = ((50, 2), (100, 5), (500, 10), (1000, 20))

# (method, path below the version) -> weight; what is missing weighs 1.
_WEIGHTS = {
    ("GET", "trades"): 5,
    ("GET", "aggTrades"): 20,
    ("GET", "allOrders"): 5,
    ("GET", "allAlgoOrders"): 5,
    ("GET", "account"): 5,
    ("GET", "balance"): 5,
    ("GET", "positionRisk"): 5,
    ("GET", "userTrades"): 5,
    ("GET", "income"): 30,
    ("GET", "commissionRate"): 20,
    ("GET", "positionSide/dual"): 30,
    ("GET", "symbolConfig"): 5,
    ("GET", "accountConfig"): 5,
    ("POST", "order"): 0,
    ("POST", "algoOrder"): 0,
}
# GET path -> (weight with symbol, weight without)
_BY_SYMBOL = {
    "ticker/24hr": (1, 40),
    "ticker/price": (1, 2),
    "ticker/bookTicker": (2, 5),
    "openOrders": (1, 40),
    "openAlgoOrders": (1, 40),
    "premiumIndex": (1, 10),
}
ORDER_PATHS = frozenset({("POST", "order"), ("PUT", "order"), ("POST", "algoOrder")})


def weight_of(method: str, path: str, *, symbol: bool, limit: int) -> int:
    """Weight of a request; `path` below the version, `symbol` whether one is given, `limit` rows asked for."""
    if path == "klines":
        return _stepped(_KLINES, limit or 500)
    if path == "depth":
        return _stepped(_DEPTH, limit or 500)
    if method == "GET" and path in _BY_SYMBOL:
        return _BY_SYMBOL[path][0 if symbol else 1]
    return _WEIGHTS.get((method, path), 1)


def _stepped(steps: tuple[tuple[int, int], ...], limit: int) -> int:
    return next((weight for highest, weight in steps if limit <= highest), steps[-1][1])


@dataclass(frozen=True)
class Verdict:
    """What the limits say to a request: `status` 200, 429 or 418, and seconds to wait."""

    status: int
    code: int
    message: str
    retry_after: int
    used_weight: int
    orders_10s: int
    orders_1m: int


class RateLimits:
    """Counts requests in fixed windows, warns with 429, and bans with 418 who goes on; `refused` counts both."""

    def __init__(self) -> None:
        self.refused = 0
        self._counts: dict[str, tuple[int, int]] = {}
        self._warnings = 0
        self._banned_until = 0.0
        self._ban_s = FIRST_BAN_S

    def charge(self, now: float, weight: int, *, order: bool) -> Verdict:
        """Count one request at `now` seconds; a refused request counts as well."""
        used = self._count("weight", now, 60, weight)
        fast = self._count("orders 10s", now, 10, 1 if order else 0)
        slow = self._count("orders 1m", now, 60, 1 if order else 0)
        if now < self._banned_until:
            wait = math.ceil(self._banned_until - now)
            return self._refused(418, f"Way too many requests; IP banned for {wait} s.", wait, used, fast, slow)
        if used > WEIGHT_A_MINUTE:
            return self._over(now, used, fast, slow)
        if order and (fast > ORDERS_IN_10_S or slow > ORDERS_A_MINUTE):
            self.refused += 1
            wait = _rest(now, 10 if fast > ORDERS_IN_10_S else 60)
            return Verdict(429, -1015, "Too many new orders.", wait, used, fast, slow)
        if used <= weight:
            self._warnings = 0
        return Verdict(200, 0, "", 0, used, fast, slow)

    def _over(self, now: float, used: int, fast: int, slow: int) -> Verdict:
        self._warnings += 1
        if self._warnings > WARNINGS_BEFORE_BAN:
            self._banned_until = now + self._ban_s
            wait, self._ban_s = self._ban_s, min(2 * self._ban_s, LONGEST_BAN_S)
            self._warnings = 0
            return self._refused(418, f"Way too many requests; IP banned for {wait} s.", wait, used, fast, slow)
        text = f"Too many requests; current limit is {WEIGHT_A_MINUTE} requests weight per minute."
        return self._refused(429, text, _rest(now, 60), used, fast, slow)

    def _refused(self, status: int, message: str, wait: int, used: int, fast: int, slow: int) -> Verdict:
        self.refused += 1
        return Verdict(status, -1003, message, wait, used, fast, slow)

    def _count(self, name: str, now: float, window_s: int, amount: int) -> int:
        window = int(now // window_s)
        known, count = self._counts.get(name, (window, 0))
        count = amount if known != window else count + amount
        self._counts[name] = (window, count)
        return count


def _rest(now: float, window_s: int) -> int:
    """Whole seconds until the window ends, at least one."""
    return max(1, int(window_s - now % window_s) + 1)
