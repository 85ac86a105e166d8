"""Setting, listing and removing keys of accounts and models: what the command line and the Settings screen both do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import BadInput
from storage.keys import model_keys
from storage.keys.credentials import ACCOUNTS, WITH_PASSPHRASE, Account, checked, from_text
from storage.keys.os_keyring import OsKeyring
from storage.keys.secret import Secret
from storage.keys.store import KeyStore
from storage.keys.vault import Vault

EXCHANGE, MODEL = "exchange", "model"
NAMES = (*(account.name for account in ACCOUNTS), *model_keys.PROVIDERS)
"""Everything that can have keys: accounts, test networks apart, and providers of models."""
ENVIRONMENT = "environment"
MODEL_VARIABLES = {"openai": ("OPENAI_API_KEY",), "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")}
"""What the providers' own libraries read."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One key that is kept: whose, the kind of its owner, the place, and enough of it to recognise it by."""

    name: str
    kind: str
    place: str
    masked: str


def account_of(name: str) -> Account | None:
    """The account of a name, None for a provider of models; BadInput for neither."""
    for account in ACCOUNTS:
        if account.name == name:
            return account
    if name in model_keys.PROVIDERS:
        return None
    raise BadInput("keys of", name, f"use one of {', '.join(NAMES)}")


def parts_of(name: str) -> tuple[str, ...]:
    """What is asked for, in order: one to three parts."""
    account = account_of(name)
    if account is None:
        return ("API key",)
    return ("API key", "secret", "passphrase of the key") if account.venue in WITH_PASSPHRASE else ("API key", "secret")


def keep(place: OsKeyring | Vault, name: str, parts: Iterable[str]) -> None:
    """Check and keep what a person gave for `parts_of(name)`; BadInput never shows any of it."""
    account = account_of(name)
    if account is None:
        place.keep_text(model_keys.place_of(name), model_keys.checked(name, *parts))
    else:
        place.save(account, checked(account, *parts))


def kept(places: Iterable[KeyStore], environ: Mapping[str, str] | None = None) -> list[Kept]:
    """All keys in these places: accounts first, a place at a time; BadInput where one is locked."""
    environ = os.environ if environ is None else environ
    found: list[Kept] = []
    models: list[Kept] = []
    for provider, names in MODEL_VARIABLES.items():
        models += [Kept(provider, MODEL, f"{ENVIRONMENT} {name}", "") for name in names if environ.get(name)]
    for place in places:
        if isinstance(place, Vault):  # every single question would open it anew, half a second each
            inside = _inside(place)
            found += [one for one in inside if one.kind == EXCHANGE]
            models += [one for one in inside if one.kind == MODEL]
            continue
        for account in ACCOUNTS:
            credentials = place.load(account)
            if credentials is not None:
                found.append(Kept(account.name, EXCHANGE, place.name, credentials.api_key.masked()))
        for texts in model_keys.among([place]):
            models += [
                Kept(provider, MODEL, place.name, key.masked()) for provider, key in model_keys.keys_in([texts]).items()
            ]
    return found + models


def _inside(vault: Vault) -> list[Kept]:
    texts = vault.contents()
    rows = []
    for account in ACCOUNTS:
        if account.name in texts:
            credentials = from_text(texts[account.name], vault.name)
            rows.append(Kept(account.name, EXCHANGE, vault.name, credentials.api_key.masked()))
    for provider in model_keys.PROVIDERS:
        text = texts.get(model_keys.place_of(provider))
        if text is not None:
            rows.append(Kept(provider, MODEL, vault.name, Secret(text).masked()))
    return rows


def forget(places: Iterable[KeyStore], name: str) -> list[str]:
    """Remove a key wherever it is kept; the names of the places it was in. BadInput where it was in none."""
    account = account_of(name)
    if account is None:
        text = model_keys.place_of(name)
        gone = [texts.name for texts in model_keys.among(list(places)) if texts.forget_text(text)]
    else:
        gone = [place.name for place in places if place.remove(account)]
    if not gone:
        raise BadInput("keys", name, "there are none")
    return gone
