"""The account's money: wallet, net positions, isolated margin. Integer arithmetic only, the engine's own `book`.

The isolated margin of a position is always its cost over its leverage; fees, realised profit and funding go to the
wallet. Margin balance = wallet + unrealised profit at mark.
"""

from __future__ import annotations

from engine.model.instrument import Instrument
from engine.model.money import MONEY_SCALE, PPM, Money, booked
from engine.model.position import book, liquidation_ticks

FUNDING_INTERVAL_MS = 8 * 3_600_000


class Holding:
    """One symbol of the account: signed `lots`, signed `cost` (1e-8), `leverage`, `mark` (ticks)."""

    __slots__ = ("cost", "instrument", "leverage", "liquidation", "lots", "mark", "realised", "updated")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.lots = 0
        self.cost: Money = 0
        self.leverage = min(20, instrument.max_leverage)
        self.mark = 0
        self.realised: Money = 0
        self.updated = 0
        self.liquidation: int | None = None

    @property
    def margin(self) -> Money:
        """Isolated margin, 1e-8 units."""
        return booked(abs(self.cost), self.leverage)

    @property
    def notional(self) -> Money:
        """Signed value at mark, 1e-8 units."""
        return self.instrument.notional(self.mark, self.lots)

    @property
    def unrealised(self) -> Money:
        """Profit at mark, 1e-8 units."""
        return self.notional - self.cost

    @property
    def maintenance(self) -> Money:
        """Maintenance margin at mark, 1e-8 units."""
        return booked(abs(self.notional) * self.instrument.maintenance_ppm, PPM)

    @property
    def liquidated(self) -> bool:
        """Whether the mark price is at or beyond the liquidation price."""
        if self.liquidation is None or self.mark == 0:
            return False
        return self.mark <= self.liquidation if self.lots > 0 else self.mark >= self.liquidation

    def changed(self) -> None:
        """Work out the liquidation price after lots, cost or leverage changed."""
        self.liquidation = liquidation_ticks(self.instrument, self.lots, self.cost, self.margin)


class Account:
    """A wallet and its holdings.

    Args:
        balance: wallet balance to start with, 1e-8 units.
        instruments: everything that can be held.
    """

    def __init__(self, balance: Money, instruments: tuple[Instrument, ...]) -> None:
        self.wallet = balance
        self.holdings = {instrument.symbol: Holding(instrument) for instrument in instruments}

    @property
    def unrealised(self) -> Money:
        """Profit of all positions at mark."""
        return sum(holding.unrealised for holding in self.holdings.values() if holding.lots)

    @property
    def margin(self) -> Money:
        """Isolated margin of all positions."""
        return sum(holding.margin for holding in self.holdings.values() if holding.lots)

    @property
    def maintenance(self) -> Money:
        """Maintenance margin of all positions."""
        return sum(holding.maintenance for holding in self.holdings.values() if holding.lots)

    @property
    def balance(self) -> Money:
        """Margin balance: wallet and unrealised profit."""
        return self.wallet + self.unrealised

    def fill(self, symbol: str, lots: int, ticks: int, fee: Money, now: int) -> Money:
        """Book a signed execution; returns the realised profit before the fee."""
        holding = self.holdings[symbol]
        booking = book(holding.lots, holding.cost, lots, ticks, holding.instrument.unit)
        holding.lots, holding.cost = booking.lots, booking.cost
        holding.realised += booking.realised
        holding.updated = now
        holding.changed()
        self.wallet += booking.realised - fee
        return booking.realised

    def fund(self, symbol: str, rate_e8: int) -> Money:
        """Book funding at a rate in 1e-8: longs pay a positive one. Returns what was received (+) or paid (-)."""
        amount = booked(-self.holdings[symbol].notional * rate_e8, MONEY_SCALE)
        self.wallet += amount
        return amount


def funding_rate_e8(symbol: str, time: int) -> int:
    """The simulated funding rate at a funding time, in 1e-8: 0.01 % give or take 0.02 %, fixed for symbol and time."""
    mixed = sum(symbol.encode()) * 7_919 + time // FUNDING_INTERVAL_MS * 104_729
    return 10_000 + (mixed % 401 - 200) * 100
