"""Keys in the operating system's keyring, and only in one that encrypts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import BadInput
from storage.keys.credentials import Account, Credentials, from_text, to_text

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "trefoil"

# The backends that keep secrets encrypted by the user's sign-in. Others (files of keyrings.alt, null) are refused.
TRUSTED: dict[str, str] = {
    "keyring.backends.SecretService": "Secret Service",
    "keyring.backends.libsecret": "libsecret",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Manager",
}
ABSENT = "keyring.backends.fail"
CHAIN = "keyring.backends.chainer"
HOW = "start one, or keep the keys in an encrypted file: trefoil keys set VENUE --vault"


class OsKeyring:
    """The keyring of the user who runs us; BadInput in the constructor where there is none, or one that is not safe."""

    def __init__(self) -> None:
        import keyring

        try:
            chosen = keyring.get_keyring()
        except (ImportError, AttributeError, ValueError, RuntimeError) as error:  # a backend named by hand, not usable
            raise BadInput(
                "OS keyring", type(error).__name__, f"the configured backend cannot be used; {HOW}"
            ) from error
        self._backend = trusted(chosen)
        self._kind = TRUSTED[_module(self._backend)]

    @property
    def name(self) -> str:
        """With the kind of keyring."""
        return f"OS keyring ({self._kind})"

    def load(self, account: Account) -> Credentials | None:
        """The account's keys; BadInput where the keyring is locked or gone."""
        with _Sentence(self.name):
            text = self._backend.get_password(SERVICE, account.name)
        return None if text is None else from_text(text, f"{self.name} {account.name}")

    def save(self, account: Account, credentials: Credentials) -> None:
        """Keep keys."""
        with _Sentence(self.name):
            self._backend.set_password(SERVICE, account.name, to_text(credentials))

    def remove(self, account: Account) -> bool:
        """Forget keys."""
        with _Sentence(self.name):
            if self._backend.get_password(SERVICE, account.name) is None:
                return False
            self._backend.delete_password(SERVICE, account.name)
        return True

    def text(self, name: str) -> str | None:
        """A secret text kept under `name`, or None; BadInput where the keyring is locked or gone."""
        with _Sentence(self.name):
            text: str | None = self._backend.get_password(SERVICE, name)
        return text

    def keep_text(self, name: str, text: str) -> None:
        """Keep a secret text."""
        with _Sentence(self.name):
            self._backend.set_password(SERVICE, name, text)

    def forget_text(self, name: str) -> bool:
        """Forget a secret text; whether there was one."""
        with _Sentence(self.name):
            if self._backend.get_password(SERVICE, name) is None:
                return False
            self._backend.delete_password(SERVICE, name)
        return True


def trusted(backend: KeyringBackend) -> KeyringBackend:
    """The backend itself, or the first safe one of a chain; raises BadInput for one that does not encrypt."""
    module = _module(backend)
    if module == CHAIN:
        safe = [one for one in backend.backends if _module(one) in TRUSTED]
        if safe:
            return safe[0]
    if module in {ABSENT, CHAIN}:
        raise BadInput("OS keyring", "none", f"no keyring answers here; {HOW}")
    if module not in TRUSTED:
        raise BadInput("OS keyring", f"{module}.{type(backend).__name__}", f"it does not keep secrets encrypted; {HOW}")
    return backend


def _module(backend: KeyringBackend) -> str:
    return ".".join(type(backend).__module__.split(".")[:3])


class _Sentence:
    """Turns what a keyring fails with into one sentence without its content."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        from keyring.errors import KeyringError

        library = kind is not None and kind.__module__.partition(".")[0] in {"secretstorage", "jeepney", "dbus"}
        if isinstance(error, KeyringError | OSError | TimeoutError) or library:
            what = type(error).__name__
            raise BadInput(self._name, what, "it is locked or does not answer; unlock it and try again") from None
