"""Market data of OKX's USDT swaps; see `MarketApi`. Sizes of books and trades are in contracts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from time import monotonic
from typing import Any

from engine.errors import BadInput
from engine.feeds.market_api import MAINTENANCE_PPM, Handlers, Hears, LooksOn, Row, Subscription, parts
from engine.model.instrument import Instrument, unit_of
from engine.model.market import TIMEFRAMES, Bar
from engine.venues.ccxt_api import Api
from engine.venues.okx_words import lot_in_coins
from engine.venues.weight import Lane

MAKER_PPM, TAKER_PPM = 200, 500
CLOCK_LIVES_S = 30.0
NEWEST = 1_400
"""`candles` has the newest 1,440 bars; what is older is in `history-candles`, which is slower to answer and to fill."""
_OTHERS = {"1h": "1H", "2h": "2H", "4h": "4H", "1d": "1Dutc"}  # a plain 1D opens at 16:00 UTC
BARS = {milliseconds: _OTHERS.get(name, name) for name, milliseconds in TIMEFRAMES.items()}


class OkxMarket:
    """Implements MarketApi.

    Args:
        client: the ccxt client.
        api: requests.
    """

    page = 300

    def __init__(self, client: Any, api: Api) -> None:
        self._client = client
        self._api = api
        self._steps: dict[str, float] = {}
        self._now = self._heard_at = 0.0

    async def instruments(self) -> tuple[list[Instrument], list[str]]:
        """Swaps that are linear and settle in USDT."""
        found, refused = [], []
        for row in (await self._api("publicGetPublicInstruments", {"instType": "SWAP"}))["data"]:
            if (row["ctType"], row["settleCcy"], row["state"]) != ("linear", "USDT", "live"):
                continue
            try:
                found.append(_instrument(row))
            except BadInput as error:
                refused.append(str(error))
            self._steps[row["instId"]] = float(row["lotSz"])
        return found, refused

    async def learn(self) -> None:
        """The contracts' sizes."""
        if not self._steps:
            await self.instruments()

    async def server_time(self) -> int:
        """Ms UTC."""
        now = int((await self._api("publicGetPublicTime"))["data"][0]["ts"])
        self._now, self._heard_at = now, monotonic()
        return now

    async def bars(self, venue_id: str, timeframe_ms: int, begin: int, end: int, lane: Lane) -> list[Row]:
        """Backwards from the end, until the begin is reached or nothing older is there."""
        if not self._now or monotonic() - self._heard_at > CLOCK_LIVES_S:
            await self.server_time()
        recent = begin > self._now - NEWEST * timeframe_ms
        method = "publicGetMarketCandles" if recent else "publicGetMarketHistoryCandles"
        asked = {"instId": venue_id, "bar": BARS[timeframe_ms], "before": begin - 1, "limit": self.page}
        rows: list[list[str]] = []
        oldest = end
        while oldest > begin:
            page = (await self._api(method, asked | {"after": oldest}, lane=lane))["data"]
            if not page:
                break
            rows += page
            oldest = int(page[-1][0])
        return [(int(row[0]), row[1], row[2], row[3], row[4], row[6]) for row in rows[::-1] if row[8] == "1"]

    def size_step(self, instrument: Instrument) -> float:
        """Contracts in a lot."""
        return self._steps[instrument.venue_id]

    def handlers(self, hears: Hears) -> Handlers:
        """Best prices, bars and marks. A bar's message has no time; its volume only grows."""

        def top(message: dict[str, Any]) -> None:
            for row in message["data"]:
                if row["bids"] and row["asks"]:
                    time = int(row["ts"])
                    order = (time, int(row.get("seqId") or 0))
                    hears.top(
                        message["arg"]["instId"], order, time, tuple(row["bids"][0][:2]), tuple(row["asks"][0][:2])
                    )

        def candle(message: dict[str, Any]) -> None:
            for row in message["data"]:
                o, h, low, c, volume = (float(row[i]) for i in (1, 2, 3, 4, 6))
                bar = Bar(int(row[0]), o, h, low, c, volume)
                order = (bar.open_time, volume)
                hears.candle(message["arg"]["instId"], order, 0, bar, closed=row[8] == "1")

        def mark(message: dict[str, Any]) -> None:
            for row in message["data"]:
                hears.mark(row["instId"], int(row["ts"]), row["markPx"])

        def funding(message: dict[str, Any]) -> None:
            for row in message["data"]:
                if row["fundingRate"] and row["fundingTime"]:
                    hears.funding(row["instId"], row["fundingRate"], int(row["fundingTime"]))

        return {"bbo-tbt": top, "candle": candle, "mark-price": mark, "funding-rate": funding}

    def subscriptions(self, venue_ids: Sequence[str], base_ms: int, *, one_socket: bool) -> list[Subscription]:
        """Quotes and marks on public sockets, bars on business sockets: OKX has them on no common one."""
        found = []
        for access, channels in (
            ("public", ("bbo-tbt", "mark-price", "funding-rate")),
            ("business", (f"candle{BARS[base_ms]}",)),
        ):
            url = self._client.get_url("", access)
            for number, names in enumerate(parts(venue_ids)):
                args = [{"channel": channel, "instId": name} for name in names for channel in channels]
                found.append((f"{url}#{number}", _request(args), names))
        return found

    def look_handlers(self, looks: LooksOn) -> Handlers:
        """Five levels ten times a second, and trades."""

        def depth(message: dict[str, Any]) -> None:
            for row in message["data"]:
                looks.depth(message["arg"]["instId"], row["bids"], row["asks"])

        def traded(message: dict[str, Any]) -> None:
            for row in message["data"]:
                side = 1 if row["side"] == "buy" else -1
                looks.traded(row["instId"], int(row["ts"]), row["px"], row["sz"], side)

        return {"books5": depth, "trades": traded}

    def look_subscription(self, venue_ids: Sequence[str], number: int) -> Subscription:
        """One public socket."""
        args = [{"channel": channel, "instId": name} for name in venue_ids for channel in ("books5", "trades")]
        return f"{self._client.get_url('', 'public')}#look{number}", _request(args), list(venue_ids)


def _request(args: list[dict[str, str]]) -> dict[str, Any]:
    return {"op": "subscribe", "args": args}


def _instrument(row: dict[str, Any]) -> Instrument:
    symbol = f"{row['ctValCcy']}/USDT:USDT"
    tick, lot, size = Decimal(row["tickSz"]), lot_in_coins(row), Decimal(row["lotSz"])
    return Instrument(
        symbol=symbol,
        venue_id=row["instId"],
        tick_size=tick.normalize(),
        lot_size=lot.normalize(),
        min_lots=max(1, int(Decimal(row["minSz"]) / size)),
        max_lots=int(Decimal(row["maxMktSz"] or row["maxLmtSz"]) / size),
        min_notional=0,  # OKX knows a smallest size only
        max_leverage=max(1, int(Decimal(row["lever"] or "20"))),
        maintenance_ppm=MAINTENANCE_PPM,
        maker_ppm=MAKER_PPM,
        taker_ppm=TAKER_PPM,
        unit=unit_of(symbol, tick, lot),
        listed=int(row.get("listTime") or 0),
    )
