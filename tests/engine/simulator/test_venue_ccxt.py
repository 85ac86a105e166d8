"""ccxt.pro's binanceusdm against the simulated exchange with only its addresses redirected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SYMBOL = "BTC/USDT:USDT"
KLINE = "btcusdt@kline_1m"
FLAT = (500_000, 500_000, 500_000, 500_000)
Connect = Callable[[Any], Awaitable[Any]]


def redirected(urls: Any, rest: str, ws: str) -> Any:
    """The same addresses on another host."""
    if isinstance(urls, dict):
        return {name: redirected(value, rest, ws) for name, value in urls.items()}
    scheme, _, tail = urls.partition("://")
    path = tail.partition("/")[2]
    return f"{ws if scheme == 'wss' else rest}/{path}"


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    import ccxt.pro

    made: list[Any] = []

    async def open_exchange(client: Any) -> Any:
        running = client.running
        keys = {"apiKey": running.keys.api_key, "secret": running.keys.secret, "enableRateLimit": False}
        exchange = ccxt.pro.binanceusdm(keys)
        exchange.urls["api"] = redirected(exchange.urls["api"], running.rest, running.ws)
        exchange.timeout_on_exit = 0  # nothing is encrypted
        made.append(exchange)
        await exchange.load_markets()
        return exchange

    yield open_exchange
    for exchange in made:
        await exchange.close()


@pytest.fixture
async def desk(start: Any, conduct: Any, connect: Connect, scripted: Any) -> tuple[Any, Any, Any]:
    """A market that stands after its first bar at 50000.0 / 50000.1: client, conductor and ccxt exchange."""
    bars = [FLAT, (500_000, 501_000, 499_000, 500_500), FLAT, FLAT]
    client = await start(scripted(bars))
    conductor = await conduct(client, [KLINE])
    await conductor.play(1)
    return client, conductor, await connect(client)


async def test_markets_tickers_and_candles(desk: tuple[Any, Any, Any]) -> None:
    client, _, exchange = desk
    market = exchange.market(SYMBOL)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.001, 5)
    assert await exchange.fetch_time() == client.running.simulation.exchange.now
    rows = await exchange.fetch_ohlcv(SYMBOL, "1m", limit=50)
    assert len(rows) == 50
    assert rows[-1][1:5] == [50_000.0] * 4
    ticker = await exchange.fetch_ticker(SYMBOL)
    assert ticker["last"] == 50_000.0
    book = await exchange.fetch_order_book(SYMBOL)
    assert (book["bids"][0], book["asks"][0]) == ([50_000.0, 10.0], [50_000.1, 10.0])
    trades = await exchange.fetch_trades(SYMBOL)
    assert {(trade["price"], trade["amount"]) for trade in trades} == {(50_000.0, 0.1)}
    fees = await exchange.fetch_trading_fee(SYMBOL)
    assert (fees["maker"], fees["taker"]) == (0.0002, 0.0005)
    tiers = await exchange.fetch_leverage_tiers([SYMBOL])
    assert tiers[SYMBOL][0]["maxLeverage"] == 50
    funding = await exchange.fetch_funding_rate(SYMBOL)
    assert funding["markPrice"] == 50_000.0


async def test_orders_of_every_kind_live_and_die(desk: tuple[Any, Any, Any]) -> None:
    _, _, exchange = desk
    entry = await exchange.create_order(SYMBOL, "market", "buy", 0.1, params={"clientOrderId": "e-1"})
    assert (entry["status"], entry["filled"], entry["average"]) == ("closed", 0.1, 50_000.1)
    rest = await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 49_000, {"clientOrderId": "e-2"})
    maker = await exchange.create_order(SYMBOL, "limit", "sell", 0.1, 51_000, {"postOnly": True, "reduceOnly": True})
    assert (rest["status"], maker["status"], maker["postOnly"], maker["reduceOnly"]) == ("open", "open", True, True)
    working = await exchange.fetch_open_orders(SYMBOL)
    assert [order["id"] for order in working] == [rest["id"], maker["id"]]
    changed = await exchange.edit_order(rest["id"], SYMBOL, "limit", "buy", 0.2, 48_000)
    assert (changed["price"], changed["amount"]) == (48_000, 0.2)
    canceled = await exchange.cancel_order("", SYMBOL, {"clientOrderId": "e-2"})
    assert canceled["status"] == "canceled"
    assert (await exchange.fetch_order("", SYMBOL, {"clientOrderId": "e-2"}))["status"] == "canceled"
    await exchange.cancel_all_orders(SYMBOL)
    assert await exchange.fetch_open_orders(SYMBOL) == []
    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    assert (trade["price"], trade["takerOrMaker"], trade["fee"]["cost"]) == (50_000.1, "taker", 2.500005)


async def test_conditional_orders_use_the_algo_endpoints(desk: tuple[Any, Any, Any]) -> None:
    _, conductor, exchange = desk
    await exchange.create_order(SYMBOL, "market", "buy", 0.1)
    stop = await exchange.create_order(
        SYMBOL, "market", "sell", 0.1, None, {"stopLossPrice": 49_950, "reduceOnly": True, "clientOrderId": "s-1"}
    )
    target = await exchange.create_order(
        SYMBOL, "market", "sell", 0.1, None, {"takeProfitPrice": 60_000, "reduceOnly": True, "clientOrderId": "t-1"}
    )
    assert (stop["status"], stop["triggerPrice"], target["takeProfitPrice"]) == ("open", 49_950, 60_000)
    waiting = await exchange.fetch_open_orders(SYMBOL, params={"trigger": True})
    assert [order["clientOrderId"] for order in waiting] == ["s-1", "t-1"]
    assert await exchange.cancel_order("", SYMBOL, {"trigger": True, "clientOrderId": "t-1"})
    await conductor.play(2)
    done = await exchange.fetch_order("", SYMBOL, {"trigger": True, "clientOrderId": "s-1"})
    assert done["info"]["algoStatus"] == "FINISHED"
    assert (await exchange.fetch_order(done["info"]["actualOrderId"], SYMBOL))["filled"] == 0.1
    assert [p for p in await exchange.fetch_positions([SYMBOL]) if p["contracts"]] == []


async def test_account_leverage_and_positions(desk: tuple[Any, Any, Any]) -> None:
    import ccxt

    _, _, exchange = desk
    assert (await exchange.fetch_balance())["USDT"]["total"] == 10_000
    assert (await exchange.set_leverage(10, SYMBOL))["leverage"] == 10
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await exchange.set_margin_mode("isolated", SYMBOL)
    assert (await exchange.fetch_position_mode(SYMBOL))["hedged"] is False
    await exchange.create_order(SYMBOL, "market", "sell", 0.1)
    (position,) = await exchange.fetch_positions([SYMBOL])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 0.1, 50_000)
    assert position["marginMode"] == "isolated"
    assert 54_000 < position["liquidationPrice"] < 55_000
    balance = await exchange.fetch_balance()
    assert Decimal(str(balance["info"]["totalWalletBalance"])) == Decimal("9997.5")
    assert balance["USDT"]["used"] == 500


@pytest.mark.parametrize(
    ("kind", "side", "amount", "price", "params", "code"),
    [
        ("limit", "buy", 0.1, 50_000.1, {"postOnly": True}, "-5022"),
        ("market", "sell", 0.1, None, {"reduceOnly": True}, "-2022"),
        ("market", "buy", 900, None, {}, "-2019"),
        ("limit", "buy", 0.001, 4_999.9, {}, "-4164"),
        ("market", "sell", 0.1, None, {"stopLossPrice": 50_100}, "-2021"),
    ],
)
async def test_refusals_reach_the_caller(
    desk: tuple[Any, Any, Any],
    kind: str,
    side: str,
    amount: float,
    price: float | None,
    params: Any,
    code: str,
) -> None:
    import ccxt

    _, _, exchange = desk
    with pytest.raises(ccxt.ExchangeError) as refused:
        await exchange.create_order(SYMBOL, kind, side, amount, price, params)
    assert code in str(refused.value)


async def test_user_stream_and_market_streams(desk: tuple[Any, Any, Any]) -> None:
    client, conductor, exchange = desk
    market_time = client.running.simulation.source.start
    watching = {
        "ohlcv": asyncio.create_task(exchange.watch_ohlcv(SYMBOL, "1m")),
        "top": asyncio.create_task(exchange.watch_bids_asks([SYMBOL])),
        "mark": asyncio.create_task(exchange.watch_mark_price(SYMBOL)),
        "ticker": asyncio.create_task(exchange.watch_ticker(SYMBOL)),
        "trades": asyncio.create_task(exchange.watch_trades(SYMBOL)),
        "book": asyncio.create_task(exchange.watch_order_book(SYMBOL)),
        "orders": asyncio.create_task(exchange.watch_orders(SYMBOL)),
    }
    names = {"kline_1m", "bookTicker", "markPrice@1s", "miniTicker", "trade", "depth@100ms"}
    simulation = client.running.simulation
    async with asyncio.timeout(10):
        while not simulation.users.sockets() or not names <= {s.partition("@")[2] for s in simulation.hub.subscribers}:
            await client.state()
    await exchange.create_order(SYMBOL, "limit", "buy", 0.1, 49_950, {"clientOrderId": "w-1"})
    async with asyncio.timeout(10):
        (order,) = await watching["orders"]
    assert (order["clientOrderId"], order["status"]) == ("w-1", "open")
    following = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
    balances = asyncio.create_task(exchange.watch_balance())
    await conductor.finish()
    async with asyncio.timeout(10):
        seen = {name: await task for name, task in watching.items()}
        (trade,) = await following
        balance = await balances
    assert seen["ohlcv"][-1][0] >= market_time
    assert seen["top"][SYMBOL]["ask"] - seen["top"][SYMBOL]["bid"] == pytest.approx(0.1)
    assert seen["mark"]["markPrice"] > 0
    assert seen["ticker"]["last"] > 0
    assert seen["trades"][0]["amount"] == 0.1
    assert len(seen["book"]["bids"]) == 20
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (49_950, 0.1, "maker")
    assert balance["USDT"]["total"] == pytest.approx(10_000 - 0.1 * 49_950 * 0.0002)


async def test_a_dropped_socket_raises_and_the_next_watch_resubscribes(desk: tuple[Any, Any, Any]) -> None:
    import ccxt

    client, conductor, exchange = desk
    first = asyncio.create_task(exchange.watch_ohlcv(SYMBOL, "1m"))
    await client.until(lambda _: client.running.simulation.hub.subscribers.get(KLINE) is not None)
    async with asyncio.timeout(10):
        while len(client.running.simulation.hub.subscribers.get(KLINE, ())) < 2:
            await client.state()
    ours = next(
        s for s in client.running.simulation.hub.subscribers[KLINE] if s.streams == {KLINE} and s.ws is not None
    )
    for socket in client.running.simulation.hub.subscribers[KLINE] - {ours}:
        socket.drop()
    ours.drop()
    with pytest.raises(ccxt.NetworkError):
        await asyncio.wait_for(first, 10)
    second = asyncio.create_task(exchange.watch_ohlcv(SYMBOL, "1m"))
    await client.until(lambda _: client.running.simulation.hub.listening)
    await conductor.lockstep.send_json({"ready": True, "bar": 1 << 60, "updates": 1_000_000})
    rows = await asyncio.wait_for(second, 10)
    assert rows
