"""Where in a TOML file a key is set: the parser does not say, and a person wants to be led there."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")
_KEY = re.compile(r"\s*([\w\-.\"' ]+?)\s*=")


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """The line, from 1, that sets the key, or else the table nearest around it; None where neither is written out."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header is not None:
            table = _parts(header.group(1))
            found.setdefault(table, number)
        elif key is not None:
            found.setdefault((*table, *_parts(key.group(1))), number)
    for length in range(len(keys), 0, -1):
        if tuple(keys[:length]) in found:
            return found[tuple(keys[:length])]
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
