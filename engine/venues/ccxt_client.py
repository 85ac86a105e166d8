"""The one place that builds a ccxt client.

ccxt owns connections, signing, subscriptions and keep-alive. Messages of the streams we live on are taken before ccxt
parses them: its unified parsing costs several times our budget and drops the exchange's own closed flag of a bar.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from engine.errors import BadInput
from engine.ports import Probe
from engine.probe import no_probe
from engine.venues.exchanges import LIMITS, manners_of
from engine.venues.gate import RequestGate
from engine.venues.manners import Manners

Handler = Callable[[dict[str, Any]], None]

TIMEOUT_MS = 5_000
RECV_WINDOW_MS = 4_000
"""A request is void then. With the longest wait before it is sent this is no longer than the core waits until it believes
that an order without an answer never arrived (`engine.core.booking.NOT_FOUND_GRACE_MS`)."""
HEARTBEAT_MS = 10_000
SIGN_IN_S = 10.0
NETWORKS = ("live", "testnet", "demo")


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Where the venue is and how to sign; `rest` and `ws` replace scheme and host of every address. Never printed.

    Everybody who uses one Access shares its gate: the venue counts requests by address. `exchange` is our name of it;
    OKX wants the `passphrase` of the key besides; `network` is ``live``, ``testnet`` or ``demo`` (Binance's and OKX's
    only other network is the same by both names) where no address replaces the exchange's own.
    """

    rest: str = ""
    ws: str = ""
    api_key: str = ""
    secret: str = ""
    gate: RequestGate = field(default_factory=lambda: RequestGate(LIMITS), compare=False)
    exchange: str = "binance"
    passphrase: str = ""
    network: str = "live"


@dataclass(slots=True)
class Answer:
    """An answer as it came: the HTTP status, the headers with names in lower case, and the body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


ANSWER: ContextVar[Answer] = ContextVar("answer")


def make_client(
    access: Access, handlers: dict[str, Handler], probe: Probe = no_probe, heartbeat_ms: int = HEARTBEAT_MS
) -> Any:
    """A ccxt.pro client whose stream messages about what is named in `handlers` go straight to them.

    Args:
        access: exchange, addresses and keys.
        handlers: topic to handler; may be added to later.
        probe: told when an order's bytes are out and when its answer is in.
        heartbeat_ms: sockets are pinged so often; one that misses two answers is given up.

    Importing ccxt takes about 3 s; only the engine process calls this.
    """
    manners = manners_of(access.exchange)
    client = _kind(manners.name)(_config(access, manners, heartbeat_ms))
    client.trefoil_handlers = handlers
    if access.rest:
        client.urls["api"] = redirected(client.urls["api"], access)
    elif access.network != "live":
        _leave_live(client, manners, access.network)
    trace = _trace(probe, manners)
    client.session = aiohttp.ClientSession(trace_configs=[trace], connector=aiohttp.TCPConnector(limit=64))
    client.own_session = True
    if urlsplit(access.rest).scheme == "http":
        client.timeout_on_exit = 0  # ccxt waits for the goodbyes of encrypted connections; there are none
    return client


@cache
def _kind(exchange: str) -> Any:
    """Ccxt's class of an exchange with our ears: what `trefoil_handlers` names is not parsed by ccxt."""
    import ccxt.pro

    manners = manners_of(exchange)
    base: Any = getattr(ccxt.pro, manners.ccxt)

    class Client(base):  # type: ignore[misc] # ccxt is untyped
        def client(self, url: str) -> Any:
            """The socket of an address, with the moment it was last heard."""
            socket = super().client(url)
            if not hasattr(socket, "heard_at"):
                socket.heard_at = 0.0
            return socket

        def handle_message(self, client: Any, message: Any) -> None:
            """What has a handler goes to it; the rest is ccxt's."""
            if self.clients.get(client.url) is not client:
                return  # a socket that was given up and is still closing
            client.heard_at = monotonic()  # the clock of the event loop
            handler = self.trefoil_handlers.get(manners.topic(message)) if isinstance(message, dict) else None
            if handler is None:
                super().handle_message(client, message)
            else:
                handler(message)

        def sign(self, path: str, *rest: Any, **more: Any) -> Any:
            """As ccxt signs; an order to OKX also says until when it may be carried out."""
            signed = super().sign(path, *rest, **more)
            if manners.name == "okx" and signed["method"] == "POST" and path.startswith("trade/"):
                signed["headers"]["expTime"] = str(self.nonce() + RECV_WINDOW_MS)  # OKX's receive window
            return signed

        def on_rest_response(self, code: int, *rest: Any) -> Any:
            """Keep the answer for whoever asked; `rest` is reason, url, method, headers, body and the request's."""
            answer = ANSWER.get(None)
            if answer is not None:
                answer.status = code
                answer.headers = {name.lower(): value for name, value in rest[3].items()}
                answer.body = rest[4]
            return super().on_rest_response(code, *rest)

    return Client


