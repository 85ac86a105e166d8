"""Client order ids at OKX, which takes letters and digits only: ours in an alphabet without signs, and back."""

from __future__ import annotations

from typing import Final

from engine.errors import VenueRejected

LONGEST: Final = 32
ESCAPE: Final = "Z"
_SIGNS: Final = {"-": "0", ESCAPE: "1", "_": "2", ".": "3", ":": "4", "/": "5"}
_BACK: Final = {digit: sign for sign, digit in _SIGNS.items()}


def to_okx(client_id: str) -> str:
    """Our id as OKX takes it; refused where it has other signs or gets longer than OKX allows."""
    text = "".join(ESCAPE + _SIGNS[c] if c in _SIGNS else c for c in client_id)
    if not (text.isascii() and text.isalnum()) or len(text) > LONGEST:
        raise VenueRejected(f"the order id {client_id} cannot be told to OKX: use at most {LONGEST} letters and digits")
    return text


def from_okx(text: str) -> str:
    """The id that `to_okx` made this of; what it did not make stays as it is."""
    found, rest = "", text
    while rest:
        head, mark, rest = rest.partition(ESCAPE)
        found += head
        if mark:
            if rest[:1] not in _BACK:
                return text
            found, rest = found + _BACK[rest[0]], rest[1:]
    return found
