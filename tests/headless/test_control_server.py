"""The control server over real sockets: who is let in, what is refused, what lags."""

from __future__ import annotations

import asyncio
import socket
import stat
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from engine.errors import BadInput, EngineRunning, InvariantBroken
from engine.model.command import Kill, PlaceOrder, SetPaused
from engine.model.order import OrderKind, Side
from engine.view import Desk, NoteView
from headless.protocol import (
    VERSION,
    Ask,
    DeskSnapshot,
    Hello,
    Query,
    Refused,
    Result,
    Stop,
    Subscribe,
    Update,
    Welcome,
    encode,
)
from headless.publisher import Publisher
from headless.server import BACKLOG_LIMIT, MAX_CLIENT_FRAME, ControlServer
from tests.headless.control import (
    WAIT_S,
    SmallEngine,
    bars,
    desk,
    engine_at,
    raw_client,
    receive,
    same,
    send,
    short_folder,
)

TOKEN = "a long secret"


async def test_hello_is_answered_with_epoch_and_mode() -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s", hello=False) as client:
            await send(client, Hello(VERSION, "", "x"))
            assert await receive(client) == Welcome(VERSION, "trefoil test", 1, "demo")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", "no hello"),
        ("rubbish", "no hello"),
        ("{}", "`type`"),
        ('{"type":"Hello"}', "`version`"),
        ('{"type":"Hello","version":"one","token":"","client":""}', "$.version"),
        ('{"type":"Hello","version":1,"token":"","client":null}', "$.client"),
        ('{"type":"Nonsense"}', "Nonsense"),
        (b"\xff\xfe", "no hello"),
        ('{"type":"Hello","version":1,"token":"","client":"","x":' + "[" * 20_000, "no hello"),
        (encode(Subscribe("desk")), "must be a Hello"),
        (encode(Hello(VERSION + 1, "", "x")), "version"),
    ],
)
async def test_a_wrong_first_frame_is_refused_by_name_and_closed(frame: str | bytes, reason: str) -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s", hello=False) as client:
            await client.send(frame)
            refused = await receive(client)
            assert isinstance(refused, Refused)
            assert reason in refused.reason
            with pytest.raises(ConnectionClosed):
                await receive(client)
            assert client.close_code == 1008


@pytest.mark.parametrize("hello", [True, False])
async def test_an_oversized_frame_ends_the_connection(*, hello: bool) -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s", hello=hello) as client:
            await client.send("x" * (MAX_CLIENT_FRAME + 1))
            with pytest.raises(ConnectionClosed):
                await receive(client)
            assert client.close_code == 1009


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type":"Ask","id":"a","command":{"type":"SetPaused"}}', "`paused`"),
        ('{"type":"Ask","id":"a","command":{"type":"Fly"}}', "Fly"),
        ('{"type":"Query","id":"a","name":7}', "$.name"),
        ('{"type":"Guess","id":"a"}', "Guess"),
    ],
)
async def test_a_malformed_ask_with_an_id_is_answered_and_the_client_stays(frame: str, field: str) -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s") as (_, backend, _), raw_client(folder / "s") as client:
            await client.send(frame)
            result = await receive(client)
            assert isinstance(result, Result)
            assert (result.id, result.ok) == ("a", False)
            assert field in result.text
            await send(client, Ask("b", SetPaused(paused=True)))
            assert await receive(client) == Result("b", ok=True, text="done 1")
            assert backend.calls == [("b", "station:raw", SetPaused(paused=True))]


@pytest.mark.parametrize("frame", ["rubbish", '{"type":"Subscribe"}', b"\x00", "[" * 30_000])
async def test_garbage_without_an_id_is_refused_and_closed(frame: str | bytes) -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s") as client:
            await client.send(frame)
            assert isinstance(await receive(client), Refused)
            with pytest.raises(ConnectionClosed):
                await receive(client)


