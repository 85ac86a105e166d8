"""The contracts of the sample desk: 30 perpetuals with a price, a tick and a lot size."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Coin(NamedTuple):
    """A contract of the sample: base currency, price, tick and lot size."""

    base: str
    price: str
    tick: str
    lot: str


COINS = (
    Coin("BTC", "64231.5", "0.1", "0.001"),
    Coin("ETH", "3412.80", "0.01", "0.001"),
    Coin("SOL", "172.43", "0.01", "0.1"),
    Coin("BNB", "604.21", "0.01", "0.01"),
    Coin("XRP", "0.5231", "0.0001", "1"),
    Coin("DOGE", "0.16243", "0.00001", "1"),
    Coin("ADA", "0.4671", "0.0001", "1"),
    Coin("AVAX", "36.412", "0.001", "0.1"),
    Coin("LINK", "17.334", "0.001", "0.1"),
    Coin("DOT", "7.214", "0.001", "0.1"),
    Coin("LTC", "84.31", "0.01", "0.01"),
    Coin("BCH", "478.12", "0.01", "0.01"),
    Coin("NEAR", "7.881", "0.001", "0.1"),
    Coin("ATOM", "8.512", "0.001", "0.1"),
    Coin("UNI", "9.723", "0.001", "0.1"),
    Coin("APT", "8.914", "0.001", "0.1"),
    Coin("ARB", "1.0323", "0.0001", "1"),
    Coin("OP", "2.5341", "0.0001", "1"),
    Coin("SUI", "1.0912", "0.0001", "1"),
    Coin("FIL", "5.912", "0.001", "0.1"),
    Coin("INJ", "25.331", "0.001", "0.1"),
    Coin("TRX", "0.12341", "0.00001", "1"),
    Coin("ETC", "28.114", "0.001", "0.1"),
    Coin("AAVE", "92.41", "0.01", "0.1"),
    Coin("SEI", "0.5412", "0.0001", "1"),
    Coin("TIA", "9.8812", "0.0001", "1"),
    Coin("WIF", "2.8731", "0.0001", "1"),
    Coin("1000PEPE", "0.0134120", "0.0000001", "100"),
    Coin("1000SHIB", "0.025310", "0.000001", "10"),
    Coin("MKR", "2941.3", "0.1", "0.001"),
)


def symbol_of(base: str) -> str:
    """The unified symbol of a base currency."""
    return f"{base}/USDT:USDT"


def decimals_of(step: str) -> int:
    """Decimals of a tick or lot size."""
    return max(0, -int(Decimal(step).normalize().as_tuple().exponent))


def ticks_of(base: str) -> int:
    """Last price of the sample, ticks."""
    coin = next(c for c in COINS if c.base == base)
    return int(Decimal(coin.price) / Decimal(coin.tick))
