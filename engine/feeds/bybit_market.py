"""Market data of Bybit's linear USDT contracts; see `MarketApi`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.errors import BadInput
from engine.feeds.level_book import LevelBook
from engine.feeds.market_api import MAINTENANCE_PPM, Handlers, Hears, LooksOn, Row, Subscription, parts
from engine.model.instrument import Instrument, unit_of
from engine.model.market import TIMEFRAMES, Bar
from engine.model.money import to_money
from engine.venues.ccxt_api import Api
from engine.venues.weight import Lane

MAKER_PPM, TAKER_PPM = 200, 550
_OTHERS = {"1h": "60", "2h": "120", "4h": "240", "1d": "D"}
INTERVALS = {milliseconds: _OTHERS.get(name, name.removesuffix("m")) for name, milliseconds in TIMEFRAMES.items()}
DEPTH = "orderbook.50"
LEVELS = 20
LISTED = 1_000


class BybitMarket:
    """Implements MarketApi.

    Args:
        client: the ccxt client.
        api: requests.
    """

    page = 1_000

    def __init__(self, client: Any, api: Api) -> None:
        self._client = client
        self._api = api

    async def instruments(self) -> tuple[list[Instrument], list[str]]:
        """Linear perpetuals that settle in USDT."""
        found, refused, cursor = [], [], ""
        while True:
            asked = {"category": "linear", "status": "Trading", "limit": LISTED} | (
                {"cursor": cursor} if cursor else {}
            )
            result = (await self._api("publicGetV5MarketInstrumentsInfo", asked))["result"]
            for row in result["list"]:
                if (row["contractType"], row["settleCoin"], row["quoteCoin"]) != ("LinearPerpetual", "USDT", "USDT"):
                    continue
                try:
                    found.append(_instrument(row))
                except BadInput as error:
                    refused.append(str(error))
            cursor = result.get("nextPageCursor") or ""
            if not cursor:
                return found, refused

    async def learn(self) -> None:
        """Nothing: quantities are coins."""

    async def server_time(self) -> int:
        """Ms UTC."""
        return int((await self._api("publicGetV5MarketTime"))["time"])

    async def bars(self, venue_id: str, timeframe_ms: int, begin: int, end: int, lane: Lane) -> list[Row]:
        """The open bar is among the answers; what ends after `end` is left out."""
        asked = {
            "category": "linear",
            "symbol": venue_id,
            "interval": INTERVALS[timeframe_ms],
            "start": begin,
            "end": end - 1,
            "limit": self.page,
        }
        rows = (await self._api("publicGetV5MarketKline", asked, lane=lane))["result"]["list"]
        return [(int(row[0]), *row[1:6]) for row in rows[::-1] if int(row[0]) + timeframe_ms <= end]

    def size_step(self, instrument: Instrument) -> float:
        """Quantities are coins."""
        return float(instrument.lot_size)

    def handlers(self, hears: Hears) -> Handlers:
        """Best prices, bars and marks; a ticker says only what changed."""

        def top(message: dict[str, Any]) -> None:
            data = message["data"]
            if data["b"] and data["a"]:
                time = message["ts"]
                hears.top(data["s"], (time, data["u"]), time, tuple(data["b"][0]), tuple(data["a"][0]))

        def candle(message: dict[str, Any]) -> None:
            name = message["topic"].rpartition(".")[2]
            for k in message["data"]:
                prices = (float(k[field]) for field in ("open", "high", "low", "close", "volume"))
                time = k["timestamp"]
                hears.candle(name, (time,), message["ts"], Bar(k["start"], *prices), closed=k["confirm"])

        def mark(message: dict[str, Any]) -> None:
            price = message["data"].get("markPrice")
            if price:
                hears.mark(message["data"]["symbol"], message["ts"], price)
            rate, at = message["data"].get("fundingRate"), message["data"].get("nextFundingTime")
            if rate and at:
                hears.funding(message["data"]["symbol"], rate, int(at))

        return {"orderbook": top, "kline": candle, "tickers": mark}

    def subscriptions(self, venue_ids: Sequence[str], base_ms: int, *, one_socket: bool) -> list[Subscription]:
        """Everything of a group of contracts on one socket."""
        url = self._url()
        found = []
        for number, names in enumerate(parts(venue_ids)):
            channels = ("orderbook.1", "tickers", f"kline.{INTERVALS[base_ms]}")
            args = [f"{channel}.{name}" for name in names for channel in channels]
            found.append((f"{url}#{number}", _request(args), names))
        return found

    def look_handlers(self, looks: LooksOn) -> Handlers:
        """The book, of which the exchange tells changes, and trades."""
        books: dict[str, LevelBook] = {}

        def depth(message: dict[str, Any]) -> None:
            data = message["data"]
            book = books.setdefault(data["s"], LevelBook())
            book.take(data["b"], data["a"], whole=message["type"] == "snapshot")
            looks.depth(data["s"], *book.best(LEVELS))

        def traded(message: dict[str, Any]) -> None:
            for row in message["data"]:
                looks.traded(row["s"], row["T"], row["p"], row["v"], 1 if row["S"] == "Buy" else -1)

        return {"orderbook": depth, "publicTrade": traded}

    def look_subscription(self, venue_ids: Sequence[str], number: int) -> Subscription:
        """One socket."""
        args = [f"{channel}.{name}" for name in venue_ids for channel in (DEPTH, "publicTrade")]
        return f"{self._url()}#look{number}", _request(args), list(venue_ids)

    def _url(self) -> str:
        return str(self._client.implode_hostname(self._client.urls["api"]["ws"]["public"]["linear"]))


def _request(args: list[str]) -> dict[str, Any]:
    return {"op": "subscribe", "args": args, "req_id": "1"}


def _instrument(row: dict[str, Any]) -> Instrument:
    sizes, symbol = row["lotSizeFilter"], f"{row['baseCoin']}/USDT:USDT"
    tick, lot = Decimal(row["priceFilter"]["tickSize"]), Decimal(sizes["qtyStep"])
    return Instrument(
        symbol=symbol,
        venue_id=row["symbol"],
        tick_size=tick.normalize(),
        lot_size=lot.normalize(),
        min_lots=max(1, int(Decimal(sizes["minOrderQty"]) / lot)),
        max_lots=int(Decimal(sizes.get("maxMktOrderQty") or sizes["maxOrderQty"]) / lot),
        min_notional=to_money(sizes.get("minNotionalValue") or "5"),
        max_leverage=max(1, int(Decimal(row["leverageFilter"]["maxLeverage"]))),
        maintenance_ppm=MAINTENANCE_PPM,
        maker_ppm=MAKER_PPM,
        taker_ppm=TAKER_PPM,
        unit=unit_of(symbol, tick, lot),
        listed=int(row.get("launchTime") or 0),
    )
