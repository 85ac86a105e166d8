"""A seeded demo whose candidates are put to the simulated models through the real SDKs; its journal replays the same."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from engine.core.core import Core
from engine.model import decision as d
from engine.model import event as e
from engine.model.signal import SignalStatus, Verdict
from engine.model.standing import Report
from tests.e2e.nursery import Engine
from tests.e2e.rig import Rig, rig, until
from tests.e2e.test_replay import FILE, arguments, entries, played

BARS = 900

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def ended(engine: Engine) -> bool:
    return engine.poll() is not None


@pytest.fixture
def recorded(market_data: Path, tmp_path: Path) -> Path:
    target = tmp_path / FILE
    pq.write_table(pq.read_table(market_data / "candles" / FILE).slice(0, BARS), target)
    return target


async def stopped(one: Rig) -> None:
    assert one.engine is not None
    await until(partial(ended, one.engine), "it did not stop")


async def test_a_demo_votes_and_its_journal_replays_to_the_same_signals(recorded: Path, tmp_path: Path) -> None:
    async with rig(tmp_path / "demo", arguments(recorded)) as one:
        async with one.client() as client:
            await played(one, client)
            assert client.desk.status.voters == ("gpt", "claude", "llama")
            (ballot,) = client.desk.ballots.values()
            assert all(vote.simulated for vote in ballot.votes)
            standings = msgspec.json.decode(bytes(await client.query("standings", {})), type=Report)
            assert {x.voter for x in standings.standings} == {"ensemble", "strategies", "gpt", "claude", "llama"}
            assert (await client.stop_engine()).ok
        await stopped(one)
        found = await entries(one)
        asked = [x for entry in found for x in entry.decisions if isinstance(x, d.AskVotes)]
        cast = [entry.event for entry in found if isinstance(entry.event, e.VotesCast)]
        assert [x.signal_id for x in asked] == [x.signal_id for x in cast]
        assert sum(vote.valid for x in cast for vote in x.votes) > 30
        assert all(len(vote.prompt_hash) == 64 for x in cast for vote in x.votes if vote.valid)
        signals = {x.signal.id: x.signal for entry in found for x in entry.decisions if isinstance(x, d.SignalDecided)}
        verdicts = {g.verdict for s in signals.values() for g in s.gates if g.name == "votes"}
        assert verdicts == {Verdict.PASS, Verdict.FAIL, Verdict.NOT_ASKED}
        assert SignalStatus.VOTING not in {s.status for s in signals.values()}
        core = Core()
        for entry in found:
            assert core.process(entry.event) == entry.decisions, f"entry {entry.seq}"
        kept = (one.folder / "prompts").glob("*.jsonl")
        assert sum(len(file.read_bytes().splitlines()) for file in kept) >= sum(
            vote.valid for x in cast for vote in x.votes
        )
