"""What the tests of venues behind a network need of them besides."""

from __future__ import annotations

from typing import Protocol

from engine.simulator.rights import Rights
from engine.venues.ccxt_venue import CcxtVenue
from tests.engine.venues.contract import Bench


class RemoteBench(Bench, Protocol):
    """A venue behind a network in which things go wrong on demand."""

    venue: CcxtVenue
    exchange: str

    def faults(self, *texts: str) -> None:
        """Switch faults on, as `engine.simulator.faults` names them."""
        ...

    def hits(self) -> int:
        """How often the faults that are on have struck."""
        ...

    def calm(self) -> None:
        """Switch the faults off."""
        ...

    def cut_user_stream(self) -> None:
        """Cut the user stream's connection."""
        ...

    def accepted(self, client_id: str) -> int:
        """How many orders with this id the venue has taken."""
        ...

    def server_clock_off(self, ms: int) -> None:
        """Set the venue's clock `ms` off ours."""
        ...

    def funding(self) -> None:
        """Let the next funding time pass."""
        ...

    def wallet(self) -> int:
        """The account's balance as the venue has it, 1e-8 quote units."""
        ...

    def cross(self) -> None:
        """Let the account hold cross margin, as exchanges do from the start."""
        ...

    def margin(self) -> tuple[int, bool]:
        """The leverage that the venue has for the contract, and whether its margin is isolated."""
        ...

    def grant(self, rights: Rights) -> None:
        """Change what the key may do."""
        ...

    async def open_wrongly(self, how: str) -> None:
        """Open another venue: with a wrong ``key``, or on an account in ``hedge`` mode."""
        ...

    async def go_down(self) -> None:
        """The venue is not there any more."""
        ...

    async def come_back(self) -> None:
        """The venue is there again, with the account as new."""
        ...


class KeyBench(RemoteBench, Protocol):
    """A venue whose user stream lives on a key that can expire."""

    def expire_key(self, *, quietly: bool) -> None:
        """End the listen key; `quietly` without telling the stream."""
        ...