async def test_an_unknown_topic_and_a_second_hello_are_refused_without_hanging_up() -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s") as client:
            await send(client, Subscribe("weather"))
            refused = await receive(client)
            assert isinstance(refused, Refused)
            assert "weather" in refused.reason
            await send(client, Hello(VERSION, "", "again"))
            assert isinstance(await receive(client), Refused)
            await send(client, Subscribe("desk"))
            assert isinstance(await receive(client), DeskSnapshot)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "sNaN", "1E+999999999", "1E-999999999"])
@pytest.mark.parametrize("field", ["quantity", "price"])
async def test_a_number_no_market_has_stops_at_the_door(number: str, field: str) -> None:
    numbers = {"quantity": "1", "price": "1"} | {field: number}
    command = {"type": "PlaceOrder", "symbol": "B", "side": 1, "kind": "limit", **numbers}
    with short_folder() as folder:
        async with engine_at(folder / "s") as (_, backend, _), raw_client(folder / "s") as client:
            await client.send(msgspec.json.encode({"type": "Ask", "id": "a", "command": command}).decode())
            result = await receive(client)
            assert isinstance(result, Result)
            assert not result.ok
            assert field in result.text
            assert backend.calls == []


async def test_an_order_of_this_world_passes_the_door() -> None:
    order = PlaceOrder(
        symbol="B", side=Side.BUY, kind=OrderKind.LIMIT, quantity=Decimal("0.00001"), price=Decimal("1E+5")
    )
    with short_folder() as folder:
        async with engine_at(folder / "s") as (_, backend, _), raw_client(folder / "s") as client:
            await send(client, Ask("a", order))
            assert await receive(client) == Result("a", ok=True, text="done 1")
            assert backend.calls == [("a", "station:raw", order)]


async def test_queries_and_their_refusals() -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s"), raw_client(folder / "s") as client:
            await send(client, Query("1", "orders", {"limit": 3}))
            result = await receive(client)
            assert isinstance(result, Result)
            assert msgspec.json.decode(result.data) == [{"limit": 3}]
            await send(client, Query("2", "weather"))
            assert await receive(client) == Result("2", ok=False, text="query: weather - use orders")


async def test_stop_reaches_the_engine() -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s") as (_, backend, _), raw_client(folder / "s") as client:
            await send(client, Stop("1"))
            result = await receive(client)
            assert isinstance(result, Result)
            assert result.ok
            assert backend.stops == 1


async def test_an_id_under_way_is_joined_not_repeated() -> None:
    with short_folder() as folder:
        async with (
            engine_at(folder / "s") as (_, backend, _),
            raw_client(folder / "s") as one,
            raw_client(folder / "s") as other,
        ):
            backend.open.clear()
            for client in (one, other):
                await send(client, Ask("same", Kill()))
                await send(client, Subscribe("desk"))  # answered once the ask before it was taken
                assert isinstance(await receive(client), DeskSnapshot)
            backend.open.set()
            assert await receive(one) == await receive(other) == Result("same", ok=True, text="done 1")
            assert len(backend.calls) == 1


@pytest.mark.parametrize("failure", [RuntimeError("broken"), InvariantBroken("broken")])
async def test_a_failure_of_the_engine_comes_out_of_run(failure: Exception) -> None:
    with short_folder() as folder:
        async with engine_at(folder / "s") as (_, backend, server), raw_client(folder / "s") as client:
            backend.failure = failure
            await send(client, Ask("1", Kill()))
            async with asyncio.timeout(WAIT_S):
                with pytest.raises(type(failure), match="broken"):
                    await server.run()


