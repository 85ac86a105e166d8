"""Which place an account's keys come from: the environment, then the OS keyring, then the vault file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from storage.home import Home
from storage.keys.credentials import Account, Credentials
from storage.keys.environment import EnvironmentStore
from storage.keys.os_keyring import OsKeyring
from storage.keys.secret import Secret
from storage.keys.store import KeyStore
from storage.keys.vault import Vault

Ask = Callable[[], Secret]


@dataclass(frozen=True, slots=True)
class Found:
    """Keys and the name of the place they came from."""

    credentials: Credentials
    place: str


def vault_file(home: Home) -> Path:
    """Where the vault is kept."""
    return home.root / "keys.vault"


def given_passphrase(environ: Mapping[str, str] | None = None) -> Secret | None:
    """The vault's passphrase from ``TREFOIL_VAULT_PASSPHRASE`` or the file ``TREFOIL_VAULT_PASSPHRASE_FILE`` names."""
    environ = os.environ if environ is None else environ
    text = environ.get("TREFOIL_VAULT_PASSPHRASE", "")
    file = environ.get("TREFOIL_VAULT_PASSPHRASE_FILE", "")
    if file and not text:
        try:
            text = Path(file).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("TREFOIL_VAULT_PASSPHRASE_FILE", file, "it cannot be read") from error
    return Secret(text) if text else None


def stores(home: Home, ask: Ask | None = None) -> list[KeyStore]:
    """The places that can be used here, in the order they are asked.

    Args:
        home: where the vault file would be.
        ask: asks a person for the vault's passphrase where the environment does not hold it; None asks nobody.

    Raises:
        BadInput: a keyring that does not encrypt is configured and no vault is there, or a vault has no passphrase.
    """
    places: list[KeyStore] = [EnvironmentStore()]
    file = vault_file(home)
    try:
        places.append(OsKeyring())
    except BadInput as error:
        if error.value != "none" and not file.exists():
            raise
    if file.exists():
        passphrase = given_passphrase() or (ask() if ask is not None else None)
        if passphrase is None:
            raise BadInput("vault passphrase", "(none)", "set TREFOIL_VAULT_PASSPHRASE_FILE to a file that holds it")
        places.append(Vault(file, passphrase))
    return places


def find(home: Home, account: Account, ask: Ask | None = None) -> Found | None:
    """The account's keys from the first place that has them, None where none has."""
    environment = EnvironmentStore()
    given = environment.load(account)
    if given is not None:
        return Found(given, environment.name)
    for store in stores(home, ask):
        credentials = store.load(account)
        if credentials is not None:
            return Found(credentials, store.name)
    return None


def needed(home: Home, account: Account, ask: Ask | None = None) -> Found:
    """As `find`; BadInput with one plain sentence where there are none."""
    found = find(home, account, ask)
    if found is None:
        option = " --testnet" if account.testnet else ""
        raise BadInput("keys", account.name, f"there are none; set them with: trefoil keys set {account.venue}{option}")
    return found
