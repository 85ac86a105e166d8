"""Orders that must have executed by now, and nothing was heard of it: the message may be lost, so the venue is asked.

Looked at with every clock event. What was bought and never heard of would have no stop until the next report.
"""

from __future__ import annotations

from engine.core.deck import Deck
from engine.model.decision import QueryOrder
from engine.model.market import Quote
from engine.model.order import OrderKind, OrderRequest, OrderStatus, Side

STOP, BUY = OrderKind.STOP_MARKET, Side.BUY
QUIET_MS = 250  # an execution is told within this, as a rule


def ask(deck: Deck) -> None:
    """Ask for every working order that the market has reached a while ago."""
    state = deck.state
    if state.recovering:  # the venue's report comes first
        return
    orders, until = state.orders, state.now - QUIET_MS
    for s in state.symbols.values():
        if not s.orders:
            continue
        quote = s.quote
        for client_id in s.orders:
            order = orders[client_id]
            if reached(order.request, quote) and order.status is OrderStatus.WORKING and order.updated <= until:
                deck.emit(QueryOrder(client_id=client_id))


def reached(request: OrderRequest, quote: Quote) -> bool:
    """At these prices the order executes."""
    trigger, price = request.trigger, request.price
    if trigger is not None:  # most orders that rest are protection
        rises = (request.kind is STOP) is (request.side is BUY)
        mark = quote.mark
        return 0 < mark >= trigger if rises else 0 < mark <= trigger
    if price is not None:
        there = quote.ask if request.side is BUY else quote.bid
        return there > 0 and (there - price) * request.side <= 0
    return True
