"""A `SettingsSource` without files or a keyring; it remembers what it was asked."""

from __future__ import annotations

import msgspec

from engine.model.own import EXCHANGE, MODEL, Fact, KeyList, KeyRow, Rights
from headless.settings import Hidden, KeysFailed

PARTS = {"okx": ("API key", "secret", "passphrase of the key"), "openai": ("API key",)}
ROWS = (
    KeyRow("binance", EXCHANGE, "OS keyring (Secret Service)", "…6789"),
    KeyRow("binance-testnet", EXCHANGE),
    KeyRow("okx", EXCHANGE, "environment", "…4321"),
    KeyRow("okx-testnet", EXCHANGE),
    KeyRow("bybit", EXCHANGE),
    KeyRow("bybit-testnet", EXCHANGE),
    KeyRow("openai", MODEL, "environment OPENAI_API_KEY"),
    KeyRow("anthropic", MODEL),
    KeyRow("ollama", MODEL),
)
FACTS = (
    Fact("state folder", "/home/ada/.local/share/trefoil", "TREFOIL_HOME moves it"),
    Fact("database", "SQLite, /home/ada/.local/share/trefoil/trefoil.db"),
    Fact("key map", "/home/ada/.local/share/trefoil/keys.toml", "not there: the keys that help shows"),
    Fact("most exposure", "3 x equity", "[trading] of the settings file; a demo has its own"),
)


class FakeSettings:
    """Keys live in a list; `rights` answers checks, or `trouble` refuses everything."""

    def __init__(self, *, locked: bool = False, trouble: str = "", rights: Rights | None = None) -> None:
        self.list = KeyList(ROWS, "OS keyring (Secret Service)", locked)
        self.trouble = trouble
        self.rights = rights or Rights(read=True, trade=True, withdraw=False, ip_bound=True)
        self.kept: list[tuple[str, list[str]]] = []
        self.opened: list[str] = []
        self.locks = 0

    def _refuse(self) -> None:
        if self.trouble:
            raise KeysFailed(self.trouble)

    async def facts(self) -> tuple[Fact, ...]:
        return FACTS

    async def keys(self) -> KeyList:
        return self.list

    async def unlock(self, passphrase: Hidden) -> None:
        self._refuse()
        self.opened.append(passphrase.reveal())
        self.list = msgspec.structs.replace(self.list, locked=False)

    def lock(self) -> None:
        self.locks += 1

    def parts(self, name: str) -> tuple[str, ...]:
        return PARTS.get(name.removesuffix("-testnet"), ("API key", "secret"))

    def _put(self, name: str, place: str, masked: str) -> None:
        rows = tuple(
            msgspec.structs.replace(row, place=place, masked=masked) if row.name == name else row
            for row in self.list.rows
        )
        self.list = msgspec.structs.replace(self.list, rows=rows)

    async def keep(self, name: str, parts: tuple[Hidden, ...]) -> str:
        self._refuse()
        self.kept.append((name, [part.reveal() for part in parts]))
        self._put(name, self.list.goes_to, "…" + parts[0].reveal()[-4:])
        return f"The key of {name} is kept in: {self.list.goes_to}."

    async def forget(self, name: str) -> str:
        self._refuse()
        self._put(name, "", "")
        return f"The key of {name} is gone from: {self.list.goes_to}."

    async def check(self, name: str) -> Rights:
        self._refuse()
        return self.rights
