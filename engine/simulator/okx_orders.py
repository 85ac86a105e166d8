"""Order endpoints of OKX: plain orders, conditional (algo) orders, and the account's executions."""

from __future__ import annotations

from itertools import count

from engine.errors import VenueRejected
from engine.model.order import OrderKind, Side
from engine.simulator.okx_market import contract_of
from engine.simulator.okx_words import POST_ONLY, algo_row, fill_row, lots_of, order_row, refusal
from engine.simulator.orders import NewOrder, SimOrder
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation

LONGEST_ID = 32
PAGE = 100
_NAMES = count(1)
# ordType -> kind and time in force
_TYPES = {
    "market": (OrderKind.MARKET, "GTC"),
    "limit": (OrderKind.LIMIT, "GTC"),
    "post_only": (OrderKind.POST_ONLY, "GTX"),
    "ioc": (OrderKind.LIMIT, "IOC"),
    "fok": (OrderKind.LIMIT, "FOK"),
}


def create(sim: Simulation, params: Parameters) -> dict[str, object]:
    """POST order. What is post-only and would take is accepted and cancelled at once."""
    instrument = contract_of(sim, params.text("instId"))
    kind, in_force = _TYPES.get(params.text("ordType"), (None, ""))
    if kind is None:
        raise VenueRejected("Parameter ordType error", "51000")
    wire = sim.exchange.wires[instrument.symbol]
    new = NewOrder(
        symbol=instrument.symbol,
        client_id=_client_id(params, "clOrdId"),
        side=_side(params),
        kind=kind,
        lots=lots_of(params.text("sz")),
        price=None if kind is OrderKind.MARKET else wire.parse_price("px", params.text("px")),
        reduce_only=params.flag("reduceOnly"),
        time_in_force=in_force,
    )
    try:
        order = sim.exchange.place(new)
    except VenueRejected as refused:
        if refused.code != "-5022":
            raise
        order = sim.exchange.place_in_vain(new, POST_ONLY)
    return {"ordId": str(order.order_id), "clOrdId": params.maybe("clOrdId"), "tag": ""}


def create_algo(sim: Simulation, params: Parameters) -> dict[str, object]:
    """POST order-algo: a stop or a take-profit at market on the mark price."""
    instrument = contract_of(sim, params.text("instId"))
    if params.text("ordType") != "conditional":
        raise VenueRejected("Parameter ordType error", "51000")
    leg = "sl" if params.maybe("slTriggerPx") else "tp"
    if params.text(f"{leg}OrdPx") != "-1" or params.maybe(f"{leg}TriggerPxType") != "mark":
        raise VenueRejected("Only market orders triggered by the mark price are simulated", "51000")
    kind = OrderKind.STOP_MARKET if leg == "sl" else OrderKind.TAKE_PROFIT_MARKET
    trigger = sim.exchange.wires[instrument.symbol].parse_price("triggerPx", params.text(f"{leg}TriggerPx"))
    new = NewOrder(
        symbol=instrument.symbol,
        client_id=_client_id(params, "algoClOrdId"),
        side=_side(params),
        kind=kind,
        lots=lots_of(params.text("sz")),
        trigger=trigger,
        reduce_only=params.flag("reduceOnly"),
    )
    try:
        order = sim.exchange.place(new)
    except VenueRejected as refused:
        if refused.code == "-4116":
            raise VenueRejected("algoClOrdId already exists.", "51065") from refused
        raise refusal(refused, kind, new.side) from refused
    return {"algoId": str(order.algo_id), "algoClOrdId": params.maybe("algoClOrdId"), "clOrdId": ""}


def cancel(sim: Simulation, params: Parameters) -> dict[str, object]:
    """POST cancel-order."""
    order = _plain(sim, params, "51400")
    if not order.working:
        raise VenueRejected("Cancellation failed as the order has been filled, canceled or does not exist.", "51400")
    sim.exchange.cancel(order)
    return {"ordId": str(order.order_id), "clOrdId": order.new.client_id}


def cancel_algo(sim: Simulation, params: Parameters) -> dict[str, object]:
    """POST cancel-algos, one of its list."""
    order = _algo(sim, params, "51400")
    if not order.waiting:
        raise VenueRejected("Cancellation failed as the order has been filled, canceled or does not exist.", "51400")
    sim.exchange.cancel(order)
    return {"algoId": str(order.algo_id), "algoClOrdId": order.new.client_id}


