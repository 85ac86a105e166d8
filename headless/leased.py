"""A venue that sends only while this engine holds its account's lease, and the lock of an account on one machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import platformdirs

from engine.errors import EngineRunning
from engine.model import event as e
from engine.model.instrument import Instrument
from engine.model.market import MarketView
from engine.model.order import Approved, Order, OrderRequest
from engine.model.venue import VenueReport
from engine.ports import Clock, Venue, VenueSink
from engine.venues.unopened import Unopened
from storage.keys.credentials import Account, Credentials
from storage.lease import Lease
from storage.lock import EngineLock

CODE = "lease"
REASON = "the account's lease has too little left; nothing was sent"


class LeasedVenue:
    """Implements Venue around another one.

    Args:
        venue: the account.
        lease: looked at before each send.
        clock: received times.
    """

    def __init__(self, venue: Venue, lease: Lease, clock: Clock) -> None:
        self.name = venue.name
        self._venue = venue
        self._lease = lease
        self._clock = clock
        self._sink: VenueSink = Unopened()

    async def open(self, instruments: Sequence[Instrument], orders: Sequence[Order], sink: VenueSink) -> None:
        """Sign in."""
        self._sink = sink
        await self._venue.open(instruments, orders, sink)

    async def submit(self, approved: Approved[OrderRequest]) -> None:
        """Send once, or refuse where the lease might end before the answer."""
        if self._lease.may_send:
            await self._venue.submit(approved)
            return
        client_id = approved.request.client_id
        self._sink.event(e.OrderRefused(at=self._clock.now(), client_id=client_id, code=CODE, reason=REASON))

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel, likewise."""
        if self._lease.may_send:
            await self._venue.cancel(order)
            return
        client_id = order.request.client_id
        self._sink.event(e.CancelRefused(at=self._clock.now(), client_id=client_id, code=CODE, reason=REASON))

    async def query(self, order: Order) -> None:
        """Questions harm nobody."""
        await self._venue.query(order)

    async def report(self, since: int, orders: Sequence[Order] = ()) -> VenueReport:
        """Likewise."""
        return await self._venue.report(since, orders)

    def market(self, view: MarketView, now: int) -> None:
        """Real venues see the market themselves."""

    async def close(self) -> None:
        """Release connections."""
        await self._venue.close()


class AccountLock:
    """One engine an account on this machine, whatever its data directory.

    Args:
        account: which venue.
        credentials: tell accounts apart; a digest of the key names the lock's file.
    """

    def __init__(self, account: Account, credentials: Credentials) -> None:
        digest = hashlib.sha256(f"{account.name}:{credentials.api_key.reveal()}".encode()).hexdigest()[:20]
        folder = platformdirs.user_state_path("trefoil")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account = account
        self._lock = EngineLock(folder / f"{account.name}-{digest}.lock")

    def acquire(self) -> None:
        """Take it at once; raises EngineRunning in one sentence."""
        try:
            self._lock.acquire()
        except EngineRunning as error:
            raise EngineRunning(
                f"Another engine on this machine trades this {self._account.name} account: attach to it, or stop it first."
            ) from error

    def release(self) -> None:
        """Give it back."""
        self._lock.release()
