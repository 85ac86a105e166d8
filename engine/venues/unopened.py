"""Where a venue's events go before it is opened: nowhere, for nothing can have happened yet."""

from __future__ import annotations

from engine.errors import InvariantBroken
from engine.model.event import Event


class Unopened:
    """Implements VenueSink: whatever it hears contradicts the program."""

    def event(self, event: Event) -> None:
        """Raises InvariantBroken."""
        raise InvariantBroken(f"a venue that is not open said {event}")

    def link(self, name: str, *, up: bool, reason: str) -> None:
        """Raises InvariantBroken."""
        raise InvariantBroken(f"the stream {name} of a venue that is not open is {'up' if up else 'down'}: {reason}")
