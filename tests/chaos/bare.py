"""How long a position was without protection, and whether somebody was told."""

from __future__ import annotations


class Bare:
    """Looks, one after the other, at whether what is open is protected.

    Attributes:
        longest_ms: the longest time without protection.
        silent_ms: the longest such time in which no alarm was given.
    """

    def __init__(self) -> None:
        self.longest_ms = 0
        self.silent_ms = 0
        self._passed = 0.0
        self._alarmed = False

    def look(self, passed: float, *, protected: bool, alarmed: bool) -> None:
        """`passed` seconds since the look before; `alarmed`: an alarm was given since then."""
        if protected:
            self._passed, self._alarmed = 0.0, False
            return
        self._passed += passed
        self._alarmed = self._alarmed or alarmed
        ms = round(self._passed * 1000)
        self.longest_ms = max(self.longest_ms, ms)
        if not self._alarmed:
            self.silent_ms = max(self.silent_ms, ms)
