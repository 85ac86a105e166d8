"""User-stream events in Binance's words. `now` is simulated time, ms UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.money import Money
from engine.simulator.account import Account, Holding
from engine.simulator.happenings import AccountMoved, AlgoMoved, Happening, OrderMoved, OrderTraded
from engine.simulator.orders import TYPE_NAMES, SimOrder, Trade
from engine.simulator.wire import Wire, money_text

if TYPE_CHECKING:
    from engine.simulator.exchange import Exchange


def worded(exchange: Exchange, happening: Happening) -> dict[str, object]:
    """The event of the user stream that tells of a happening."""
    now, wires = exchange.now, exchange.wires
    match happening:
        case OrderMoved(order=order, what=what):
            return order_update(order, wires[order.new.symbol], what, now)
        case OrderTraded(trade=trade):
            return order_update_of_trade(trade, wires[trade.order.new.symbol], now)
        case AlgoMoved(order=order, reason=reason):
            return algo_update(order, wires[order.new.symbol], now, reason)
        case AccountMoved(holding=holding, reason=reason, change=change):
            return account_update(exchange.account, holding, wires[holding.instrument.symbol], reason, change, now)
        case _:
            return config_update(happening.holding.instrument.venue_id, happening.holding.leverage, now)


def order_update(order: SimOrder, wire: Wire, execution: str, now: int) -> dict[str, object]:
    """ORDER_TRADE_UPDATE without an execution: NEW, CANCELED, EXPIRED, AMENDMENT."""
    return {"e": "ORDER_TRADE_UPDATE", "E": now, "T": now, "o": _order(order, wire, execution, now)}


def order_update_of_trade(trade: Trade, wire: Wire, now: int) -> dict[str, object]:
    """ORDER_TRADE_UPDATE of one execution."""
    order = _order(trade.order, wire, "TRADE", now) | {
        "l": wire.quantity(trade.lots),
        "L": wire.price(trade.ticks),
        "N": "USDT",
        "n": money_text(trade.fee),
        "t": trade.trade_id,
        "m": trade.maker,
        "rp": money_text(trade.realised),
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": now, "T": now, "o": order}


def _order(order: SimOrder, wire: Wire, execution: str, now: int) -> dict[str, object]:
    new = order.new
    return {
        "s": wire.instrument.venue_id,
        "c": new.client_id,
        "S": new.side.name,
        "o": order.type_name,
        "f": new.time_in_force,
        "q": wire.quantity(new.lots),
        "p": wire.price(new.price or 0),
        "ap": wire.average(order.value, order.filled),
        "sp": "0",
        "x": execution,
        "X": order.state.value,
        "i": order.order_id,
        "l": "0",
        "z": wire.quantity(order.filled),
        "L": "0",
        "T": now,
        "t": 0,
        "b": "0",
        "a": "0",
        "m": False,
        "R": new.reduce_only,
        "wt": "MARK_PRICE" if order.algo_id else "CONTRACT_PRICE",
        "ot": TYPE_NAMES[new.kind],
        "ps": "BOTH",
        "cp": new.close_position,
        "rp": "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }


def algo_update(order: SimOrder, wire: Wire, now: int, reason: str = "") -> dict[str, object]:
    """ALGO_UPDATE: where a conditional order is; `ai` is the order it became once triggered."""
    new = order.new
    body: dict[str, object] = {
        "caid": new.client_id,
        "aid": order.algo_id,
        "at": "CONDITIONAL",
        "o": TYPE_NAMES[new.kind],
        "s": wire.instrument.venue_id,
        "S": new.side.name,
        "ps": "BOTH",
        "f": new.time_in_force,
        "q": wire.quantity(new.lots),
        "X": order.algo_state.value,
        "ai": str(order.order_id) if order.order_id else "",
        "ap": wire.average(order.value, order.filled),
        "aq": wire.quantity(order.filled),
        "act": "MARKET" if order.order_id else "0",
        "tp": wire.price(new.trigger or 0),
        "p": "0",
        "V": "EXPIRE_MAKER",
        "wt": "MARK_PRICE",
        "pm": "NONE",
        "cp": new.close_position,
        "pP": False,
        "R": new.reduce_only,
        "tt": order.triggered,
        "gtd": 0,
        "rm": reason,
    }
    return {"e": "ALGO_UPDATE", "T": now, "E": now, "o": body}


def account_update(
    account: Account, holding: Holding, wire: Wire, reason: str, change: Money, now: int
) -> dict[str, object]:
    """ACCOUNT_UPDATE: the wallet and the one position that changed."""
    balance = {
        "a": "USDT",
        "wb": money_text(account.wallet),
        "cw": money_text(account.wallet - account.margin),
        "bc": money_text(change),
    }
    position = {
        "s": holding.instrument.venue_id,
        "pa": wire.quantity(holding.lots),
        "ep": wire.entry(holding.cost, holding.lots),
        "bep": wire.entry(holding.cost, holding.lots),
        "cr": money_text(holding.realised),
        "up": money_text(holding.unrealised),
        "mt": "isolated",
        "iw": money_text(holding.margin),
        "ps": "BOTH",
        "ma": "USDT",
    }
    return {"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": {"m": reason, "B": [balance], "P": [position]}}


def config_update(venue_id: str, leverage: int, now: int) -> dict[str, object]:
    """ACCOUNT_CONFIG_UPDATE: the leverage of a symbol changed."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": venue_id, "l": leverage}}


def key_expired(listen_key: str, now: int) -> dict[str, object]:
    """The listenKey of this stream is no longer valid."""
    return {"e": "listenKeyExpired", "E": now, "listenKey": listen_key}
