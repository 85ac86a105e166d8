"""A venue behind a lease: whoever may lose the account before an answer comes sends nothing, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.core.state import State
from engine.errors import EngineRunning
from engine.model import event as e
from engine.model.market import MarketView, Quote
from engine.model.order import Approved, OrderKind, OrderStatus, Side
from engine.runtime import SystemClock
from engine.venues.paper import PaperVenue
from headless.leased import CODE, REASON, AccountLock, LeasedVenue
from storage import migrate
from storage.database import Database
from storage.keys.credentials import Account, Credentials
from storage.keys.secret import Secret
from storage.lease import Lease
from tests.engine.simulator.conftest import BTC
from tests.engine.venues.mini_desk import MiniDesk

TTL, SEND = 1_000, 300


class Hand:
    """A clock that is set by hand; ms."""

    at = 5_000

    def __call__(self) -> int:
        return self.at


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(f"sqlite+aiosqlite:///{tmp_path / 'trefoil.db'}")
    await migrate.upgrade(one)
    yield one
    await one.close()


async def test_nothing_is_sent_that_the_lease_might_not_outlive(database: Database) -> None:
    hand, clock = Hand(), SystemClock()
    lease = Lease(database, "one", ttl_ms=TTL, send_ms=SEND, clock=hand)
    await lease.take(alone=True)
    desk = MiniDesk(BTC, clock)
    inner = PaperVenue(clock, State())
    venue = LeasedVenue(inner, lease, clock)
    await venue.open([BTC], [], desk)
    inner.market(MarketView(((BTC.symbol, Quote(500_000, 500_001, 9_999, 9_999, 500_000, 500_000, 1, 1)),)), 1)
    resting = desk.request(Side.BUY, 100, OrderKind.LIMIT, price=499_000)
    assert (await desk.send(venue, resting)).status is OrderStatus.WORKING
    hand.at += TTL - SEND
    late = desk.request(Side.BUY, 100)
    await venue.submit(Approved(late))
    assert desk.events[-1] == e.OrderRefused(at=desk.events[-1].at, client_id=late.client_id, code=CODE, reason=REASON)
    assert (await desk.cancel(venue, resting.client_id)).status is OrderStatus.WORKING
    assert desk.codes[resting.client_id] == CODE
    report = await venue.report(0)  # questions go on
    assert [order.client_id for order in report.orders] == [resting.client_id]
    assert desk.fills == {}


def test_an_account_has_one_engine_on_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    keys = Credentials(Secret("key-canary"), Secret("secret"), Secret(""))
    first, second = (AccountLock(Account("okx"), keys) for _ in range(2))
    other = AccountLock(Account("okx"), Credentials(Secret("another"), Secret("secret"), Secret("")))
    first.acquire()
    with pytest.raises(EngineRunning, match="Another engine on this machine trades this okx account"):
        second.acquire()
    other.acquire()
    first.release()
    second.acquire()
    assert not [file for file in tmp_path.rglob("*") if "canary" in file.name]
    second.release()
    other.release()
