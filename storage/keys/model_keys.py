"""Keys of the AI models: in the OS keyring or the vault file, beside those of the exchanges.

What the environment holds for a model's own SDK (OPENAI_API_KEY ...) goes before; the SDK reads it itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.errors import BadInput
from storage.home import Home
from storage.keys.credentials import MOST_CHARACTERS
from storage.keys.find import Ask, stores
from storage.keys.os_keyring import OsKeyring
from storage.keys.secret import Secret
from storage.keys.vault import Vault

PROVIDERS = ("openai", "anthropic", "ollama")


class Texts(Protocol):
    """A place that keeps a secret text under a name."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    def text(self, name: str) -> str | None:
        """The text, None where there is none."""
        ...

    def keep_text(self, name: str, text: str) -> None:
        """Keep it."""
        ...

    def forget_text(self, name: str) -> bool:
        """Forget it; whether there was one."""
        ...


def place_of(provider: str) -> str:
    """The name a provider's key is kept under."""
    if provider not in PROVIDERS:
        raise BadInput("model provider", provider, f"use one of {', '.join(PROVIDERS)}")
    return f"model-{provider}"


def places(home: Home, ask: Ask | None = None) -> list[Texts]:
    """Keyring and vault, as far as they are here; see `storage.keys.find.stores`."""
    return among(stores(home, ask))


def among(found: Sequence[object]) -> list[Texts]:
    """Those of the places that keep texts."""
    return [one for one in found if isinstance(one, OsKeyring | Vault)]


def model_keys(home: Home) -> dict[str, Secret]:
    """The keys that are kept, by provider; BadInput where a place is locked or not safe. Nobody is asked for anything."""
    return keys_in(places(home))


def keys_in(found_places: Sequence[Texts]) -> dict[str, Secret]:
    """The same in given places, the first that has a key wins."""
    found: dict[str, Secret] = {}
    for place in found_places:
        for provider in PROVIDERS:
            text = None if provider in found else place.text(place_of(provider))
            if text is not None:
                found[provider] = Secret(text)
    return found


def checked(provider: str, text: str) -> str:
    """A key as it may be kept; BadInput without showing it."""
    text = text.strip()
    if not text or len(text) > MOST_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        raise BadInput(f"{provider} key", "(hidden)", f"1 to {MOST_CHARACTERS} visible ASCII characters are needed")
    return text
