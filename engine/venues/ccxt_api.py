"""Requests to the venue: through the gate, by ccxt's implicit methods, with the answers that are worth a second try.

A request that was refused for its timing (too often, clock wrong) was certainly not carried out, so sending it again is safe.
Nothing else is ever sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import aiohttp

from engine.errors import VenueError, VenueRateLimited, VenueRejected
from engine.venues.ccxt_client import ANSWER, Access, Answer
from engine.venues.ccxt_errors import translated
from engine.venues.exchanges import manners_of
from engine.venues.weight import Ask, Lane

# The longest wait for the rate limit. An entry was decided on a price of now: later it is better not sent.
PATIENCE_MS: dict[Lane, int | None] = {
    Lane.TRADE: 2_000,
    Lane.ENTRY: 500,
    Lane.ACCOUNT: 30_000,
    Lane.HISTORY: None,
}


class Api:
    """Calls implicit methods of a ccxt client by name.

    Args:
        client: see `engine.venues.ccxt_client.make_client`.
        access: its gate.
        set_clock: measures the venue's clock again, after it called a timestamp wrong; None where that is no use.
    """

    def __init__(self, client: Any, access: Access, set_clock: Callable[[], Awaitable[None]] | None = None) -> None:
        self._client = client
        self._gate = access.gate
        self._manners = manners_of(access.exchange)
        self._set_clock = set_clock

    async def __call__(
        self,
        name: str,
        params: dict[str, Any] | list[dict[str, Any]] | None = None,
        lane: Lane | None = None,
    ) -> Any:
        """The answer's JSON.

        Args:
            name: ccxt's implicit method, such as ``fapiPrivatePostOrder``.
            params: as the venue names them.
            lane: if not the one of `LANES`.

        Raises:
            VenueError: VenueRateLimited when the limit has no room in time; see `translated` for the rest.
        """
        entry = self._entry(name)
        ask = self._ask(entry, params or {}, lane)
        patience = PATIENCE_MS[ask.lane]
        until = None if patience is None else monotonic() + patience / 1000
        clock_was_set = False
        while True:
            ticket = await self._gate.enter(ask, _left(until))
            try:
                return await self._once(name, params or {}, ask, ticket)
            except VenueRateLimited as error:
                left = _left(until)
                if left is not None and error.retry_after_ms > left:
                    raise
                if error.code in self._manners.codes.order_limit:  # the gate is not shut for it: cancels may go on
                    await asyncio.sleep(error.retry_after_ms / 1000)
            except VenueRejected as error:
                if error.code not in self._manners.codes.clock or self._set_clock is None or clock_was_set:
                    raise
                clock_was_set = True
                await self._set_clock()
                if _left(until) == 0:  # the clock took too long to measure: an order is not sent later than it may be
                    raise

    def _entry(self, name: str) -> Any:
        """The row of ccxt's table of endpoints behind an implicit method."""
        from ccxt.base.types import Entry

        found = (kind.__dict__.get(name) for kind in type(self._client).__mro__)
        return next(one for one in found if isinstance(one, Entry))

    def _ask(self, entry: Any, params: dict[str, Any] | list[dict[str, Any]], lane: Lane | None) -> Ask:
        key = (entry.method.upper(), entry.path)
        known = self._manners.lanes.get(key, Lane.ACCOUNT) if lane is None else lane
        return Ask(known, self._manners.weights(self._client, entry, params))

    async def _once(self, name: str, params: dict[str, Any] | list[dict[str, Any]], ask: Ask, ticket: int) -> Any:
        import ccxt

        answer = Answer()
        token = ANSWER.set(answer)
        try:
            return await getattr(self._client, name)(params)
        except (ccxt.BaseError, TimeoutError, aiohttp.ClientError) as error:
            raise self._judged(translated(error, self._manners.codes), answer) from error
        finally:
            ANSWER.reset(token)
            self._gate.leave(ticket, self._manners.heard(answer.headers, ask.weights))

    def _judged(self, error: VenueError, answer: Answer) -> VenueError:
        """A refusal for its rate with the wait the venue asks for; but for the orders' own limit it holds for all."""
        if not isinstance(error, VenueRateLimited):
            return error
        wait_ms = self._manners.retry_ms(answer.headers, answer.body)
        if error.code not in self._manners.codes.order_limit:
            self._gate.shut(wait_ms)
        return VenueRateLimited(error.reason, error.code, wait_ms)


def _left(until: float | None) -> int | None:
    """Ms of patience left."""
    return None if until is None else max(0, round((until - monotonic()) * 1000))
