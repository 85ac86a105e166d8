"""Orders that must have executed by now, and nothing was heard of it: the message may be lost, so the venue is asked.

Looked at with every clock event. What was bought and never heard of would have no stop until the next report.
"""

from __future__ import annotations

from engine.core.deck import Deck
from engine.model.decision import QueryOrder
from engine.model.market import Quote
from engine.model.order import OrderKind, OrderRequest, OrderStatus

QUIET_MS = 250  # an execution is told within this, as a rule


def ask(deck: Deck) -> None:
    """Ask for every working order that the market has reached a while ago."""
    state = deck.state
    if state.recovering:  # the venue's report comes first
        return
    for s in state.symbols.values():
        for client_id in s.orders:
            order = state.orders[client_id]
            quiet = order.status is OrderStatus.WORKING and state.now - order.updated >= QUIET_MS
            if quiet and reached(order.request, s.quote):
                deck.emit(QueryOrder(client_id=client_id))


def reached(request: OrderRequest, quote: Quote) -> bool:
    """At these prices the order executes."""
    if request.kind is OrderKind.MARKET:
        return True
    if request.price is not None:
        price = quote.ask if request.side > 0 else quote.bid
        return price > 0 and (price - request.price) * request.side <= 0
    rises = (request.kind is OrderKind.STOP_MARKET) == (request.side > 0)
    ahead = (request.trigger or 0) - quote.mark
    return quote.mark > 0 and (ahead <= 0 if rises else ahead >= 0)
