"""The table from ccxt's exceptions to ours, with the exchange's own code and words."""

from __future__ import annotations

import json
from typing import Any, Final

import aiohttp

from engine.errors import VenueError, VenueRateLimited, VenueRejected, VenueUnavailable, VenueUnknown
from engine.venues.manners import Codes

HEDGE: Final = "hedge"
ACCOUNT_MODE: Final = "account mode"
PERMISSION: Final = "permission"
DEFAULT_RETRY_MS: Final = 1_000


def translated(error: Exception, codes: Codes) -> VenueError:
    """A ccxt exception as one of ours: the exchange's words, what to do if that is known, and the exchange's code."""
    import ccxt

    text = str(error)
    code, words = _said(text)
    reason = words or (text.splitlines()[0][:200] if text else type(error).__name__)
    if code in codes.advice:
        reason = f"{reason.rstrip('. ')}: {codes.advice[code]}"
    if code in codes.key:
        return VenueRejected(reason, code)
    limited = code in codes.too_often | codes.order_limit
    if limited or isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return VenueRateLimited(reason, code or "429", DEFAULT_RETRY_MS)
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError):  # no connection, so nothing was sent
        return VenueUnavailable(f"{cause.host} cannot be reached; check the network of this machine", code)
    if code in codes.unknown_outcome or isinstance(error, ccxt.RequestTimeout):
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.ExchangeNotAvailable) and code:
        return VenueUnknown(reason, code)
    if isinstance(error, ccxt.NetworkError | aiohttp.ClientError | TimeoutError) and not isinstance(
        error, ccxt.InvalidNonce
    ):
        return VenueUnknown(reason, code)
    return VenueRejected(reason, code)


def _said(text: str) -> tuple[str, str]:
    """Code and words of the JSON that ccxt puts behind its own; empty where there is none.

    OKX has the verdict on an order in ``data``, beside a code that only says that something failed.
    """
    begin = text.find("{")
    if begin < 0:
        return "", ""
    try:
        value, _ = json.JSONDecoder().raw_decode(text, begin)
    except json.JSONDecodeError:
        return "", ""
    for row in value.get("data") or []:
        if isinstance(row, dict) and str(row.get("sCode", "0")) != "0":
            return str(row["sCode"]), str(row.get("sMsg", ""))
    return _first(value, "code", "retCode"), _first(value, "msg", "retMsg", "ret_msg")


def _first(value: dict[str, Any], *names: str) -> str:
    return next((str(value[name]) for name in names if name in value), "")
