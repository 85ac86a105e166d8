"""Who may ask: API keys, HMAC SHA256 signatures and the receive window, as Binance checks them.

The window is judged by wall time although `/fapi/v1/time` is simulated: a signature says when a request left a machine.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from engine.errors import VenueRejected

DEFAULT_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000
AHEAD_MS = 1_000


@dataclass(frozen=True)
class Keys:
    """An API key, its secret, and the passphrase that OKX asks for besides."""

    api_key: str
    secret: str
    passphrase: str = ""


def keys_of(seed: int) -> Keys:
    """The keys of a simulated account; the same seed gives the same keys."""
    return Keys(
        hashlib.sha256(f"simulated api key {seed}".encode()).hexdigest(),
        hashlib.sha256(f"simulated secret {seed}".encode()).hexdigest(),
        hashlib.sha256(f"simulated passphrase {seed}".encode()).hexdigest()[:20],
    )


def sign(secret: str, payload: str) -> str:
    """HMAC SHA256 of `payload`, hexadecimal."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def check_key(keys: Keys, given: str | None) -> None:
    """Refuse a missing (-2014) or unknown (-2015) API key."""
    if not given:
        raise VenueRejected("API-key format invalid.", "-2014")
    if not hmac.compare_digest(given, keys.api_key):
        raise VenueRejected("Invalid API-key, IP, or permissions for action.", "-2015")


def check_signature(keys: Keys, query: str, body: str, now: int) -> None:
    """Refuse a request outside its receive window (-1021) or with a wrong signature (-1022).

    Args:
        keys: the account's keys.
        query: raw query string.
        body: raw form body.
        now: wall time, ms UTC.
    """
    given = dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
    for name in ("timestamp", "signature"):
        if name not in given:
            raise VenueRejected(f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.", "-1102")
    if not given["timestamp"].isdigit() or not given.get("recvWindow", "0").isdigit():
        raise VenueRejected("Illegal characters found in a parameter.", "-1100")
    window = int(given.get("recvWindow", DEFAULT_WINDOW_MS))
    if window > LONGEST_WINDOW_MS:
        raise VenueRejected("recvWindow must be less than 60000.", "-1131")
    stamp = int(given["timestamp"])
    if stamp > now + AHEAD_MS:
        raise VenueRejected("Timestamp for this request was 1000ms ahead of the server's time.", "-1021")
    if stamp < now - window:
        raise VenueRejected("Timestamp for this request is outside of the recvWindow.", "-1021")
    expected = sign(keys.secret, _without_signature(query) + _without_signature(body))
    if not hmac.compare_digest(given["signature"], expected):
        raise VenueRejected("Signature for this request is not valid.", "-1022")


def _without_signature(raw: str) -> str:
    return "&".join(part for part in raw.split("&") if part and not part.startswith("signature="))
