"""The lease of an account, on SQLite and Postgres: who holds it, for how long, and when another may take it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from engine.errors import EngineRunning, JournalFailed
from storage.database import Database
from storage.lease import Lease, uptime_ms

TTL, SEND = 240, 60


class Hand:
    """A clock that is set by hand; ms."""

    def __init__(self) -> None:
        self.at = 1_000

    def __call__(self) -> int:
        return self.at


def lease(database: Database, holder: str, clock: Hand | None = None) -> Lease:
    return Lease(database, holder, ttl_ms=TTL, send_ms=SEND, clock=clock or uptime_ms)


async def test_sending_ends_a_request_before_the_lease(database: Database) -> None:
    clock = Hand()
    one = lease(database, "one", clock)
    assert not one.may_send
    await one.take(alone=False)
    assert one.remaining_ms == TTL
    clock.at += TTL - SEND - 1
    before = one.may_send
    clock.at += 1
    assert (before, one.may_send) == (True, False)
    clock.at += TTL
    assert one.remaining_ms == 0


async def test_a_renewed_lease_is_not_taken(database: Database) -> None:
    one, two = lease(database, "one"), lease(database, "two")
    await one.take(alone=False)
    lost: list[str] = []
    keeping = asyncio.create_task(one.keep(lost.append))
    with pytest.raises(EngineRunning, match=r"Another engine \(one\) trades this account"):
        await asyncio.wait_for(two.take(alone=False), 20)
    assert not two.may_send
    assert lost == []
    keeping.cancel()


async def test_a_lease_that_is_not_renewed_is_taken_after_its_length_and_a_request(database: Database) -> None:
    one, two = lease(database, "one"), lease(database, "two")
    await one.take(alone=False)
    began = uptime_ms()
    await asyncio.wait_for(two.take(alone=False), 20)
    assert uptime_ms() - began > TTL + SEND
    assert not one.may_send
    lost: list[str] = []
    await asyncio.wait_for(one.keep(lost.append), 20)
    assert lost == ["another engine (two) has taken the account over"]
    assert one.remaining_ms == 0


async def test_whoever_is_alone_need_not_wait(database: Database) -> None:
    clock = Hand()
    await lease(database, "dead", clock).take(alone=False)
    two = lease(database, "two", clock)
    await asyncio.wait_for(two.take(alone=True), 20)
    assert two.remaining_ms == TTL


async def test_a_lease_that_was_given_back_is_taken_at_once(database: Database) -> None:
    clock = Hand()  # it stands still: nobody waits
    one, two = lease(database, "one", clock), lease(database, "two", clock)
    await one.take(alone=False)
    await one.release()
    assert not one.may_send
    await asyncio.wait_for(two.take(alone=False), 20)
    assert two.may_send
    await one.release()  # somebody else's is left alone
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lease(database, "three", clock).take(alone=False), 0.2)


async def test_of_two_at_once_one_gets_it(database: Database) -> None:
    clock = Hand()
    both = [asyncio.create_task(lease(database, name, clock).take(alone=False)) for name in ("one", "two")]
    await asyncio.wait(both, timeout=60.0, return_when=asyncio.FIRST_COMPLETED)
    done, waiting = await asyncio.wait(both, timeout=0.5)
    assert (len(done), len(waiting)) == (1, 1)
    for task in waiting:
        task.cancel()


async def test_a_database_that_is_gone_ends_it_when_too_little_is_left(database: Database) -> None:
    clock = Hand()
    one = lease(database, "one", clock)
    await one.take(alone=False)
    await database.write(lambda connection: connection.execute(text("ALTER TABLE trading_meta RENAME TO elsewhere")))
    assert await one._renewed() == ""
    clock.at += TTL
    lost: list[str] = []
    await asyncio.wait_for(one.keep(lost.append), 20)
    assert lost[0].startswith("the lease could not be renewed: ")
    with pytest.raises(JournalFailed):
        await lease(database, "two").take(alone=False)
