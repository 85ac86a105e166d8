"""A small engine behind a real control server, and ways to wait for what it says."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, unix_connect

from engine.errors import BadInput
from engine.model.command import Command
from engine.model.market import Bar
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from engine.model.signal import Action, Signal, SignalStatus
from engine.view import (
    AccountView,
    Change,
    Desk,
    FillView,
    Gone,
    NoteView,
    OrderView,
    PositionView,
    StatusView,
    empty_desk,
)
from engine.view_bars import BarsView
from engine.view_market import Quotes, QuoteView, WatchView
from headless.client import EngineClient
from headless.protocol import VERSION, ClientFrame, Hello, ServerFrame, decode_server, encode
from headless.publisher import Publisher
from headless.server import ControlServer
from headless.source import Answer

WAIT_S = 60.0
SYMBOLS = tuple(f"C{i:02}/USDT:USDT" for i in range(6))


class SmallEngine:
    """Implements Backend as an engine does: an id is done once, its answer is kept."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Command]] = []
        self.done: dict[str, Answer] = {}
        self.stops = 0
        self.open = asyncio.Event()
        self.open.set()
        self.called = asyncio.Event()
        self.stopping = asyncio.Event()
        self.failure: Exception | None = None

    async def command(self, command_id: str, source: str, command: Command) -> Answer:
        self.calls.append((command_id, source, command))
        self.called.set()
        if self.failure is not None:
            raise self.failure
        if command_id not in self.done:
            self.done[command_id] = Answer(ok=True, text=f"done {len(self.done) + 1}")
        await self.open.wait()
        return self.done[command_id]

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> bytes:
        if name != "orders":
            raise BadInput("query", name, "use orders")
        return msgspec.json.encode([args])

    async def stop(self) -> None:
        self.stops += 1
        self.stopping.set()
        await self.open.wait()


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path fits a socket's, unlike pytest's own on some systems."""
    with tempfile.TemporaryDirectory(prefix="tf") as name:
        yield Path(name)


def desk(epoch: int = 1) -> Desk:
    out = empty_desk()
    out.status = msgspec.structs.replace(out.status, epoch=epoch)
    return out


def bars(symbol: str, timeframe_ms: int, n: int = 3) -> BarsView:
    rows = [Bar(i * timeframe_ms, 1.0, 2.0, 0.5, 1.5, 10.0) for i in range(n)]
    return BarsView(symbol=symbol, timeframe_ms=timeframe_ms, bars=rows, overlays={"EMA 12": [None, 1.0, 1.5][:n]})


@asynccontextmanager
async def engine_at(
    path: Path, *, publisher: Publisher | None = None, backend: SmallEngine | None = None
) -> AsyncIterator[tuple[Publisher, SmallEngine, ControlServer]]:
    publisher = publisher or Publisher(desk(), bars)
    backend = backend or SmallEngine()
    server = ControlServer(publisher, backend, name="trefoil test")
    await server.listen_unix(path)
    try:
        yield publisher, backend, server
    finally:
        await server.close()


async def until(client: EngineClient, true: Callable[[], bool]) -> None:
    """Wait for a condition on the client, judged after each of its changes."""
    changed = asyncio.Event()
    client.on_change(changed.set)
    async with asyncio.timeout(WAIT_S):
        while not true():
            changed.clear()
            await changed.wait()


async def in_step(client: EngineClient, publisher: Publisher) -> None:
    """Wait until the replica has everything published so far."""
    mark = NoteView(publisher.seq, "info", f"mark {len(publisher.desk.notes)} {publisher.seq}", "", -1)
    publisher.publish(mark)
    await until(client, lambda: client.connected and client.desk.notes[-1:] == [mark])


def same(one: Desk, other: Desk) -> bool:
    """Equal to the byte, order of rows included."""
    return msgspec.json.encode(one) == msgspec.json.encode(other)


@asynccontextmanager
async def raw_client(path: Path, *, hello: bool = True, max_queue: int = 16) -> AsyncIterator[ClientConnection]:
    """A bare WebSocket on the control socket, past the hello unless told otherwise."""
    async with unix_connect(str(path), "ws://trefoil/", compression=None, max_queue=max_queue, max_size=None) as bare:
        if hello:
            await bare.send(encode(Hello(VERSION, "", "raw")))
            await receive(bare)
        yield bare


async def receive(connection: ClientConnection) -> ServerFrame:
    async with asyncio.timeout(WAIT_S):
        return decode_server(await connection.recv())


async def send(connection: ClientConnection, frame: ClientFrame) -> None:
    await connection.send(encode(frame))


def random_changes(rng: random.Random, n: int) -> list[Change]:
    """Any changes an engine may publish, with small ranges so that repeats, evictions and removals happen."""
    return [_random_change(rng, i) for i in range(n)]


def _random_change(rng: random.Random, i: int) -> Change:
    symbol = rng.choice(SYMBOLS)
    n = rng.randrange(4)
    makers: tuple[Callable[[], Change], ...] = (
        lambda: Quotes(tuple(QuoteView(rng.choice(SYMBOLS), n, n + 1, n, n, rng.randrange(3)) for _ in range(n + 1))),
        lambda: StatusView(mode="demo", venue="sim", autonomy="auto", clock=n),
        lambda: AccountView(
            equity=n, cash=n, unrealised=0, day_pnl=0, day_start=0, drawdown=0.0, exposure=n / 3, day_loss_used=0.1
        ),
        lambda: WatchView(symbol, n / 7, 1.0, (1.0, 2.0)),
        lambda: _signal(rng.randrange(140), symbol),
        lambda: _position(symbol, n),
        lambda: Gone("position", symbol),
        lambda: _order(f"o{n}", symbol),
        lambda: Gone("order", f"o{n}"),
        lambda: _fill(str(i), symbol, n),
        lambda: NoteView(i, "info", f"note {n} ✓", symbol, i),
    )
    return rng.choice(makers)()


def _signal(number: int, symbol: str) -> Signal:
    return Signal(
        id=number,
        symbol=symbol,
        action=Action.LONG,
        status=SignalStatus.WAITING,
        at=number,
        bar_time=0,
        score=0.4,
        price=1,
        stop=1,
        target=1,
        lots=1,
    )


def _position(symbol: str, lots: int) -> PositionView:
    return PositionView(
        symbol=symbol,
        lots=lots,
        entry=1.5,
        mark=2,
        unrealised=0,
        realised=0,
        fees=0,
        funding=0,
        margin=0,
        leverage=1,
        stop=1,
        target=None,
        stop_confirmed=0,
        target_confirmed=0,
        liquidation=None,
        opened=0,
        origin="",
    )


def _order(client_id: str, symbol: str) -> OrderView:
    return OrderView(
        client_id=client_id,
        symbol=symbol,
        side=Side.SELL,
        kind=OrderKind.LIMIT,
        purpose=Purpose.EXIT,
        status=OrderStatus.WORKING,
        lots=1,
        filled=0,
        price=1,
        trigger=None,
        reduce_only=True,
        created=0,
        confirmed=0,
        origin="",
    )


def _fill(trade_id: str, symbol: str, ticks: int) -> FillView:
    return FillView(
        trade_id=trade_id,
        symbol=symbol,
        side=Side.BUY,
        ticks=ticks,
        lots=1,
        fee=0,
        purpose=Purpose.ENTRY,
        at=ticks,
    )