async def test_socket_and_directory_are_private_and_removed_at_the_end() -> None:
    with short_folder() as folder:
        path = folder / "run" / "s"
        async with engine_at(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert not path.exists()


async def test_a_stale_socket_is_taken_over_a_living_one_is_not() -> None:
    with short_folder() as folder:
        path = folder / "s"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with engine_at(path):
            async with raw_client(path):
                pass
            with pytest.raises(EngineRunning, match="another engine"):
                async with engine_at(path):
                    pass
            async with raw_client(path):
                pass


async def test_paths_that_cannot_be_a_socket_are_refused() -> None:
    with short_folder() as folder:
        (folder / "file").write_text("precious")
        server = ControlServer(Publisher(desk(), bars), SmallEngine())
        with pytest.raises(BadInput, match="no socket"):
            await server.listen_unix(folder / "file")
        assert (folder / "file").read_text() == "precious"
        with pytest.raises(BadInput, match="shorter"):
            await server.listen_unix(folder / ("x" * 120))
        with pytest.raises(BadInput, match="socket directory"):
            await server.listen_unix(folder / "file" / "s")


@pytest.mark.parametrize(("token", "let_in"), [(TOKEN, True), ("", False), ("a long secre", False), ("ä" * 9, False)])
async def test_tcp_needs_the_token(token: str, *, let_in: bool) -> None:
    server = ControlServer(Publisher(desk(), bars), SmallEngine())
    port = await server.listen_tcp("127.0.0.1", 0, TOKEN)
    try:
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
            await send(client, Hello(VERSION, token, "x"))
            frame = await receive(client)
            if let_in:
                assert isinstance(frame, Welcome)
            else:
                assert isinstance(frame, Refused)
                assert frame.reason.startswith("token")
                assert TOKEN not in frame.reason
    finally:
        await server.close()


async def test_a_web_page_is_kept_out() -> None:
    server = ControlServer(Publisher(desk(), bars), SmallEngine())
    port = await server.listen_tcp("127.0.0.1", 0, TOKEN)
    try:
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://127.0.0.1:{port}", proxy=None, additional_headers={"Origin": "http://evil"}):
                pass
    finally:
        await server.close()


@pytest.mark.parametrize(("host", "token", "field"), [("127.0.0.1", "", "token"), ("0.0.0.0", TOKEN, "host")])
async def test_unsafe_tcp_addresses_are_refused(host: str, token: str, field: str) -> None:
    server = ControlServer(Publisher(desk(), bars), SmallEngine())
    with pytest.raises(BadInput) as refused:
        await server.listen_tcp(host, 0, token)
    assert refused.value.field == field


async def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ControlServer(Publisher(desk(), bars), SmallEngine())
        with pytest.raises(BadInput, match="cannot be listened on"):
            await server.listen_tcp("127.0.0.1", taken.getsockname()[1], TOKEN)


async def test_a_client_that_does_not_read_is_kept_small_and_catches_up() -> None:
    text = "x" * 5_000
    frames, published = 0, 0
    with short_folder() as folder:
        async with engine_at(folder / "s") as (publisher, _, server), raw_client(folder / "s", max_queue=1) as client:
            await send(client, Subscribe("desk"))
            snapshot = await receive(client)
            (session,) = server._servers[0].connections
            most = 0
            for i in range(2_000):
                publisher.publish(NoteView(i, "info", text, "", i))
                publisher.flush()
                published += 1
                if i % 100 == 0:
                    await asyncio.sleep(0)
                most = max(most, session.transport.get_write_buffer_size())
            assert BACKLOG_LIMIT < most < BACKLOG_LIMIT + 2 * len(text)
            assert isinstance(snapshot, DeskSnapshot)
            replica, seq = snapshot.desk, snapshot.seq
            caught_up = False
            while not same(replica, publisher.desk):
                frame = await receive(client)
                frames += 1
                assert isinstance(frame, DeskSnapshot | Update)
                caught_up |= isinstance(frame, DeskSnapshot)
                replica, seq = _taken(replica, seq, frame)
            assert caught_up
            assert frames < published / 4


def _taken(replica: Desk, seq: int, frame: DeskSnapshot | Update) -> tuple[Desk, int]:
    if isinstance(frame, DeskSnapshot):
        return frame.desk, frame.seq
    assert frame.seq == seq + 1
    for change in frame.changes:
        replica.apply(change)
    return replica, frame.seq


async def test_a_closed_server_leaves_the_socket_of_its_successor() -> None:
    with short_folder() as folder:
        path: Path = folder / "s"
        first = ControlServer(Publisher(desk(), bars), SmallEngine())
        await first.listen_unix(path)
        path.unlink()
        async with engine_at(path):
            await first.close()
            async with raw_client(path):
                pass
