"""The replica equals the desk, through gaps, lost connections and new engines; asks are done at most once."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, unix_serve

from engine.errors import BadInput, TrefoilError
from engine.model.command import Kill, SetPaused
from engine.model.market import Bar
from engine.view import Desk, NoteView
from engine.view_bars import BarChange
from headless.client import EngineClient
from headless.protocol import (
    VERSION,
    DeskSnapshot,
    Refused,
    ServerFrame,
    Subscribe,
    Update,
    Welcome,
    decode_client,
    encode,
)
from headless.publisher import Publisher
from headless.server import ControlServer
from headless.source import Source
from tests.headless.control import (
    SYMBOLS,
    WAIT_S,
    SmallEngine,
    bars,
    desk,
    engine_at,
    in_step,
    random_changes,
    same,
    short_folder,
    until,
)

M = 60_000
A, B = SYMBOLS[:2]


@asynccontextmanager
async def attached(
    path: Path,
    *,
    publisher: Publisher | None = None,
    backend: SmallEngine | None = None,
    answer_timeout_s: float = WAIT_S,
) -> AsyncIterator[tuple[EngineClient, Publisher, SmallEngine, ControlServer]]:
    async with engine_at(path, publisher=publisher, backend=backend) as (there, engine, server):
        client = EngineClient(path, answer_timeout_s=answer_timeout_s)
        async with client.running():
            await until(client, lambda: client.connected)
            yield client, there, engine, server


def cut(server: ControlServer) -> None:
    """Tear every connection as a dying network does."""
    for connection in tuple(server._servers[0].connections):
        connection.transport.abort()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from(["few", "many", "wait", "cut"]), max_size=12))
def test_the_replica_equals_the_desk_after_anything(seed: int, steps: list[str]) -> None:
    async def play() -> None:
        rng = random.Random(seed)
        with short_folder() as folder:
            async with attached(folder / "s") as (client, publisher, _, server):
                replica = client.desk
                for step in steps:
                    if step == "cut":
                        cut(server)
                    elif step == "wait":
                        await in_step(client, publisher)
                    else:
                        publisher.publish(*random_changes(rng, 3 if step == "few" else 200))
                        await asyncio.sleep(0)
                await in_step(client, publisher)
                assert same(client.desk, publisher.desk)
                assert client.desk is replica

    asyncio.run(play())


async def test_a_client_is_a_source() -> None:
    source: Source = EngineClient("/nowhere", clock=lambda: 42)
    assert source.now() == 42
    assert not source.connected
    assert source.trouble == ""


class Script:
    """An engine that says exactly what a test wants, to study the client's answer to it."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Subscribe] = asyncio.Queue()
        self.connection: ServerConnection | None = None

    @asynccontextmanager
    async def at(self, path: Path, first: ServerFrame) -> AsyncIterator[None]:
        async def serve(connection: ServerConnection) -> None:
            self.connection = connection
            await connection.recv()
            await self.say(first)
            async for data in connection:
                frame = decode_client(data)
                assert isinstance(frame, Subscribe)
                self.heard.put_nowait(frame)

        async with unix_serve(serve, str(path), compression=None):
            yield

    async def say(self, frame: ServerFrame) -> None:
        assert self.connection is not None
        await self.connection.send(encode(frame))

    async def asked(self) -> Subscribe:
        async with asyncio.timeout(WAIT_S):
            return await self.heard.get()


def note(n: int) -> NoteView:
    return NoteView(n, "info", "n", "", n)


async def test_after_a_gap_the_client_waits_for_a_fresh_snapshot() -> None:
    script = Script()
    with short_folder() as folder:
        async with script.at(folder / "s", Welcome(VERSION, "script", 3, "demo")):
            client = EngineClient(str(folder / "s"))
            async with client.running():
                assert await script.asked() == Subscribe("desk")
                await script.say(DeskSnapshot(5, desk()))
                await script.say(Update(6, (note(6),)))
                await script.say(Update(8, (note(8),)))
                assert await script.asked() == Subscribe("desk")
                await script.say(Update(9, (note(9),)))
                fresh = desk()
                for n in (6, 7, 8, 9):
                    fresh.apply(note(n))
                await script.say(DeskSnapshot(9, fresh))
                await script.say(Update(10, (note(10),)))
                await until(client, lambda: len(client.desk.notes) == 5)
                assert [n.seq for n in client.desk.notes] == [6, 7, 8, 9, 10]
                assert client.resubscribed == 1


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (Refused("token: wrong"), "The engine refused this station: token: wrong"),
        (Welcome(VERSION + 1, "script", 3, "demo"), "update the older"),
        (Update(1, ()), "did not answer the hello"),
    ],
)
async def test_a_refusal_is_told_at_once(first: ServerFrame, sentence: str) -> None:
    with short_folder() as folder:
        async with Script().at(folder / "s", first):
            client = EngineClient(str(folder / "s"))
            async with client.running():
                await until(client, lambda: sentence in client.trouble)
                assert not client.connected