def _config(access: Access, manners: Manners, heartbeat_ms: int) -> dict[str, Any]:
    """What a ccxt client is told: keys, and that limits, clocks and retries are ours."""
    return {
        "apiKey": access.api_key,
        "secret": access.secret,
        "password": access.passphrase,
        "enableRateLimit": False,
        "timeout": TIMEOUT_MS,
        "streaming": {"keepAlive": heartbeat_ms},
        "options": {
            "defaultType": "swap",
            "fetchCurrencies": False,
            "adjustForTimeDifference": False,
            "recvWindow": RECV_WINDOW_MS,
            **manners.options,
        },
    }


def _leave_live(client: Any, manners: Manners, network: str) -> None:
    """Point a client at the exchange's other network. Binance refuses what ccxt calls its sandbox."""
    if network not in NETWORKS:
        raise BadInput("network", network, f"use one of {', '.join(NETWORKS)}")
    if manners.name == "binance" or (manners.name == "bybit" and network == "demo"):
        client.enable_demo_trading(True)
    else:
        client.set_sandbox_mode(True)


async def sign_in(client: Any, url: str, request: dict[str, Any]) -> None:
    """Open the socket of `url` and sign in on it.

    ccxt's own `authenticate` signs by the local clock; `request` is signed by the exchange's. Raises what ccxt fails with.
    """
    client.ws_dial_backoff = {}
    async with asyncio.timeout(SIGN_IN_S):
        await client.watch(url, "authenticated", request, "authenticated")


def signed(client: Any, text: str, digest: str) -> str:
    """HMAC SHA256 of a text by the account's secret, as ``hex`` or ``base64``."""
    return str(client.hmac(client.encode(text), client.encode(client.secret), hashlib.sha256, digest))


async def dial(client: Any, url: str, request: dict[str, Any] | None) -> asyncio.Future[Any]:
    """Open the socket of `url` and subscribe; answers a future that fails when the socket ends.

    Raises what ccxt fails with (NetworkError and its kin) when there is no connection. ccxt leaves its `connected` future
    pending then, and counts the failures for a back-off of its own; both are dealt with here.
    """
    client.ws_dial_backoff = {}
    socket = client.client(url)
    ended: asyncio.Future[Any] = client.watch(url, "trefoil", request, "trefoil", {"id": "1"})
    ended.add_done_callback(_looked_at)
    await asyncio.wait({socket.connected, ended}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        ended.result()
    return ended


async def confirmed(ended: asyncio.Future[Any], acks: asyncio.Queue[None], count: int) -> None:
    """Wait until the exchange has confirmed `count` subscriptions: what happens before is not told.

    Raises what the socket ended with, or TimeoutError.
    """
    async with asyncio.timeout(SIGN_IN_S):
        for _ in range(count):
            ack = asyncio.ensure_future(acks.get())
            try:
                await asyncio.wait({ack, ended}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    ended.result()
            finally:
                ack.cancel()


def _looked_at(ended: asyncio.Future[Any]) -> None:
    """Of several sockets that end together only one is asked why."""
    if not ended.cancelled():
        ended.exception()


def hang_up(client: Any, url: str) -> asyncio.Task[None] | None:
    """Give the socket of `url` up; what it still says is not heard. Its goodbye may take a while: the task says when."""
    socket = client.clients.pop(url, None)
    return None if socket is None else asyncio.create_task(socket.close())


def redirected(urls: Any, access: Access) -> Any:
    """The nested dictionary of addresses with scheme and host replaced."""
    if isinstance(urls, dict):
        return {name: redirected(value, access) for name, value in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    parts = urlsplit(urls)
    target = urlsplit(access.ws if parts.scheme.startswith("ws") else access.rest)
    return urlunsplit((target.scheme, target.netloc, parts.path, parts.query, parts.fragment))


def _trace(probe: Probe, manners: Manners) -> aiohttp.TraceConfig:
    """Hooks that tell the probe when an order's bytes are out, and when its answer is in."""
    trace = aiohttp.TraceConfig()

    async def sent(_session: Any, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        """The head of a request is out."""
        context.order = params.method == "POST" and params.url.path in manners.order_paths
        if context.order:
            probe("sent")

    async def answered(_session: Any, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        """The answer's head is in."""
        if params.method == "POST" and params.url.path in manners.order_paths:
            probe("accepted_not_acked")

    trace.on_request_headers_sent.append(sent)
    trace.on_request_end.append(answered)
    return trace
