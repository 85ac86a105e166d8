"""What the Settings screen lives on: facts about this station's engine and files, and the keys that are kept. Light to import."""

from __future__ import annotations

from typing import Protocol

import msgspec

from engine.errors import TrefoilError

EXCHANGE, MODEL = "exchange", "model"


class KeysFailed(TrefoilError):
    """What was asked of the keys could not be done; one sentence without a secret."""


class Fact(msgspec.Struct, frozen=True):
    """One setting in force: its name, its value and where it is set or what it means."""

    name: str
    value: str
    where: str = ""


class KeyRow(msgspec.Struct, frozen=True):
    """Whose key, of what kind (exchange or model), and where it is kept: empty where there is none.

    `masked` is enough to recognise it by; `note` is what keeps us from knowing, in one sentence.
    """

    name: str
    kind: str
    place: str = ""
    masked: str = ""
    note: str = ""


class KeyList(msgspec.Struct, frozen=True):
    """Every account and model with its key, the place new keys go to, and whether a vault is locked."""

    rows: tuple[KeyRow, ...]
    goes_to: str
    locked: bool


class Rights(msgspec.Struct, frozen=True):
    """What the exchange says a key may do. `refused` is why it is not to be used, `warnings` what a person should know."""

    read: bool
    trade: bool
    withdraw: bool
    ip_bound: bool
    refused: str = ""
    warnings: tuple[str, ...] = ()


class SettingsSource(Protocol):
    """Implemented by `headless.key_chest.KeyChest`. Calls raise TrefoilError with a sentence for a person."""

    async def facts(self) -> tuple[Fact, ...]:
        """The settings that the replica of the desk does not tell."""
        ...

    async def keys(self) -> KeyList:
        """Who has keys."""
        ...

    async def unlock(self, passphrase: str) -> None:
        """Open the vault until `lock`; a passphrase that does not open it is refused."""
        ...

    def lock(self) -> None:
        """Forget the vault's passphrase."""
        ...

    def parts(self, name: str) -> tuple[str, ...]:
        """What is to be typed for a key, in order."""
        ...

    async def keep(self, name: str, parts: tuple[str, ...]) -> str:
        """Keep a key; a sentence."""
        ...

    async def forget(self, name: str) -> str:
        """Remove a key; a sentence."""
        ...

    async def check(self, name: str) -> Rights:
        """Ask the exchange what the key may do."""
        ...
