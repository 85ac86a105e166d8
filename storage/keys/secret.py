"""A piece of text that never shows itself."""

from __future__ import annotations

import hmac
from typing import NoReturn

HIDDEN = "***"


class Secret:
    """Holds a secret; only `reveal` gives it out.

    Printing, formatting, logging and comparing show nothing of it, and it can be neither pickled nor copied into JSON.

    Args:
        text: the secret.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself: call this only where it is signed or stored with."""
        return self._text

    def masked(self) -> str:
        """Enough to recognise it by: the last four characters of a long one, none of a short one."""
        return f"…{self._text[-4:]}" if len(self._text) >= 16 else HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        """Equal in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment] # a hash would tell two secrets apart

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
