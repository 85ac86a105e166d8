"""What happens to the account, in the words of OKX's private channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from engine.simulator.happenings import AccountMoved, AlgoMoved, Happening, OrderMoved, OrderTraded
from engine.simulator.okx_words import algo_row, order_row, position_row
from engine.simulator.orders import AlgoState, SimOrder, Trade
from engine.simulator.private_sockets import PrivateSockets
from engine.simulator.wire import money_text

if TYPE_CHECKING:
    from engine.simulator.exchange import Exchange

PRIVATE = frozenset({"orders", "positions", "account", "balance_and_position"})
BUSINESS_PRIVATE = frozenset({"orders-algo"})
_SILENT = frozenset({AlgoState.TRIGGERING, AlgoState.FINISHED})


def tell_okx(exchange: Exchange, private: PrivateSockets, happening: Happening) -> None:
    """Publish a happening on the channels it concerns."""
    match happening:
        case OrderMoved(order=order):
            _order(exchange, private, order, None)
        case OrderTraded(trade=trade):
            _order(exchange, private, trade.order, trade)
        case AlgoMoved(order=order):
            if order.algo_state not in _SILENT:
                row = algo_row(order, exchange.wires[order.new.symbol])
                private.publish("okx:orders-algo", lambda: _worded("orders-algo", row))
        case AccountMoved():
            _account(exchange, private, happening)
        case _:
            return


def _order(exchange: Exchange, private: PrivateSockets, order: SimOrder, trade: Trade | None) -> None:
    def worded() -> bytes:
        symbol = order.new.symbol
        leverage = exchange.account.holdings[symbol].leverage
        return _worded("orders", order_row(order, exchange.wires[symbol], leverage, trade))

    private.publish("okx:orders", worded)


def _account(exchange: Exchange, private: PrivateSockets, moved: AccountMoved) -> None:
    state, now = exchange.account, str(exchange.now)
    position = position_row(moved.holding, exchange.wires[moved.holding.instrument.symbol])
    cash = money_text(state.wallet - state.margin)
    private.publish("okx:positions", lambda: _worded("positions", position))
    private.publish(
        "okx:account",
        lambda: _worded(
            "account",
            {
                "uTime": now,
                "totalEq": money_text(state.balance),
                "details": [{"ccy": "USDT", "cashBal": cash, "eq": money_text(state.balance), "uTime": now}],
            },
        ),
    )
    private.publish(
        "okx:balance_and_position",
        lambda: _worded(
            "balance_and_position",
            {
                "pTime": now,
                "eventType": "funding_fee" if moved.reason == "FUNDING_FEE" else "filled",
                "balData": [{"ccy": "USDT", "cashBal": cash, "uTime": now}],
                "posData": [position],
            },
        ),
    )


def _worded(channel: str, row: dict[str, Any]) -> bytes:
    arg: dict[str, str] = {"channel": channel, "uid": "1"}
    if channel in {"orders", "positions", "orders-algo"}:
        arg["instType"] = "SWAP"
    return orjson.dumps({"arg": arg, "data": [row]})
