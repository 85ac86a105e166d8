"""The user stream's connections: signed in and subscribed, and all of them again whenever one ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp

from engine.errors import VenueError
from engine.venues.account_api import AccountApi
from engine.venues.ccxt_client import hang_up

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
        account: opens the sockets.
        link: called with up or down and the reason.
        set_clock: measures the venue's clock again, after it refused a sign-in; None where that is no use.
    """

    def __init__(
        self, client: Any, account: AccountApi, link: Link, set_clock: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._client = client
        self._account = account
        self._link = link
        self._set_clock = set_clock
        self._goodbyes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay())
            group.create_task(self._account.keep_alive())

    async def _stay(self) -> None:
        import ccxt

        failures = 0
        while True:
            try:
                ended = await self._open()
                failures = 0
                self._link(up=True, reason="")
                async with asyncio.timeout(RECYCLE_S):
                    done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            except (ccxt.BaseError, VenueError, aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                self._link(up=False, reason=self._sentence(error))
            self._hang_up()
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _open(self) -> list[asyncio.Future[Any]]:
        """Sign in; a refusal may be for the time of the signature."""
        import ccxt

        try:
            return await self._account.open_stream()
        except (ccxt.ExchangeError, ccxt.InvalidNonce):
            if self._set_clock is None:
                raise
        self._hang_up()
        await self._set_clock()
        return await self._account.open_stream()

    def _hang_up(self) -> None:
        for url in self._account.urls:
            goodbye = hang_up(self._client, url)
            if goodbye is not None:
                self._goodbyes.add(goodbye)
                goodbye.add_done_callback(self._goodbyes.discard)

    def _sentence(self, error: BaseException) -> str:
        """The error in a line, without the key that its address may show."""
        secret = self._account.secret
        text = str(error).replace(secret, "...") if secret else str(error)
        return text.splitlines()[0][:120] if text else type(error).__name__
