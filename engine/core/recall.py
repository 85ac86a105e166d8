"""Orders that are no longer wanted: cancelled now, or as soon as the venue holds them.

The wish is a timer (``cancel|id``, ``flat|id``) and so outlives a restart. It ends when the order has ended.
"""

from __future__ import annotations

from engine.core.deck import Deck
from engine.core.protection import close
from engine.model.decision import CancelSent, QueryOrder
from engine.model.order import Order, OrderStatus, Purpose

FIRST_MS = 250  # an order is acknowledged within this, as a rule
AGAIN_MS = 1_000


def recall(deck: Deck, order: Order) -> None:
    """Cancel an order; one that is still on its way is cancelled when it has arrived."""
    client_id = order.request.client_id
    if order.status in {OrderStatus.WORKING, OrderStatus.UNKNOWN}:
        deck.emit(CancelSent(client_id=client_id))
    deck.timer(f"cancel|{client_id}", FIRST_MS)


def recall_again(deck: Deck, client_id: str) -> None:
    """Time has passed since an order was recalled: ask once more while it is open.

    A cancelled limit order may have been filled in part before, and the message of it lost: the venue is asked.
    """
    order = deck.state.orders.get(client_id)
    if order is None:
        return
    if not order.open:
        if order.status is OrderStatus.CANCELED and order.request.price is not None:
            deck.emit(QueryOrder(client_id=client_id))
        return
    if order.status in {OrderStatus.WORKING, OrderStatus.CANCELING}:
        deck.emit(CancelSent(client_id=client_id))
    deck.timer(f"cancel|{client_id}", AGAIN_MS)


def flatten_with(deck: Deck, order: Order) -> None:
    """Whatever an entry still brings is to be closed at once."""
    if order.request.purpose is Purpose.ENTRY:
        deck.timer(f"flat|{order.request.client_id}", AGAIN_MS)


def flatten_fill(deck: Deck, order: Order, lots: int) -> None:
    """An entry has filled by `lots`: close them where everything was to be flat."""
    if f"flat|{order.request.client_id}" in deck.state.timers:
        close(deck, order.request.symbol, lots, order.request.origin)


def flatten_again(deck: Deck, client_id: str) -> None:
    """Keep watching an entry while it is open."""
    order = deck.state.orders.get(client_id)
    if order is not None and order.open:
        deck.timer(f"flat|{client_id}", AGAIN_MS)
