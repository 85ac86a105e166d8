"""What the SDKs of OpenAI and Anthropic have in common: how their clients are made, and how a connection fails in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import anyio
import httpx2

from engine.ai.models.base import BAD_ADDRESS, NOTHING, Trouble, fits_a_header
from engine.ai.models.capped import HEADERS, cause_of, response_hook
from engine.ai.seats import Seat

LAST_PORT = 65_535


class Client(Protocol):
    """What both clients have."""

    @property
    def api_key(self) -> str | None:
        """The key, where one is known."""
        ...

    @property
    def base_url(self) -> httpx2.URL:
        """Where requests go."""
        ...


C = TypeVar("C", bound=Client)


def client(make: Callable[..., C], http_client: Callable[..., Any], seat: Seat, refused: type[Exception]) -> C:
    """An SDK's client of `seat`.

    It neither retries nor has a time limit of its own: the voter has both. No key and no address leaves them to the SDK's
    environment variables.

    Args:
        make: the SDK's asyncio client.
        http_client: its HTTP client, with the SDK's own limits of connections.
        seat: address and key.
        refused: the SDK's base exception.

    Raises:
        Trouble: the SDK cannot use the address or the key.
    """
    anyio.run(anyio.sleep, 0)  # imports its asyncio part here, in a thread, and not in the first question
    hooks = {"response": [response_hook(httpx2.AsyncByteStream)]}
    try:
        made = make(
            api_key=seat.key or None,
            base_url=seat.base_url or None,
            max_retries=0,
            timeout=None,
            http_client=http_client(event_hooks=hooks, timeout=None),
            default_headers=HEADERS,
        )
    except (refused, httpx2.InvalidURL, ValueError) as error:
        raise Trouble(BAD_ADDRESS, used=NOTHING) from error
    url = made.base_url  # ours, or that of the environment variable
    keys = [made.api_key, getattr(made, "auth_token", None)]
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > LAST_PORT:
        raise Trouble(BAD_ADDRESS, used=NOTHING)
    if not all(fits_a_header(key) for key in keys if key is not None):
        raise Trouble(BAD_ADDRESS, used=NOTHING)
    return made


def connection_trouble(error: Exception) -> Trouble:
    """What an SDK's exception without an answer means: ours where one began it, else the connection."""
    ours = cause_of(error)
    if ours is not None:
        return ours
    nobody = isinstance(error.__cause__, httpx2.ConnectError)
    return Trouble("the connection failed", retry=True, used=NOTHING if nobody else None)
