"""The keys and settings of this user for the Settings screen. What may block (keyring, scrypt, files) runs in a thread."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.model.own import EXCHANGE, MODEL, Fact, KeyList, KeyRow, Rights
from headless.settings import Hidden, KeysFailed
from storage.home import Home
from storage.keys.environment import EnvironmentStore
from storage.keys.find import given_passphrase, vault_file
from storage.keys.manage import NAMES, account_of, forget, keep, kept, parts_of
from storage.keys.os_keyring import OsKeyring
from storage.keys.secret import Secret
from storage.keys.store import KeyStore
from storage.keys.vault import Vault

LEAST_PASSPHRASE = 8


class KeyChest:
    """Implements `headless.settings.SettingsSource`.

    Args:
        home: data directory of this user: keys, config and key map.
        engine: data directory of the engine on screen (another one for a demo or a live account).
        endpoint: a simulated exchange on this machine to check keys at; empty for the exchanges themselves.
        environ: default: the process's environment.
    """

    def __init__(
        self, home: Home, engine: Path, *, endpoint: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        self._home = home
        self._engine = engine
        self._endpoint = endpoint
        self._environ = os.environ if environ is None else environ
        self._passphrase: Secret | None = None

    async def facts(self) -> tuple[Fact, ...]:
        """Files and the configured limits."""
        return await asyncio.to_thread(self._facts)

    def _facts(self) -> tuple[Fact, ...]:
        from headless.config import read_config

        root, engine = self._home.root, Home(self._engine)
        keys = root / "keys.toml"
        found = [
            Fact("state folder", str(root), "TREFOIL_HOME moves it"),
            Fact("engine's folder", str(engine.root)),
            Fact("database", f"SQLite, {engine.database}"),
            Fact("settings file", str(self._home.config), "" if self._home.config.is_file() else "not there: defaults"),
            Fact("key map", str(keys), "" if keys.is_file() else "not there: the keys that help shows"),
        ]
        try:
            trading = read_config(engine.config).trading
        except BadInput as error:
            return (*found, Fact("settings file", "not valid", str(error)))
        where = "[trading] of the settings file; a demo has its own"
        return (
            *found,
            Fact("most exposure", f"{trading.max_exposure:g} x equity", where),
            Fact("a symbol's exposure", f"{trading.max_symbol_exposure:g} x equity", where),
            Fact("drawdown halt", f"{trading.max_drawdown * 100:g} %", where),
            Fact("cool-down", f"{trading.cooldown_minutes} min after a stop", where),
            Fact("widest spread", f"{trading.max_spread_bps:g} bp", where),
            Fact("reward to risk", f"> {trading.min_reward_risk:g}", where),
            Fact("stop, target", f"{trading.stop_atr:g} ATR, {trading.target_ratio:g} x stop", where),
        )

    async def keys(self) -> KeyList:
        """Who has keys, as far as the places can be read."""
        return await asyncio.to_thread(self._keys)

    def _keys(self) -> KeyList:
        places, locked = self._places()
        found: dict[str, KeyRow] = {}
        troubles: dict[str, str] = {}
        for place in places:
            try:
                for one in kept([place], self._environ if isinstance(place, EnvironmentStore) else {}):
                    found.setdefault(one.name, KeyRow(one.name, one.kind, one.place, one.masked))
            except BadInput as error:
                troubles[place.name] = str(error)
        note = next(iter(troubles.values()), "the vault is locked" if locked else "")
        rows = [
            found.get(name) or KeyRow(name, MODEL if account_of(name) is None else EXCHANGE, note=note)
            for name in NAMES
        ]
        return KeyList(tuple(rows), self._goes_to(places, locked=locked), locked)

    def _goes_to(self, places: list[KeyStore], *, locked: bool) -> str:
        """Where a new key would be kept, in words."""
        if locked:
            return "the vault, once it is unlocked"
        usable = next((place.name for place in places if not isinstance(place, EnvironmentStore)), None)
        return usable or f"a new encrypted vault, {vault_file(self._home)}: unlock gives it a passphrase"

    def _places(self) -> tuple[list[KeyStore], bool]:
        """The places that can be read now, and whether a vault waits for its passphrase."""
        places: list[KeyStore] = [EnvironmentStore(self._environ)]
        keyring = _keyring()
        if keyring is not None:
            places.append(keyring)
        file = vault_file(self._home)
        if not file.exists():
            return places, False
        passphrase = self._known()
        if passphrase is not None:
            places.append(Vault(file, passphrase))
        return places, passphrase is None

    def _known(self) -> Secret | None:
        return self._passphrase or given_passphrase(self._environ)

    async def unlock(self, passphrase: Hidden) -> None:
        """Try it on the vault; a vault that is not there yet is made with it when the first key is kept."""
        secret = Secret(passphrase.reveal())
        file = vault_file(self._home)
        if not file.exists() and len(passphrase.reveal()) < LEAST_PASSPHRASE:
            raise BadInput("vault passphrase", "(hidden)", f"use at least {LEAST_PASSPHRASE} characters")
        if file.exists():
            await asyncio.to_thread(Vault(file, secret).accounts)
        self._passphrase = secret

    def lock(self) -> None:
        """Forget the passphrase."""
        self._passphrase = None

    def parts(self, name: str) -> tuple[str, ...]:
        """What is to be typed."""
        return parts_of(name)

    async def keep(self, name: str, parts: tuple[Hidden, ...]) -> str:
        """Into the OS keyring, or the vault where there is none."""
        return await asyncio.to_thread(self._keep, name, parts)

    def _keep(self, name: str, parts: tuple[Hidden, ...]) -> str:
        place = self._writable()
        keep(place, name, [part.reveal() for part in parts])
        return f"The key of {name} is kept in: {place.name}."

    def _writable(self) -> OsKeyring | Vault:
        keyring, passphrase = _keyring(), self._known()
        if keyring is not None:
            return keyring
        if passphrase is None:
            raise KeysFailed(
                "No OS keyring answers here: unlock the vault first; a new one takes the passphrase you give."
            )
        return Vault(vault_file(self._home), passphrase)

    async def forget(self, name: str) -> str:
        """From wherever it is kept."""
        return await asyncio.to_thread(self._forget, name)

    def _forget(self, name: str) -> str:
        places, locked = self._places()
        if locked:
            raise KeysFailed("The vault is locked: unlock it first.")
        gone = ", ".join(forget(places, name))
        return f"The key of {name} is gone from: {gone}. Delete it where it was made as well."

    async def check(self, name: str) -> Rights:
        """By ``trefoil keys check`` in a child process: a station does not load the exchange's library."""
        account = account_of(name)
        if account is None:
            raise KeysFailed(f"{name} tells no rights of a key; ask it something with: trefoil vote SYMBOL")
        arguments = [sys.executable, "-m", "station.cli", "keys", "check", account.venue, "--json", "--report"]
        arguments += ["--testnet"] if account.testnet else []
        arguments += ["--endpoint", self._endpoint] if self._endpoint else []
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env={**self._environ, "TREFOIL_HOME": str(self._home.root)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        passphrase = self._known()
        told = (passphrase.reveal() + "\n").encode() if passphrase is not None else b""
        out, errors = await process.communicate(told)
        if process.returncode:
            lines = errors.decode(errors="replace").strip().splitlines()
            raise KeysFailed(lines[-1].removeprefix("trefoil: ") if lines else "the check ended without a word")
        return msgspec.json.decode(out, type=Rights)


def _keyring() -> OsKeyring | None:
    """The OS keyring; None where none answers, or one that is not safe."""
    try:
        return OsKeyring()
    except BadInput:
        return None
