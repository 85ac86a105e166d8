"""Every fault strikes real clients as it says, and the switchboard refuses what it does not know."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from engine.errors import BadInput
from engine.simulator.faults import KINDS, Switchboard, parse, seconds

FLAT = (500_000, 500_000, 500_000, 500_000)
KLINE = "btcusdt@kline_1m"


@pytest.fixture
async def client(start: Any, conduct: Any, scripted: Any) -> Any:
    """A venue that stands after its first bar."""
    made = await start(scripted([FLAT] * 6))
    made.conductor = await conduct(made, [KLINE])
    await made.conductor.play(1)
    return made


async def switch(client: Any, *faults: str) -> dict[str, Any]:
    async with client.session.post(f"{client.running.rest}/sim/faults", json={"add": faults}) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def hits(client: Any) -> list[int]:
    _, report = await client.raw("GET", "/sim/faults")
    return [row["hits"] for row in report["faults"]]


@pytest.mark.parametrize(
    ("fault", "status", "code", "accepted"),
    [
        ("reject:code=-2010", 400, -2010, 0),
        ("reject:code=-1008,path=order", 400, -1008, 0),
        ("rate-limit:retry=3", 429, -1003, 0),
        ("ban:retry=120", 418, -1003, 0),
        ("server-error:status=503", 503, -1007, 1),
        ("server-error:status=503,before", 503, -1007, 0),
        ("skew:ms=-60000", 400, -1021, 0),
    ],
)
async def test_request_faults(client: Any, fault: str, status: int, code: int, accepted: int) -> None:
    await switch(client, fault)
    found, answer = await client.order("BUY", "MARKET", "0.100")
    assert (found, answer["code"]) == (status, code)
    assert (await client.state())["orders"] == accepted


async def test_a_lost_ack_leaves_the_order_accepted_and_the_client_without_an_answer(client: Any) -> None:
    await switch(client, "lost-ack:count=1")
    with pytest.raises(aiohttp.ClientError):
        await client.order("BUY", "MARKET", "0.100", newClientOrderId="lost")
    status, order = await client.call("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="lost")
    assert (status, order["status"]) == (200, "FILLED")
    status, again = await client.order("BUY", "MARKET", "0.100", newClientOrderId="lost")
    assert (status, again["code"]) == (400, -4116)
    assert await hits(client) == [1]


async def test_a_delay_holds_the_answer_back(client: Any) -> None:
    await switch(client, "delay:ms=120,path=ping,count=1")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await client.raw("GET", "/fapi/v1/ping")
    assert loop.time() - begun >= 0.12


async def test_count_and_clear_end_a_fault(client: Any) -> None:
    await switch(client, "reject:code=-2010,count=2", "lose:target=user")
    codes = [(await client.order("BUY", "LIMIT", "0.100", price="1000.0", timeInForce="GTC"))[0] for _ in range(3)]
    assert codes == [400, 400, 200]
    async with client.session.post(f"{client.running.rest}/sim/faults", json={"clear": True}) as answer:
        assert await answer.json() == {"faults": []}


async def test_a_wrong_fault_is_refused_whole(client: Any) -> None:
    body = {"add": ["drop:every=1s", "explode"], "clear": True}
    async with client.session.post(f"{client.running.rest}/sim/faults", json=body) as answer:
        assert answer.status == 400
        assert "explode" in (await answer.json())["error"]
    assert await hits(client) == []


async def user_events(client: Any, fault: str, orders: int) -> list[Any]:
    """Client ids of the NEW events that arrive for `orders` resting orders while `fault` is on."""
    _, made = await client.call("POST", "/fapi/v1/listenKey")
    socket = await client.session.ws_connect(f"{client.running.ws}/private/ws?listenKey={made['listenKey']}")
    await client.until(lambda _: bool(client.running.simulation.users.sockets()))
    await switch(client, fault)
    for number in range(orders):
        wish = {"price": "1000.0", "timeInForce": "GTC", "newClientOrderId": f"n{number}"}
        await client.order("BUY", "LIMIT", "0.100", **wish)
    async with client.session.post(f"{client.running.rest}/sim/faults", json={"clear": True}):
        await client.order("BUY", "LIMIT", "0.100", price="1000.0", timeInForce="GTC", newClientOrderId="last")
    seen: list[Any] = []
    while not seen or seen[-1] != "last":
        seen.append((await asyncio.wait_for(socket.receive_json(), 10))["o"]["c"])
    await socket.close()
    return seen


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("lose:target=user,count=1", ["n1", "n2", "last"]),
        ("duplicate:target=user,count=1", ["n0", "n0", "n1", "n2", "last"]),
        ("reorder:target=user,count=1", ["n1", "n0", "n2", "last"]),
        ("delay:target=user,ms=1", ["n0", "n1", "n2", "last"]),
        ("lose:target=market", ["n0", "n1", "n2", "last"]),
    ],
)
async def test_message_faults(client: Any, fault: str, seen: list[str]) -> None:
    assert await user_events(client, fault, 3) == seen


async def test_a_drop_cuts_sockets_and_the_market_waits_for_a_new_one(client: Any) -> None:
    socket = client.conductor.market
    await switch(client, "drop:after=0s,target=market,count=1")
    await client.until(lambda _: not client.running.simulation.hub.sockets)
    await asyncio.wait_for(client.conductor.ended(), 10)
    assert socket.closed
    steps = (await client.conductor.client.state())["steps"]
    again = await client.session.ws_connect(f"{client.running.ws}/ws/{KLINE}")
    reading = asyncio.create_task(_drain(again))
    state = await client.conductor.finish()
    assert state["steps"] > steps
    await again.close()
    await reading


async def _drain(socket: Any) -> None:
    async for _ in socket:
        pass


async def test_half_open_sockets_stay_open_and_say_nothing(client: Any) -> None:
    listener = await client.session.ws_connect(f"{client.running.ws}/public/ws")
    await listener.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
    await listener.receive_json()
    await switch(client, "half-open:after=0s,target=market,count=1")
    await client.until(lambda _: all(s.silent for s in client.running.simulation.hub.sockets))
    await listener.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listener.receive(), 0.1)
    assert not listener.closed
    await listener.close()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("explode", "lost-ack"),
        ("delay:speed=3", "ms"),
        ("delay:ms=soon", "number"),
        ("reject:share=1.5", "0 to 1"),
        ("reject:share=half", "0 to 1"),
        ("reject:code=-20.5", "whole"),
        ("drop:every=often", "10s"),
        ("drop:every=-5s", "10s"),
        ("lose:target=moon", "market"),
        ("server-error:when=never", "before"),
        ("", "drop"),
    ],
)
def test_a_wrong_fault_names_the_part_and_what_there_is(text: str, word: str) -> None:
    with pytest.raises(BadInput, match=word):
        parse(text)


@pytest.mark.parametrize(("text", "value"), [("10s", 10.0), ("500ms", 0.5), ("2m", 120.0), ("1.5", 1.5)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


def test_every_kind_is_complete_by_itself() -> None:
    board = Switchboard()
    board.add(list(KINDS))
    assert [row["fault"] for row in board.report()] == list(KINDS)


def test_the_same_seed_strikes_the_same_requests() -> None:
    def struck(seed: int) -> list[bool]:
        board = Switchboard(seed)
        board.add(["reject:share=0.3"])
        return [bool(board.request("POST", "/fapi/v1/order")) for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90
