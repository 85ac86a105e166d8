"""Market data of Binance USD-M; see `MarketApi`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.errors import BadInput
from engine.feeds.market_api import MAINTENANCE_PPM, Handlers, Hears, LooksOn, Row, Subscription, parts
from engine.model.instrument import Instrument, unit_of
from engine.model.market import TIMEFRAMES, Bar
from engine.model.money import to_money
from engine.venues.ccxt_api import Api
from engine.venues.weight import Lane

MAKER_PPM, TAKER_PPM = 200, 500
INTERVALS = {milliseconds: name for name, milliseconds in TIMEFRAMES.items()}
LEVELS = 20


class BinanceMarket:
    """Implements MarketApi.

    Args:
        client: the ccxt client.
        api: requests.
    """

    page = 1_500

    def __init__(self, client: Any, api: Api) -> None:
        self._client = client
        self._api = api

    async def instruments(self) -> tuple[list[Instrument], list[str]]:
        """From exchangeInfo."""
        found, refused = [], []
        for row in (await self._api("fapiPublicGetExchangeInfo"))["symbols"]:
            if (row.get("contractType"), row.get("marginAsset"), row.get("status")) != (
                "PERPETUAL",
                "USDT",
                "TRADING",
            ):
                continue
            try:
                found.append(_instrument(row))
            except BadInput as error:
                refused.append(str(error))
        return found, refused

    async def learn(self) -> None:
        """Nothing: quantities are coins."""

    async def server_time(self) -> int:
        """Simulated in a replay."""
        return int((await self._api("fapiPublicGetTime"))["serverTime"])

    async def bars(self, venue_id: str, timeframe_ms: int, begin: int, end: int, lane: Lane) -> list[Row]:
        """The fewer are asked for, the lighter is the request."""
        params = {
            "symbol": venue_id,
            "interval": INTERVALS[timeframe_ms],
            "startTime": begin,
            "endTime": end - 1,
            "limit": -((begin - end) // timeframe_ms),
        }
        rows = await self._api("fapiPublicGetKlines", params, lane=lane)
        return [(int(row[0]), *row[1:6]) for row in rows if int(row[6]) < end]

    def size_step(self, instrument: Instrument) -> float:
        """Quantities are coins."""
        return float(instrument.lot_size)

    def handlers(self, hears: Hears) -> Handlers:
        """Best prices, bars and marks."""

        def top(message: dict[str, Any]) -> None:
            bid, ask = (message["b"], message["B"]), (message["a"], message["A"])
            hears.top(message["s"], (message["u"],), message["T"], bid, ask)

        def candle(message: dict[str, Any]) -> None:
            k, time = message["k"], message["E"]
            bar = Bar(k["t"], float(k["o"]), float(k["h"]), float(k["l"]), float(k["c"]), float(k["v"]))
            hears.candle(message["s"], (time,), time, bar, closed=k["x"])

        def mark(message: dict[str, Any]) -> None:
            hears.mark(message["s"], message["E"], message["p"])
            if message.get("r") and message.get("T"):
                hears.funding(message["s"], message["r"], message["T"])

        return {"bookTicker": top, "kline": candle, "markPriceUpdate": mark}

    def subscriptions(self, venue_ids: Sequence[str], base_ms: int, *, one_socket: bool) -> list[Subscription]:
        """Quotes on public sockets, bars and marks on market sockets; or all on one, in the exchange's order."""
        names = [venue_id.lower() for venue_id in venue_ids]
        quotes = [f"{name}@bookTicker" for name in names]
        rest = [f"{name}@{stream}" for name in names for stream in (f"kline_{INTERVALS[base_ms]}", "markPrice@1s")]
        market, public = (self._client.get_ws_url("linear", kind) for kind in ("market", "public"))
        groups = [(public, part) for part in parts(quotes)] + [(market, part) for part in parts(rest)]
        if one_socket:
            groups = [(market, [*quotes, *rest])]
        return [
            (f"{url}/{number}", _request(streams), [s.partition("@")[0].upper() for s in streams])
            for number, (url, streams) in enumerate(groups)
        ]

    def look_handlers(self, looks: LooksOn) -> Handlers:
        """Depth of 20 levels four times a second, and every trade."""

        def depth(message: dict[str, Any]) -> None:
            looks.depth(message["s"], message["b"], message["a"])

        def traded(message: dict[str, Any]) -> None:
            looks.traded(message["s"], message["T"], message["p"], message["q"], -1 if message["m"] else 1)

        return {"depthUpdate": depth, "aggTrade": traded}

    def look_subscription(self, venue_ids: Sequence[str], number: int) -> Subscription:
        """One public socket."""
        streams = [f"{name.lower()}@{stream}" for name in venue_ids for stream in (f"depth{LEVELS}", "aggTrade")]
        return f"{self._client.get_ws_url('linear', 'public')}/look{number}", _request(streams), list(venue_ids)


def _request(streams: list[str]) -> dict[str, Any]:
    return {"method": "SUBSCRIBE", "params": streams, "id": 1}


def _instrument(row: dict[str, Any]) -> Instrument:
    filters = {f["filterType"]: f for f in row["filters"]}
    tick, lot = Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])
    symbol = f"{row['baseAsset']}/{row['quoteAsset']}:{row['marginAsset']}"
    most = filters.get("MARKET_LOT_SIZE", filters["LOT_SIZE"])["maxQty"]
    return Instrument(
        symbol=symbol,
        venue_id=row["symbol"],
        tick_size=tick.normalize(),
        lot_size=lot.normalize(),
        min_lots=max(1, int(Decimal(filters["LOT_SIZE"]["minQty"]) / lot)),
        max_lots=int(Decimal(most) / lot),
        min_notional=to_money(filters.get("MIN_NOTIONAL", {}).get("notional", "5")),
        max_leverage=20,
        maintenance_ppm=MAINTENANCE_PPM,
        maker_ppm=MAKER_PPM,
        taker_ppm=TAKER_PPM,
        unit=unit_of(symbol, tick, lot),
        listed=int(row.get("onboardDate") or 0),
    )
