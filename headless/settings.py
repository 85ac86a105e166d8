"""What the Settings screen lives on: facts about this station's engine and files, and the keys that are kept. Light to import."""

from __future__ import annotations

from typing import Protocol

from engine.errors import TrefoilError
from engine.model.own import Fact, KeyList, Rights


class KeysFailed(TrefoilError):
    """What was asked of the keys could not be done; one sentence without a secret."""


class Hidden:
    """A text a person typed that is never shown: not printed, not in a traceback's locals."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text: only where it is stored or opens something."""
        return self._text

    def __repr__(self) -> str:
        return "***"


class SettingsSource(Protocol):
    """Implemented by `headless.key_chest.KeyChest`. Calls raise TrefoilError with a sentence for a person."""

    async def facts(self) -> tuple[Fact, ...]:
        """The settings that the replica of the desk does not tell."""
        ...

    async def keys(self) -> KeyList:
        """Who has keys."""
        ...

    async def unlock(self, passphrase: Hidden) -> None:
        """Open the vault until `lock`; a passphrase that does not open it is refused."""
        ...

    def lock(self) -> None:
        """Forget the vault's passphrase."""
        ...

    def parts(self, name: str) -> tuple[str, ...]:
        """What is to be typed for a key, in order."""
        ...

    async def keep(self, name: str, parts: tuple[Hidden, ...]) -> str:
        """Keep a key; a sentence."""
        ...

    async def forget(self, name: str) -> str:
        """Remove a key; a sentence."""
        ...

    async def check(self, name: str) -> Rights:
        """Ask the exchange what the key may do."""
        ...
