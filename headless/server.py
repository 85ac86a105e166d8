"""The control server: takes stations and scripts in, feeds them from the publisher, carries their asks to the engine."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import ssl
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve, unix_serve
from websockets.exceptions import ConnectionClosed

from engine.errors import BadInput, InvariantBroken, TrefoilError
from engine.model.command import Command
from headless.protocol import (
    VERSION,
    Ask,
    ClientFrame,
    Hello,
    Query,
    Refused,
    Result,
    ServerFrame,
    Stop,
    Subscribe,
    Unsubscribe,
    Welcome,
    decode_client,
    encode,
)
from headless.publisher import Publisher
from headless.source import Answer
from headless.unix_socket import claim_socket, release_socket, socket_inode

MAX_CLIENT_FRAME = 64 * 1024
BACKLOG_LIMIT = 256 * 1024
HELLO_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
MAX_ASKS = 32
MAX_CLIENT_NAME = 32
MAX_DIGITS = 18
POLICY_VIOLATION = 1008


class Backend(Protocol):
    """The engine behind the server."""

    async def command(self, command_id: str, source: str, command: Command) -> Answer:
        """Do a command once; an id that was used before gets its first answer. `source` is "station:<client>"."""
        ...

    async def query(self, name: str, args: dict[str, str | int | float | None]) -> bytes:
        """History rows as JSON; raises TrefoilError for an unknown name or wrong arguments."""
        ...

    async def stop(self) -> None:
        """Begin an orderly stop and return at once; the server is closed by it later."""
        ...


class _Marked(msgspec.Struct, frozen=True):
    """As much of a refused frame as is needed to answer it."""

    id: str


class ControlServer:
    """Listens on any number of addresses; `run` ends with what the backend could not handle.

    Args:
        publisher: what clients subscribe to; its desk's status names mode and epoch.
        backend: what commands and queries are carried to.
        name: of the engine with its version, for the client's log.
    """

    def __init__(self, publisher: Publisher, backend: Backend, *, name: str = "trefoil") -> None:
        self._publisher = publisher
        self._backend = backend
        self._name = name
        self._servers: list[Server] = []
        self._sockets: list[tuple[Path, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._commands: dict[str, asyncio.Task[Answer]] = {}
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def listen_unix(self, path: Path) -> None:
        """Listen on a Unix socket that only this user can open; raises BadInput or EngineRunning."""
        sock = await claim_socket(path)
        self._sockets.append((path, socket_inode(path)))
        options = self._options()
        self._servers.append(await unix_serve(lambda connection: self._serve(connection, ""), sock=sock, **options))

    async def listen_tcp(
        self, host: str, port: int, token: str, tls: ssl.SSLContext | None = None, *, allow_plain: bool = False
    ) -> int:
        """Listen on TCP for clients that know `token`; returns the port (useful with port 0).

        Args:
            host: address to bind.
            port: 0 for any free one.
            token: shared secret, not empty.
            tls: for wss; without it only a loopback address is taken unless `allow_plain`.
            allow_plain: something else (a tunnel, a proxy) encrypts the way to this address.

        Raises:
            BadInput: no token, a plain public address, or an address that cannot be bound.
        """
        if not token:
            raise BadInput("token", "(empty)", "a TCP address needs a token; a Unix socket does without")
        if tls is None and not allow_plain and not _is_loopback(host):
            raise BadInput("host", host, "give a TLS certificate, or listen on a loopback address")
        try:
            # Browsers always send an Origin: `None` alone keeps web pages out of a loopback port.
            server = await serve(
                lambda connection: self._serve(connection, token),
                host,
                port,
                ssl=tls,
                origins=[None],
                **self._options(),
            )
        except OSError as error:
            raise BadInput("address", f"{host}:{port}", f"it cannot be listened on: {error.strerror}") from error
        self._servers.append(server)
        bound: int = next(iter(server.sockets)).getsockname()[1]
        return bound

    async def run(self) -> None:
        """Until cancelled; raises what the backend raised when that was no TrefoilError."""
        await asyncio.shield(self._broken)

    async def close(self) -> None:
        """Say goodbye to every client, stop listening and remove the socket file."""
        self._publisher.flush()
        for server in self._servers:
            server.close(reason="the engine stops")
        # Handlers may wait for room that only these tasks give back, so they end first.
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        for server in self._servers:
            await server.wait_closed()
        for path, inode in self._sockets:
            release_socket(path, inode)
        self._servers.clear()
        self._sockets.clear()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work that outlives the client that asked for it; what it raises comes out of `run`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def command(self, ask: Ask, source: str) -> Answer:
        """Carry a command to the engine; one that is still under way with the same id is joined, not repeated."""
        task = self._commands.get(ask.id)
        if task is None:
            task = asyncio.create_task(_answered(self._backend.command(ask.id, source, ask.command)))
            self._commands[ask.id] = task
            task.add_done_callback(lambda _: self._commands.pop(ask.id, None))
        return await asyncio.shield(task)

    def _options(self) -> dict[str, Any]:
        return {
            "compression": None,
            "max_size": MAX_CLIENT_FRAME,
            "open_timeout": HELLO_TIMEOUT_S,
            "close_timeout": CLOSE_TIMEOUT_S,
            "server_header": None,
        }

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._broken.done():
            self._broken.set_exception(error)

    async def _serve(self, connection: ServerConnection, token: str) -> None:
        session = Session(connection, self, self._publisher, self._backend)
        try:
            if await self._let_in(session, token):
                await session.listen()
        except ConnectionClosed:
            return
        finally:
            self._publisher.forget(session)

    async def _let_in(self, session: Session, token: str) -> bool:
        """Hello and its answer."""
        try:
            async with asyncio.timeout(HELLO_TIMEOUT_S):
                data = await session.connection.recv()
        except TimeoutError:
            await session.refuse("no hello came in time")
            return False
        try:
            hello = decode_client(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            await session.refuse(f"the first frame is no hello: {error}")
            return False
        if not isinstance(hello, Hello):
            await session.refuse("the first frame must be a Hello")
            return False
        if hello.version != VERSION:
            await session.refuse(f"version: the engine speaks {VERSION}, the client {hello.version}; update the older")
            return False
        if not hmac.compare_digest(hello.token.encode(), token.encode()) and token:
            await session.refuse("token: wrong; use the one the engine was started with")
            return False
        session.client = _clean(hello.client)
        status = self._publisher.desk.status
        session.answer(Welcome(VERSION, self._name, status.epoch, status.mode))
        return True


class Session:
    """One client. As the publisher's subscriber it takes frames until its write buffer is over `BACKLOG_LIMIT` bytes.

    A client that lags is asked for a pong; when that comes it has read all that was sent to it, and catches up.
    """

    def __init__(
        self, connection: ServerConnection, server: ControlServer, publisher: Publisher, backend: Backend
    ) -> None:
        self.connection = connection
        self.client = ""
        self._server = server
        self._publisher = publisher
        self._backend = backend
        self._lagging = False
        self._asks = asyncio.Semaphore(MAX_ASKS)

    def send(self, frame: str | bytes) -> bool:
        """Hand a frame to the transport; False (and nothing sent) while the client lags."""
        if self._lagging:
            return False
        if self.connection.transport.get_write_buffer_size() > BACKLOG_LIMIT:
            self._lagging = True
            self._server.spawn(self._drain())
            return False
        broadcast([self.connection], frame)
        return True

    def answer(self, frame: ServerFrame) -> None:
        """Send an answer; these are few (`MAX_ASKS` at a time) and go out however much is waiting."""
        broadcast([self.connection], encode(frame))

    async def refuse(self, reason: str) -> None:
        """Say why and hang up."""
        self.answer(Refused(reason))
        await self.connection.close(POLICY_VIOLATION, "refused")

    async def listen(self) -> None:
        """Serve frames until the client is gone or sends what is no frame."""
        async for data in self.connection:
            try:
                frame = decode_client(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                if not self._answer_malformed(data, str(error)):
                    await self.refuse(f"the frame is not understood: {error}")
                    return
                continue
            await self._take(frame)

    async def _take(self, frame: ClientFrame) -> None:
        match frame:
            case Subscribe(topic=topic) | Unsubscribe(topic=topic):
                change = self._publisher.subscribe if isinstance(frame, Subscribe) else self._publisher.unsubscribe
                try:
                    change(topic, self)
                except BadInput as error:
                    self.answer(Refused(str(error)))
            case Hello():
                self.answer(Refused("one hello is enough"))
            case Ask() | Query() | Stop():
                await self._asks.acquire()
                self._server.spawn(self._respond(frame))

    async def _respond(self, frame: Ask | Query | Stop) -> None:
        try:
            self.answer(await self._result(frame))
        finally:
            self._asks.release()

    async def _result(self, frame: Ask | Query | Stop) -> Result:
        try:
            match frame:
                case Ask(id=ask_id, command=command):
                    _check_numbers(command)
                    answer = await self._server.command(frame, f"station:{self.client}")
                    return Result(ask_id, answer.ok, answer.text)
                case Query(id=query_id, name=name, args=args):
                    return Result(query_id, ok=True, data=msgspec.Raw(await self._backend.query(name, args)))
                case Stop(id=stop_id):
                    await self._backend.stop()
                    return Result(stop_id, ok=True, text="The engine stops; positions and orders stay as they are.")
        except InvariantBroken:
            raise
        except TrefoilError as error:
            return Result(frame.id, ok=False, text=str(error))

    def _answer_malformed(self, data: str | bytes, reason: str) -> bool:
        """Answer a refused ask by its id, when it has one."""
        try:
            marked = msgspec.json.decode(data, type=_Marked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        self.answer(Result(marked.id, ok=False, text=f"the frame is not understood: {reason}"))
        return True

    async def _drain(self) -> None:
        try:
            await (await self.connection.ping())
        except ConnectionClosed:
            return
        self._lagging = False
        self._publisher.catch_up(self)


async def _answered(work: Coroutine[Any, Any, Answer]) -> Answer:
    return await work


def _check_numbers(command: Command) -> None:
    """Raise BadInput for a number no market has: NaN, infinity, or with more than `MAX_DIGITS` places on either side."""
    for field in command.__struct_fields__:
        value = getattr(command, field)
        if isinstance(value, Decimal):
            places = int(value.as_tuple().exponent) if value.is_finite() else 0
            if not value.is_finite() or value.adjusted() >= MAX_DIGITS or places < -MAX_DIGITS:
                raise BadInput(field, value, "use a plain number")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clean(name: str) -> str:
    """A client's name as it may stand in a table: printable, short, never empty."""
    return "".join(c for c in name if c.isprintable())[:MAX_CLIENT_NAME].strip() or "unnamed"
