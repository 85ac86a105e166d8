"""What the simulated venue refuses, by Binance's codes, over real HTTP; and its limits and signatures."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from engine.errors import BadInput, VenueRejected
from engine.simulator.rate_limits import RateLimits, weight_of
from engine.simulator.signing import Keys, check_key, check_signature, sign

FLAT = (500_000, 500_000, 500_000, 500_000)
KLINE = "btcusdt@kline_1m"
LIMIT = {"type": "LIMIT", "price": "49000.0", "timeInForce": "GTC"}
ALGO = "/fapi/v1/algoOrder"
ORDER = "/fapi/v1/order"


@pytest.fixture
async def client(start: Any, conduct: Any, scripted: Any) -> Any:
    """A venue that stands after its first bar at 50000.0 / 50000.1."""
    made = await start(scripted([FLAT, FLAT]))
    conductor = await conduct(made, [KLINE])
    await conductor.play(1)
    return made


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "49000.05"}, -1111),
        ({"price": "0"}, -4001),
        ({"price": "nan"}, -1100),
        ({"price": "4e4"}, -1100),
        ({"price": "-5"}, -4001),
        ({"price": ""}, -1102),
        ({"quantity": "0.0005"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "1001"}, -4005),
        ({"quantity": "0.001", "price": "4999.9"}, -4164),
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET", "stopPrice": "49000"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"timeInForce": "GTD"}, -1115),
        ({"timeInForce": "GTX", "price": "50000.1"}, -5022),
        ({"timeInForce": "FOK"}, -5021),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "perhaps"}, -1100),
        ({"positionSide": "LONG"}, -4061),
        ({"newClientOrderId": "with space"}, -1100),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"quantity": "900"}, -2019),
    ],
)
async def test_a_wrong_order_is_refused_with_binances_code(client: Any, changes: dict[str, str], code: int) -> None:
    wish = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.100", **LIMIT} | changes
    status, answer = await client.call("POST", ORDER, **wish)
    assert (status, answer["code"]) == (400, code)
    assert answer["msg"]
    assert (await client.state())["orders"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"triggerPrice": "50001.0"}, -2021),
        ({"triggerPrice": ""}, -1102),
        ({"type": "STOP"}, -1116),
        ({"reduceOnly": "true", "side": "BUY", "triggerPrice": "51000.0"}, -2022),
        ({"closePosition": "true", "side": "BUY"}, -2022),
        ({"clientAlgoId": "held"}, -4116),
    ],
)
async def test_a_wrong_conditional_order_is_refused(client: Any, changes: dict[str, str], code: int) -> None:
    await client.order("BUY", "MARKET", "0.100", newClientOrderId="held")
    wish = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "quantity": "0.100", "triggerPrice": "49000.0"}
    status, answer = await client.call("POST", ALGO, **({"symbol": "BTCUSDT", "side": "SELL"} | wish | changes))
    assert (status, answer["code"]) == (400, code)


@pytest.mark.parametrize(
    ("method", "path", "params", "status", "code"),
    [
        ("GET", ORDER, {"symbol": "BTCUSDT", "orderId": "77"}, 400, -2013),
        ("GET", ORDER, {"symbol": "BTCUSDT"}, 400, -1102),
        ("DELETE", ORDER, {"symbol": "BTCUSDT", "origClientOrderId": "gone"}, 400, -2011),
        ("DELETE", ALGO, {"clientAlgoId": "gone"}, 400, -2011),
        ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "51"}, 400, -4028),
        ("POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "ISOLATED"}, 400, -4046),
        ("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "false"}, 400, -4059),
        ("PUT", "/fapi/v1/listenKey", {}, 400, -1125),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "7m"}, 400, -1120),
        ("GET", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "0"}, 400, -1130),
        ("GET", "/fapi/v1/nothing", {}, 404, -5000),
    ],
)
async def test_wrong_requests_are_refused(
    client: Any, method: str, path: str, params: dict[str, str], status: int, code: int
) -> None:
    found, answer = await client.call(method, path, **params)
    assert (found, answer["code"]) == (status, code)


async def test_an_id_is_taken_once_even_after_its_order_is_gone(client: Any) -> None:
    await client.order(
        "BUY", quantity="0.100", kind="LIMIT", price="49000.0", timeInForce="GTC", newClientOrderId="one"
    )
    await client.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="one")
    status, answer = await client.order("BUY", "MARKET", "0.100", newClientOrderId="one")
    assert (status, answer["code"]) == (400, -4116)


async def test_immediate_or_cancel_leaves_nothing(client: Any) -> None:
    _, order = await client.order("BUY", "LIMIT", "0.100", price="49999.0", timeInForce="IOC")
    assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.000")
    assert (await client.state())["open_orders"] == 0


async def test_leverage_is_not_lowered_under_a_position_and_bounds_what_can_be_bought(client: Any) -> None:
    await client.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="2")
    status, answer = await client.order("BUY", "MARKET", "0.500")
    assert (status, answer["code"]) == (400, -2019)
    await client.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="10")
    assert (await client.order("BUY", "MARKET", "0.500"))[0] == 200
    status, answer = await client.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="5")
    assert (status, answer["code"]) == (400, -4161)


async def test_keys_signatures_and_the_receive_window_are_checked(client: Any) -> None:
    path = "/fapi/v3/account"
    key = {"X-MBX-APIKEY": client.running.keys.api_key}
    assert (await client.raw("GET", path))[1]["code"] == -2014
    status, answer = await client.raw("GET", path, {"X-MBX-APIKEY": "other"})
    assert (status, answer["code"]) == (401, -2015)
    stamp = time.time_ns() // 1_000_000
    assert (await client.raw("GET", f"{path}?timestamp={stamp}&signature=00", key))[1]["code"] == -1022
    assert (await client.call("GET", path, timestamp=stamp - 60_000))[1]["code"] == -1021
    assert (await client.call("GET", path, timestamp=stamp + 60_000))[1]["code"] == -1021
    assert (await client.call("GET", path, timestamp=stamp - 20_000, recvWindow=30_000))[0] == 200


async def test_the_weight_used_is_told_and_too_much_is_429_then_418(client: Any) -> None:
    session, rest = client.session, client.running.rest
    async with session.get(f"{rest}/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500") as first:
        before = int(first.headers["X-MBX-USED-WEIGHT-1M"])
    async with session.get(f"{rest}/fapi/v1/ping") as second:
        assert int(second.headers["X-MBX-USED-WEIGHT-1M"]) in {before + 1, 1}
    statuses = []
    for _ in range(400):
        async with session.get(f"{rest}/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500") as answer:
            statuses.append(answer.status)
            body, headers = await answer.json(), dict(answer.headers)
    assert set(statuses) == {200, 429, 418}
    assert statuses == sorted(statuses, key=[200, 429, 418].index)
    assert body["code"] == -1003
    assert int(headers["Retry-After"]) > 1


async def test_a_port_that_is_taken_is_said(client: Any, start: Any, scripted: Any) -> None:
    port = int(client.running.rest.rsplit(":", 1)[1])
    with pytest.raises(BadInput, match="choose another port"):
        await start(scripted([FLAT]), port=port)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_does_not_exist_is_refused(start: Any, scripted: Any, port: int) -> None:
    with pytest.raises(BadInput, match=f"port: {port} - use 1 to 65535, or 0 for a free one"):
        await start(scripted([FLAT]), port=port)


async def test_socket_requests_are_answered_and_unknown_streams_refused(client: Any) -> None:
    socket = await client.session.ws_connect(f"{client.running.ws}/public/ws/3")
    for request, answer in [
        ({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1}, {"result": None, "id": 1}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": 2}, {"result": ["btcusdt@bookTicker"], "id": 2}),
        ({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 3}, {"result": None, "id": 3}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": 4}, {"result": [], "id": 4}),
    ]:
        await socket.send_json(request)
        assert await socket.receive_json() == answer
    await socket.send_json({"method": "SUBSCRIBE", "params": ["nope@bookTicker"], "id": 5})
    assert (await socket.receive_json())["error"]["code"] == 2
    await socket.send_str("{")
    assert (await socket.receive_json())["error"]["code"] == 3
    await socket.close()


async def test_a_user_socket_needs_a_valid_key_and_is_told_when_it_ends(client: Any) -> None:
    async with client.session.get(f"{client.running.rest}/private/ws?listenKey=wrong") as refused:
        assert refused.status == 400
    _, made = await client.call("POST", "/fapi/v1/listenKey")
    _, again = await client.call("POST", "/fapi/v1/listenKey")
    assert made == again
    socket = await client.session.ws_connect(f"{client.running.ws}/private/ws?listenKey={made['listenKey']}")
    await client.until(lambda _: bool(client.running.simulation.users.sockets()))
    await client.call("DELETE", "/fapi/v1/listenKey")
    assert (await asyncio.wait_for(socket.receive_json(), 10))["e"] == "listenKeyExpired"
    await socket.close()


@pytest.mark.parametrize(
    ("method", "path", "symbol", "limit", "weight"),
    [
        ("GET", "klines", True, 99, 1),
        ("GET", "klines", True, 499, 2),
        ("GET", "klines", True, 1000, 5),
        ("GET", "klines", True, 1500, 10),
        ("GET", "klines", True, 0, 5),
        ("GET", "depth", True, 50, 2),
        ("GET", "depth", True, 1000, 20),
        ("GET", "openOrders", True, 0, 1),
        ("GET", "openOrders", False, 0, 40),
        ("GET", "ticker/24hr", False, 0, 40),
        ("GET", "account", False, 0, 5),
        ("POST", "order", True, 0, 0),
        ("DELETE", "order", True, 0, 1),
    ],
)
def test_requests_weigh_what_binance_says(method: str, path: str, symbol: bool, limit: int, weight: int) -> None:  # noqa: FBT001 - a column of the table
    assert weight_of(method, path, symbol=symbol, limit=limit) == weight


def test_order_counts_end_with_their_window() -> None:
    limits = RateLimits()
    verdicts = [limits.charge(5.0, 0, order=True) for _ in range(301)]
    assert [v.status for v in verdicts] == [200] * 300 + [429]
    assert (verdicts[-1].code, verdicts[-1].retry_after) == (-1015, 6)
    assert limits.charge(10.0, 0, order=True).status == 200


def test_a_ban_ends_and_the_next_is_longer() -> None:
    limits = RateLimits()
    statuses = [limits.charge(0.0, 2_400, order=False).status for _ in range(30)]
    assert statuses == [200] + [429] * 20 + [418] * 9
    assert limits.charge(119.0, 1, order=False).status == 418
    assert limits.charge(121.0, 1, order=False).status == 200
    again = [limits.charge(180.0, 2_400, order=False).retry_after for _ in range(30)]
    assert max(again) == 240


def test_a_signature_covers_query_and_body_together() -> None:
    keys = Keys("k", "s")
    query, body = "symbol=BTCUSDT&timestamp=1000", "quantity=1"
    body_signed = f"{body}&signature={sign('s', query + body)}"
    check_signature(keys, query, body_signed, 1_000)
    with pytest.raises(VenueRejected) as wrong:
        check_signature(keys, query + "0", body_signed, 10_000)
    assert wrong.value.code == "-1022"
    with pytest.raises(VenueRejected):
        check_key(keys, "K")
