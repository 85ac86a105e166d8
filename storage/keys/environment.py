"""Keys from the environment, for the cloud: ``TREFOIL_BINANCE_KEY``, ``_SECRET``, ``TREFOIL_OKX_PASSPHRASE``."""

from __future__ import annotations

import os
from collections.abc import Mapping

from engine.errors import BadInput
from storage.keys.credentials import ACCOUNTS, WITH_PASSPHRASE, Account, Credentials, checked


def prefix_of(account: Account) -> str:
    """How the account's variables begin: ``TREFOIL_BINANCE_``, ``TREFOIL_BINANCE_TESTNET_``."""
    return f"TREFOIL_{account.name.upper().replace('-', '_')}_"


SECRET_VARIABLES = frozenset(
    prefix_of(account) + part for account in ACCOUNTS for part in ("KEY", "SECRET", "PASSPHRASE")
) | {"TREFOIL_VAULT_PASSPHRASE"}


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: what it must know it is told through a pipe."""
    return {name: value for name, value in environ.items() if name not in SECRET_VARIABLES}


class EnvironmentStore:
    """Reads keys from variables; keeps none.

    Args:
        environ: default: the process's environment.
    """

    name = "environment"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def load(self, account: Account) -> Credentials | None:
        """The account's keys; BadInput where only a part of them is set."""
        prefix = prefix_of(account)
        parts = ("KEY", "SECRET", "PASSPHRASE") if account.venue in WITH_PASSPHRASE else ("KEY", "SECRET")
        given = {part: self._environ.get(prefix + part, "") for part in parts}
        if not any(given.values()):
            return None
        for part, value in given.items():
            if not value:
                raise BadInput("environment", prefix + part, "it is missing; set all of them, or none")
        return checked(account, given["KEY"], given["SECRET"], given.get("PASSPHRASE", ""))

    def save(self, account: Account, credentials: Credentials) -> None:
        """A program cannot set its parent's variables."""
        raise BadInput("environment", prefix_of(account) + "KEY", "set it where the process is started")

    def remove(self, account: Account) -> bool:
        """As `save`, where there is something to remove."""
        if self.load(account) is None:
            return False
        raise BadInput("environment", prefix_of(account) + "KEY", "unset it where the process is started")
