"""ccxt.pro's unified calls of OKX and Bybit against the simulated exchange with only their addresses redirected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.venues.ccxt_client import Access, redirected
from tests.engine.venues.hand import FIRST, Hand

pytestmark = pytest.mark.slow  # importing ccxt takes 3 s

SYMBOL = "BTC/USDT:USDT"
PATIENCE_S = 60.0
TYPES = {"okx": ["swap"], "bybit": ["linear"]}
LOT = {"okx": 0.1, "bybit": 0.001}
"""The smallest quantity in the exchange's own: contracts, or coins."""
WAITING = {"okx": {"trigger": True, "ordType": "conditional"}, "bybit": {"trigger": True}}


class Desk:
    """An exchange that is moved by hand, and ccxt on it."""

    def __init__(self, hand: Hand, exchange: Any) -> None:
        self.hand = hand
        self.exchange = exchange
        self.lot = LOT[exchange.id]

    async def order(self, kind: str, side: str, lots: int, price: float | None = None, **params: Any) -> Any:
        """A new order with isolated margin."""
        params |= {"marginMode": "isolated"}
        return await self.exchange.create_order(SYMBOL, kind, side, round(lots * self.lot, 3), price, params)


@pytest.fixture(params=["okx", "bybit"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    import ccxt.pro

    hand = await Hand.start()
    hand.quote(FIRST)
    hand.simulation.bybit_margin_mode = "ISOLATED_MARGIN"
    keys = hand.running.keys
    exchange = getattr(ccxt.pro, request.param)(
        {
            "apiKey": keys.api_key,
            "secret": keys.secret,
            "password": keys.passphrase,
            "enableRateLimit": False,
            "options": {"defaultType": "swap", "fetchMarkets": {"types": TYPES[request.param]}},
        }
    )
    exchange.urls["api"] = redirected(exchange.urls["api"], Access(hand.running.rest, hand.running.ws))
    try:
        exchange.timeout_on_exit = 0  # nothing is encrypted
        await exchange.load_markets()
        yield Desk(hand, exchange)
    finally:
        await exchange.close()
        await hand.stop()


async def test_markets_tickers_and_candles(desk: Desk) -> None:
    exchange, market = desk.exchange, desk.exchange.market(SYMBOL)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, desk.lot)
    assert market["contractSize"] * desk.lot == pytest.approx(0.001)
    assert abs(await exchange.fetch_time() - desk.hand.now) < 1_000
    assert (await exchange.fetch_ticker(SYMBOL))["last"] == 50_000.0
    book = await exchange.fetch_order_book(SYMBOL)
    assert (book["bids"][0][0], book["asks"][0][0]) == (50_000.0, 50_000.1)
    assert book["bids"][0][1] == pytest.approx(10_000 * desk.lot)
    rows = await exchange.fetch_ohlcv(SYMBOL, "5m", limit=20)
    assert len(rows) == 20
    assert {row[1] for row in rows[:-1]} == {50_000.0}
    trades = await exchange.fetch_trades(SYMBOL)
    assert [(trade["price"], trade["amount"]) for trade in trades] == [(50_000.0, desk.lot)]
    assert (await exchange.fetch_funding_rate(SYMBOL))["fundingRate"] is not None


async def test_orders_of_every_kind_live_and_die(desk: Desk) -> None:
    exchange = desk.exchange
    await exchange.set_leverage(5, SYMBOL, {"marginMode": "isolated"})
    await desk.order("market", "buy", 100)
    rest = await desk.order("limit", "buy", 100, 49_000.0)
    maker = await desk.order("limit", "sell", 100, 51_000.0, postOnly=True, reduceOnly=True)
    working = await exchange.fetch_open_orders(SYMBOL)
    assert {order["id"] for order in working} == {rest["id"], maker["id"]}
    assert {order["amount"] for order in working} == {round(100 * desk.lot, 3)}
    await exchange.edit_order(rest["id"], SYMBOL, "limit", "buy", round(200 * desk.lot, 3), 48_000.0)
    changed = next(order for order in await exchange.fetch_open_orders(SYMBOL) if order["id"] == rest["id"])
    assert (changed["price"], changed["amount"]) == (48_000.0, round(200 * desk.lot, 3))
    await exchange.cancel_order(rest["id"], SYMBOL)
    await exchange.cancel_order(maker["id"], SYMBOL)
    assert await exchange.fetch_open_orders(SYMBOL) == []
    (position,) = await exchange.fetch_positions([SYMBOL])
    assert (position["contracts"], position["side"], position["leverage"]) == (round(100 * desk.lot, 3), "long", 5)
    assert position["entryPrice"] == 50_000.1
    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    assert (trade["price"], trade["takerOrMaker"], trade["fee"]["cost"]) == (50_000.1, "taker", 2.500005)
    balance = await exchange.fetch_balance()
    assert balance["USDT"]["total"] == pytest.approx(10_000 - 2.500005, abs=0.02)


async def test_conditional_orders_wait_and_trigger(desk: Desk) -> None:
    exchange = desk.exchange
    await desk.order("market", "buy", 100)
    stop = await desk.order("market", "sell", 100, stopLossPrice=49_950.0, reduceOnly=True, **mark(exchange))
    target = await desk.order("market", "sell", 100, takeProfitPrice=60_000.0, reduceOnly=True, **mark(exchange))
    waiting = await exchange.fetch_open_orders(SYMBOL, params=WAITING[exchange.id])
    assert {order["id"] for order in waiting} == {stop["id"], target["id"]}
    await exchange.cancel_order(target["id"], SYMBOL, {"trigger": True})
    desk.hand.quote(FIRST - 500)
    assert [p for p in await exchange.fetch_positions([SYMBOL]) if p["contracts"]] == []
    assert await exchange.fetch_open_orders(SYMBOL, params=WAITING[exchange.id]) == []


def mark(exchange: Any) -> dict[str, Any]:
    """Trigger on the mark price, in the exchange's words."""
    if exchange.id == "okx":
        return {"slTriggerPxType": "mark", "tpTriggerPxType": "mark"}
    return {"triggerBy": "MarkPrice"}


async def test_streams(desk: Desk) -> None:
    exchange, hand = desk.exchange, desk.hand
    hub, private = hand.simulation.hub, hand.simulation.private
    watching = [
        asyncio.ensure_future(watch)
        for watch in (
            exchange.watch_ohlcv(SYMBOL, "1m"),
            exchange.watch_ticker(SYMBOL),
            exchange.watch_trades(SYMBOL),
            exchange.watch_orders(SYMBOL),
        )
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(hub.subscribers) < 3 or not private.sockets():
                hub.changed.clear()
                await asyncio.wait([asyncio.ensure_future(hub.changed.wait())], timeout=0.05)
            while not all(task.done() for task in watching):
                hand.quote(FIRST + 3, after=2_000)
                if not watching[3].done():
                    await desk.order("limit", "buy", 100, 49_000.0)
                await asyncio.wait(watching, timeout=0.05)
        candles, ticker, trades, orders = (task.result() for task in watching)
        assert candles[-1][4] == 50_000.3
        assert ticker["symbol"] == SYMBOL
        assert trades[-1]["price"] == 50_000.3
        assert (orders[0]["status"], orders[0]["price"], orders[0]["side"]) == ("open", 49_000.0, "buy")
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
