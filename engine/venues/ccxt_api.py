"""Requests to the venue: through the gate, by ccxt's implicit methods, with the answers that are worth a second try.

A request that was refused for its timing (429, 418, -1021) was certainly not carried out, so sending it again is safe.
Nothing else is ever sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import aiohttp

from engine.errors import VenueError, VenueRateLimited, VenueRejected
from engine.venues.ccxt_client import ANSWER, ORDERS, WEIGHT, Access, Answer
from engine.venues.ccxt_errors import CLOCK, DEFAULT_RETRY_MS, TOO_MANY_ORDERS, translated
from engine.venues.weight import Ask, Lane

# (method, path) -> lane; what is missing is the account's upkeep
LANES: dict[tuple[str, str], Lane] = {
    ("POST", "order"): Lane.TRADE,
    ("GET", "order"): Lane.TRADE,
    ("DELETE", "order"): Lane.TRADE,
    ("PUT", "order"): Lane.TRADE,
    ("POST", "algoOrder"): Lane.TRADE,
    ("GET", "algoOrder"): Lane.TRADE,
    ("DELETE", "algoOrder"): Lane.TRADE,
    ("POST", "leverage"): Lane.TRADE,
    ("POST", "marginType"): Lane.TRADE,
    ("GET", "klines"): Lane.HISTORY,
    ("GET", "exchangeInfo"): Lane.HISTORY,
}
COUNTED_AS_ORDERS = frozenset({("POST", "order"), ("PUT", "order"), ("POST", "algoOrder")})
PATIENCE_MS: dict[Lane, int | None] = {Lane.TRADE: 2_000, Lane.ACCOUNT: 30_000, Lane.HISTORY: None}


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
        self._set_clock = set_clock

    async def __call__(
        self,
        name: str,
        params: dict[str, Any] | None = None,
        patience_ms: int | None = None,
        lane: Lane | None = None,
    ) -> Any:
        """The answer's JSON.

        Args:
            name: ccxt's implicit method, such as ``fapiPrivatePostOrder``.
            params: as the venue names them.
            patience_ms: longest wait for the rate limit, if not that of the request's lane.
            lane: if not the one of `LANES`.

        Raises:
            VenueError: VenueRateLimited when the limit has no room in time; see `translated` for the rest.
        """
        entry = next(kind.__dict__[name] for kind in type(self._client).__mro__ if name in kind.__dict__)
        ask = self._ask(entry, params or {}, lane)
        patience = PATIENCE_MS[ask.lane] if patience_ms is None else patience_ms
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
                if error.code == TOO_MANY_ORDERS:  # the gate is not shut for it: cancels may go on
                    await asyncio.sleep(error.retry_after_ms / 1000)
            except VenueRejected as error:
                if error.code != CLOCK or self._set_clock is None or clock_was_set:
                    raise
                clock_was_set = True
                await self._set_clock()

    def _ask(self, entry: Any, params: dict[str, Any], lane: Lane | None) -> Ask:
        key = (entry.method.upper(), entry.path)
        weight = int(
            self._client.calculate_rate_limiter_cost(entry.api, entry.method, entry.path, params, entry.config)
        )
        orders = tuple((name, 1) for name in ORDERS) if key in COUNTED_AS_ORDERS else ()
        return Ask(LANES.get(key, Lane.ACCOUNT) if lane is None else lane, ((WEIGHT, weight), *orders))

    async def _once(self, name: str, params: dict[str, Any], ask: Ask, ticket: int) -> Any:
        import ccxt

        answer = Answer()
        token = ANSWER.set(answer)
        try:
            return await getattr(self._client, name)(params)
        except (ccxt.BaseError, TimeoutError, aiohttp.ClientError) as error:
            raise self._judged(translated(error), answer) from error
        finally:
            ANSWER.reset(token)
            counts = {limit: answer.headers.get(limit, "") for limit, _ in ask.weights}
            self._gate.leave(ticket, {limit: int(text) for limit, text in counts.items() if text.isdigit()})

    def _judged(self, error: VenueError, answer: Answer) -> VenueError:
        """A refusal for its rate with the wait the venue asks for; but for the orders' own limit it holds for all."""
        if not isinstance(error, VenueRateLimited):
            return error
        seconds = answer.headers.get("retry-after", "")
        wait_ms = int(seconds) * 1000 if seconds.isdigit() else DEFAULT_RETRY_MS
        if error.code != TOO_MANY_ORDERS:
            self._gate.shut(wait_ms)
        return VenueRateLimited(error.reason, error.code, wait_ms)


def _left(until: float | None) -> int | None:
    """Ms of patience left."""
    return None if until is None else max(0, round((until - monotonic()) * 1000))
