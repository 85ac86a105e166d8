"""Bybit's WebSocket endpoints: sign-in, subscriptions, and pings that are requests."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from engine.simulator.bybit_streams import CHANNELS, PREFIX
from engine.simulator.bybit_users import TOPICS
from engine.simulator.signing import sign
from engine.simulator.simulation import Simulation
from engine.simulator.sockets import Socket


class BybitStreamServer:
    """Serves Bybit's sockets of one simulation.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    async def public(self, request: web.Request) -> web.StreamResponse:
        """``/v5/public/linear``."""
        return await self._serve(request, "market")

    async def private(self, request: web.Request) -> web.StreamResponse:
        """``/v5/private``."""
        return await self._serve(request, "user")

    async def _serve(self, request: web.Request, target: str) -> web.StreamResponse:
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        socket = Socket(ws, request.transport, target, self._sim.switchboard)
        if target == "market":
            self._sim.hub.sockets.add(socket)
        writer = asyncio.create_task(socket.write())
        try:
            async for message in ws:
                if message.type is WSMsgType.PING:
                    socket.ping(message.data)
                elif message.type is WSMsgType.PONG:
                    socket.pong(bytes(message.data))
                elif message.type is WSMsgType.TEXT and not socket.silent:
                    socket.answer(self._heard(socket, message.data))
        finally:
            socket.close()
            writer.cancel()
            await asyncio.wait((writer,))
            self._sim.hub.remove(socket)
            self._sim.private.remove(socket)
        return ws

    def _heard(self, socket: Socket, text: str) -> bytes:
        try:
            asked = orjson.loads(text)
            op, args = str(asked["op"]), asked.get("args") or []
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return _answer("", None, "Params Error", done=False)
        number = asked.get("req_id")
        if op == "ping":
            return _answer(op, number, "pong", done=True)
        if op == "auth":
            wrong = self._auth(socket, args)
            return _answer(op, number, wrong, done=not wrong)
        if op not in {"subscribe", "unsubscribe"}:
            return _answer(op, number, f"Invalid op {op}", done=False)
        wrong = self._unknown(socket, args)
        if not wrong:
            self._change(socket, op, args)
        return _answer(op, number, wrong, done=not wrong)

    def _auth(self, socket: Socket, args: list[Any]) -> str:
        keys = self._sim.keys
        key, expires, given = (str(one) for one in args) if len(args) == 3 else ("", "", "")
        now = self._sim.wall() + self._sim.switchboard.skew_ms()
        if not hmac.compare_digest(key, keys.api_key):
            return "API key is invalid."
        if not expires.isdigit() or int(expires) <= now:
            return "Params Error: expires"
        if not hmac.compare_digest(given, sign(keys.secret, f"GET/realtime{expires}")):
            return "Params Error: sign"
        self._sim.private.add(socket)
        return ""

    def _unknown(self, socket: Socket, args: list[Any]) -> str:
        """Which topic a socket cannot have, and why; empty when it can have all."""
        for topic in args:
            if socket.target == "user":
                if not self._sim.private.signed_in(socket):
                    return "Request not authorized"
                if topic not in TOPICS:
                    return f"error:handler not found,topic:{topic}"
                continue
            channel, _, name = str(topic).rpartition(".")
            if channel not in CHANNELS or name not in self._sim.by_venue_id:
                return f"error:handler not found,topic:{topic}"
        return ""

    def _change(self, socket: Socket, op: str, args: list[str]) -> None:
        if socket.target == "user":
            change = self._sim.private.subscribe if op == "subscribe" else self._sim.private.unsubscribe
            for topic in args:
                change(socket, PREFIX + topic)
            return
        streams = [f"{PREFIX}{channel}:{name}" for channel, _, name in (topic.rpartition(".") for topic in args)]
        change_hub = self._sim.hub.subscribe if op == "subscribe" else self._sim.hub.unsubscribe
        change_hub(socket, streams)


def _answer(op: str, number: object, text: str, *, done: bool) -> bytes:
    body: dict[str, object] = {"success": done, "ret_msg": text, "op": op, "conn_id": "sim"}
    if number is not None:
        body["req_id"] = str(number)
    return orjson.dumps(body)
