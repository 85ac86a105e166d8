"""Messages of Bybit's private topics as events of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model.money import to_money
from engine.model.order import OrderStatus
from engine.venues.bybit_words import FUNDING, NOT_EXECUTIONS, Words
from engine.venues.tell import Tell

IGNORED = ("position", "wallet")


class UserEvents:
    """Handlers by topic. Contracts that are not traded here are passed over.

    Args:
        tell: takes the events; its `ids` are filled as orders are heard of.
    """

    def __init__(self, tell: Tell) -> None:
        self.words = Words()
        self._tell = tell

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What to call for which topic."""
        known = {"order": self._order, "execution": self._execution}
        return {name: self._each(handler) for name, handler in known.items()} | {
            name: self._each(lambda _: None) for name in IGNORED
        }

    def _each(self, handler: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def handle(message: dict[str, Any]) -> None:
            for row in message["data"]:
                handler(row)
            self._tell.heard()

        return handle

    def _order(self, row: dict[str, Any]) -> None:
        if row["symbol"] not in self.words.by_id:
            return
        client_id = self.words.client_id(row)
        self._tell.ids[row["orderId"]] = client_id
        found = self.words.found(row)
        if found.status is not OrderStatus.FILLED:  # its executions say so
            self._tell.found(client_id, found)

    def _execution(self, row: dict[str, Any]) -> None:
        instrument = self.words.by_id.get(row["symbol"])
        if instrument is None:
            return
        if row["execType"] == FUNDING:
            self._tell.funding(instrument.symbol, -to_money(row["execFee"]), int(row["execTime"]))
        elif row["execType"] not in NOT_EXECUTIONS:
            client_id = self.words.client_id(row)
            self._tell.ids[row["orderId"]] = client_id
            self._tell.streamed(self.words.fill(row, client_id))
