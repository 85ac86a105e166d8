"""The newest votes are on the desk again after a restart, as they were judged then."""

from __future__ import annotations

import msgspec

from engine.core.state import State
from engine.market import Market
from engine.model.settings import Settings
from engine.model.vote import Stance, VoterRecord
from engine.readings import LiveReadings
from engine.runtime import SystemClock
from engine.view import empty_desk
from engine.view_bars import BarsView
from headless.deskwriter import DeskWriter
from headless.publisher import Publisher
from tests.engine.core.contracts import BTC, FRAME
from tests.engine.core.test_vote_gate import AGREED, asking, cast


def no_chart(_symbol: str, _timeframe_ms: int) -> BarsView | None:
    return None


def desk_of(state: State) -> Publisher:
    """What a station sees of an engine that has just recovered `state`."""
    market = Market(tuple(state.symbols), FRAME, FRAME, LiveReadings(Settings()), SystemClock(), lambda _event: None)
    publisher = Publisher(empty_desk(), no_chart)
    DeskWriter(publisher, state, market).begin()
    return publisher


async def test_votes_outlive_the_engine() -> None:
    desk = asking()
    desk.cross()
    cast(desk, AGREED)
    state = msgspec.json.decode(msgspec.json.encode(desk.state), type=State)
    ballot = desk_of(state).desk.ballots[BTC]
    assert (ballot.signal_id, ballot.side, ballot.at) == (desk.signal().id, 1, desk.now)
    assert [(vote.voter, vote.stance, vote.confidence) for vote in ballot.votes] == [
        ("gpt", "LONG", 90),
        ("claude", "LONG", 80),
        ("llama", "NEUTRAL", 50),
    ]
    assert (ballot.stance, ballot.least, ballot.reason) == ("LONG", 70.0, "2 of 3 LONG")


async def test_a_later_record_does_not_rewrite_what_was_said() -> None:
    desk = asking()
    desk.cross()
    cast(desk, AGREED)
    before = desk_of(desk.state).desk.ballots[BTC].confidence
    desk.state.voters["gpt"] = VoterRecord(asked=100, scored=100, hits=99, brier=1.0)
    assert desk_of(desk.state).desk.ballots[BTC].confidence == before


async def test_a_cost_that_nobody_knows_stays_unknown() -> None:
    desk = asking()
    desk.cross()
    votes = tuple(msgspec.structs.replace(vote, cost=None if vote.voter == "gpt" else 1_000) for vote in AGREED)
    cast(desk, votes)
    assert desk_of(desk.state).desk.ballots[BTC].votes[0].cost is None
    (ballot,) = desk.state.ballots.values()
    costs = {claim.voter: claim.cost for claim in ballot.claims}
    assert (costs["gpt"], costs["claude"], costs["ensemble"]) == (None, 1_000, None)
    assert desk.state.voters["gpt"].cost == 0
    assert desk.state.heard[BTC].found.stance is Stance.LONG