async def test_garbage_from_the_other_end_is_told_and_survived() -> None:
    async def serve(connection: ServerConnection) -> None:
        await connection.send(b"not zlib")
        await connection.wait_closed()

    with short_folder() as folder:
        async with unix_serve(serve, str(folder / "s")):
            client = EngineClient(str(folder / "s"))
            async with client.running():
                await until(client, lambda: "does not understand" in client.trouble)


async def test_the_engines_last_words_are_told() -> None:
    with short_folder() as folder:
        (folder / "log").write_text("2026 noise\nengine: disk full - make room\n")
        client = EngineClient(folder / "s", folder / "log")
        async with client.running():
            await until(client, lambda: client.trouble == "The engine has ended: disk full - make room")


async def test_charts_follow_what_is_on_screen() -> None:
    def change(minute: int, close: float) -> BarChange:
        return BarChange(bar=Bar(minute * M, 1.0, 9.0, 0.5, close, 1.0), closed=True, overlays={"EMA 12": close})

    with short_folder() as folder:
        async with attached(folder / "s") as (client, publisher, _, server):
            changed = asyncio.Event()
            client.on_change(changed.set)
            client.watch_bars(frozenset({(A, M), (B, M)}))
            await until(client, lambda: bool(client.bars(A, M) and client.bars(B, M)))
            assert client.bars(A, M) == bars(A, M)
            client.watch_bars(frozenset({(A, M), (A, 5 * M)}))
            await until(client, lambda: client.bars(A, 5 * M) is not None)
            assert client.bars(B, M) is None
            assert publisher.watched() == {(A, M), (A, 5 * M)}
            publisher.publish_bar(A, M, change(2, 3.0))
            publisher.publish_bar(A, M, change(3, 4.0))
            await until(client, lambda: (view := client.bars(A, M)) is not None and len(view.bars) == 4)
            view = client.bars(A, M)
            assert view is not None
            assert [b.close for b in view.bars] == [1.5, 1.5, 3.0, 4.0]
            assert view.overlays == {"EMA 12": [None, 1.0, 3.0, 4.0]}
            cut(server)
            await until(client, lambda: not client.connected)
            await until(client, lambda: client.connected and client.bars(A, M) == bars(A, M))
            assert publisher.watched() == {(A, M), (A, 5 * M)}
            client.watch_bars(frozenset())
            await in_step(client, publisher)
            assert publisher.watched() == frozenset()


async def test_ask_query_and_stop() -> None:
    with short_folder() as folder:
        async with attached(folder / "s") as (client, _, backend, _):
            answer = await client.ask(SetPaused(paused=True))
            assert (answer.ok, answer.text) == (True, "done 1")
            assert [call[1:] for call in backend.calls] == [("station:station", SetPaused(paused=True))]
            assert msgspec.json.decode(await client.query("orders", {"n": 1})) == [{"n": 1}]
            with pytest.raises(TrefoilError, match="use orders"):
                await client.query("weather", {})
            assert (await client.stop_engine()).ok
            assert backend.stops == 1


async def test_an_ask_is_resent_with_its_id_and_done_once() -> None:
    with short_folder() as folder:
        async with attached(folder / "s") as (client, _, backend, server):
            backend.open.clear()
            asking = asyncio.create_task(client.ask(Kill()))
            await asyncio.wait_for(backend.called.wait(), WAIT_S)
            cut(server)
            await until(client, lambda: not client.connected)
            await until(client, lambda: client.connected)
            backend.open.set()
            assert (await asyncio.wait_for(asking, WAIT_S)).text == "done 1"
            assert len(backend.done) == 1


