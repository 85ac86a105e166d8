"""What an order at a venue would do, from the texts of its row; what the row does not tell stays unknown. Pure."""

from __future__ import annotations

from typing import TypedDict

from engine.model.instrument import Instrument

SIDES = {"BUY": 1, "SELL": -1}


class Asked(TypedDict):
    """Fields of a `VenueOrder`: side +1 buys and 0 is not known; lots; price and trigger in ticks."""

    side: int
    lots: int
    price: int | None
    trigger: int | None


def asked(instrument: Instrument, side: object, lots: int, price: object, trigger: object = "") -> Asked:
    """From a side in any case, and prices as texts where empty and 0 mean none."""
    return Asked(
        side=SIDES.get(str(side).upper(), 0),
        lots=lots,
        price=_ticks(instrument, price),
        trigger=_ticks(instrument, trigger),
    )


def _ticks(instrument: Instrument, text: object) -> int | None:
    price = float(str(text or 0))
    return instrument.nearest_ticks(price) if price > 0 else None
