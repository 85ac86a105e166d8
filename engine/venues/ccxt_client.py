"""The one place that builds a ccxt client.

ccxt owns connections, signing, subscriptions and keep-alive. Messages of the streams we live on are taken before ccxt
parses them: its unified parsing costs several times our budget and drops the exchange's own closed flag of a bar.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from engine.ports import Probe
from engine.probe import no_probe
from engine.venues.gate import RequestGate
from engine.venues.weight import Limit

Handler = Callable[[dict[str, Any]], None]

ORDER_PATHS = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder"})
TIMEOUT_MS = 5_000
RECV_WINDOW_MS = 4_000
"""A request is void then. With the longest wait before it is sent this is no longer than the core waits until it believes
that an order without an answer never arrived (`engine.core.booking.NOT_FOUND_GRACE_MS`)."""
HEARTBEAT_MS = 10_000
WEIGHT = "x-mbx-used-weight-1m"
ORDERS = ("x-mbx-order-count-10s", "x-mbx-order-count-1m")
LIMITS = (Limit(WEIGHT, 2_400, 60_000), Limit(ORDERS[0], 300, 10_000), Limit(ORDERS[1], 1_200, 60_000))


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Where the venue is and how to sign; `rest` and `ws` replace scheme and host of every address. Never printed.

    Everybody who uses one Access shares its gate: the venue counts requests by address.
    """

    rest: str = ""
    ws: str = ""
    api_key: str = ""
    secret: str = ""
    gate: RequestGate = field(default_factory=lambda: RequestGate(LIMITS), compare=False)


@dataclass(slots=True)
class Answer:
    """What the head of an answer said: the HTTP status and the headers, names in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


ANSWER: ContextVar[Answer] = ContextVar("answer")


def make_client(
    access: Access, handlers: dict[str, Handler], probe: Probe = no_probe, heartbeat_ms: int = HEARTBEAT_MS
) -> Any:
    """A ccxt.pro binanceusdm client whose stream events named in `handlers` go straight to them.

    Args:
        access: addresses and keys.
        handlers: event name to handler.
        probe: told when an order's bytes are out and when its answer is in.
        heartbeat_ms: sockets are pinged so often; one that misses two answers is given up.

    Importing ccxt takes about 3 s; only the engine process calls this.
    """
    import ccxt.pro

    class Client(ccxt.pro.binanceusdm):  # type: ignore[misc] # ccxt is untyped
        def client(self, url: str) -> Any:
            socket = super().client(url)
            if not hasattr(socket, "heard_at"):
                socket.heard_at = 0.0
            return socket

        def handle_message(self, client: Any, message: Any) -> None:
            if self.clients.get(client.url) is not client:
                return  # a socket that was given up and is still closing
            client.heard_at = monotonic()  # the clock of the event loop
            handler = handlers.get(message.get("e", "")) if isinstance(message, dict) else None
            if handler is None:
                super().handle_message(client, message)
            else:
                handler(message)

        def on_rest_response(self, code: int, *rest: Any) -> Any:
            answer = ANSWER.get(None)
            if answer is not None:
                answer.status = code
                answer.headers = {name.lower(): value for name, value in rest[3].items()}
            return super().on_rest_response(code, *rest)

    client = Client(
        {
            "apiKey": access.api_key,
            "secret": access.secret,
            "enableRateLimit": False,
            "timeout": TIMEOUT_MS,
            "streaming": {"keepAlive": heartbeat_ms},
            "options": {
                "defaultType": "swap",
                "fetchMarkets": {"types": ["linear"]},
                "fetchCurrencies": False,
                "adjustForTimeDifference": False,
                "recvWindow": RECV_WINDOW_MS,
            },
        }
    )
    if access.rest:
        client.urls["api"] = redirected(client.urls["api"], access)
    trace = _trace(probe)
    client.session = aiohttp.ClientSession(trace_configs=[trace], connector=aiohttp.TCPConnector(limit=64))
    client.own_session = True
    return client


async def dial(client: Any, url: str, request: dict[str, Any] | None) -> asyncio.Future[Any]:
    """Open the socket of `url` and subscribe; answers a future that fails when the socket ends.

    Raises what ccxt fails with (NetworkError and its kin) when there is no connection. ccxt leaves its `connected` future
    pending then, and counts the failures for a back-off of its own; both are dealt with here.
    """
    client.ws_dial_backoff = {}
    socket = client.client(url)
    ended: asyncio.Future[Any] = client.watch(url, "trefoil", request, "trefoil", {"id": "1"})
    await asyncio.wait({socket.connected, ended}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        ended.result()
    return ended


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


def _trace(probe: Probe) -> aiohttp.TraceConfig:
    """Hooks that tell the probe when an order's bytes are out, and when its answer is in."""
    trace = aiohttp.TraceConfig()

    async def sent(_session: Any, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        context.order = params.method == "POST" and params.url.path in ORDER_PATHS
        if context.order:
            probe("sent")

    async def answered(_session: Any, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        if params.method == "POST" and params.url.path in ORDER_PATHS:
            probe("accepted_not_acked")

    trace.on_request_headers_sent.append(sent)
    trace.on_request_end.append(answered)
    return trace
