"""A person's own keys: ``keys.toml`` with ``action = "key"`` lines, checked against the table of actions."""

from __future__ import annotations

import tomllib
from pathlib import Path

from engine.errors import BadInput
from station.actions import ACTIONS, BY_ID


def read_keys(file: Path) -> dict[str, str]:
    """Action id -> key, as far as the file changes it; raises BadInput for an unknown action or a clash."""
    if not file.is_file():
        return {}
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("key map", file, f"it is no TOML: {error}") from error
    for name, key in rows.items():
        if name not in BY_ID:
            raise BadInput(f"{file.name} action", name, f"known actions are {', '.join(BY_ID)}")
        if not isinstance(key, str) or not key:
            raise BadInput(f"{file.name} {name}", key, 'a key is a text like "b" or "ctrl+b"')
    taken: dict[tuple[str, str], str] = {}
    for action in ACTIONS:
        for key in str(rows.get(action.id, action.key)).split(","):
            for place in action.places:
                other = taken.setdefault((place, key), action.id)
                if other != action.id:
                    raise BadInput(f"{file.name} {action.id}", key, f"the key already belongs to {other}")
    return {name: str(key) for name, key in rows.items()}
