"""Keys in one encrypted file, for a machine without a keyring.

The file is a line ``trefoil-vault 1``, a line of JSON with the parameters of scrypt, its salt and the nonce, and the rest
encrypted by AES-256-GCM under the key that scrypt makes from the passphrase. Both lines are authenticated with it. Each
writing takes a new salt and a new nonce, and replaces the file in one step.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Annotated

import msgspec

from engine.errors import BadInput
from storage.keys.credentials import ACCOUNTS, Account, Credentials, from_text, to_text
from storage.keys.secret import Secret

MAGIC = b"trefoil-vault 1"
SALT_BYTES = 16
NONCE_BYTES = 12
KEY_BYTES = 32
LEAST_PASSPHRASE = 8
WRONG = "wrong passphrase, or the file was changed by somebody else"
DAMAGED = "it is no vault of Trefoil's or is damaged; move it away and set the keys again"


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`n`, `r` and `p` of scrypt (RFC 7914); the bounds keep a foreign file from taking all memory."""

    n: Annotated[int, msgspec.Meta(ge=2**14, le=2**20)]
    r: Annotated[int, msgspec.Meta(ge=8, le=16)]
    p: Annotated[int, msgspec.Meta(ge=1, le=4)]
    salt: str
    nonce: str


class Vault:
    """The vault file.

    Args:
        path: of the file; made when the first key is kept.
        passphrase: opens it.
        cost: `n` of scrypt for files that are written; 2**17 takes 128 MB and about half a second.
    """

    def __init__(self, path: Path, passphrase: Secret, cost: int = 2**17) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost

    @property
    def name(self) -> str:
        """With the file's place."""
        return f"vault file {self._path}"

    def load(self, account: Account) -> Credentials | None:
        """The account's keys; BadInput for a wrong passphrase or a damaged file."""
        text = self._read().get(account.name)
        return None if text is None else from_text(text, self.name)

    def save(self, account: Account, credentials: Credentials) -> None:
        """Keep keys; a new vault wants a passphrase of at least eight characters."""
        kept = self._read()
        if not kept and len(self._passphrase.reveal()) < LEAST_PASSPHRASE:
            raise BadInput("vault passphrase", "(hidden)", f"use at least {LEAST_PASSPHRASE} characters")
        self._write(kept | {account.name: to_text(credentials)})

    def remove(self, account: Account) -> bool:
        """Forget keys."""
        kept = self._read()
        if account.name not in kept:
            return False
        self._write({name: text for name, text in kept.items() if name != account.name})
        return True

    def contents(self) -> dict[str, str]:
        """Every text by its name, with one opening of the file."""
        return self._read()

    def accounts(self) -> list[Account]:
        """Whose keys are kept."""
        kept = self._read()
        return [account for account in ACCOUNTS if account.name in kept]

    def text(self, name: str) -> str | None:
        """A secret text kept under `name`, or None; BadInput for a wrong passphrase or a damaged file."""
        return self._read().get(name)

    def keep_text(self, name: str, text: str) -> None:
        """Keep a secret text; a new vault wants a passphrase of at least eight characters."""
        kept = self._read()
        if not kept and len(self._passphrase.reveal()) < LEAST_PASSPHRASE:
            raise BadInput("vault passphrase", "(hidden)", f"use at least {LEAST_PASSPHRASE} characters")
        self._write(kept | {name: text})

    def forget_text(self, name: str) -> bool:
        """Forget a secret text; whether there was one."""
        kept = self._read()
        if name not in kept:
            return False
        self._write({other: text for other, text in kept.items() if other != name})
        return True

    def _read(self) -> dict[str, str]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            magic, line, sealed = self._path.read_bytes().split(b"\n", 2)
            header = msgspec.json.decode(line, type=_Header)
            salt, nonce = b64decode(header.salt, validate=True), b64decode(header.nonce, validate=True)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadInput("vault file", self._path, f"it cannot be read: {error.strerror or error}") from error
        except (ValueError, msgspec.DecodeError):
            raise BadInput("vault file", self._path, DAMAGED) from None
        if magic != MAGIC or header.n & (header.n - 1) or len(nonce) != NONCE_BYTES:
            raise BadInput("vault file", self._path, DAMAGED)
        try:
            opened = AESGCM(self._key(header, salt)).decrypt(nonce, sealed, magic + b"\n" + line)
        except InvalidTag:
            raise BadInput("vault file", self._path, WRONG) from None
        return msgspec.json.decode(opened, type=dict[str, str])

    def _write(self, kept: dict[str, str]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
        header = _Header(self._cost, 8, 1, b64encode(salt).decode(), b64encode(nonce).decode())
        line = msgspec.json.encode(header)
        sealed = AESGCM(self._key(header, salt)).encrypt(nonce, msgspec.json.encode(kept), MAGIC + b"\n" + line)
        try:
            _replace(self._path, MAGIC + b"\n" + line + b"\n" + sealed)
        except OSError as error:
            raise BadInput("vault file", self._path, f"it cannot be written: {error.strerror or error}") from error

    def _key(self, header: _Header, salt: bytes) -> bytes:
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        kdf = Scrypt(salt=salt, length=KEY_BYTES, n=header.n, r=header.r, p=header.p)
        return kdf.derive(self._passphrase.reveal().encode())


def _replace(path: Path, content: bytes) -> None:
    """Write beside, flush to the disk, rename: a reader sees the old file or the new one, whole; mode 0600."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
