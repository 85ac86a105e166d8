"""The chosen colours in ``config.toml``: read at the start, written when a person chooses others."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from engine.errors import BadInput
from station.themes import NAMES

VARIABLE = "TREFOIL_THEME"
_LINE = re.compile(r"(?m)^theme[ \t]*=.*$")
_SECTION = re.compile(r"(?m)^[ \t]*\[")


def read_theme(file: Path, environ: Mapping[str, str] | None = None) -> str:
    """The theme that is set, empty where none is: ``TREFOIL_THEME``, then `theme` of the file.

    Raises:
        BadInput: there is no such theme. A file that is no TOML says nothing here: the engine refuses it.
    """
    given = (os.environ if environ is None else environ).get(VARIABLE, "")
    if given:
        return _known(f"environment {VARIABLE}", given)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return _known(f"{file.name} theme", values["theme"]) if "theme" in values else ""


def _known(where: str, name: object) -> str:
    if name not in NAMES:
        raise BadInput(where, name, f"use one of {', '.join(NAMES)}")
    return str(name)


def keep_theme(file: Path, name: str) -> None:
    """Write `theme` into the file and leave every other line as it is.

    Raises:
        BadInput: the file cannot be read or written, or is no TOML, so that nothing may be changed in it.
    """
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        tomllib.loads(text)
        section = _SECTION.search(text)
        head, rest = (text[: section.start()], text[section.start() :]) if section else (text, "")
        line = f'theme = "{name}"'
        head = _LINE.sub(line, head, count=1) if _LINE.search(head) else f"{line}\n{head}"
        fresh = file.with_name(f".{file.name}.new")
        fresh.write_text(head + rest, encoding="utf-8")
        fresh.replace(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput("config file", file, f"the theme cannot be kept there: {error}") from error
