"""What Binance USD-M says of the whole account when it is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.model.money import to_money
from engine.model.order import Fill
from engine.model.venue import VenueReport
from engine.venues.account_api import together
from engine.venues.binance_words import Words
from engine.venues.ccxt_api import Api

TRADES_MARGIN_MS = 60_000
TRADES_PAGE = 1_000


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
    orders, algos, positions, balances, server = await together(
        api("fapiPrivateGetOpenOrders"),
        api("fapiPrivateGetOpenAlgoOrders"),
        api("fapiPrivateV3GetPositionRisk"),
        api("fapiPrivateV3GetBalance"),
        api("fapiPublicGetTime"),
    )
    held = [words.position(row) for row in positions if Decimal(row["positionAmt"])]
    balance = next((row["balance"] for row in balances if row["asset"] == "USDT"), "0")
    found = [words.open_order(row) for row in orders if row["symbol"] in words.by_id]
    found += [words.open_algo(row) for row in algos if row["symbol"] in words.by_id]
    for row in orders:
        ids[str(row["orderId"])] = row["clientOrderId"]
    symbols = {order.symbol for order in found} | {p.symbol for p in held if p.symbol in words.by_symbol}
    fills = await _fills(api, words, ids, sorted(symbols), since) if since else []
    return VenueReport(
        orders=tuple(found),
        positions=tuple(held),
        fills=tuple(fills),
        balance=to_money(balance),
        venue_time=int(server["serverTime"]),
    )


async def _fills(api: Api, words: Words, ids: dict[str, str], symbols: list[str], since: int) -> list[Fill]:
    begin = max(0, since - TRADES_MARGIN_MS)
    parts = await together(*(_trades(api, words.venue_id(symbol), begin) for symbol in symbols))
    rows = [row for part in parts for row in part if str(row["orderId"]) in ids]
    rows.sort(key=lambda row: (int(row["time"]), int(row["id"])))
    return [words.fill_of_trade(row, ids[str(row["orderId"])]) for row in rows]


async def _trades(api: Api, venue_id: str, begin: int) -> list[dict[str, Any]]:
    """All pages of a symbol's executions."""
    params: dict[str, Any] = {"symbol": venue_id, "limit": TRADES_PAGE}
    rows: list[dict[str, Any]] = []
    page = await api("fapiPrivateGetUserTrades", {**params, "startTime": begin})
    while len(page) == TRADES_PAGE:
        rows += page
        page = await api("fapiPrivateGetUserTrades", {**params, "fromId": int(page[-1]["id"]) + 1})
    return rows + list(page)
