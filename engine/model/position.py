"""Net positions and the arithmetic of a fill."""

from __future__ import annotations

import msgspec

from engine.model.instrument import Instrument
from engine.model.money import PPM, Money, booked


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One net position a symbol.

    Attributes:
        symbol: unified symbol.
        lots: signed quantity; positive is long.
        cost: signed value at entry, 1e-8 quote units (lots x entry ticks x unit); entry price is derived.
        opened: ms UTC of the fill that opened it.
        stop: protective stop trigger, ticks, or None.
        target: take-profit trigger, ticks, or None.
        origin: who opened it.
        leverage: leverage held at the venue.
        realised: realised profit so far of this position before fees, 1e-8 units.
        fees: fees paid so far for this position, 1e-8 units.
        funding: funding received (+) or paid (-) so far, 1e-8 units.
    """

    symbol: str
    lots: int
    cost: Money
    opened: int
    origin: str
    stop: int | None = None
    target: int | None = None
    leverage: int = 1
    realised: Money = 0
    fees: Money = 0
    funding: Money = 0

    @property
    def side(self) -> int:
        """+1 long, -1 short, 0 flat."""
        return (self.lots > 0) - (self.lots < 0)

    def unrealised(self, instrument: Instrument, mark: int) -> Money:
        """Profit at `mark` ticks, 1e-8 units."""
        return self.lots * mark * instrument.unit - self.cost

    def entry_ticks(self, instrument: Instrument) -> float:
        """Average entry price in (fractional) ticks, for display and distances only."""
        return self.cost / (self.lots * instrument.unit)


class Booking(msgspec.Struct, frozen=True, gc=False):
    """What a fill did: new signed lots and cost, and the profit it realised (before fees), 1e-8 units."""

    lots: int
    cost: Money
    realised: Money


def book(lots: int, cost: Money, fill_lots: int, fill_ticks: int, unit: Money) -> Booking:
    """Apply a signed fill to a signed position by average cost.

    Args:
        lots: signed position before.
        cost: its signed cost, 1e-8 units.
        fill_lots: signed fill.
        fill_ticks: fill price, ticks.
        unit: value of one tick of one lot, 1e-8 units.

    A fill through zero closes the whole position and opens the rest at the fill price. The sum of realised profit and
    cost is conserved exactly: rounding of a partial close stays in the remaining cost.
    """
    value = fill_lots * fill_ticks * unit
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return Booking(lots + fill_lots, cost + value, 0)
    closing = fill_lots if abs(fill_lots) <= abs(lots) else -lots
    cost_closed = booked(cost * -closing, lots) if lots > 0 else booked(cost * closing, -lots)
    realised = -closing * fill_ticks * unit - cost_closed
    opening = fill_lots - closing
    return Booking(lots + fill_lots, cost - cost_closed + opening * fill_ticks * unit, realised)


def liquidation_ticks(instrument: Instrument, lots: int, cost: Money, margin: Money) -> int | None:
    """Isolated-margin liquidation price in ticks, or None where no price liquidates.

    Liquidated where margin + unrealised = maintenance rate x notional, i.e. for a long
    ``p = (cost - margin) / (lots x unit x (1 - m))`` and for a short with ``1 + m`` (Binance USD-M, first bracket).
    """
    if lots == 0:
        return None
    side = 1 if lots > 0 else -1
    denominator = abs(lots) * instrument.unit * (PPM - side * instrument.maintenance_ppm)
    numerator = (abs(cost) - side * margin) * PPM
    ticks = numerator // denominator if side > 0 else -(-numerator // denominator)
    return ticks if ticks > 0 else None
