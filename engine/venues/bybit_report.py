"""What Bybit says of the whole account when it is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.model.money import to_money
from engine.model.order import Fill
from engine.model.venue import VenueReport
from engine.venues.account_api import together
from engine.venues.bybit_words import NOT_EXECUTIONS, Words
from engine.venues.ccxt_api import Api

FILLS_MARGIN_MS = 60_000
WEEK_MS = 7 * 86_400_000  # longer spans are not answered
ORDERS_PAGE, PAGE = 50, 100
LINEAR = {"category": "linear", "settleCoin": "USDT"}


async def read_report(api: Api, words: Words, ids: dict[str, str], since: int) -> VenueReport:
    """Open orders, positions, wallet balance, and the executions of known orders since a minute before `since`.

    Args:
        api: requests.
        words: of the contracts that are traded; others are left out.
        ids: the venue's order number to ours; open orders are added.
        since: ms UTC; 0 asks for no executions.

    Raises:
        VenueError: the venue refuses or is not there.
    """
    orders, positions, balance, server = await together(
        _pages(api, "privateGetV5OrderRealtime", LINEAR | {"limit": ORDERS_PAGE}),
        _pages(api, "privateGetV5PositionList", LINEAR | {"limit": PAGE}),
        api("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED", "coin": "USDT"}),
        api("publicGetV5MarketTime"),
    )
    now = int(server["time"])
    for row in orders:
        ids[row["orderId"]] = words.client_id(row)
    coins = [coin for account in balance["result"]["list"] for coin in account["coin"] if coin["coin"] == "USDT"]
    return VenueReport(
        orders=tuple(words.open_order(row) for row in orders if row["symbol"] in words.by_id),
        positions=tuple(words.position(row) for row in positions if Decimal(row["size"] or "0")),
        fills=tuple(await _fills(api, words, ids, max(since, now - WEEK_MS))) if since else (),
        balance=sum(to_money(coin["walletBalance"] or "0") for coin in coins),
        venue_time=now,
    )


async def executions_of(api: Api, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """All pages of executions, oldest first."""
    rows = await _pages(api, "privateGetV5ExecutionList", asked | {"limit": PAGE})
    return rows[::-1]


async def _fills(api: Api, words: Words, ids: dict[str, str], since: int) -> list[Fill]:
    begin = max(0, since - FILLS_MARGIN_MS)
    rows = await executions_of(api, {"category": "linear", "startTime": begin, "endTime": begin + WEEK_MS})
    known = [
        row
        for row in rows
        if row["symbol"] in words.by_id and row["orderId"] in ids and row["execType"] not in NOT_EXECUTIONS
    ]
    known.sort(key=lambda row: int(row["execTime"]))
    return [words.fill(row, ids[row["orderId"]]) for row in known]


async def _pages(api: Api, method: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    result = (await api(method, asked))["result"]
    rows: list[dict[str, Any]] = result["list"]
    while result.get("nextPageCursor"):
        result = (await api(method, asked | {"cursor": result["nextPageCursor"]}))["result"]
        rows = rows + result["list"]
    return rows
