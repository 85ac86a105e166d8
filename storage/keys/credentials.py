"""What signs in to an account, and under which name it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from engine.errors import BadInput
from storage.keys.secret import Secret

VENUES = ("binance", "okx", "bybit")
WITH_PASSPHRASE = frozenset({"okx"})
MOST_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a venue; `testnet` is the venue's demo or test network, with keys of its own."""

    venue: str
    testnet: bool = False

    def __post_init__(self) -> None:
        if self.venue not in VENUES:
            raise BadInput("venue", self.venue, f"use one of {', '.join(VENUES)}")

    @property
    def name(self) -> str:
        """Unique among accounts: ``binance``, ``binance-testnet``."""
        return f"{self.venue}-testnet" if self.testnet else self.venue


ACCOUNTS = tuple(Account(venue, testnet) for venue in VENUES for testnet in (False, True))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Key, secret and, where the venue has one, the key's passphrase. None of them shows when printed."""

    api_key: Secret
    secret: Secret
    passphrase: Secret = field(default_factory=lambda: Secret(""))


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    api_key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return "***"


def checked(account: Account, api_key: str, secret: str, passphrase: str = "") -> Credentials:
    """Credentials from what a person gave; raises BadInput, never showing what was given."""
    wanted = {"API key": api_key, "secret": secret}
    if account.venue in WITH_PASSPHRASE:
        wanted["passphrase"] = passphrase
    for name, text in wanted.items():
        if not text:
            raise BadInput(name, "(empty)", f"{account.venue} needs it; make a key on the exchange's API page")
        inner_space = " " in text and name != "passphrase"
        if inner_space or not text.isascii() or not text.isprintable() or len(text) > MOST_CHARACTERS:
            raise BadInput(name, "(hidden)", "it holds characters that no key has; copy it again from the exchange")
    if passphrase and account.venue not in WITH_PASSPHRASE:
        raise BadInput("passphrase", "(hidden)", f"{account.venue} keys have none")
    return Credentials(Secret(api_key), Secret(secret), Secret(passphrase))


def to_text(credentials: Credentials) -> str:
    """For a store that keeps secrets; JSON."""
    plain = _Plain(credentials.api_key.reveal(), credentials.secret.reveal(), credentials.passphrase.reveal())
    return msgspec.json.encode(plain).decode()


def from_text(text: str | bytes, where: str) -> Credentials:
    """What `to_text` wrote; raises BadInput naming `where`, never showing the text."""
    try:
        plain = msgspec.json.decode(text, type=_Plain)
    except msgspec.DecodeError:
        # The decoder's own words may quote the text, so they are not passed on.
        raise BadInput("stored key", where, "it cannot be read; set it again with trefoil keys set") from None
    return Credentials(Secret(plain.api_key), Secret(plain.secret), Secret(plain.passphrase))
