"""WebSockets with outboxes: nobody who reads slowly holds the market up, and faults strike here."""

from __future__ import annotations

import asyncio
import socket as tcp
from collections import deque
from itertools import count

from aiohttp import WSMsgType, web

from engine.simulator.faults import Fault, Switchboard

OUTBOX_LIMIT = 200_000
TCP_CORK: int | None = getattr(tcp, "TCP_CORK", None)  # Linux alone has it


class Socket:
    """One client's WebSocket.

    Args:
        ws: the prepared response; pings are answered here, not by aiohttp.
        transport: what `drop` cuts.
        target: ``market`` or ``user``, as faults name it.
        switchboard: the faults.
    """

    def __init__(
        self, ws: web.WebSocketResponse, transport: asyncio.Transport | None, target: str, switchboard: Switchboard
    ) -> None:
        self.ws = ws
        self._transport = transport
        self.target = target
        self.silent = False
        self.streams: set[str] = set()
        self._switchboard = switchboard
        self._outbox: deque[tuple[float, bytes, WSMsgType]] = deque()
        self._held: bytes | None = None
        self._wake = asyncio.Event()
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._numbers = count(1)
        self._gone = False

    @property
    def open(self) -> bool:
        """Whether messages still reach the client."""
        return not self._gone and not self.silent

    def send(self, data: bytes) -> None:
        """Queue one text message; never waits. A client that is far behind is cut off, as the real venue does."""
        if self._gone or self.silent:
            return
        quiet = self._switchboard.market_quiet if self.target == "market" else self._switchboard.user_quiet
        if quiet:
            self._put(data)
        else:
            self._send_with_faults(data)
        if len(self._outbox) > OUTBOX_LIMIT:
            self.drop()

    def answer(self, data: bytes) -> None:
        """Queue the answer to a request; faults of messages leave it alone."""
        if self.open:
            self._put(data)

    def drop(self) -> None:
        """Cut the connection without a close frame."""
        self.close()
        if self._transport is not None:
            self._transport.abort()

    async def barrier(self, patience: float) -> bool:
        """Wait until the client has read everything sent so far; False when it did not answer in `patience` seconds."""
        if not self.open:
            return True
        payload = str(next(self._numbers)).encode()
        pong = asyncio.get_running_loop().create_future()
        self._pongs[payload] = pong
        self._put(payload, WSMsgType.PING)
        done, _ = await asyncio.wait((pong,), timeout=patience)
        self._pongs.pop(payload, None)
        return bool(done)

    def pong(self, payload: bytes) -> None:
        """The client answered a ping."""
        waiting = self._pongs.get(payload)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def ping(self, payload: bytes) -> None:
        """The client asks whether we live; a silent socket does not say."""
        if self.open:
            self._put(payload, WSMsgType.PONG)

    async def write(self) -> None:
        """Send the outbox until the socket ends; a client that is gone ends it."""
        try:
            await self._write()
        except ConnectionError:
            self.close()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._gone:
            corked = len(self._outbox) > 1 and self._cork(on=True)
            while self._outbox and not self._gone:
                due, data, kind = self._outbox.popleft()
                if due and due > loop.time():
                    corked = corked and self._cork(on=False)
                    await asyncio.sleep(due - loop.time())
                if not self.silent:
                    await self.ws.send_frame(data, kind)
            if corked:
                self._cork(on=False)
            if not self._gone:
                self._wake.clear()
                await self._wake.wait()

    def _cork(self, *, on: bool) -> bool:
        """Hold back what is written until it is let go in one piece; true while it is held.

        The client wakes once for all messages of a moment then, and not once for each.
        """
        if self._transport is None or self._transport.is_closing() or TCP_CORK is None:
            return False
        self._transport.get_extra_info("socket").setsockopt(tcp.IPPROTO_TCP, TCP_CORK, int(on))
        return on

    def close(self) -> None:
        """The connection is over."""
        self._gone = True
        self._wake.set()
        self._release()

    def silence(self) -> None:
        """Fall silent and stay open."""
        self.silent = True
        self._release()

    def _release(self) -> None:
        for waiting in self._pongs.values():
            if not waiting.done():
                waiting.set_result(None)

    def _put(self, data: bytes, kind: WSMsgType = WSMsgType.TEXT, delay: float = 0.0) -> None:
        due = asyncio.get_running_loop().time() + delay if delay else 0.0
        self._outbox.append((due, data, kind))
        self._wake.set()

    def _send_with_faults(self, data: bytes) -> None:
        struck: dict[str, Fault] = {fault.kind: fault for fault in self._switchboard.message(self.target)}
        if "lose" in struck:
            return
        held, self._held = self._held, None
        if "reorder" in struck and held is None:
            self._held = data
            return
        delay = struck["delay"].number("ms") / 1000 if "delay" in struck else 0.0
        for _ in range(2 if "duplicate" in struck else 1):
            self._put(data, delay=delay)
        if held is not None:
            self._put(held)


class Hub:
    """All market sockets and who subscribed to what."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.subscribers: dict[str, set[Socket]] = {}
        self.changed = asyncio.Event()
        self.version = 0

    def subscribe(self, socket: Socket, streams: list[str]) -> None:
        """Add streams to a socket."""
        for stream in streams:
            socket.streams.add(stream)
            self.subscribers.setdefault(stream, set()).add(socket)
        self._note()

    def unsubscribe(self, socket: Socket, streams: list[str]) -> None:
        """Take streams from a socket."""
        for stream in streams:
            socket.streams.discard(stream)
            members = self.subscribers.get(stream, set())
            members.discard(socket)
            if not members:
                self.subscribers.pop(stream, None)
        self._note()

    def remove(self, socket: Socket) -> None:
        """A socket is gone."""
        self.sockets.discard(socket)
        self.unsubscribe(socket, list(socket.streams))

    def publish(self, stream: str, data: bytes) -> None:
        """Send one message to all subscribers of a stream."""
        for socket in self.subscribers.get(stream, ()):
            socket.send(data)

    @property
    def listening(self) -> bool:
        """Whether anybody hears the market."""
        return any(socket.open for members in self.subscribers.values() for socket in members)

    async def barrier(self, patience: float) -> bool:
        """Wait until every market socket has read what was sent."""
        waits = [socket.barrier(patience) for socket in tuple(self.sockets) if socket.streams and socket.open]
        return all(await asyncio.gather(*waits)) if waits else True

    def _note(self) -> None:
        self.version += 1
        self.changed.set()
