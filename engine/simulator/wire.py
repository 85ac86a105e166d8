"""How numbers travel: ticks, lots and money as the decimal strings of Binance's API."""

from __future__ import annotations

from decimal import Decimal

from engine.errors import BadInput, VenueRejected
from engine.model.instrument import Instrument
from engine.model.money import MONEY_SCALE, Money


class Wire:
    """Texts of one instrument's prices and quantities.

    Args:
        instrument: the contract whose grids are used.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._price_format = f"%.{instrument.price_decimals}f"
        self._lot_format = f"%.{instrument.lot_decimals}f"
        self._tick = float(instrument.tick_size)
        self._lot = float(instrument.lot_size)

    def price(self, ticks: int) -> str:
        """Ticks as a price with the instrument's decimals (exact below 2^53 of the smallest decimal)."""
        return self._price_format % (ticks * self._tick)

    def quantity(self, lots: int) -> str:
        """Lots as a quantity with the instrument's decimals."""
        return self._lot_format % (lots * self._lot)

    def average(self, value: int, lots: int) -> str:
        """Average price of `value` (ticks x lots) over `lots`, with two decimals more than the tick."""
        if lots == 0:
            return "0.00"
        return f"%.{self.instrument.price_decimals + 2}f" % (value / lots * self._tick)

    def entry(self, cost: Money, lots: int) -> str:
        """Entry price of a position of `lots` that cost `cost`, or 0.0 when flat."""
        if lots == 0:
            return "0.0"
        return plain(Decimal(cost) / (lots * self.instrument.unit) * self.instrument.tick_size)

    def parse_price(self, name: str, text: str) -> int:
        """A price parameter -> ticks; refuses as Binance does what is off the grid."""
        value = number(name, text)
        if value <= 0:
            raise VenueRejected("Price less than or equal to zero.", "-4001")
        try:
            return self.instrument.exact_ticks(value)
        except BadInput as bad:
            if _decimals(value) > self.instrument.price_decimals:
                raise VenueRejected("Precision is over the maximum defined for this asset.", "-1111") from bad
            raise VenueRejected("Price not increased by tick size.", "-4014") from bad

    def parse_quantity(self, name: str, text: str) -> int:
        """A quantity parameter -> lots; refuses as Binance does what is off the grid."""
        value = number(name, text)
        if value <= 0:
            raise VenueRejected("Quantity less than or equal to zero.", "-4003")
        try:
            return self.instrument.exact_lots(value)
        except BadInput as bad:
            if _decimals(value) > self.instrument.lot_decimals:
                raise VenueRejected("Precision is over the maximum defined for this asset.", "-1111") from bad
            raise VenueRejected("Quantity not increased by step size.", "-4023") from bad


def money_text(money: Money) -> str:
    """1e-8 units with eight decimals, exactly."""
    whole, rest = divmod(abs(money), MONEY_SCALE)
    return f"{'-' if money < 0 else ''}{whole}.{rest:08d}"


def plain(value: Decimal) -> str:
    """At most ten decimals, without an exponent and without trailing zeros."""
    text = f"{value:.10f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: float) -> str:
    """The shortest plain decimal that reads back as the same float64."""
    text = repr(value)
    return text if "e" not in text else f"{Decimal(text):f}"


def number(name: str, text: str) -> Decimal:
    """A decimal parameter; refuses what is not a finite plain number."""
    allowed = text.strip("+-0123456789.") == "" and any(c.isdigit() for c in text) and text.count(".") <= 1
    if not allowed or len(text) > 40 or "+" in text[1:] or "-" in text[1:]:
        raise VenueRejected(
            f"Illegal characters found in parameter '{name}'; legal range is a decimal number.", "-1100"
        )
    return Decimal(text)


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))
