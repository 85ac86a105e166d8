"""OKX's WebSocket endpoints: login, subscriptions, and pings that are texts."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from engine.errors import VenueRejected
from engine.simulator.okx_market import contract_of
from engine.simulator.okx_rest import signature
from engine.simulator.okx_streams import BUSINESS, PREFIX, PUBLIC
from engine.simulator.okx_users import BUSINESS_PRIVATE, PRIVATE
from engine.simulator.simulation import Simulation
from engine.simulator.sockets import Socket

LOGIN_PATH = "GET/users/self/verify"
LOGIN_LIVES_S = 30
# endpoint -> channels of a symbol, channels of the account
CHANNELS = {"public": (PUBLIC, frozenset[str]()), "business": (BUSINESS, BUSINESS_PRIVATE), "private": ((), PRIVATE)}


class OkxStreamServer:
    """Serves OKX's sockets of one simulation.

    Args:
        simulation: the venue.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket: public, business or private, as its path says."""
        kind = request.match_info["kind"]
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        socket = Socket(ws, request.transport, "user" if kind == "private" else "market", self._sim.switchboard)
        if kind != "private":
            self._sim.hub.sockets.add(socket)
        writer = asyncio.create_task(socket.write())
        try:
            async for message in ws:
                if message.type is WSMsgType.PING:
                    socket.ping(message.data)
                elif message.type is WSMsgType.PONG:
                    socket.pong(bytes(message.data))
                elif message.type is WSMsgType.TEXT and not socket.silent:
                    self._heard(socket, kind, message.data)
        finally:
            socket.close()
            writer.cancel()
            await asyncio.wait((writer,))
            self._sim.hub.remove(socket)
            self._sim.private.remove(socket)
        return ws

    def _heard(self, socket: Socket, kind: str, text: str) -> None:
        if text == "ping":
            socket.answer(b"pong")
            return
        try:
            asked = orjson.loads(text)
            op, args = asked["op"], asked["args"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            socket.answer(_error("60012", f"Illegal request: {text}"))
            return
        if op == "login":
            socket.answer(self._login(socket, args[0]))
        elif op in {"subscribe", "unsubscribe"}:
            for arg in args:
                socket.answer(self._subscribed(socket, kind, op, arg))
        else:
            socket.answer(_error("60012", f"Illegal request: {text}"))

    def _login(self, socket: Socket, arg: dict[str, str]) -> bytes:
        keys, stamp = self._sim.keys, arg.get("timestamp", "")
        now = (self._sim.wall() + self._sim.switchboard.skew_ms()) / 1000
        if not hmac.compare_digest(arg.get("apiKey", ""), keys.api_key):
            return _error("60005", "Invalid apiKey")
        if not hmac.compare_digest(arg.get("passphrase", ""), keys.passphrase):
            return _error("60024", "Wrong passphrase")
        if not stamp.isdigit() or abs(int(stamp) - now) > LOGIN_LIVES_S:
            return _error("60006", "Timestamp request expired")
        if not hmac.compare_digest(arg.get("sign", ""), signature(keys.secret, stamp + LOGIN_PATH)):
            return _error("60007", "Invalid sign")
        socket.target = "user"
        self._sim.private.add(socket)
        return orjson.dumps({"event": "login", "code": "0", "msg": "", "connId": "sim"})

    def _subscribed(self, socket: Socket, kind: str, op: str, arg: dict[str, Any]) -> bytes:
        channel, name = str(arg.get("channel", "")), str(arg.get("instId", ""))
        market, account = CHANNELS[kind]
        if channel in account:
            if not self._sim.private.signed_in(socket):
                return _error("60011", "Please log in")
            change = self._sim.private.subscribe if op == "subscribe" else self._sim.private.unsubscribe
            change(socket, PREFIX + channel)
        elif channel in market:
            try:
                contract_of(self._sim, name)
            except VenueRejected:
                return _error("60018", f"Wrong URL or channel:{channel},instId:{name} doesn't exist.")
            streams = [f"{PREFIX}{channel}:{name}"]
            change_hub = self._sim.hub.subscribe if op == "subscribe" else self._sim.hub.unsubscribe
            change_hub(socket, streams)
        else:
            return _error("60018", f"Wrong URL or channel:{channel} doesn't exist.")
        return orjson.dumps({"event": op, "arg": arg, "connId": "sim"})


def _error(code: str, text: str) -> bytes:
    return orjson.dumps({"event": "error", "code": code, "msg": text, "connId": "sim"})
