"""WebSocket endpoints: market streams, the user-data stream and the lockstep socket."""

from __future__ import annotations

import asyncio

import msgspec
import orjson
from aiohttp import WSMsgType, web

from engine.simulator.lockstep import LockstepMessage
from engine.simulator.simulation import Simulation
from engine.simulator.sockets import Socket
from engine.simulator.stream_binance import ALL_STREAMS, known_channels


class StreamRequest(msgspec.Struct, frozen=True):
    """SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS."""

    method: str
    params: list[str] = []
    id: int | str | None = None


class StreamServer:
    """Serves the sockets of one simulation.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation
        self._channels = known_channels()

    async def market(self, request: web.Request) -> web.StreamResponse:
        """A market socket: ``/ws``, ``/market/ws[/N]``, ``/public/ws[/N]``; streams also by path as ``/ws/<stream>``."""
        socket = await self._open(request, "market")
        tail = request.match_info.get("tail", "")
        named = [tail] if "@" in tail or tail.startswith("!") else []
        named += [name for name in request.query.get("streams", "").split("/") if name]
        self._sim.hub.sockets.add(socket)
        if named and all(self._known(name) for name in named):
            self._sim.hub.subscribe(socket, named)
        await self._serve(socket)
        self._sim.hub.remove(socket)
        return socket.ws

    async def user(self, request: web.Request) -> web.StreamResponse:
        """The user-data socket: ``/private/ws?listenKey=...`` or ``/ws/<listenKey>``."""
        key = request.query.get("listenKey", "") or request.match_info.get("tail", "")
        if not self._sim.users.valid(key):
            body = orjson.dumps({"code": -1125, "msg": "This listenKey does not exist."})
            return web.Response(body=body, status=400, content_type="application/json")
        socket = await self._open(request, "user")
        self._sim.users.add(socket, key)
        await self._serve(socket)
        self._sim.users.remove(socket)
        return socket.ws

    async def plain(self, request: web.Request) -> web.StreamResponse:
        """``/ws/<something>``: a listen key opens the user stream, all else the market."""
        if self._sim.users.valid(request.match_info.get("tail", "")):
            return await self.user(request)
        return await self.market(request)

    async def lockstep(self, request: web.Request) -> web.StreamResponse:
        """The socket of a client that the market waits for."""
        if not self._sim.lockstep.attach():
            return web.Response(text="a lockstep client is attached already", status=409)
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                self._sim.lockstep.hear(msgspec.json.decode(message.data, type=LockstepMessage))
            except msgspec.DecodeError as wrong:
                await ws.send_str(orjson.dumps({"error": str(wrong)}).decode())
        self._sim.lockstep.detach()
        return ws

    async def _open(self, request: web.Request, target: str) -> Socket:
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        return Socket(ws, request.transport, target, self._sim.switchboard)

    async def _serve(self, socket: Socket) -> None:
        """Read until the client goes; write beside it."""
        writer = asyncio.create_task(socket.write())
        try:
            async for message in socket.ws:
                if message.type is WSMsgType.PING:
                    socket.ping(message.data)
                elif message.type is WSMsgType.PONG:
                    socket.pong(bytes(message.data))
                elif message.type is WSMsgType.TEXT and not socket.silent:
                    socket.answer(self._request(socket, message.data))
        finally:
            socket.close()
            writer.cancel()
            await asyncio.wait((writer,))

    def _request(self, socket: Socket, text: str) -> bytes:
        try:
            request = msgspec.json.decode(text, type=StreamRequest)
        except msgspec.DecodeError as wrong:
            return _error(None, 3, f"Invalid JSON: {wrong}")
        unknown = [name for name in request.params if not self._known(name)]
        if unknown:
            return _error(request.id, 2, f"Invalid request: unknown stream {unknown[0]}")
        result: list[str] | None = None
        if request.method == "SUBSCRIBE":
            self._sim.hub.subscribe(socket, request.params)
        elif request.method == "UNSUBSCRIBE":
            self._sim.hub.unsubscribe(socket, request.params)
        elif request.method == "LIST_SUBSCRIPTIONS":
            result = sorted(socket.streams)
        else:
            return _error(request.id, 2, f"Invalid request: unknown method {request.method}")
        return orjson.dumps({"result": result, "id": request.id})

    def _known(self, stream: str) -> bool:
        symbol, _, channel = stream.partition("@")
        if stream in ALL_STREAMS:
            return True
        return symbol.upper() in self._sim.by_venue_id and symbol.islower() and channel in self._channels


def _error(number: int | str | None, code: int, text: str) -> bytes:
    return orjson.dumps({"error": {"code": code, "msg": text}, "id": number})
