"""The whole-number arithmetic of a fill and of sizes: compiled within the backtest's kernel, called as it is by the core.

Every function takes and returns plain numbers: prices in ticks, quantities in lots, money in 1e-8 quote units, rates in
parts per million (fees) or 1e-8 (funding). Products are split so that they fit 64 bits: the results are those of
`engine.model.money.booked`.
"""

from __future__ import annotations

from numba.extending import register_jitable

# Constants are written out in the functions' bodies: the compiler takes literals as they are. 9007199254740992 is 2**53,
# beyond which float64 skips whole numbers.


@register_jitable
def part(amount: int, rate: int, scale: int) -> int:
    """``amount x rate / scale``, half to even."""
    quotient, rest = 0, amount * rate
    if abs(float(amount) * rate) > 9e18:
        quotient = amount // scale
        rest = (amount - quotient * scale) * rate
    whole = rest // scale
    quotient = quotient * rate + whole
    # one more above the half, and at the half where the quotient is odd: without a branch, for nobody can guess it
    return quotient + int(2 * (rest - whole * scale) + (quotient & 1) > scale)


@register_jitable
def fee(notional: int, rate_ppm: int) -> int:
    """Fee on a positive notional."""
    return int(part(notional, rate_ppm, 1_000_000))


@register_jitable
def funding_paid(notional: int, rate_e8: int) -> int:
    """What a signed notional pays (+) or receives (-): a long pays a positive rate."""
    return int(part(notional, rate_e8, 100_000_000))


@register_jitable
def slipped(ticks: int, side: int, slippage: float) -> int:
    """The price a market order of `side` gets around `ticks`: worse by the slippage, rounded up to a whole tick."""
    worse = ticks * slippage - 1e-9
    whole = int(worse)
    if worse > whole:
        whole += 1
    return max(1, ticks + side * whole)


@register_jitable
def equity_lots(equity: int, share: float, leverage: int, ticks: int, unit: int, taker_ppm: int) -> int:
    """Lots whose margin and opening fee take `share` of equity."""
    if equity <= 0:
        return 0
    cost = ticks * unit * (1.0 + leverage * taker_ppm / 1_000_000)
    return int(min(equity * share * leverage / cost, 9007199254740992.0))


@register_jitable
def notional_lots(value: float, ticks: int, unit: int) -> int:
    """Lots worth at most `value`, 1e-8 units."""
    return int(min(value / (ticks * unit), 9007199254740992.0))


@register_jitable
def risk_lots(equity: int, share: float, leverage: int, ticks: int, stop_ticks: int, unit: int, taker_ppm: int) -> int:
    """Lots that lose `share` of equity at the stop with fees both ways; never more than `equity_lots` of all equity."""
    if equity <= 0:
        return 0
    loss = abs(ticks - stop_ticks) * unit + 2.0 * ticks * unit * taker_ppm / 1_000_000
    most = equity_lots(equity, 1.0, leverage, ticks, unit, taker_ppm)
    return min(int(most), int(min(equity * share / loss, 9007199254740992.0)))


@register_jitable
def liquidation(entry: int, side: int, leverage: int, maintenance_ppm: int) -> int:
    """Isolated-margin liquidation price of an entry, ticks; 0 where no price liquidates.

    Liquidated where margin + unrealised profit = maintenance: ``p = entry x (1 - side/L) / (1 - side x m)``, rounded away
    from the entry's side so that equity still covers it (Binance USD-M, first bracket).
    """
    if leverage == side:
        return 0
    numerator = entry * (leverage - side) * 1_000_000
    denominator = leverage * (1_000_000 - side * maintenance_ppm)
    # a division of floats and its correction: a processor divides 64-bit integers much slower
    quotient = int(numerator / denominator)
    rest = numerator - quotient * denominator
    if rest < 0:
        quotient -= 1
        rest += denominator
    elif rest >= denominator:
        quotient += 1
        rest -= denominator
    return quotient if side > 0 or rest == 0 else quotient + 1


@register_jitable
def bankruptcy(entry: int, side: int, leverage: int) -> int:
    """The price at which the margin is gone, ticks (at least one)."""
    if side > 0:
        return max(1, -(-entry * (leverage - 1) // leverage))
    return entry * (leverage + 1) // leverage
