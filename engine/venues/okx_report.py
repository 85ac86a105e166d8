"""What OKX says of the whole account when it is asked."""

from __future__ import annotations

from typing import Any

from engine.model.order import Fill
from engine.model.venue import VenueReport
from engine.venues.account_api import together
from engine.venues.ccxt_api import Api
from engine.venues.okx_words import Words, wallet

FILLS_MARGIN_MS = 60_000
PAGE = 100
ALGO_TYPES = ("conditional", "oco")


async def read_report(api: Api, words: Words, ids: dict[str, str], since: int) -> VenueReport:
    """Open orders, positions, wallet balance, and the executions of known orders since a minute before `since`.

    Args:
        api: requests.
        words: of the contracts that are traded; others are left out.
        ids: the venue's order number to ours; open orders are added.
        since: ms UTC; 0 asks for no executions. OKX remembers three days here.

    Raises:
        VenueError: the venue refuses or is not there.
    """
    orders, algos, positions, balance, server = await together(
        open_orders(api, ""),
        open_algos(api, ""),
        api("privateGetAccountPositions", {"instType": "SWAP"}),
        api("privateGetAccountBalance", {"ccy": "USDT"}),
        api("publicGetPublicTime"),
    )
    for row in orders:
        ids[row["ordId"]] = words.client_id(row)
    held = [words.position(row) for row in positions["data"] if float(row["pos"] or 0)]
    found = [words.open_order(row) for row in orders if row["instId"] in words.by_id]
    found += [words.open_algo(row) for row in algos if row["instId"] in words.by_id]
    return VenueReport(
        orders=tuple(found),
        positions=tuple(held),
        fills=tuple(await _fills(api, words, ids, since)) if since else (),
        balance=wallet(balance["data"], positions["data"]),
        venue_time=int(server["data"][0]["ts"]),
    )


async def open_orders(api: Api, name: str) -> list[dict[str, Any]]:
    """All pages of the plain orders that work, of one contract or of all."""
    return await _pages(api, "privateGetTradeOrdersPending", {"instType": "SWAP"} | _of(name), "ordId")


async def open_algos(api: Api, name: str) -> list[dict[str, Any]]:
    """All pages of the conditional orders that wait, of one contract or of all."""
    parts = await together(
        *(
            _pages(api, "privateGetTradeOrdersAlgoPending", {"instType": "SWAP", "ordType": kind} | _of(name), "algoId")
            for kind in ALGO_TYPES
        )
    )
    return [row for part in parts for row in part]


async def fills_of(api: Api, asked: dict[str, Any], *, old: bool = False) -> list[dict[str, Any]]:
    """All pages of executions, oldest first: of the last three days, or the `old` ones of three months."""
    method = "privateGetTradeFillsHistory" if old else "privateGetTradeFills"
    rows = await _pages(api, method, {"instType": "SWAP"} | asked, "billId")
    return rows[::-1]


async def _fills(api: Api, words: Words, ids: dict[str, str], since: int) -> list[Fill]:
    rows = await fills_of(api, {"begin": str(max(0, since - FILLS_MARGIN_MS))})
    known = [row for row in rows if row["instId"] in words.by_id and row["ordId"] in ids]
    known.sort(key=lambda row: (int(row["fillTime"]), int(row["billId"])))
    return [words.fill(row, ids[row["ordId"]], row["fee"]) for row in known]


async def _pages(api: Api, method: str, asked: dict[str, Any], cursor: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await api(method, asked | {"limit": str(PAGE)}))["data"]
    page = rows
    while len(page) == PAGE:
        page = (await api(method, asked | {"limit": str(PAGE), "after": page[-1][cursor]}))["data"]
        rows = rows + page
    return rows


def _of(name: str) -> dict[str, str]:
    return {"instId": name} if name else {}
