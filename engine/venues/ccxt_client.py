"""The one place that builds a ccxt client, and the table from its exceptions to ours.

ccxt owns connections, signing, subscriptions and keep-alive. Messages of the streams we live on are taken before ccxt
parses them: its unified parsing costs several times our budget and drops the exchange's own closed flag of a bar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from engine.errors import (
    VenueError,
    VenueRateLimited,
    VenueRejected,
    VenueUnavailable,
    VenueUnknown,
)
from engine.ports import Probe
from engine.probe import no_probe

Handler = Callable[[dict[str, Any]], None]

ORDER_PATHS = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder"})
TIMEOUT_MS = 5_000
RECV_WINDOW_MS = 5_000
CODE = re.compile(r'"code"\s*:\s*(-?\d+)')
MESSAGE = re.compile(r'"msg"\s*:\s*"([^"]*)"')
UNKNOWN_CODES = frozenset({"-1006", "-1007"})


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Where the venue is and how to sign; `rest` and `ws` replace scheme and host of every address. Never printed."""

    rest: str = ""
    ws: str = ""
    api_key: str = ""
    secret: str = ""


def make_client(access: Access, handlers: dict[str, Handler], probe: Probe = no_probe) -> Any:
    """A ccxt.pro binanceusdm client whose stream events named in `handlers` go straight to them.

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
            client.heard_at = monotonic()  # the clock of the event loop
            handler = handlers.get(message.get("e", "")) if isinstance(message, dict) else None
            if handler is None:
                super().handle_message(client, message)
            else:
                handler(message)

    client = Client(
        {
            "apiKey": access.api_key,
            "secret": access.secret,
            "enableRateLimit": False,
            "timeout": TIMEOUT_MS,
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


def translated(error: Exception) -> VenueError:
    """A ccxt exception as one of ours, with the venue's own code and words."""
    import ccxt

    text = str(error)
    code_found, message = CODE.search(text), MESSAGE.search(text)
    code = code_found.group(1) if code_found else ""
    reason = message.group(1) if message else (text.splitlines()[0][:200] if text else type(error).__name__)
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return VenueRateLimited(reason, code or "429", 1_000)
    if code in UNKNOWN_CODES or isinstance(error, ccxt.RequestTimeout):
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.ExchangeNotAvailable) and code:
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.NetworkError) and not isinstance(error, ccxt.InvalidNonce):
        refused = "Cannot connect" in text or "Connect call failed" in text
        return VenueUnavailable(reason, code) if refused else VenueUnknown(reason, code)
    return VenueRejected(reason, code)


async def call(method: Any, params: dict[str, Any] | None = None) -> Any:
    """Call an implicit ccxt method; raises VenueError instead of ccxt's exceptions."""
    import ccxt

    try:
        return await method(params or {})
    except (ccxt.BaseError, TimeoutError, aiohttp.ClientError) as error:
        raise translated(error) from error
