"""Messages of Binance USD-M's user stream as events of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model.money import to_money
from engine.venues.binance_words import ENDED, Words
from engine.venues.tell import Tell

IGNORED = ("TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL")


class UserEvents:
    """Handlers by event name. Contracts that are not traded here are passed over.

    Args:
        tell: takes the events; its `ids` are filled as orders are heard of.
    """

    def __init__(self, tell: Tell) -> None:
        self.words = Words()
        self._tell = tell

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What to call for which message."""
        known = {"ORDER_TRADE_UPDATE": self._order, "ALGO_UPDATE": self._algo, "ACCOUNT_UPDATE": self._account}
        return {name: self._counted(handler) for name, handler in known.items()} | {
            name: self._counted(lambda _: None) for name in IGNORED
        }

    def _counted(self, handler: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def handle(message: dict[str, Any]) -> None:
            handler(message)
            self._tell.heard()

        return handle

    def _order(self, message: dict[str, Any]) -> None:
        o = message["o"]
        if o["s"] not in self.words.by_id:
            return
        order_id, client_id, time = str(o["i"]), o["c"], int(message["T"])
        self._tell.ids[order_id] = client_id
        match o["x"]:
            case "NEW":
                self._tell.accepted(client_id, order_id, time)
            case "TRADE":
                self._tell.streamed(self.words.fill_of_update(o))
            case "CANCELED" | "EXPIRED" | "REJECTED" as ended:
                self._tell.gone(client_id, ENDED[ended], time, ended.lower())

    def _algo(self, message: dict[str, Any]) -> None:
        o, time = message["o"], int(message["T"])
        status, client_id = o["X"], o["caid"]
        if o["s"] not in self.words.by_id:
            return
        if status == "NEW":
            self._tell.accepted(client_id, f"algo:{o['aid']}", time)
        elif status in ENDED:
            self._tell.gone(client_id, ENDED[status], time, o.get("rm") or status.lower())
        elif o.get("ai"):
            self._tell.ids[str(o["ai"])] = client_id

    def _account(self, message: dict[str, Any]) -> None:
        update = message["a"]
        if update.get("m") != "FUNDING_FEE":
            return
        known = self.words.by_id
        symbol = next((known[p["s"]].symbol for p in update.get("P", []) if p["s"] in known), "")
        for row in update["B"]:
            amount, time = to_money(row["bc"]), int(message["T"])
            if amount:
                self._tell.funding(symbol, amount, time)
