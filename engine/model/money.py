"""Money as integers of 1e-8 quote currency, and the one function that rounds a booking.

Inside the core a price is an integer number of ticks, a quantity an integer number of lots, and cash an integer number
of 1e-8 units; Decimal appears at the edges (venue, storage, screen), float64 only in analysis.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

MONEY_SCALE = 100_000_000
PPM = 1_000_000
_QUANTUM = Decimal("0.00000001")

Money = int


def to_money(value: Decimal | str | int) -> Money:
    """Quote currency as Decimal, string or int -> integer 1e-8 units, half to even."""
    return int((Decimal(value) * MONEY_SCALE).to_integral_value(ROUND_HALF_EVEN))


def to_decimal(money: Money) -> Decimal:
    """Integer 1e-8 units -> Decimal quote currency with eight places."""
    return (Decimal(money) / MONEY_SCALE).quantize(_QUANTUM, ROUND_HALF_EVEN)


def booked(numerator: int, denominator: int) -> Money:
    """`numerator / denominator` rounded half to even: the only rounding of cash in the program.

    Args:
        numerator: 1e-8 units times any integer factor, of either sign.
        denominator: a positive integer factor.
    """
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def fee_of(notional: Money, rate_ppm: int) -> Money:
    """Fee in 1e-8 units on a notional in 1e-8 units at a rate in parts per million; never negative on a taker rate."""
    return booked(notional * rate_ppm, PPM)
