"""The user stream's connection: a listen key, the socket on it, and both again whenever either ends."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import aiohttp

from engine.errors import VenueError
from engine.venues.ccxt_api import Api
from engine.venues.ccxt_client import dial, hang_up
from engine.venues.ccxt_errors import NO_LISTEN_KEY

KEEP_ALIVE_S = 30 * 60.0
RECYCLE_S = 23 * 3600.0
BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0)


class Link(Protocol):
    """Told when the stream comes and goes."""

    def __call__(self, *, up: bool, reason: str) -> None:
        """`reason` is one line, empty when it is up."""
        ...


class UserStream:
    """Keeps the stream open. Its messages go to the client's handlers; `link` hears when it comes and goes.

    Args:
        client: the ccxt client whose handlers hear the messages.
        api: requests.
        link: called with up or down and the reason.
        keep_alive_s: the listen key is extended so often (it lives an hour).
    """

    def __init__(self, client: Any, api: Api, link: Link, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._client = client
        self._api = api
        self._link = link
        self._keep_alive_s = keep_alive_s
        self._url = ""
        self._key = ""
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay())
            group.create_task(self._keep_alive())

    def expire(self, reason: str) -> None:
        """The key is no longer valid: end the socket, so that a new one is opened with a new key."""
        import ccxt

        socket = self._client.clients.get(self._url)
        if socket is not None:
            socket.on_error(ccxt.NetworkError(reason))

    async def _stay(self) -> None:
        import ccxt

        failures = 0
        while True:
            try:
                self._key = (await self._api("fapiPrivatePostListenKey"))["listenKey"]
                self._url = f"{self._client.get_ws_url('linear', 'private')}?listenKey={self._key}"
                ended = await dial(self._client, self._url, None)
                failures = 0
                self._link(up=True, reason="")
                async with asyncio.timeout(RECYCLE_S):
                    await ended
            except (ccxt.BaseError, VenueError, aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                self._link(up=False, reason=self._sentence(error))
            self._hang_up()
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            try:
                await self._api("fapiPrivatePutListenKey")
            except VenueError as error:
                if error.code == NO_LISTEN_KEY:  # the socket stays open then, and says nothing any more
                    self.expire("the listen key is gone")

    def _hang_up(self) -> None:
        goodbye = hang_up(self._client, self._url)
        if goodbye is not None:
            self._goodbyes.add(goodbye)
            goodbye.add_done_callback(self._goodbyes.discard)

    def _sentence(self, error: BaseException) -> str:
        """The error in a line, without the key that its address may show."""
        text = str(error).replace(self._key, "...") if self._key else str(error)
        return text.splitlines()[0][:120] if text else type(error).__name__
