"""What every place that keeps keys can do."""

from __future__ import annotations

from typing import Protocol

from storage.keys.credentials import Account, Credentials


class KeyStore(Protocol):
    """A place for keys. Methods raise BadInput with one plain sentence where the place cannot be used."""

    @property
    def name(self) -> str:
        """For a person: ``OS keyring (...)``, ``vault file ...``, ``environment``."""
        ...

    def load(self, account: Account) -> Credentials | None:
        """The account's keys, None where there are none."""
        ...

    def save(self, account: Account, credentials: Credentials) -> None:
        """Keep keys, replacing older ones of the account."""
        ...

    def remove(self, account: Account) -> bool:
        """Forget the account's keys; False where there were none."""
        ...
