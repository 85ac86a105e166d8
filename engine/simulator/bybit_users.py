"""What happens to the account, in the words of Bybit's private topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from engine.simulator.bybit_words import execution_row, funding_row, order_row, position_row
from engine.simulator.happenings import AccountMoved, AlgoMoved, Happening, OrderMoved, OrderTraded
from engine.simulator.orders import AlgoState, SimOrder
from engine.simulator.private_sockets import PrivateSockets
from engine.simulator.wire import money_text

if TYPE_CHECKING:
    from engine.simulator.exchange import Exchange

TOPICS = frozenset({"order", "execution", "position", "wallet"})
_SILENT = frozenset({AlgoState.TRIGGERING, AlgoState.FINISHED})


def tell_bybit(exchange: Exchange, private: PrivateSockets, happening: Happening) -> None:
    """Publish a happening on the topics it concerns."""
    match happening:
        case OrderMoved(order=order, what=what):
            if not (order.algo_id and what == "NEW"):  # it keeps its id and was told of as triggered
                _order(exchange, private, order)
        case OrderTraded(trade=trade):
            row = execution_row(trade, exchange.wires[trade.order.new.symbol])
            _say(exchange, private, "execution", row)
            _order(exchange, private, trade.order)
        case AlgoMoved(order=order):
            if order.algo_state not in _SILENT:
                _order(exchange, private, order)
        case AccountMoved():
            _account(exchange, private, happening)
        case _:
            return


def _order(exchange: Exchange, private: PrivateSockets, order: SimOrder) -> None:
    _say(exchange, private, "order", order_row(order, exchange.wires[order.new.symbol]))


def _account(exchange: Exchange, private: PrivateSockets, moved: AccountMoved) -> None:
    holding = moved.holding
    wire = exchange.wires[holding.instrument.symbol]
    if moved.reason == "FUNDING_FEE":
        number = exchange.income[-1].tran_id
        _say(exchange, private, "execution", funding_row(holding, wire, moved.change, number, exchange.now))
    _say(exchange, private, "position", position_row(holding, wire))
    coin = {"coin": "USDT", "walletBalance": money_text(exchange.account.wallet)}
    _say(exchange, private, "wallet", {"accountType": "UNIFIED", "coin": [coin]})


def _say(exchange: Exchange, private: PrivateSockets, topic: str, row: dict[str, Any]) -> None:
    def worded() -> bytes:
        message = {"id": str(exchange.now), "topic": topic, "creationTime": exchange.now, "data": [row]}
        return orjson.dumps(message)

    private.publish(f"bybit:{topic}", worded)
