"""The table from ccxt's exceptions to ours."""

from __future__ import annotations

import re
from typing import Final

import aiohttp

from engine.errors import VenueError, VenueRateLimited, VenueRejected, VenueUnavailable, VenueUnknown

CODE = re.compile(r'"code"\s*:\s*(-?\d+)')
MESSAGE = re.compile(r'"msg"\s*:\s*"([^"]*)"')
CLOCK: Final = "-1021"
BAD_KEY: Final = "-2015"
NO_LISTEN_KEY: Final = "-1125"
NO_CHANGE: Final = "-4046"
DUPLICATE: Final = "-4116"
HEDGE: Final = "hedge"
TOO_MANY_ORDERS: Final = "-1015"
UNKNOWN_ORDER: Final = frozenset({"-2013", "-2011"})
UNKNOWN_CODES: Final = frozenset({"-1006", "-1007"})
DEFAULT_RETRY_MS: Final = 1_000


def translated(error: Exception) -> VenueError:
    """A ccxt exception as one of ours, with the venue's own code and words."""
    import ccxt

    text = str(error)
    code_found, message = CODE.search(text), MESSAGE.search(text)
    code = code_found.group(1) if code_found else ""
    reason = message.group(1) if message else (text.splitlines()[0][:200] if text else type(error).__name__)
    if code == BAD_KEY:  # ccxt takes it for a ban once the key has worked
        return VenueRejected(reason, code)
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return VenueRateLimited(reason, code or "429", DEFAULT_RETRY_MS)
    if isinstance(error.__cause__ or error, aiohttp.ClientConnectorError):  # no connection, so nothing was sent
        return VenueUnavailable("the venue cannot be reached", code)
    if code in UNKNOWN_CODES or isinstance(error, ccxt.RequestTimeout):
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.ExchangeNotAvailable) and code:
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.NetworkError | aiohttp.ClientError | TimeoutError) and not isinstance(
        error, ccxt.InvalidNonce
    ):
        return VenueUnknown(reason, code)
    return VenueRejected(reason, code)
