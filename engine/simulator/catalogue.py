"""The contracts the simulated exchange lists: grids and caps like those of the real ones, prices of its own."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.model.instrument import Instrument, unit_of
from engine.model.money import to_money


@dataclass(frozen=True, slots=True)
class Listing:
    """A contract with what its market is like: start price, volatility relative to BTC, spread in ticks, sector."""

    instrument: Instrument
    price: float
    volatility: float
    spread: int
    sector: int


# base, tick, lot, start price, volatility, spread in ticks, sector, max leverage, maintenance in ppm
_ROWS = (
    ("BTC", "0.1", "0.001", 64_000.0, 1.0, 1, 0, 125, 4_000),
    ("ETH", "0.01", "0.001", 3_400.0, 1.3, 1, 0, 100, 5_000),
    ("SOL", "0.01", "0.1", 172.0, 1.7, 1, 1, 75, 5_000),
    ("BNB", "0.01", "0.01", 610.0, 1.1, 1, 0, 75, 5_000),
    ("XRP", "0.0001", "0.1", 0.58, 1.4, 1, 0, 75, 5_000),
    ("DOGE", "0.00001", "1", 0.145, 1.8, 1, 2, 75, 5_000),
    ("ADA", "0.0001", "1", 0.45, 1.5, 1, 1, 75, 5_000),
    ("AVAX", "0.001", "1", 31.0, 1.7, 2, 1, 50, 6_500),
    ("LINK", "0.001", "0.1", 14.2, 1.6, 1, 3, 50, 6_500),
    ("DOT", "0.001", "0.1", 6.4, 1.5, 1, 1, 50, 6_500),
    ("LTC", "0.01", "0.001", 83.0, 1.3, 1, 0, 50, 6_500),
    ("BCH", "0.01", "0.001", 452.0, 1.5, 2, 0, 50, 6_500),
    ("NEAR", "0.001", "1", 5.6, 1.9, 1, 1, 50, 6_500),
    ("UNI", "0.001", "1", 8.9, 1.7, 1, 3, 50, 6_500),
    ("ATOM", "0.001", "0.01", 7.1, 1.5, 1, 1, 50, 6_500),
    ("FIL", "0.001", "0.1", 4.9, 1.7, 1, 4, 50, 6_500),
    ("APT", "0.001", "0.1", 8.3, 1.9, 1, 1, 50, 6_500),
    ("ARB", "0.0001", "0.1", 0.82, 1.9, 1, 4, 50, 6_500),
    ("OP", "0.0001", "0.1", 1.9, 2.0, 1, 4, 50, 6_500),
    ("SUI", "0.0001", "0.1", 1.1, 2.1, 1, 1, 50, 6_500),
    ("INJ", "0.001", "0.1", 23.0, 2.1, 2, 3, 50, 6_500),
    ("TIA", "0.0001", "1", 7.8, 2.1, 3, 4, 50, 6_500),
    ("SEI", "0.00001", "1", 0.41, 2.1, 3, 1, 50, 6_500),
    ("AAVE", "0.01", "0.1", 96.0, 1.7, 1, 3, 50, 6_500),
    ("MKR", "0.1", "0.001", 2_450.0, 1.6, 2, 3, 50, 6_500),
    ("CRV", "0.0001", "0.1", 0.33, 2.0, 1, 3, 50, 6_500),
    ("LDO", "0.0001", "1", 1.85, 2.0, 2, 3, 50, 6_500),
    ("WIF", "0.0001", "0.1", 2.2, 2.6, 2, 2, 50, 10_000),
    ("1000PEPE", "0.0000001", "1", 0.0112, 2.4, 3, 2, 50, 10_000),
    ("1000SHIB", "0.000001", "1", 0.0178, 2.0, 2, 2, 50, 10_000),
    ("1000BONK", "0.000001", "1", 0.0241, 2.5, 3, 2, 50, 10_000),
    ("ORDI", "0.001", "0.1", 38.0, 2.4, 3, 2, 50, 10_000),
    ("TRX", "0.00001", "1", 0.136, 0.9, 1, 0, 50, 6_500),
    ("ETC", "0.001", "0.01", 22.4, 1.5, 2, 0, 50, 6_500),
    ("ICP", "0.001", "1", 8.2, 1.8, 2, 4, 50, 6_500),
    ("STX", "0.0001", "1", 1.7, 2.0, 2, 4, 50, 6_500),
    ("IMX", "0.0001", "1", 1.5, 1.9, 2, 4, 50, 6_500),
    ("GRT", "0.00001", "1", 0.21, 1.9, 3, 4, 50, 6_500),
    ("RUNE", "0.001", "1", 4.1, 2.0, 1, 3, 50, 6_500),
    ("GALA", "0.00001", "1", 0.026, 2.1, 1, 2, 50, 6_500),
    ("SAND", "0.00001", "1", 0.31, 1.9, 3, 2, 50, 6_500),
    ("MANA", "0.0001", "1", 0.34, 1.8, 1, 2, 50, 6_500),
    ("AXS", "0.001", "1", 6.1, 1.9, 2, 2, 50, 6_500),
    ("DYDX", "0.001", "0.1", 1.3, 2.0, 1, 3, 50, 6_500),
    ("SNX", "0.001", "0.1", 1.9, 1.9, 1, 3, 50, 6_500),
    ("COMP", "0.01", "0.001", 49.0, 1.6, 1, 3, 50, 6_500),
    ("ALGO", "0.0001", "0.1", 0.14, 1.6, 1, 1, 50, 6_500),
    ("XLM", "0.00001", "1", 0.098, 1.4, 2, 0, 50, 6_500),
    ("HBAR", "0.00001", "1", 0.07, 1.7, 2, 1, 50, 6_500),
    ("VET", "0.000001", "1", 0.026, 1.6, 3, 4, 50, 6_500),
)


def _listing(
    base: str, tick: str, lot: str, price: float, volatility: float, spread: int, sector: int, leverage: int, ppm: int
) -> Listing:
    symbol = f"{base}/USDT:USDT"
    return Listing(
        instrument(symbol, Decimal(tick), Decimal(lot), price, leverage, ppm), price, volatility, spread, sector
    )


def instrument(
    symbol: str, tick: Decimal, lot: Decimal, price: float, max_leverage: int = 50, maintenance_ppm: int = 6_500
) -> Instrument:
    """A contract with the usual fees (0.02 % maker, 0.05 % taker) and minimum (5 USDT)."""
    return Instrument(
        symbol=symbol,
        venue_id=symbol.split(":", maxsplit=1)[0].replace("/", ""),
        tick_size=tick,
        lot_size=lot,
        min_lots=1,
        max_lots=max(1, int(Decimal(20_000_000) / Decimal(repr(price)) / lot)),
        min_notional=to_money(5),
        max_leverage=max_leverage,
        maintenance_ppm=maintenance_ppm,
        maker_ppm=200,
        taker_ppm=500,
        unit=unit_of(symbol, tick, lot),
    )


LISTINGS: dict[str, Listing] = {row.instrument.symbol: row for row in (_listing(*row) for row in _ROWS)}
