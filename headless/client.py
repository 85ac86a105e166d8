"""A station's end of the control protocol: keeps a replica, reconnects for ever, asks at most once."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from engine.errors import TrefoilError
from engine.model.command import Command
from engine.view import BarsView, Desk, bars_topic, empty_desk
from headless.protocol import (
    VERSION,
    Ask,
    BarsSnapshot,
    BarsUpdate,
    ClientFrame,
    DeskSnapshot,
    Hello,
    Query,
    Refused,
    Result,
    ServerFrame,
    Stop,
    Subscribe,
    Unsubscribe,
    Update,
    Welcome,
    decode_server,
    encode,
)
from headless.session import last_line
from headless.source import Answer

BACKOFF_S = (0.02, 0.05, 0.1, 0.1, 0.2, 0.5, 1.0)
PATIENCE_S = 8.0
MAX_FRAME = 8 * 1024 * 1024

Chart = tuple[str, int]


class EngineClient:
    """Implements Source over the engine's Unix socket.

    Args:
        socket: path of the control socket; it need not exist yet.
        log: the engine's log, whose last sentence says why no engine came.
    """

    def __init__(self, socket: Path, log: Path) -> None:
        self._socket = socket
        self._log = log
        self._desk = empty_desk()
        self._seq = -1
        self._charts: dict[Chart, BarsView] = {}
        self._chart_seq: dict[str, int] = {}
        self._wanted: frozenset[Chart] = frozenset()
        self._connection: ClientConnection | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._waiting: dict[str, tuple[ClientFrame, asyncio.Future[Result]]] = {}
        self._numbers = itertools.count(1)
        self._name = f"{os.getpid()}-{time.time_ns() // 1_000_000}"
        self._started = time.monotonic()
        self._refused = ""
        self._was_connected = False

    @property
    def desk(self) -> Desk:
        """The replica."""
        return self._desk

    @property
    def connected(self) -> bool:
        """An engine is on the other end."""
        return self._connection is not None

    @property
    def trouble(self) -> str:
        """Why there is no engine."""
        if self.connected or (not self._was_connected and time.monotonic() - self._started < PATIENCE_S):
            return last_line(self._log) if not self.connected else ""
        said = self._refused or last_line(self._log)
        return said or "The engine does not answer; it is tried again. See its log, or start it again with trefoil."

    def bars(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        """The replica of a watched chart."""
        return self._charts.get((symbol, timeframe_ms))

    def watch_bars(self, charts: frozenset[Chart]) -> None:
        """Subscribe to new charts, give up the others."""
        gone, new = self._wanted - charts, charts - self._wanted
        self._wanted = charts
        for chart in gone:
            self._charts.pop(chart, None)
            self._send(Unsubscribe(bars_topic(*chart)))
        for chart in new:
            self._send(Subscribe(bars_topic(*chart)))

    def now(self) -> int:
        """Wall time, ms UTC."""
        return time.time_ns() // 1_000_000

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back after every change of the replica."""
        self._callbacks.append(callback)

    async def ask(self, command: Command) -> Answer:
        """Ask the engine; after a reconnect the same id is sent again."""
        frame_id = self._next_id()
        result = await self._request(Ask(frame_id, command), frame_id)
        return Answer(result.ok, result.text)

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> msgspec.Raw:
        """History rows."""
        frame_id = self._next_id()
        result = await self._request(Query(frame_id, name, args), frame_id)
        if not result.ok:
            raise TrefoilError(result.text)
        return result.data

    async def stop_engine(self) -> Answer:
        """Stop the engine."""
        frame_id = self._next_id()
        result = await self._request(Stop(frame_id), frame_id)
        return Answer(result.ok, result.text)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            try:
                async with unix_connect(
                    str(self._socket), uri="ws://trefoil/", compression=None, max_size=MAX_FRAME
                ) as connection:
                    await self._serve(connection)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                pass  # no engine there (yet, or any more): tried again below
            if self._connection is not None:
                self._connection = None
                self._changed()
                failures = 0
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _serve(self, connection: ClientConnection) -> None:
        await connection.send(encode(Hello(VERSION, "", self._name)))
        async for data in connection:
            frame = decode_server(data)
            if isinstance(frame, Welcome):
                self._connection, self._refused, self._was_connected = connection, "", True
                self._begin()
            else:
                self._take(frame)
            self._changed()

    def _begin(self) -> None:
        self._seq = -1
        self._send(Subscribe("desk"))
        for chart in self._wanted:
            self._send(Subscribe(bars_topic(*chart)))
        for frame, _ in self._waiting.values():
            self._send(frame)

    def _take(self, frame: ServerFrame) -> None:
        match frame:
            case DeskSnapshot(seq=seq, desk=desk):
                self._seq = seq
                for name in Desk.__struct_fields__:
                    setattr(self._desk, name, getattr(desk, name))
            case Update(seq=seq, changes=changes):
                if self._seq < 0:
                    return
                if seq != self._seq + 1:
                    self._seq = -1
                    self._send(Subscribe("desk"))
                    return
                self._seq = seq
                for change in changes:
                    self._desk.apply(change)
            case BarsSnapshot(topic=topic, seq=seq, bars=bars):
                self._chart_seq[topic] = seq
                self._charts[bars.symbol, bars.timeframe_ms] = bars
            case BarsUpdate():
                self._bar(frame)
            case Result(id=frame_id):
                waiting = self._waiting.pop(frame_id, None)
                if waiting is not None and not waiting[1].done():
                    waiting[1].set_result(frame)
            case Refused(reason=reason):
                self._refused = reason
            case Welcome():
                pass

    def _bar(self, frame: BarsUpdate) -> None:
        _, symbol, timeframe = frame.topic.split("|")
        bars = self._charts.get((symbol, int(timeframe)))
        if bars is None:
            return
        if frame.seq != self._chart_seq[frame.topic] + 1:
            del self._charts[symbol, int(timeframe)]
            self._send(Subscribe(frame.topic))
            return
        self._chart_seq[frame.topic] = frame.seq
        bars.apply(frame.change)

    async def _request(self, frame: ClientFrame, frame_id: str) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[frame_id] = (frame, future)
        self._send(frame)
        try:
            return await future
        finally:
            self._waiting.pop(frame_id, None)

    def _next_id(self) -> str:
        return f"{self._name}-{next(self._numbers)}"

    def _send(self, frame: ClientFrame) -> None:
        if self._connection is not None:
            task = asyncio.ensure_future(self._connection.send(encode(frame)))
            task.add_done_callback(_sent)

    def _changed(self) -> None:
        for callback in self._callbacks:
            callback()


def _sent(task: asyncio.Future[None]) -> None:
    """A frame that could not be sent is sent again after the reconnect (asks) or made needless by it (subscriptions)."""
    if not task.cancelled() and task.exception() is not None and not isinstance(task.exception(), ConnectionClosed):
        task.result()
