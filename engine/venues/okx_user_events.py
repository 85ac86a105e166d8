"""Messages of OKX's private channels as events of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engine.model.money import Money, to_money
from engine.model.order import OrderStatus
from engine.venues.okx_words import ALGO, ALGO_OPEN, Words
from engine.venues.tell import Tell

FUNDING_MARGIN_MS = 60_000


class UserEvents:
    """Handlers by channel. Contracts that are not traded here are passed over.

    Args:
        tell: takes the events; its `ids` are filled as orders are heard of.
        canceling: our ids of the conditional orders that we cancel: OKX does not say who did.
    """

    def __init__(self, tell: Tell, canceling: set[str]) -> None:
        self.words = Words()
        self._tell = tell
        self._canceling = canceling
        self._funded: asyncio.Queue[int] = asyncio.Queue()

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What to call for which channel."""
        known = {"orders": self._order, "orders-algo": self._algo, "balance_and_position": self._balance}
        return {name: self._each(handler) for name, handler in known.items()}

    async def funding_due(self) -> int:
        """Wait for the next booking of funding; from when to ask for it, ms UTC."""
        return await self._funded.get() - FUNDING_MARGIN_MS

    def _each(self, handler: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def handle(message: dict[str, Any]) -> None:
            for row in message["data"]:
                handler(row)
            self._tell.heard()

        return handle

    def _order(self, row: dict[str, Any]) -> None:
        if row["instId"] not in self.words.by_id:
            return
        client_id = self.words.client_id(row)
        self._tell.ids[row["ordId"]] = client_id
        if row.get("tradeId"):
            self._tell.streamed(self.words.fill(row, client_id, row["fillFee"]))
            if row["state"] in {"partially_filled", "filled"}:
                return
        self._tell.found(client_id, self.words.found(row))

    def _algo(self, row: dict[str, Any]) -> None:
        if row["instId"] not in self.words.by_id:
            return
        client_id, time = self.words.client_id(row), int(row.get("uTime") or row["cTime"])
        state = row["state"]
        if state in ALGO_OPEN:
            self._tell.accepted(client_id, f"{ALGO}{row['algoId']}", time)
        elif state == "order_failed":
            text = "the exchange could not place the order when it triggered"
            self._tell.refused(client_id, row.get("failCode") or state, text)
        elif state == "canceled":
            ours = client_id in self._canceling
            self._canceling.discard(client_id)
            self._tell.gone(client_id, OrderStatus.CANCELED if ours else OrderStatus.EXPIRED, time, state)
        elif row.get("ordId"):
            self._tell.ids[row["ordId"]] = client_id

    def _balance(self, row: dict[str, Any]) -> None:
        if row.get("eventType") == "funding_fee":
            self._funded.put_nowait(int(row["pTime"]))


def new_funding(bills: list[dict[str, Any]], words: Words, known: set[str]) -> list[tuple[str, Money, int]]:
    """Symbol, amount and time of the bills that are not known yet, oldest first; they are known then.

    A bill changes the account's balance or an isolated position's; together they are what was received.
    """
    found = []
    for bill in reversed(bills):
        instrument = words.by_id.get(bill["instId"])
        if bill["billId"] in known:
            continue
        known.add(bill["billId"])
        amount = to_money(bill.get("balChg") or "0") + to_money(bill.get("posBalChg") or "0")
        if amount:
            found.append(("" if instrument is None else instrument.symbol, amount, int(bill["ts"])))
    return found
