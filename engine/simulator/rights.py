"""What the account's key may do at the simulated exchange."""

from __future__ import annotations

import msgspec

from engine.errors import VenueRejected


class Rights(msgspec.Struct, frozen=True):
    """Reading is always allowed; `addresses` is empty for a key that works from everywhere."""

    trade: bool = True
    withdraw: bool = False
    addresses: tuple[str, ...] = ("127.0.0.1",)

    def check_trade(self, text: str, code: str) -> None:
        """Refuse, in a venue's words, what a key that only reads may not do."""
        if not self.trade:
            raise VenueRejected(text, code)
