"""A person's own settings and keys as a screen shows them: never a secret among them."""

from __future__ import annotations

import msgspec

EXCHANGE, MODEL = "exchange", "model"


class Fact(msgspec.Struct, frozen=True):
    """One setting in force: its name, its value and where it is set or what it means."""

    name: str
    value: str
    where: str = ""


class KeyRow(msgspec.Struct, frozen=True):
    """Whose key, of what kind (exchange or model), and where it is kept: empty where there is none.

    `masked` is enough to recognise it by; `note` is what keeps us from knowing, in one sentence.
    """

    name: str
    kind: str
    place: str = ""
    masked: str = ""
    note: str = ""


class KeyList(msgspec.Struct, frozen=True):
    """Every account and model with its key, the place new keys go to, and whether a vault is locked."""

    rows: tuple[KeyRow, ...]
    goes_to: str
    locked: bool


class Rights(msgspec.Struct, frozen=True):
    """What the exchange says a key may do. `refused` is why it is not to be used, `warnings` what a person should know."""

    read: bool
    trade: bool
    withdraw: bool
    ip_bound: bool
    refused: str = ""
    warnings: tuple[str, ...] = ()
