"""Public endpoints of Binance USD-M: what is listed, what it costs, what it did. Answers are JSON values."""

from __future__ import annotations

from engine.errors import VenueRejected
from engine.matching import BAND_PERCENT
from engine.model.instrument import Instrument
from engine.model.market import TIMEFRAMES
from engine.model.money import PPM, to_decimal
from engine.simulator.account import FUNDING_INTERVAL_MS, funding_rate_e8
from engine.simulator.parameters import Parameters
from engine.simulator.rate_limits import ORDERS_A_MINUTE, ORDERS_IN_10_S, WEIGHT_A_MINUTE
from engine.simulator.simulation import Simulation
from engine.simulator.wire import exact, money_text, plain

ORDER_TYPES = ("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


def ping(_sim: Simulation, _params: Parameters) -> object:
    """GET ping."""
    return {}


def time(sim: Simulation, _params: Parameters) -> object:
    """GET time: simulated."""
    return {"serverTime": sim.server_time()}


def exchange_info(sim: Simulation, _params: Parameters) -> object:
    """GET exchangeInfo."""
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_A_MINUTE},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": ORDERS_A_MINUTE},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_IN_10_S},
    ]
    asset = {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}
    return {
        "timezone": "UTC",
        "serverTime": sim.server_time(),
        "futuresType": "U_MARGINED",
        "rateLimits": limits,
        "exchangeFilters": [],
        "assets": [asset],
        "symbols": [_listed(i, sim.candles[i.symbol].first) for i in sim.exchange.instruments.values()],
    }


def _listed(instrument: Instrument, since: int) -> dict[str, object]:
    base = instrument.venue_id.removesuffix("USDT")
    tick, lot = plain(instrument.tick_size), plain(instrument.lot_size)
    largest, smallest = plain(instrument.quantity(instrument.max_lots)), plain(instrument.quantity(instrument.min_lots))
    highest = plain(instrument.price(10**9))
    return {
        "symbol": instrument.venue_id,
        "pair": instrument.venue_id,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": since,
        "status": "TRADING",
        "maintMarginPercent": plain(to_decimal(instrument.maintenance_ppm * 10_000)),
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": instrument.price_decimals,
        "quantityPrecision": instrument.lot_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": highest, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": smallest, "maxQty": largest, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": smallest, "maxQty": largest, "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 100},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{1 + BAND_PERCENT / 100:.4f}",
                "multiplierDown": f"{1 - BAND_PERCENT / 100:.4f}",
                "multiplierDecimal": "4",
            },
            {"filterType": "MIN_NOTIONAL", "notional": plain(to_decimal(instrument.min_notional))},
        ],
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def klines(sim: Simulation, params: Parameters) -> object:
    """GET klines: closed bars and, last, the open one."""
    instrument = sim.instrument(params.text("symbol"))
    interval = params.text("interval")
    candles = sim.candles[instrument.symbol]
    length = TIMEFRAMES.get(interval, 0)
    if length == 0 or length % candles.timeframe_ms:
        raise VenueRejected("Invalid interval.", "-1120")
    bars = candles.of(length, params.whole("startTime"), params.whole("endTime"), params.limit(500, 1500))
    return [
        [
            bar.open_time,
            exact(bar.open),
            exact(bar.high),
            exact(bar.low),
            exact(bar.close),
            exact(bar.volume),
            bar.open_time + length - 1,
            exact(round(bar.volume * bar.close, 8)),
            1,
            "0",
            "0",
            "0",
        ]
        for bar in bars
    ]


def _asked(sim: Simulation, params: Parameters) -> tuple[list[Instrument], bool]:
    """The instruments asked for, and whether it was one."""
    name = params.maybe("symbol")
    return ([sim.instrument(name)], True) if name else (list(sim.exchange.instruments.values()), False)


def _one_or_all(rows: list[dict[str, object]], *, one: bool) -> object:
    return rows[0] if one else rows


def ticker_24hr(sim: Simulation, params: Parameters) -> object:
    """GET ticker/24hr."""
    asked, one = _asked(sim, params)
    return _one_or_all([_day(sim, instrument) for instrument in asked], one=one)


def _day(sim: Simulation, instrument: Instrument) -> dict[str, object]:
    now = sim.exchange.now
    first, high, low, last, volume = sim.candles[instrument.symbol].day(now)
    return {
        "symbol": instrument.venue_id,
        "priceChange": exact(round(last - first, 8)),
        "priceChangePercent": f"{(last - first) / first * 100 if first else 0.0:.3f}",
        "weightedAvgPrice": exact(last),
        "lastPrice": exact(last),
        "lastQty": "0",
        "openPrice": exact(first),
        "highPrice": exact(high),
        "lowPrice": exact(low),
        "volume": exact(volume),
        "quoteVolume": exact(round(volume * last, 8)),
        "openTime": now - 86_400_000,
        "closeTime": now,
        "firstId": 0,
        "lastId": 0,
        "count": 1,
    }


