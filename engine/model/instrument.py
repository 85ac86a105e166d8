"""What can be traded, and how its prices and quantities turn into integers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from engine.errors import BadInput
from engine.model.money import MONEY_SCALE, Money

MAX_STEPS = 10**15  # ticks or lots: beyond it neither float64 nor 64-bit integers would be exact


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A linear perpetual contract, margined and settled in its quote currency.

    Attributes:
        symbol: unified name, e.g. ``BTC/USDT:USDT``.
        venue_id: the venue's own name, e.g. ``BTCUSDT``.
        tick_size: smallest price step, quote currency.
        lot_size: smallest quantity step, base currency.
        min_lots: smallest order, lots.
        max_lots: largest market order, lots.
        min_notional: smallest order value, 1e-8 quote units; reduce-only orders are exempt.
        max_leverage: the venue's cap.
        maintenance_ppm: maintenance margin rate of the first bracket, parts per million of notional.
        maker_ppm: maker fee, parts per million of notional.
        taker_ppm: taker fee, parts per million of notional.
        unit: value of one tick times one lot, 1e-8 quote units.
        listed: when its trading began, ms UTC; 0 where the venue does not say.
    """

    symbol: str
    venue_id: str
    tick_size: Decimal
    lot_size: Decimal
    min_lots: int
    max_lots: int
    min_notional: Money
    max_leverage: int
    maintenance_ppm: int
    maker_ppm: int
    taker_ppm: int
    unit: Money
    listed: int = 0

    @property
    def base(self) -> str:
        """The currency that quantities are in."""
        return self.symbol.partition("/")[0]

    @property
    def price_decimals(self) -> int:
        """Decimals a price is shown with."""
        return max(0, -int(self.tick_size.normalize().as_tuple().exponent))

    @property
    def lot_decimals(self) -> int:
        """Decimals a quantity is shown with."""
        return max(0, -int(self.lot_size.normalize().as_tuple().exponent))

    def price(self, ticks: int) -> Decimal:
        """Ticks -> quote currency."""
        return self.tick_size * ticks

    def quantity(self, lots: int) -> Decimal:
        """Lots -> base currency."""
        return self.lot_size * lots

    def nearest_ticks(self, price: float | Decimal) -> int:
        """Price -> nearest tick (analysis to order; a venue's exact price maps onto itself).

        Raises BadInput for what is no number a market could have: NaN, infinity, beyond 1e15 ticks.
        """
        value = price if isinstance(price, Decimal) else Decimal(repr(float(price)))
        return int(_steps(f"{self.symbol} price", value, self.tick_size).to_integral_value(ROUND_HALF_EVEN))

    def exact_ticks(self, price: Decimal) -> int:
        """Price -> ticks; raises BadInput when the price is not on the tick grid or not positive."""
        ticks = self.nearest_ticks(price)
        if self.price(ticks) != price or ticks <= 0:
            raise BadInput(f"{self.symbol} price", price, f"use a positive multiple of {self.tick_size}")
        return ticks

    def floor_lots(self, quantity: Decimal) -> int:
        """Quantity -> whole lots, never more than asked; raises BadInput for NaN, infinity and beyond 1e15 lots."""
        return int(_steps(f"{self.symbol} quantity", quantity, self.lot_size))

    def exact_lots(self, quantity: Decimal) -> int:
        """Quantity -> lots; raises BadInput when it is not on the lot grid or not positive."""
        lots = self.floor_lots(quantity)
        if self.quantity(lots) != quantity or lots <= 0:
            raise BadInput(f"{self.symbol} quantity", quantity, f"use a positive multiple of {self.lot_size}")
        return lots

    def notional(self, ticks: int, lots: int) -> Money:
        """Value of `lots` at `ticks`, 1e-8 quote units, signed as `lots`."""
        return ticks * lots * self.unit


def _steps(field: str, value: Decimal, step: Decimal) -> Decimal:
    if not value.is_finite() or value.copy_abs() > MAX_STEPS * step:
        raise BadInput(field, value, f"use a number of at most {MAX_STEPS * step:f}")
    return value / step


def unit_of(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Money:
    """Value of one tick of one lot in 1e-8 units; raises BadInput where the venue's grid is finer than that."""
    exact = tick_size * lot_size * MONEY_SCALE
    unit = int(exact)
    if unit != exact or unit <= 0:
        raise BadInput(f"{symbol} tick x lot", tick_size * lot_size, "the contract's grid must be a multiple of 1e-8")
    return unit
