"""Playing a market over real sockets: closed bars, lockstep, orders, user stream and the account's arithmetic."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

FLAT = (500_000, 500_000, 500_000, 500_000)
KLINE = "btcusdt@kline_1m"


async def test_every_closed_bar_equals_the_source_and_the_market_waits_for_the_client(
    start: Any, conduct: Any, scripted: Any
) -> None:
    script = [(500_000 + i, 500_000 + 3 * i, 499_990 - i, 500_000 + 2 * i) for i in range(12)]
    market = scripted(script)
    client = await start(market)
    conductor = await conduct(client, [KLINE, "btcusdt@kline_5m"])
    assert (await client.state())["started"] is False
    state = await conductor.play(3)
    assert state["bars_closed"] == 3
    await conductor.finish()
    closed = [m["k"] for m in conductor.received if m.get("e") == "kline" and m["k"]["x"] and m["k"]["i"] == "1m"]
    found = [(k["t"], *(float(k[n]) for n in "ohlcv")) for k in closed]
    expected = [tuple(getattr(market.bar(i), n) for n in market.bar(i).__struct_fields__) for i in range(12)]
    assert found == expected
    status, rows = await client.raw("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=12")
    assert status == 200
    assert [(row[0], *(float(v) for v in row[1:6])) for row in rows] == expected


async def test_longer_timeframes_close_with_their_last_minute_and_rest_says_the_same(
    start: Any, conduct: Any, scripted: Any
) -> None:
    script = [(500_000 + i, 500_010 + i, 499_990 + i, 500_001 + i) for i in range(12)]
    client = await start(scripted(script))
    conductor = await conduct(client, ["btcusdt@kline_5m"])
    await conductor.finish()
    closed = [m["k"] for m in conductor.received if m.get("e") == "kline" and m["k"]["x"]]
    _, rows = await client.raw("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=5m&limit=4")
    by_time = {row[0]: row[1:6] for row in rows}
    assert len(closed) >= 2
    for k in closed:
        assert [float(k[n]) for n in "ohlcv"] == [float(v) for v in by_time[k["t"]]]


async def test_without_lockstep_the_market_starts_with_the_first_subscriber_and_loses_nothing(
    start: Any, scripted: Any
) -> None:
    client = await start(scripted([FLAT] * 40))
    assert (await client.state())["steps"] == 0
    socket = await client.session.ws_connect(f"{client.running.ws}/ws/{KLINE}")
    closed = 0
    async with asyncio.timeout(10):
        while closed < 40:
            closed += (await socket.receive_json())["k"]["x"]
    reading = asyncio.create_task(_drain(socket))
    state = await client.until(lambda state: state["ended"])
    assert (state["bars_closed"], state["waits_timed_out"]) == (40, 0)
    await socket.close()
    await reading


async def test_the_venue_waits_for_user_events_to_be_dealt_with(start: Any, scripted: Any) -> None:
    client = await start(scripted([FLAT, (500_000, 500_000, 499_000, 499_500), FLAT, FLAT]))
    lockstep = await client.session.ws_connect(f"{client.running.ws}/sim/lockstep")
    market = await client.session.ws_connect(f"{client.running.ws}/ws/{KLINE}")
    _, key = await client.call("POST", "/fapi/v1/listenKey")
    user = await client.session.ws_connect(f"{client.running.ws}/private/ws?listenKey={key['listenKey']}")
    reading = asyncio.create_task(_drain(market))
    await client.order("BUY", "LIMIT", "0.010", price="49950.0", timeInForce="GTC")
    far = client.running.simulation.source.end
    await lockstep.send_json({"ready": True, "bar": far, "updates": 1})
    state = await client.until(lambda state: state["trades"] == 1)
    assert state["bars_closed"] == 1
    await asyncio.sleep(0)
    assert (await client.state())["steps"] == state["steps"]
    kinds = [(await user.receive_json())["e"] for _ in range(3)]
    assert kinds == ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
    await lockstep.send_json({"bar": far, "updates": 3})
    state = await client.until(lambda state: state["ended"])
    assert (state["bars_closed"], state["user_events"], state["waits_timed_out"]) == (4, 3, 0)
    for socket in (user, lockstep, market):
        await socket.close()
    await reading


async def _drain(socket: Any) -> None:
    async for _ in socket:
        pass


async def test_fills_fees_and_margin_balance_are_exact(start: Any, conduct: Any, scripted: Any) -> None:
    script = [FLAT, (500_000, 501_000, 499_000, 500_500), (500_500, 502_000, 500_500, 502_000)]
    client = await start(scripted(script))
    conductor = await conduct(client, [KLINE])
    await conductor.play(1)
    status, order = await client.order("BUY", "MARKET", "0.100")
    assert (status, order["status"], order["avgPrice"], order["executedQty"]) == (200, "FILLED", "50000.100", "0.100")
    state = await conductor.finish()
    fee = Decimal("50000.1") * Decimal("0.1") * Decimal("0.0005")
    wallet = Decimal(10_000) - fee
    assert Decimal(state["wallet"]) == wallet
    assert Decimal(state["margin_balance"]) == wallet + (Decimal(50_200) - Decimal("50000.1")) * Decimal("0.1")
    _, account = await client.call("GET", "/fapi/v3/account")
    assert account["totalMarginBalance"] == state["margin_balance"]
    _, trades = await client.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    _, income = await client.call("GET", "/fapi/v1/income")
    assert [Decimal(t["commission"]) for t in trades] == [fee]
    assert [(r["incomeType"], Decimal(r["income"])) for r in income] == [("COMMISSION", -fee)]


async def test_a_stop_triggers_fills_and_expires_the_target(start: Any, conduct: Any, scripted: Any) -> None:
    client = await start(scripted([FLAT, (500_000, 500_100, 498_000, 498_500), FLAT]))
    conductor = await conduct(client, [KLINE])
    await conductor.play(1)
    await client.order("BUY", "MARKET", "0.100")
    base = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.100", "algoType": "CONDITIONAL", "reduceOnly": "true"}
    path = "/fapi/v1/algoOrder"
    stop = {"type": "STOP_MARKET", "triggerPrice": "49850.0", "clientAlgoId": "stop-1"}
    target = {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "50500.0", "clientAlgoId": "target-1"}
    _, first = await client.call("POST", path, **base, **stop)
    _, second = await client.call("POST", path, **base, **target)
    assert (first["algoStatus"], second["algoStatus"]) == ("NEW", "NEW")
    _, waiting = await client.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")
    assert [row["clientAlgoId"] for row in waiting] == ["stop-1", "target-1"]
    state = await conductor.finish()
    assert (state["positions"], state["open_orders"]) == ([], 0)
    _, done = await client.call("GET", path, clientAlgoId="stop-1")
    _, gone = await client.call("GET", path, clientAlgoId="target-1")
    assert (done["algoStatus"], gone["algoStatus"]) == ("FINISHED", "EXPIRED")
    _, child = await client.call("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=done["actualOrderId"])
    assert (child["status"], child["clientOrderId"], child["avgPrice"]) == ("FILLED", "stop-1", "49800.000")


@pytest.mark.parametrize(("side", "end"), [("BUY", 480_000), ("SELL", 520_000)])
async def test_a_position_is_liquidated_at_its_price(
    start: Any, conduct: Any, scripted: Any, side: str, end: int
) -> None:
    client = await start(scripted([FLAT, (500_000, max(500_000, end), min(500_000, end), end)]))
    conductor = await conduct(client, [KLINE])
    await conductor.play(1)
    _, set_to = await client.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="50")
    assert set_to["leverage"] == 50
    await client.order(side, "MARKET", "0.100")
    state = await conductor.finish()
    assert state["positions"] == []
    _, orders = await client.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
    assert orders[-1]["clientOrderId"].startswith("autoclose-")
    assert Decimal(state["wallet"]) < 9_900


async def test_funding_is_paid_every_eight_hours_at_the_published_rate(start: Any, conduct: Any, scripted: Any) -> None:
    hours = 8 * 3_600_000
    begin = 1_700_000_000_000 - 1_700_000_000_000 % hours - 120_000
    client = await start(scripted([FLAT] * 4, start=begin))
    conductor = await conduct(client, [KLINE])
    await conductor.play(1)
    await client.order("BUY", "MARKET", "0.100")
    await conductor.finish()
    _, (row,) = await client.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    _, rates = await client.raw("GET", "/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1")
    assert row["time"] == rates[0]["fundingTime"] == begin + 120_000
    assert Decimal(row["income"]) == -Decimal(rates[0]["fundingRate"]) * 5_000 != 0


async def test_a_paused_market_stands_still_and_goes_on_from_there(start: Any, scripted: Any) -> None:
    client = await start(scripted([FLAT] * 4_000), speed=600.0)
    socket = await client.session.ws_connect(f"{client.running.ws}/ws/{KLINE}")
    await socket.receive()
    _, still = await client.raw("POST", "/sim/pause")
    assert still["paused"]
    for _ in range(20):  # twenty round trips: tens of steps at this speed
        later = await client.state()
    assert (later["steps"], later["time"]) == (still["steps"], still["time"])
    await client.raw("POST", "/sim/resume")
    async with asyncio.timeout(10):
        while (await client.state())["steps"] <= still["steps"]:
            await asyncio.sleep(0)
    await socket.close()
