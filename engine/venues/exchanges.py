"""The exchanges that are known, by name."""

from __future__ import annotations

from engine.errors import BadInput
from engine.venues.binance_manners import BINANCE
from engine.venues.bybit_manners import BYBIT
from engine.venues.manners import Manners
from engine.venues.okx_manners import OKX

EXCHANGES: dict[str, Manners] = {one.name: one for one in (BINANCE, OKX, BYBIT)}
LIMITS = tuple(limit for one in EXCHANGES.values() for limit in one.limits)
"""Of all exchanges: their names differ, and one gate serves one exchange."""


def manners_of(exchange: str) -> Manners:
    """The manners of an exchange by our name; raises BadInput for one that is not known."""
    if exchange not in EXCHANGES:
        raise BadInput("exchange", exchange, f"use one of {', '.join(EXCHANGES)}")
    return EXCHANGES[exchange]