def amend(sim: Simulation, params: Parameters) -> dict[str, object]:
    """POST amend-order: a new size, a new price, or both."""
    order = _plain(sim, params, "51503")
    size, price = params.maybe("newSz"), params.maybe("newPx")
    if not order.working:
        raise VenueRejected("Your order has already been filled or canceled.", "51503")
    lots = lots_of(size) if size else order.new.lots
    ticks = sim.exchange.wires[order.new.symbol].parse_price("newPx", price) if price else order.new.price or 0
    sim.exchange.amend(order, lots, ticks)
    return {"ordId": str(order.order_id), "clOrdId": order.new.client_id, "reqId": ""}


def query(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET order."""
    return [_row(sim, _plain(sim, params, "51603"))]


def query_algo(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET order-algo."""
    order = _algo(sim, params, "51603")
    return [algo_row(order, sim.exchange.wires[order.new.symbol])]


def pending(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET orders-pending, newest first."""
    rows = [o for o in sim.exchange.active() if o.working and _asked(sim, params, o)]
    rows.sort(key=lambda order: -order.order_id)
    after = params.maybe("after")
    return [_row(sim, o) for o in rows if not after or o.order_id < int(after)][:PAGE]


def pending_algos(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET orders-algo-pending, newest first; there are only conditional ones."""
    if params.text("ordType") != "conditional":
        return []
    rows = [o for o in sim.exchange.active() if o.waiting and _asked(sim, params, o)]
    rows.sort(key=lambda order: -order.algo_id)
    after = params.maybe("after")
    chosen = [o for o in rows if not after or o.algo_id < int(after)][:PAGE]
    return [algo_row(o, sim.exchange.wires[o.new.symbol]) for o in chosen]


def history(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET orders-history, newest first."""
    rows = [o for o in sim.exchange.by_order_id.values() if not o.working and _asked(sim, params, o)]
    return [_row(sim, o) for o in rows[::-1]][:PAGE]


def fills(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET fills, newest first; `after` goes back from a bill."""
    order_id, after = params.whole("ordId"), params.whole("after")
    begin, end = params.whole("begin") or 0, params.whole("end")
    name = params.maybe("instId")
    symbol = contract_of(sim, name).symbol if name else ""
    rows = [
        trade
        for trade in sim.exchange.trades[::-1]
        if (not symbol or trade.order.new.symbol == symbol)
        and (order_id is None or trade.order.order_id == order_id)
        and (after is None or trade.trade_id < after)
        and trade.time >= begin
        and (end is None or trade.time <= end)
    ]
    return [fill_row(trade, sim.exchange.wires[trade.order.new.symbol]) for trade in rows[: params.limit(PAGE, PAGE)]]


def _row(sim: Simulation, order: SimOrder) -> dict[str, object]:
    symbol = order.new.symbol
    return order_row(order, sim.exchange.wires[symbol], sim.exchange.account.holdings[symbol].leverage)


def _asked(sim: Simulation, params: Parameters, order: SimOrder) -> bool:
    name = params.maybe("instId")
    return not name or contract_of(sim, name).symbol == order.new.symbol


def _side(params: Parameters) -> Side:
    name = params.text("side").upper()
    if name not in Side.__members__:
        raise VenueRejected("Parameter side error", "51000")
    if params.maybe("posSide") not in {"", "net"} or params.text("tdMode") != "isolated":
        raise VenueRejected("Parameter posSide error", "51000")
    return Side[name]


def _client_id(params: Parameters, name: str) -> str:
    given = params.maybe(name) or f"sim{next(_NAMES)}"
    if not (given.isascii() and given.isalnum()) or len(given) > LONGEST_ID:
        raise VenueRejected(f"Parameter {name} error", "51000")
    return given


def _plain(sim: Simulation, params: Parameters, code: str) -> SimOrder:
    symbol = contract_of(sim, params.text("instId")).symbol
    order_id, client_id = params.whole("ordId"), params.maybe("clOrdId")
    exchange = sim.exchange
    found = exchange.orders.get(client_id) if order_id is None else exchange.by_order_id.get(order_id)
    if found is None or found.order_id == 0 or found.new.symbol != symbol or (order_id is None and found.algo_id):
        raise VenueRejected("Order does not exist", code)
    return found


def _algo(sim: Simulation, params: Parameters, code: str) -> SimOrder:
    algo_id, client_id = params.whole("algoId"), params.maybe("algoClOrdId")
    found = sim.exchange.orders.get(client_id) if algo_id is None else sim.exchange.by_algo_id.get(algo_id)
    if found is None or found.algo_id == 0:
        raise VenueRejected("Order does not exist", code)
    return found
