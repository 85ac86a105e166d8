"""The engine's voters: a question is made of what the engine knows, and the runtime goes on while they think."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from engine.bars import Bars
from engine.core.core import Core
from engine.market import Market
from engine.model import decision as d
from engine.model import event as e
from engine.model.market import Bar
from engine.model.settings import Settings
from engine.model.signal import SignalStatus
from engine.model.vote import VoteStatus
from engine.ports import Entry
from engine.readings import LiveReadings
from engine.runtime import Runtime, SystemClock
from engine.simulator.models import SimulatedModels, addresses, application
from headless.asking import archive_of
from headless.ensemble_config import EnsembleConfig
from headless.newsroom import newsroom
from headless.voting import FEW, Voting
from storage.home import Home
from tests.engine.core.contracts import BTC, ETH, FRAME
from tests.engine.core.scenario import Desk, every

PATIENCE_S = 60.0


@asynccontextmanager
async def simulated(models: SimulatedModels) -> AsyncIterator[dict[str, str]]:
    runner = web.AppRunner(application(models), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield addresses(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


def voting(home: Path, models: dict[str, str] | None, **config: Any) -> Voting:
    settings, clock = EnsembleConfig(**config), SystemClock()
    return Voting(settings, Home(home), clock, models, newsroom(settings.news, clock, print, demo=True))


def market(bars: int) -> Market:
    found = Market((BTC, ETH), FRAME, FRAME, LiveReadings(Settings()), SystemClock(), lambda _event: None)
    rows = [Bar(i * FRAME, 100.0 + i, 101.0 + i, 99.0 + i, 100.5 + i, 5.0) for i in range(bars)]
    found.load(BTC, Bars.of(rows), Bars.of(rows))
    return found


def question(desk: Desk) -> d.AskVotes:
    (asked,) = every(d.AskVotes, desk.cross())
    clock = SystemClock().now()
    return d.AskVotes(
        **{name: getattr(asked, name) for name in asked.__struct_fields__ if name != "deadline"},
        deadline=clock + round(PATIENCE_S * 1000),
    )


async def test_the_voters_answer_a_question_of_the_core(tmp_path: Path) -> None:
    async with simulated(SimulatedModels()) as models:
        one = voting(tmp_path, models)
        settings = one.settings(Settings(timeframe_ms=FRAME))
        assert (settings.voters, settings.vote_ms, settings.vote_confidence) == (
            ("gpt", "claude", "llama"),
            15_000,
            70.0,
        )
        desk = Desk(voters=settings.voters)
        votes = await one.ask(question(desk), market(300), desk.state)
        await one.committee.close()
    assert [vote.status for vote in votes] == [VoteStatus.OK] * 3
    assert all(vote.simulated for vote in votes)
    assert all(vote.cost == 0 for vote in votes)
    kept = archive_of(Home(tmp_path)).read(10)
    assert {one.vote.prompt_hash for one in kept} == {vote.prompt_hash for vote in votes}
    user = kept[0].user
    assert '"strategies_want": "LONG"' in user
    assert '"spread_bps"' in user
    assert '"not_known": [\n  "funding_rate_percent",\n  "fear_and_greed"\n ]' in user
    assert "desk-1" not in user, "no order id, no account"


async def test_a_known_funding_rate_is_told_in_per_cent(tmp_path: Path) -> None:
    async with simulated(SimulatedModels()) as models:
        settings, clock = EnsembleConfig(), SystemClock()
        news = newsroom(settings.news, clock, print, demo=True)
        one = Voting(settings, Home(tmp_path), clock, models, news, funding={BTC: 0.000125}.get)
        desk = Desk(voters=("gpt", "claude", "llama"))
        await one.ask(question(desk), market(300), desk.state)
        await one.committee.close()
    assert '"funding_rate_percent": 0.0125' in archive_of(Home(tmp_path)).read(1)[0].user


def test_the_deadline_is_a_share_of_a_short_bar(tmp_path: Path) -> None:
    one = voting(tmp_path, {})
    assert one.settings(Settings(timeframe_ms=60_000)).vote_ms == 12_000
    assert one.settings(Settings(timeframe_ms=60_000)).voters == ()


async def test_too_few_bars_are_no_question(tmp_path: Path) -> None:
    async with simulated(SimulatedModels()) as models:
        one = voting(tmp_path, models)
        desk = Desk(voters=("gpt", "claude", "llama"))
        votes = await one.ask(question(desk), market(10), desk.state)
        await one.committee.close()
    assert [vote.why for vote in votes] == [FEW] * 3


async def test_a_new_start_is_no_new_budget(tmp_path: Path) -> None:
    async with simulated(SimulatedModels()) as models:
        first = voting(
            tmp_path, None, gpt={"base_url": models["openai"]}, claude={"enabled": False}, llama={"enabled": False}
        )
        desk = Desk(voters=("gpt", "claude"))
        (vote,) = await first.ask(question(desk), market(300), desk.state)
        await first.committee.close()
    assert vote.cost
    again = voting(tmp_path, None)
    assert again.committee.budget.spent(SystemClock().now()) == (vote.cost, vote.cost)
    await again.committee.close()


# the runtime


class Shelf:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def append(self, entries: Any) -> None:
        self.entries += entries

    async def snapshot(self, seq: int, state: bytes) -> None:
        """None is needed."""


class Silent:
    """A venue that takes orders and says nothing."""

    name = "silent"

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.got = asyncio.Event()

    async def submit(self, approved: Any) -> None:
        self.orders.append(approved.request)
        self.got.set()


@pytest.fixture
async def running() -> AsyncIterator[tuple[Runtime, Shelf, Desk]]:
    """A runtime whose core is that of a desk which makes its events."""
    desk, shelf = Desk(voters=("gpt", "claude", "llama")), Shelf()
    core = Core()
    for event, decisions in desk.log:
        core.recover(event, decisions)
    runtime = Runtime(core, shelf, Silent(), SystemClock(), 0)  # type: ignore[arg-type] # as much of both as is needed
    task = asyncio.create_task(runtime.run())
    yield runtime, shelf, desk
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(done: Any, runtime: Runtime) -> None:
    changed = asyncio.Event()
    runtime.watch(lambda _entries: changed.set())
    while not done():
        await asyncio.wait_for(changed.wait(), PATIENCE_S)
        changed.clear()


async def test_a_stuck_voter_holds_up_neither_bars_nor_orders(running: tuple[Runtime, Shelf, Desk]) -> None:
    runtime, shelf, desk = running
    stuck, asked = asyncio.Event(), []

    async def never(question: d.AskVotes) -> Any:
        asked.append(question.symbol)
        await stuck.wait()

    runtime.asker = never
    start = len(desk.log)
    desk.cross(BTC)
    desk.cross(ETH)
    for _ in range(20):
        desk.bar(BTC, 1)
    events = [event for event, _ in desk.log[start:]]
    for event in events:
        runtime.put(event)
    await until(lambda: len(shelf.entries) == len(events), runtime)
    assert [entry.event for entry in shelf.entries] == events
    assert asked == [BTC, ETH]
    assert not runtime.idle
    stuck.set()


async def test_votes_come_back_as_an_event_and_the_order_follows(running: tuple[Runtime, Shelf, Desk]) -> None:
    from tests.engine.core.test_vote_gate import AGREED

    runtime, shelf, desk = running

    async def answer(_question: d.AskVotes) -> Any:
        return AGREED

    runtime.asker = answer
    start = len(desk.log)
    desk.cross(BTC)
    for event, _ in desk.log[start:]:
        runtime.put(event)
    await until(lambda: any(isinstance(entry.event, e.VotesCast) for entry in shelf.entries), runtime)
    cast = next(entry for entry in shelf.entries if isinstance(entry.event, e.VotesCast))
    assert cast.event.votes == AGREED  # type: ignore[union-attr] # it is a VotesCast
    signal = every(d.SignalDecided, cast.decisions)[-1].signal
    # the desk's market is of another day than the wall clock that stamps the answer: its quote is stale by now
    assert signal.status is SignalStatus.REFUSED
    assert signal.reason.startswith("data fresh")
    again = Core()
    for event, decisions in desk.log[:start]:
        again.recover(event, decisions)
    assert [again.process(entry.event) for entry in shelf.entries] == [entry.decisions for entry in shelf.entries]
