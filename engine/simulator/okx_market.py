"""Public endpoints of OKX: contracts, bars, tickers, books, marks, funding."""

from __future__ import annotations

from engine.errors import VenueRejected
from engine.model.instrument import Instrument
from engine.model.market import TIMEFRAMES, Bar
from engine.simulator.account import funding_rate_e8
from engine.simulator.okx_words import BARS, contracts, inst_id, listed
from engine.simulator.parameters import Parameters
from engine.simulator.simulation import Simulation
from engine.simulator.wire import exact, money_text

NEWEST = 1_440
"""`candles` knows no more bars than these; older ones are `history-candles`."""
PAGE = 300


def contract_of(sim: Simulation, name: str) -> Instrument:
    """The contract of an instId; refused (51001) when there is none."""
    found = sim.exchange.instruments.get(f"{name.removesuffix('-USDT-SWAP')}/USDT:USDT")
    if found is None or not name.endswith("-USDT-SWAP"):
        raise VenueRejected("Instrument ID does not exist", "51001")
    return found


def time(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET public/time: simulated."""
    return [{"ts": str(sim.server_time())}]


def instruments(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET public/instruments: swaps only."""
    if params.text("instType") != "SWAP":
        return []
    name = params.maybe("instId")
    asked = [contract_of(sim, name)] if name else list(sim.exchange.instruments.values())
    return [listed(instrument, sim.candles[instrument.symbol].first) for instrument in asked]


def candle_row(bar: Bar, lots_volume: float, *, closed: bool) -> list[str]:
    """A bar; its volume in contracts, coins and USDT."""
    return [
        str(bar.open_time),
        exact(bar.open),
        exact(bar.high),
        exact(bar.low),
        exact(bar.close),
        exact(lots_volume),
        exact(bar.volume),
        exact(round(bar.volume * bar.close, 8)),
        "1" if closed else "0",
    ]


def contracts_volume(instrument: Instrument, bar: Bar) -> float:
    """The volume of a bar in contracts."""
    return round(bar.volume / float(instrument.lot_size) / 10, 8)


def candles(sim: Simulation, params: Parameters) -> list[list[str]]:
    """GET market/candles: the newest 1,440, newest first, the open one too."""
    return _candles(sim, params, newest=True)


def history_candles(sim: Simulation, params: Parameters) -> list[list[str]]:
    """GET market/history-candles: closed bars of any age, newest first."""
    return _candles(sim, params, newest=False)


def _candles(sim: Simulation, params: Parameters, *, newest: bool) -> list[list[str]]:
    instrument = contract_of(sim, params.text("instId"))
    book, length = sim.candles[instrument.symbol], TIMEFRAMES.get(BARS.get(params.maybe("bar") or "1m", ""), 0)
    if length == 0 or length % book.timeframe_ms:
        raise VenueRejected("Parameter bar error", "51000")
    now = sim.exchange.now
    before, after = params.whole("before"), params.whole("after")  # newer than, older than; neither included
    last = now if after is None else after - 1
    first = 0 if before is None else before + 1
    if newest:
        first = max(first, now - NEWEST * length)
    limit = params.limit(100, PAGE)
    rows = book.of(length, max(first, last - (limit + 1) * length), last, limit + 1)
    shown = [bar for bar in rows if newest or bar.open_time + length <= now][-limit:]
    return [
        candle_row(bar, contracts_volume(instrument, bar), closed=bar.open_time + length <= now) for bar in shown[::-1]
    ]


def tickers(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET market/ticker and market/tickers."""
    name = params.maybe("instId")
    asked = [contract_of(sim, name)] if name else list(sim.exchange.instruments.values())
    return [sim.okx[instrument.symbol].ticker(sim.exchange.now) for instrument in asked]


def books(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET market/books."""
    instrument = contract_of(sim, params.text("instId"))
    return [sim.okx[instrument.symbol].book(min(20, int(params.maybe("sz") or 1)), sim.exchange.now)]


def trades(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET market/trades, newest first."""
    instrument = contract_of(sim, params.text("instId"))
    wire = sim.exchange.wires[instrument.symbol]
    rows = sim.recent[instrument.symbol][-params.limit(100, 500) :]
    return [
        {
            "instId": inst_id(instrument),
            "tradeId": str(number),
            "px": wire.price(ticks),
            "sz": contracts(lots),
            "side": "sell" if maker else "buy",
            "ts": str(at),
        }
        for number, at, ticks, lots, maker in rows[::-1]
    ]


def mark_price(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET public/mark-price."""
    name = params.maybe("instId")
    asked = [contract_of(sim, name)] if name else list(sim.exchange.instruments.values())
    return [sim.okx[instrument.symbol].mark(sim.exchange.now) for instrument in asked]


def funding_rate(sim: Simulation, params: Parameters) -> list[dict[str, object]]:
    """GET public/funding-rate."""
    instrument = contract_of(sim, params.text("instId"))
    at = sim.exchange.next_funding()
    rate = money_text(funding_rate_e8(instrument.symbol, at))
    return [
        {
            "instType": "SWAP",
            "instId": inst_id(instrument),
            "fundingRate": rate,
            "fundingTime": str(at),
            "nextFundingTime": str(at + 8 * 3_600_000),
            "ts": str(sim.exchange.now),
        }
    ]