async def test_an_ask_survives_the_engine_and_is_done_once_by_its_journal() -> None:
    backend = SmallEngine()
    backend.open.clear()
    with short_folder() as folder:
        path = folder / "s"
        client = EngineClient(path, answer_timeout_s=WAIT_S)
        async with client.running():
            async with engine_at(path, publisher=Publisher(desk(1), bars), backend=backend):
                await until(client, lambda: client.connected)
                asking = asyncio.create_task(client.ask(Kill()))
                await asyncio.wait_for(backend.called.wait(), WAIT_S)
            await until(client, lambda: not client.connected)
            backend.open.set()
            async with engine_at(path, publisher=Publisher(desk(2), bars), backend=backend):
                assert (await asyncio.wait_for(asking, WAIT_S)).text == "done 1"
                assert client.desk.status.epoch == 2
        assert len(backend.calls) == 2
        assert backend.calls[0] == backend.calls[1]
        assert len(backend.done) == 1


async def test_what_cannot_be_answered_in_time_is_said_to_be_unknown() -> None:
    with short_folder() as folder:
        async with attached(folder / "s", answer_timeout_s=0.01) as (client, _, backend, _):
            backend.open.clear()
            answer = await client.ask(Kill())
            assert not answer.ok
            assert "not known" in answer.text
            backend.open.set()


async def test_without_an_engine_nothing_is_sent() -> None:
    client = EngineClient("/nowhere/s")
    answers = [await client.ask(Kill()), await client.stop_engine()]
    assert not any(answer.ok for answer in answers)
    with pytest.raises(TrefoilError, match="No engine"):
        await client.query("orders", {})


async def test_a_stop_that_ends_the_connection_is_done_and_never_resent() -> None:
    backend = SmallEngine()
    backend.open.clear()
    with short_folder() as folder:
        path = folder / "s"
        client = EngineClient(path)
        async with client.running():
            async with engine_at(path, backend=backend):
                await until(client, lambda: client.connected)
                stopping = asyncio.create_task(client.stop_engine())
                await asyncio.wait_for(backend.stopping.wait(), WAIT_S)
            assert (await asyncio.wait_for(stopping, WAIT_S)).text == "The engine has stopped."
            async with engine_at(path, backend=backend) as (publisher, _, _):
                await until(client, lambda: client.connected)
                await in_step(client, publisher)
        assert backend.stops == 1


async def test_a_lost_engine_is_told_in_one_sentence() -> None:
    with short_folder() as folder:
        starting = Publisher(desk(0), bars)  # an engine that has not read its journal yet has no epoch
        async with attached(folder / "s", publisher=starting) as (client, _, _, server):
            cut(server)
            await until(client, lambda: "was lost" in client.trouble)
            await until(client, lambda: client.connected)
            assert client.trouble == ""
            await server.close()
            await until(client, lambda: "No engine answers" in client.trouble)


async def test_over_tcp_with_a_token() -> None:
    publisher = Publisher(desk(), bars)
    server = ControlServer(publisher, SmallEngine())
    port = await server.listen_tcp("127.0.0.1", 0, "secret")
    client = EngineClient(f"ws://127.0.0.1:{port}", token="secret")
    try:
        async with client.running():
            await until(client, lambda: client.connected)
            publisher.publish(*random_changes(random.Random(1), 100))
            await in_step(client, publisher)
            assert same(client.desk, publisher.desk)
        stranger = EngineClient(f"ws://127.0.0.1:{port}", token="guess")
        async with stranger.running():
            await until(stranger, lambda: "token: wrong" in stranger.trouble)
            assert "guess" not in stranger.trouble
    finally:
        await server.close()


@pytest.mark.parametrize("address", ["http://host:1", "ws://", "wss:///x", "ftp://h"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="ws://host:port"):
        EngineClient(address)


@pytest.mark.parametrize(
    "say", [pytest.param(lambda d: d, id="empty"), pytest.param(lambda d: d.notes.append(note(1)), id="one note")]
)
async def test_a_snapshot_replaces_everything(say: Callable[[Desk], object]) -> None:
    first = desk()
    for change in random_changes(random.Random(5), 300):
        first.apply(change)
    second = desk(2)
    say(second)
    with short_folder() as folder:
        path = folder / "s"
        client = EngineClient(path)
        async with client.running():
            async with engine_at(path, publisher=Publisher(first, bars)):
                await until(client, lambda: client.connected)
                assert same(client.desk, first)
            async with engine_at(path, publisher=Publisher(second, bars)):
                await until(client, lambda: client.desk.status.epoch == 2 and client.connected)
                assert same(client.desk, second)


def test_the_client_loads_nothing_heavy() -> None:
    code = "import sys, headless.client; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"headless", "engine", "websockets", "msgspec"} <= loaded
    assert not loaded & {"numpy", "ccxt", "sqlalchemy", "aiohttp", "textual", "talib", "numba", "pyarrow", "storage"}
