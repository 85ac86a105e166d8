"""Horizontal levels of the chart: entry, stop, target, liquidation and working orders. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.order import PROTECTIVE
from engine.view import InstrumentView, OrderView, PositionView


class Level(NamedTuple):
    """A named price, quote currency; `pulls` is whether the scale may widen to show it."""

    name: str
    price: float
    tone: str
    pulls: bool


def levels_of(
    instrument: InstrumentView | None, position: PositionView | None, orders: Sequence[OrderView]
) -> tuple[Level, ...]:
    """What is worth a line, the most important last (it is drawn over the others)."""
    if instrument is None:
        return ()
    tick = float(instrument.tick_size)
    levels = [
        Level("buy" if order.side > 0 else "sell", ticks * tick, "accent", pulls=True)
        for order in orders
        if order.purpose not in PROTECTIVE and order.symbol == instrument.symbol
        for ticks in (order.price if order.price is not None else order.trigger,)
        if ticks is not None
    ]
    if position is not None and position.symbol == instrument.symbol:
        side = "▲ long" if position.lots > 0 else "▼ short"
        table = (
            ("liq", position.liquidation, "warn", False),
            (side, position.entry, "entry", True),
            ("target", position.target, "target", True),
            ("stop", position.stop, "stop", True),
        )
        levels += [Level(name, ticks * tick, tone, pulls) for name, ticks, tone, pulls in table if ticks is not None]
    return tuple(levels)
