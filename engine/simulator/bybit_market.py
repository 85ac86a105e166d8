"""Public endpoints of Bybit: contracts, bars, tickers, books, trades, funding."""

from __future__ import annotations

from typing import Any

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.market import TIMEFRAMES
from engine.simulator.account import FUNDING_INTERVAL_MS, funding_rate_e8
from engine.simulator.bybit_words import INTERVALS, listed
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import exact, money_text

PAGE = 1_000


def contract_of(sim: Simulation, params: Parameters) -> Instrument:
    """The contract asked for; refused (10001) when it is not a linear one that is listed."""
    if params.maybe("category") != "linear":
        raise VenueRejected("params error: only the category linear is simulated", "10001")
    return sim.instrument(params.text("symbol"))


def _asked(sim: Simulation, params: Parameters) -> list[Instrument]:
    if params.maybe("category") != "linear":
        return []
    return [contract_of(sim, params)] if params.maybe("symbol") else list(sim.exchange.instruments.values())


def time(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/time: simulated."""
    now = sim.server_time()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def instruments_info(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/instruments-info: what trades."""
    rows = (
        []
        if params.maybe("status") not in {"", "Trading"}
        else [listed(i, sim.candles[i.symbol].first) for i in _asked(sim, params)]
    )
    return {"category": params.maybe("category"), "list": rows, "nextPageCursor": ""}


def kline(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/kline: newest first, the open one too."""
    instrument = contract_of(sim, params)
    book, length = sim.candles[instrument.symbol], TIMEFRAMES.get(INTERVALS.get(params.text("interval"), ""), 0)
    if length == 0 or length % book.timeframe_ms:
        raise VenueRejected("params error: interval invalid", "10001")
    start, end, limit = params.whole("start"), params.whole("end"), params.limit(200, PAGE)
    if start is not None and end is not None:  # the newest of the span
        start = max(start, end - end % length - (limit - 1) * length)
    bars = book.of(length, start, end, limit)
    rows = [
        [
            str(bar.open_time),
            *(exact(price) for price in (bar.open, bar.high, bar.low, bar.close)),
            exact(bar.volume),
            exact(round(bar.volume * bar.close, 8)),
        ]
        for bar in bars[::-1]
        if end is None or bar.open_time <= end
    ]
    return {"category": "linear", "symbol": instrument.venue_id, "list": rows}


def tickers(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/tickers."""
    rows = [sim.bybit[instrument.symbol].ticker(sim.exchange.now) for instrument in _asked(sim, params)]
    return {"category": "linear", "list": rows}


def orderbook(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/orderbook."""
    stream = sim.bybit[contract_of(sim, params).symbol]
    return stream.book(min(20, params.limit(25, 500))) | {"ts": sim.exchange.now}


def recent_trades(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/recent-trade, newest first."""
    instrument = contract_of(sim, params)
    wire = sim.exchange.wires[instrument.symbol]
    rows = [
        {
            "execId": str(number),
            "symbol": instrument.venue_id,
            "price": wire.price(ticks),
            "size": wire.quantity(lots),
            "side": "Sell" if maker else "Buy",
            "time": str(at),
            "isBlockTrade": False,
        }
        for number, at, ticks, lots, maker in sim.recent[instrument.symbol][-params.limit(500, 1000) :]
    ]
    return {"category": "linear", "list": rows[::-1]}


def risk_limit(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/risk-limit: one tier a contract."""
    rows = [
        {
            "id": 1,
            "symbol": instrument.venue_id,
            "riskLimitValue": "100000000",
            "maintenanceMargin": f"{instrument.maintenance_ppm / 1_000_000:.6f}",
            "initialMargin": f"{1 / instrument.max_leverage:.6f}",
            "isLowestRisk": 1,
            "maxLeverage": f"{instrument.max_leverage}.00",
        }
        for instrument in _asked(sim, params)
    ]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def funding_history(sim: Simulation, params: Parameters) -> dict[str, Any]:
    """GET market/funding/history, newest first."""
    instrument = contract_of(sim, params)
    newest = sim.exchange.next_funding() - FUNDING_INTERVAL_MS
    times = [newest - n * FUNDING_INTERVAL_MS for n in range(params.limit(200, 200))]
    rows = [
        {
            "symbol": instrument.venue_id,
            "fundingRate": money_text(funding_rate_e8(instrument.symbol, at)),
            "fundingRateTimestamp": str(at),
        }
        for at in times
    ]
    return {"category": "linear", "list": rows}
