"""The station's end of the control protocol: one replica kept equal to the engine's desk, through every reconnect."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
import time
import urllib.parse
import uuid
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.asyncio.connection import broadcast
from websockets.exceptions import ConnectionClosed, WebSocketException

from engine.errors import BadInput, TrefoilError
from engine.model.command import Command
from engine.view import DESK_TOPIC, Desk, empty_desk
from engine.view_bars import BarsView, bars_topic
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

MAX_SERVER_FRAME = 16 * 1024 * 1024
WELCOME_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 15.0
PATIENCE_S = 8.0
RETRY_FIRST_S = 0.05
RETRY_MOST_S = 2.0


class _NotTaken(TrefoilError):
    """The engine refused this station, or talks what the station does not understand."""


class _Chart(msgspec.Struct):
    """Replica of one watched chart; `seq` None while a snapshot is awaited."""

    seq: int | None = None
    bars: BarsView | None = None


class _Waiting(msgspec.Struct):
    """A frame that was sent and not yet answered."""

    frame: Ask | Query | Stop
    answer: asyncio.Future[Result]


class EngineClient:
    """A `headless.source.Source` over a Unix socket or TCP. Single-threaded: use it on the loop that runs `run`.

    Args:
        address: path of a Unix socket (it need not exist yet), or ws://host:port, or wss://host:port.
        log: the engine's log; its last sentence says why no engine came.
        token: for TCP.
        name: of this client, as the engine records it with each command.
        tls: for wss with a private certificate authority.
        desk: the object to keep up to date; a fresh one by default.
        clock: wall time, ms UTC.
        answer_timeout_s: how long an unanswered ask is kept (and resent after a reconnect), seconds.

    Raises:
        BadInput: the address is none.
    """

    def __init__(
        self,
        address: str | Path,
        log: Path | None = None,
        *,
        token: str = "",
        name: str = "station",
        tls: ssl.SSLContext | None = None,
        desk: Desk | None = None,
        clock: Callable[[], int] | None = None,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._address = str(address)
        self._log = log
        self._hello = Hello(VERSION, token, name)
        self._connect = _connector(self._address, tls)
        self._desk = desk or empty_desk()
        self._clock = clock or _wall_clock
        self._answer_timeout_s = answer_timeout_s
        self._connection: ClientConnection | None = None
        self._seq: int | None = None
        self._charts: dict[str, _Chart] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._connected = False
        self._trouble = ""
        self._refused = ""
        self._patient_until = 0.0
        self._failures = 0
        self._was_connected = False
        self.resubscribed = 0

    @property
    def desk(self) -> Desk:
        """The replica; always the same object."""
        return self._desk

    @property
    def connected(self) -> bool:
        """An engine is on the other end and its desk has come."""
        return self._connected

    @property
    def trouble(self) -> str:
        """Why there is no engine, in one sentence; empty when connected.

        Within `PATIENCE_S` of the start only what is certain is told: a refusal, or the engine's own last words.
        """
        return self._trouble

    def bars(self, symbol: str, timeframe_ms: int) -> BarsView | None:
        """The replica of a watched chart, or None until its snapshot has come."""
        chart = self._charts.get(bars_topic(symbol, timeframe_ms))
        return chart.bars if chart else None

    def watch_bars(self, charts: frozenset[tuple[str, int]]) -> None:
        """Subscribe to what is new among `charts` and give up what is not in it any more."""
        topics = {bars_topic(*chart) for chart in charts}
        for topic in self._charts.keys() - topics:
            del self._charts[topic]
            self._send(Unsubscribe(topic))
        for topic in topics - self._charts.keys():
            self._charts[topic] = _Chart()
            self._send(Subscribe(topic))

    def now(self) -> int:
        """Wall time, ms UTC."""
        return self._clock()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every change of the replica, of `connected` or of `trouble`."""
        self._callbacks.append(callback)

    async def ask(self, command: Command) -> Answer:
        """Send a command; without a connection nothing is sent and the answer says so.

        When the connection is lost before the answer, the same id is sent again after the reconnect: done at most once.
        """
        if not self._connected:
            return Answer(ok=False, text="No engine is connected; nothing was sent.")
        result = await self._answered(Ask(uuid.uuid4().hex, command))
        if result is None:
            return Answer(
                ok=False,
                text=f"The engine did not answer in {self._answer_timeout_s:g} s; whether it took the command is not "
                "known: look at the orders before you repeat it.",
            )
        return Answer(result.ok, result.text)

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> msgspec.Raw:
        """History rows as raw JSON; raises TrefoilError with the reason when there are none to be had."""
        if not self._connected:
            raise TrefoilError("No engine is connected; history cannot be read.")
        result = await self._answered(Query(uuid.uuid4().hex, name, args))
        if result is None:
            raise TrefoilError(f"The engine did not answer in {self._answer_timeout_s:g} s.")
        if not result.ok:
            raise TrefoilError(result.text)
        return result.data

    async def stop_engine(self) -> Answer:
        """Stop the engine process in good order; never resent, a lost connection counts as done."""
        if not self._connected:
            return Answer(ok=False, text="No engine is connected.")
        result = await self._answered(Stop(uuid.uuid4().hex))
        if result is None:
            return Answer(ok=False, text=f"The engine did not answer in {self._answer_timeout_s:g} s.")
        return Answer(result.ok, result.text)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[EngineClient]:
        """`run` in the background of a block; what it raises comes out at the end of the block."""
        task = asyncio.create_task(self.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def run(self) -> None:
        """Connect, and connect again for ever, with growing pauses; until cancelled."""
        self._patient_until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            trouble = await self._session()
            self._lost(trouble)
            pause = min(RETRY_MOST_S, RETRY_FIRST_S * 2 ** min(self._failures, 10))
            self._failures += 1
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def _session(self) -> str:
        """One connection from hello to its end; the sentence says why it ended."""
        self._refused = ""
        try:
            async with self._connect() as connection:
                await self._introduce(connection)
                async for data in connection:
                    self._take(_decoded(data))
        except _NotTaken as error:
            self._refused = str(error)
            return self._refused
        except ConnectionClosed:
            return f"The connection to the engine at {self._address} was lost; trying again."
        except PermissionError:
            return f"The engine's socket {self._address} is not open to this user."
        except ssl.SSLError as error:
            return f"The TLS handshake with {self._address} failed: {error.reason}."
        except (OSError, WebSocketException, TimeoutError):
            return f"No engine answers at {self._address}; trying again."
        else:
            return f"The engine at {self._address} has closed the connection; trying again."

    async def _introduce(self, connection: ClientConnection) -> None:
        """Hello, welcome, subscriptions, and once more every ask that has no answer yet."""
        broadcast([connection], encode(self._hello))
        async with asyncio.timeout(WELCOME_TIMEOUT_S):
            frame = _decoded(await connection.recv())
        match frame:
            case Welcome(version=version) if version == VERSION:
                pass
            case Welcome(version=version):
                raise _NotTaken(f"The engine speaks protocol {version}, this station {VERSION}; update the older.")
            case Refused(reason=reason):
                raise _NotTaken(f"The engine refused this station: {reason}")
            case _:
                raise _NotTaken("The engine did not answer the hello.")
        self._connection = connection
        self._send(Subscribe(DESK_TOPIC))
        for topic in self._charts:
            self._send(Subscribe(topic))
        for waiting in self._waiting.values():
            self._send(waiting.frame)

    def _take(self, frame: Any) -> None:
        match frame:
            case Update(seq=seq, changes=changes) if self._in_order(seq):
                self._seq = seq
                for change in changes:
                    self._desk.apply(change)
                self._changed()
            case DeskSnapshot(seq=seq, desk=desk):
                self._seq = seq
                for field in Desk.__struct_fields__:
                    setattr(self._desk, field, getattr(desk, field))
                self._connected, self._was_connected, self._trouble, self._failures = True, True, "", 0
                self._changed()
            case BarsUpdate(topic=topic, seq=seq, change=change):
                chart = self._charts.get(topic)
                if chart and chart.bars and self._chart_in_order(topic, chart, seq):
                    chart.seq = seq
                    chart.bars.apply(change)
                    self._changed()
            case BarsSnapshot(topic=topic, seq=seq, bars=bars) if topic in self._charts:
                self._charts[topic] = _Chart(seq, bars)
                self._changed()
            case Result(id=result_id):
                waiting = self._waiting.get(result_id)
                if waiting and not waiting.answer.done():
                    waiting.answer.set_result(frame)
            case Refused(reason=reason):
                self._refused = f"The engine refused a request: {reason}"

    def _in_order(self, seq: int) -> bool:
        """Whether this desk update is the next; after a gap a fresh snapshot is asked for and updates wait for it."""
        if self._seq is None:
            return False
        if seq == self._seq + 1:
            return True
        self._seq = None
        self.resubscribed += 1
        self._send(Subscribe(DESK_TOPIC))
        return False

    def _chart_in_order(self, topic: str, chart: _Chart, seq: int) -> bool:
        if chart.seq is None:
            return False
        if seq == chart.seq + 1:
            return True
        chart.seq = None
        self.resubscribed += 1
        self._send(Subscribe(topic))
        return False

    def _send(self, frame: ClientFrame) -> None:
        """Hand a frame to the transport; without one it is not needed: a new connection sends all that matters."""
        if self._connection is not None:
            broadcast([self._connection], encode(frame))

    async def _answered(self, frame: Ask | Query | Stop) -> Result | None:
        """The result of a frame, or None when it did not come in time."""
        waiting = _Waiting(frame, asyncio.get_running_loop().create_future())
        self._waiting[frame.id] = waiting
        self._send(frame)
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                return await waiting.answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[frame.id]

    def _lost(self, trouble: str) -> None:
        self._connection = None
        self._seq = None
        for chart in self._charts.values():
            chart.seq = None
        for waiting in self._waiting.values():
            if isinstance(waiting.frame, Stop) and not waiting.answer.done():
                waiting.answer.set_result(Result(waiting.frame.id, ok=True, text="The engine has stopped."))
        starting = not self._was_connected and asyncio.get_running_loop().time() < self._patient_until
        ended = last_line(self._log) if self._log else ""
        said = self._refused or (f"The engine has ended: {ended}" if ended else "")
        self._connected = False
        self._trouble = said or ("" if starting else trouble)
        self._changed()

    def _changed(self) -> None:
        for callback in self._callbacks:
            callback()


def _decoded(data: str | bytes) -> Any:
    try:
        return decode_server(data)
    except (msgspec.DecodeError, UnicodeDecodeError, zlib.error) as error:
        raise _NotTaken(f"The engine sent what this station does not understand: {error}") from error


def _connector(address: str, tls: ssl.SSLContext | None) -> Callable[[], connect]:
    """How to open a connection to `address`."""
    options: dict[str, Any] = {
        "compression": None,
        "max_size": MAX_SERVER_FRAME,
        "open_timeout": WELCOME_TIMEOUT_S,
        "close_timeout": 1.0,
        "user_agent_header": None,
    }
    if "://" not in address:
        return lambda: unix_connect(address, "ws://trefoil/", **options)
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise BadInput("address", address, "use a socket path, ws://host:port or wss://host:port")
    if parts.scheme == "wss":
        options["ssl"] = tls or ssl.create_default_context()
    # A proxy from the environment is for the world outside, not for this machine.
    options["proxy"] = None if _is_loopback(parts.hostname) else True
    return lambda: connect(address, **options)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000
