"""The voters are asked after everything that is free; what they say comes back as an event, and the pipeline goes on."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.ballots import judge
from engine.core.core import Core
from engine.model import decision as d
from engine.model import event as e
from engine.model.command import Autonomy, BenchVoter, SetAutonomy, SetPaused
from engine.model.order import Purpose
from engine.model.signal import Action, SignalStatus, Verdict
from engine.model.vote import Stance, Vote, VoterRecord, VoteStatus, abstention
from tests.engine.core.contracts import BTC, ETH, FRAME, T0
from tests.engine.core.scenario import Desk, every, gate, only, sent

VOTERS = ("gpt", "claude", "llama")
LONG, SHORT, NEUTRAL = Stance.LONG, Stance.SHORT, Stance.NEUTRAL
COST = 2 * (0.0005 + 0.0001)


def asking(**more: Any) -> Desk:
    """A desk with three voters."""
    return Desk(**{"voters": VOTERS, **more})


def votes(*said: tuple[Stance, int] | None, horizon: int = 4) -> tuple[Vote, ...]:
    return tuple(
        abstention(name, "m", "late")
        if one is None
        else Vote(
            voter=name, model="m", status=VoteStatus.OK, stance=one[0], confidence=one[1], horizon=horizon, cost=1000
        )
        for name, one in zip(VOTERS, said, strict=True)
    )


AGREED = votes((LONG, 90), (LONG, 80), (NEUTRAL, 50))


def cast(desk: Desk, ballot: tuple[Vote, ...], signal_id: int | None = None) -> tuple[d.Decision, ...]:
    """The votes on the newest signal come back."""
    signal = desk.signal(signal_id)
    return desk.feed(
        e.VotesCast(at=desk.now, signal_id=signal.id, symbol=signal.symbol, votes=ballot, view=desk.view(signal.symbol))
    )


def asked(decisions: tuple[d.Decision, ...]) -> d.AskVotes:
    return only(d.AskVotes, decisions)


# asking


def test_a_candidate_that_passes_the_free_gates_is_put_to_the_voters() -> None:
    desk = asking()
    desk.bar()
    decisions = desk.bar(side=1)
    question = asked(decisions)
    signal = desk.signal()
    assert (question.signal_id, question.symbol, question.side) == (signal.id, BTC, 1)
    assert question.score == pytest.approx(1.0)
    assert (question.bar_time, question.close) == (T0 + FRAME, 100_000.0)
    assert question.deadline == desk.now + 15_000
    assert question.cost == pytest.approx(COST)
    assert signal.status is SignalStatus.VOTING
    assert [g.name for g in signal.gates if g.name == "votes"] == []
    assert sent(decisions) == []


def test_agreed_votes_become_an_order() -> None:
    desk = asking()
    desk.cross()
    (request,) = sent(cast(desk, AGREED))
    signal = desk.signal()
    assert signal.status is SignalStatus.SENT
    assert signal.client_id == request.client_id
    verdict = gate(signal, "votes")
    assert (verdict.verdict, verdict.value, verdict.threshold) == (Verdict.PASS, "2 of 3 LONG, 76", "2 of 3, > 70")
    assert len(desk.state.signals) == 1


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ([(SHORT, 90), (SHORT, 90), (LONG, 90)], "2 of 3 SHORT, 81"),
        ([(NEUTRAL, 90), (NEUTRAL, 90), (LONG, 90)], "2 of 3 NEUTRAL, 81"),
        ([(LONG, 80), (LONG, 75), (SHORT, 90)], "2 of 3 LONG, 70"),
        ([(LONG, 90), (SHORT, 90), (NEUTRAL, 90)], "no two agree: LONG NEUTRAL SHORT"),
        ([(LONG, 100), None, None], "2 of 3 abstain"),
        ([None, None, None], "3 of 3 abstain"),
    ],
)
def test_votes_that_do_not_carry_the_candidate_refuse_it(said: list[tuple[Stance, int] | None], value: str) -> None:
    desk = asking()
    desk.cross()
    assert sent(cast(desk, votes(*said))) == []
    signal = desk.signal()
    assert signal.status is SignalStatus.REFUSED
    verdict = gate(signal, "votes")
    assert (verdict.verdict, verdict.value) == (Verdict.FAIL, value)
    assert signal.reason == f"votes {value} (needs 2 of 3, > 70)"
    if None in said:
        assert "abstains: late" in verdict.reason


def test_nobody_is_asked_where_a_free_gate_fails() -> None:
    desk = asking()
    desk.ask(SetPaused(paused=True))
    decisions = desk.cross()
    assert every(d.AskVotes, decisions) == []
    verdict = gate(desk.signal(), "votes")
    assert (verdict.verdict, verdict.reason) == (Verdict.NOT_ASKED, "a free gate failed")


def test_the_open_preset_asks_nobody() -> None:
    desk = asking(preset="open")
    decisions = desk.cross()
    assert every(d.AskVotes, decisions) == []
    assert gate(desk.signal(), "votes").verdict is Verdict.SKIPPED
    assert len(sent(decisions)) == 1


@pytest.mark.parametrize(
    ("mode", "verdict"), [("demo", Verdict.SKIPPED), ("paper", Verdict.SKIPPED), ("live", Verdict.FAIL)]
)
@pytest.mark.parametrize("voters", [(), ("gpt",)])
def test_fewer_than_two_voters_are_none(voters: tuple[str, ...], mode: str, verdict: Verdict) -> None:
    desk = Desk(mode=mode, voters=voters)
    assert every(d.AskVotes, desk.cross()) == []
    assert gate(desk.signal(), "votes").verdict is verdict


def test_a_benched_voter_does_not_count() -> None:
    desk = asking()
    desk.ask(BenchVoter(voter="gpt", benched=True))
    assert asked(desk.cross()).benched == ("gpt",)
    cast(desk, votes(None, (LONG, 95), (LONG, 95)))
    desk.ask(BenchVoter(voter="llama", benched=True))
    decisions = desk.cross(ETH)
    assert every(d.AskVotes, decisions) == []
    assert gate(desk.signal(), "votes").reason == "only 1 voter is configured, 2 benched"


# what time changes


def test_what_time_may_have_changed_is_judged_again() -> None:
    desk = asking()
    desk.cross()
    desk.move(BTC, 1_005_000)
    assert sent(cast(desk, AGREED)) == []
    assert desk.signal().status is SignalStatus.REFUSED
    assert gate(desk.signal(), "drift").verdict is Verdict.FAIL
    assert gate(desk.signal(), "votes").verdict is Verdict.PASS


def test_a_stale_quote_stops_agreed_votes() -> None:
    desk = asking()
    desk.cross()
    desk.now += 8_000
    assert sent(cast(desk, AGREED)) == []
    assert desk.signal().reason.startswith("data fresh")


def test_a_pause_that_came_meanwhile_stops_them() -> None:
    desk = asking()
    desk.cross()
    desk.ask(SetPaused(paused=True))
    assert sent(cast(desk, AGREED)) == []
    assert desk.signal().status is SignalStatus.REFUSED


def test_a_small_move_is_followed() -> None:
    desk = asking()
    desk.cross()
    desk.move(BTC, 1_001_000)
    assert len(sent(cast(desk, AGREED))) == 1
    assert desk.signal().price == 1_001_001


def test_an_answer_that_never_comes_refuses() -> None:
    desk = asking()
    desk.cross()
    desk.now += 15_000
    desk.fire()
    assert desk.signal().status is SignalStatus.VOTING
    desk.now += 2_000
    desk.fire()
    assert desk.signal().status is SignalStatus.REFUSED
    assert gate(desk.signal(), "votes").value == "no answer"
    assert sent(cast(desk, AGREED)) == [], "too late is too late"


def test_a_start_does_not_forget_what_was_asked() -> None:
    desk = asking()
    desk.cross()
    desk.now += 60_000
    desk.start()
    desk.fire()
    assert desk.signal().status is SignalStatus.REFUSED


def test_a_side_that_left_ends_the_question() -> None:
    desk = asking()
    desk.cross()
    decisions = desk.bar(side=0)
    assert only(d.SignalDecided, decisions).signal.status is SignalStatus.REFUSED
    assert "the side changed" in desk.signal().reason
    assert sent(cast(desk, AGREED)) == []


def test_bars_and_orders_go_on_while_voters_think() -> None:
    desk = asking()
    desk.cross(BTC)
    decisions = desk.bar(ETH, 0) + desk.bar(ETH, 1)
    assert asked(decisions).symbol == ETH
    assert desk.signal(1).status is desk.signal(2).status is SignalStatus.VOTING
    assert len(sent(cast(desk, AGREED, 2))) == 1


# exits never wait


def short_then_long(**more: Any) -> tuple[Desk, tuple[d.Decision, ...]]:
    desk = asking(**more)
    desk.cross(BTC, -1)
    cast(desk, votes((SHORT, 90), (SHORT, 90), (SHORT, 90)))
    desk.settle()
    assert desk.position().side == -1
    return desk, desk.bar(side=1)


def test_an_opposite_position_closes_without_waiting_for_votes() -> None:
    desk, decisions = short_then_long()
    (request,) = sent(decisions)
    assert request.purpose is Purpose.EXIT
    closing, voting = [x.signal for x in every(d.SignalDecided, decisions)]
    assert (closing.action, closing.reason) == (Action.CLOSE, "opposite score; a reversal waits for the votes")
    assert voting.status is SignalStatus.VOTING
    desk.settle()
    assert desk.s().position is None
    cast(desk, AGREED)
    desk.settle()
    assert desk.position().side == 1


def test_votes_that_come_before_the_close_has_filled_still_reverse() -> None:
    desk, _ = short_then_long()
    cast(desk, AGREED)
    desk.settle()
    assert desk.position().side == 1


def test_without_votes_the_position_is_only_closed() -> None:
    desk, _ = short_then_long()
    cast(desk, votes(None, None, None))
    desk.settle()
    assert desk.s().position is None


# autonomy


def test_approval_comes_after_the_votes() -> None:
    desk = asking(autonomy=Autonomy.APPROVE)
    desk.cross()
    assert sent(cast(desk, AGREED)) == []
    signal = desk.signal()
    assert (signal.status, signal.expires) == (SignalStatus.WAITING, desk.now + 300_000)
    assert len(desk.state.signals) == 1


def test_observing_shows_the_votes_and_trades_nothing() -> None:
    desk = asking(autonomy=Autonomy.OBSERVE)
    desk.cross()
    assert sent(cast(desk, AGREED)) == []
    assert desk.signal().status is SignalStatus.OBSERVED
    assert gate(desk.signal(), "votes").verdict is Verdict.PASS


def test_a_mode_chosen_meanwhile_holds() -> None:
    desk = asking()
    desk.cross()
    desk.ask(SetAutonomy(autonomy=Autonomy.OBSERVE))
    assert sent(cast(desk, AGREED)) == []
    assert desk.signal().status is SignalStatus.OBSERVED


# scores


@pytest.mark.parametrize(
    ("stance", "move", "hit", "net"),
    [
        (LONG, 0.01, True, 0.009),
        (LONG, 0.0009, False, -0.0001),
        (LONG, -0.01, False, -0.011),
        (SHORT, -0.01, True, 0.009),
        (SHORT, 0.01, False, -0.011),
        (NEUTRAL, 0.0005, True, 0.0),
        (NEUTRAL, -0.01, False, 0.0),
    ],
)
def test_a_vote_is_judged_by_what_followed(stance: Stance, move: float, hit: bool, net: float) -> None:  # noqa: FBT001 - a column
    right, earned = judge(stance, move, 0.001)
    assert right is hit
    assert earned == pytest.approx(net)


def scores(desk: Desk) -> dict[str, Any]:
    return {x.score.voter: x.score for _, ds in desk.log for x in every(d.VoteScored, ds)}


def test_votes_are_scored_when_their_horizon_has_passed() -> None:
    desk = asking()
    desk.cross()
    cast(desk, votes((LONG, 90), (LONG, 80), (SHORT, 60), horizon=3))
    for _ in range(2):
        desk.bar(side=1)
    desk.move(BTC, 1_010_000)
    assert scores(desk) == {}
    desk.bar(side=1)
    found = scores(desk)
    assert set(found) == {"gpt", "claude", "llama", "ensemble", "strategies"}
    gpt, llama, ensemble = found["gpt"], found["llama"], found["ensemble"]
    assert gpt.move == pytest.approx(0.01)
    assert (gpt.hit, gpt.brier, gpt.followed) == (True, pytest.approx(0.01), True)
    assert gpt.net == pytest.approx(0.01 - COST)
    assert (llama.hit, llama.brier, llama.followed) == (False, pytest.approx(0.36), False)
    assert (ensemble.confidence, ensemble.cost) == (pytest.approx(76.5), 3000)
    assert found["strategies"].followed
    assert desk.state.ballots == {}
    assert desk.state.voters["gpt"] == VoterRecord(
        asked=1, scored=1, hits=1, brier=gpt.brier, returns=gpt.net, cost=1000
    )
    assert desk.state.voters["llama"].returns == 0.0


def test_each_vote_has_its_own_horizon() -> None:
    desk = asking()
    desk.cross()
    near, far, _ = votes((LONG, 90), (LONG, 80), None, horizon=1)
    cast(desk, (near, *votes(None, (LONG, 80), None, horizon=3)[1:]))
    assert far.horizon == 1
    desk.bar(side=1)
    assert set(scores(desk)) == {"gpt", "ensemble", "strategies"}
    desk.bar(side=1)
    desk.bar(side=1)
    assert set(scores(desk)) == {"gpt", "ensemble", "strategies", "claude"}


def test_refused_candidates_are_scored_too() -> None:
    desk = asking()
    desk.cross()
    cast(desk, votes((SHORT, 90), (SHORT, 80), None, horizon=1))
    desk.bar(side=1)
    found = scores(desk)
    assert not found["ensemble"].followed
    assert found["strategies"].followed
    assert desk.state.voters["llama"] == VoterRecord(asked=1, abstained=1)


def test_where_no_two_agree_the_ensemble_has_said_nothing() -> None:
    desk = asking()
    desk.cross()
    cast(desk, votes((LONG, 90), (SHORT, 80), None, horizon=1))
    desk.bar(side=1)
    assert set(scores(desk)) == {"gpt", "claude", "strategies"}


def test_a_record_weighs_the_next_consensus() -> None:
    desk = asking()
    desk.state.voters.update(
        {"gpt": VoterRecord(scored=30, brier=30 * 0.05), "claude": VoterRecord(scored=30, brier=27.0)}
    )
    desk.cross()
    cast(desk, votes((LONG, 90), (LONG, 60), (NEUTRAL, 50)))
    assert gate(desk.signal(), "votes").value == "2 of 3 LONG, 76"  # 0.9 x (2 x 90 + 0.5 x 60) / 2.5


# the journal


def test_the_journal_tells_the_same_story() -> None:
    desk = asking()
    desk.cross()
    cast(desk, AGREED)
    desk.settle()
    for _ in range(5):
        desk.bar(side=1)
    desk.bar(side=-1)
    cast(desk, votes(None, None, None))
    desk.settle()
    recovered, again = Core(), Core()
    for event, decisions in desk.log:
        recovered.recover(event, decisions)
        assert again.process(event) == decisions
    assert recovered.snapshot() == again.snapshot() == desk.core.snapshot()
    assert Core.restore(desk.core.snapshot()).snapshot() == desk.core.snapshot()
