"""The contracts the core's tests trade, with their prices, and the time they begin at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.model.instrument import Instrument, unit_of
from engine.model.market import MINUTE_MS
from engine.model.money import MONEY_SCALE

FRAME = 15 * MINUTE_MS
DAY = 24 * 60 * MINUTE_MS
T0 = 1_750_000_000_000 // DAY * DAY + 8 * 60 * MINUTE_MS
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


def contract(base: str, tick: str, lot: str, **changes: Any) -> Instrument:
    symbol, tick_size, lot_size = f"{base}/USDT:USDT", Decimal(tick), Decimal(lot)
    values: dict[str, Any] = {
        "symbol": symbol,
        "venue_id": f"{base}USDT",
        "tick_size": tick_size,
        "lot_size": lot_size,
        "min_lots": 1,
        "max_lots": 1_000_000,
        "min_notional": 5 * MONEY_SCALE,
        "max_leverage": 50,
        "maintenance_ppm": 4_000,
        "maker_ppm": 200,
        "taker_ppm": 500,
        "unit": unit_of(symbol, tick_size, lot_size),
    }
    return Instrument(**{**values, **changes})


CONTRACTS = {i.symbol: i for i in (contract("BTC", "0.1", "0.001"), contract("ETH", "0.01", "0.001"))} | {
    SOL: contract("SOL", "0.01", "0.1")
}
PRICES = {BTC: 1_000_000, ETH: 400_000, SOL: 20_000}  # ticks
STOPS = {BTC: 500.0, ETH: 20.0, SOL: 1.0}  # quote currency; targets are three times as far