def ticker_price(sim: Simulation, params: Parameters) -> object:
    """GET ticker/price."""
    asked, one = _asked(sim, params)
    rows: list[dict[str, object]] = [
        {"symbol": i.venue_id, "price": exact(sim.candles[i.symbol].last), "time": sim.exchange.now} for i in asked
    ]
    return _one_or_all(rows, one=one)


def book_ticker(sim: Simulation, params: Parameters) -> object:
    """GET ticker/bookTicker."""
    asked, one = _asked(sim, params)
    rows: list[dict[str, object]] = []
    for instrument in asked:
        bids, asks = sim.streams[instrument.symbol].depth(1)
        bid, ask = (side[0] if side else ["0", "0"] for side in (bids, asks))
        rows.append(
            {
                "symbol": instrument.venue_id,
                "bidPrice": bid[0],
                "bidQty": bid[1],
                "askPrice": ask[0],
                "askQty": ask[1],
                "time": sim.exchange.now,
            }
        )
    return _one_or_all(rows, one=one)


def depth(sim: Simulation, params: Parameters) -> object:
    """GET depth: at most twenty levels are made."""
    instrument = sim.instrument(params.text("symbol"))
    streams = sim.streams[instrument.symbol]
    bids, asks = streams.depth(min(20, params.limit(500, 1000)))
    now = sim.exchange.now
    return {"lastUpdateId": streams.update_id, "E": now, "T": now, "bids": bids, "asks": asks}


def trades(sim: Simulation, params: Parameters) -> object:
    """GET trades: the newest ones."""
    instrument = sim.instrument(params.text("symbol"))
    wire = sim.exchange.wires[instrument.symbol]
    rows = sim.recent[instrument.symbol][-params.limit(500, 1000) :]
    return [
        {
            "id": number,
            "price": wire.price(ticks),
            "qty": wire.quantity(lots),
            "quoteQty": money_text(instrument.notional(ticks, lots)),
            "time": at,
            "isBuyerMaker": maker,
        }
        for number, at, ticks, lots, maker in rows
    ]


def agg_trades(sim: Simulation, params: Parameters) -> object:
    """GET aggTrades: every trade is its own aggregate."""
    instrument = sim.instrument(params.text("symbol"))
    wire = sim.exchange.wires[instrument.symbol]
    rows = sim.recent[instrument.symbol][-params.limit(500, 1000) :]
    return [
        {"a": n, "p": wire.price(ticks), "q": wire.quantity(lots), "f": n, "l": n, "T": at, "m": maker}
        for n, at, ticks, lots, maker in rows
    ]


def premium_index(sim: Simulation, params: Parameters) -> object:
    """GET premiumIndex."""
    asked, one = _asked(sim, params)
    rows: list[dict[str, object]] = []
    for instrument in asked:
        mark = sim.streams[instrument.symbol].mark_price(sim.exchange.now)
        rows.append(
            {
                "symbol": instrument.venue_id,
                "markPrice": mark["p"],
                "indexPrice": mark["i"],
                "estimatedSettlePrice": mark["P"],
                "lastFundingRate": mark["r"],
                "interestRate": "0.00010000",
                "nextFundingTime": mark["T"],
                "time": sim.exchange.now,
            }
        )
    return _one_or_all(rows, one=one)


def funding_rate(sim: Simulation, params: Parameters) -> object:
    """GET fundingRate: rates at past funding times, oldest first."""
    asked, _ = _asked(sim, params)
    now = sim.exchange.now
    limit = params.limit(100, 1000)
    until = min(now, params.whole("endTime") or now)
    until -= until % FUNDING_INTERVAL_MS
    since = params.whole("startTime")
    first = (
        until - (limit - 1) * FUNDING_INTERVAL_MS
        if since is None
        else -(-since // FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS
    )
    times = range(max(first, 0), until + 1, FUNDING_INTERVAL_MS)
    rows = [
        {
            "symbol": instrument.venue_id,
            "fundingRate": money_text(funding_rate_e8(instrument.symbol, at)),
            "fundingTime": at,
            "markPrice": "",
        }
        for at in times
        for instrument in asked
    ]
    return rows[:limit]


def fee_rate(ppm: int) -> str:
    """Parts per million as a fraction."""
    return f"{ppm / PPM:.6f}"
