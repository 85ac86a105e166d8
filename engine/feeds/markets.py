"""The market data of an exchange by its name."""

from __future__ import annotations

from typing import Any

from engine.feeds.binance_market import BinanceMarket
from engine.feeds.bybit_market import BybitMarket
from engine.feeds.market_api import MarketApi
from engine.feeds.okx_market import OkxMarket
from engine.venues.ccxt_api import Api


def market_of(exchange: str, client: Any, api: Api) -> MarketApi:
    """What speaks to an exchange that `engine.venues.exchanges` knows."""
    if exchange == "okx":
        return OkxMarket(client, api)
    if exchange == "bybit":
        return BybitMarket(client, api)
    return BinanceMarket(client, api)
