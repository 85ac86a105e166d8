"""What the voters' past is worth."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ai.scores import POINTS, report, standing, wilson
from engine.model.standing import Agreement, Answers, Bin
from engine.model.vote import Score, Stance, Vote, VoteStatus, abstention


def score(signal_id: int, voter: str = "gpt", *, hit: bool = True, confidence: float = 80.0, **more: object) -> Score:
    values: dict[str, object] = {
        "signal_id": signal_id,
        "symbol": "BTC/USDT:USDT",
        "bar_time": signal_id * 60_000,
        "voter": voter,
        "stance": Stance.LONG,
        "confidence": confidence,
        "candidate": 1,
        "move": 0.01 if hit else -0.01,
        "hit": hit,
        "brier": (confidence / 100 - hit) ** 2,
        "net": 0.009 if hit else -0.011,
        "followed": True,
        "at": signal_id * 60_000 + 600_000,
        "cost": 1_000,
    }
    return Score(**{**values, **more})  # type: ignore[arg-type] # fields of a Score


def test_a_standing_by_hand() -> None:
    found = standing("gpt", [score(1), score(2, hit=False), score(3, confidence=60.0, followed=False), score(4)])
    assert (found.votes, found.hits, found.accuracy, found.followed) == (4, 3, 0.75, 3)
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.16 + 0.04) / 4)
    assert found.earned == pytest.approx(0.009 - 0.011 + 0.009)
    assert found.cost == 4_000
    assert found.cost_per_hit == pytest.approx(4_000 / 3)
    least, surest = found.calibration
    assert least == Bin(1, 0.6, 1.0)
    assert (surest.votes, round(surest.confidence, 9), round(surest.accuracy, 9)) == (3, 0.8, 0.666666667)
    assert not found.worse_than_chance


def test_nobody_right_has_no_cost_for_a_hit() -> None:
    assert standing("gpt", [score(1, hit=False)]).cost_per_hit is None


@pytest.mark.parametrize(("votes", "hits", "worse"), [(29, 0, False), (30, 14, True), (30, 15, False), (100, 49, True)])
def test_worse_than_chance_needs_thirty_votes(votes: int, hits: int, worse: bool) -> None:  # noqa: FBT001 - a column
    found = standing("gpt", [score(i, hit=i < hits) for i in range(votes)])
    assert found.worse_than_chance is worse


@pytest.mark.parametrize(
    ("hits", "votes", "low", "high"),
    [(0, 0, 0.0, 1.0), (5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval(hits: int, votes: int, low: float, high: float) -> None:
    found = wilson(hits, votes)
    assert found == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(given_hits: tuple[int, int]) -> None:
    hits, votes = given_hits
    low, high = wilson(hits, votes)
    assert 0.0 <= low <= hits / votes + 1e-12
    assert hits / votes - 1e-12 <= high <= 1.0


def test_who_says_what_he_knows_is_calibrated() -> None:
    dice = Random(7)
    told = [dice.uniform(0, 100) for _ in range(4_000)]
    found = standing("gpt", [score(i, hit=dice.uniform(0, 100) < c, confidence=c) for i, c in enumerate(told)])
    assert len(found.calibration) == 5
    for one in found.calibration:
        assert one.accuracy == pytest.approx(one.confidence, abs=0.05)


def test_agreement_counts_candidates_both_voted_on() -> None:
    scores = [
        *(score(i, "gpt") for i in (1, 2, 3)),
        score(2, "claude"),
        score(3, "claude", stance=Stance.SHORT),
        score(4, "claude"),
    ]
    assert report(scores).agreements == (Agreement("claude", "gpt", 2, 0.5),)


def vote(voter: str, why: str = "") -> Vote:
    if why:
        return abstention(voter, "a model", why)
    return Vote(voter=voter, model="a model", status=VoteStatus.OK, stance=Stance.LONG)


def test_answers_count_what_was_asked_and_why_nothing_came() -> None:
    votes = [vote("gpt"), vote("llama", "late"), vote("gpt", "late"), vote("gpt", "429"), vote("gpt", "429")]
    assert report([], votes).answers == (Answers("gpt", 4, 3, "429"), Answers("llama", 1, 1, "late"))
    assert report([], [vote("gpt")]).answers == (Answers("gpt", 1, 0, ""),)
    assert report([score(1)]).answers == ()


def test_equity_follows_each_word_alone() -> None:
    scores = [
        score(1, "strategies"),
        score(2, "strategies", hit=False),
        score(1, "ensemble"),
        score(2, "ensemble", hit=False, followed=False),
        score(2, "llama", stance=Stance.NEUTRAL, followed=False, net=0.0),
    ]
    found = {one.voter: one.points for one in report(scores).curves}
    assert list(found) == ["ensemble", "strategies", "llama"]
    assert [value for _, value in found["strategies"]] == [pytest.approx(1.009), pytest.approx(1.009 * 0.989)]
    assert [value for _, value in found["ensemble"]] == [pytest.approx(1.009)] * 2
    assert found["llama"] == ((720_000, 1.0),)


@pytest.mark.parametrize("count", [1, POINTS, POINTS + 1, 5 * POINTS + 3])
def test_a_long_curve_is_thinned_and_ends_with_the_newest(count: int) -> None:
    (found,) = report([score(i, net=0.0) for i in range(count)]).curves
    assert count / 6 <= len(found.points) <= min(count, POINTS)
    assert found.points[-1][0] == (count - 1) * 60_000 + 600_000


def test_the_order_of_scores_never_matters() -> None:
    scores = [score(i, name, hit=i % 3 == 0) for i in range(20) for name in ("gpt", "claude", "ensemble")]
    mixed = list(scores)
    Random(1).shuffle(mixed)
    assert report(mixed) == report(scores)


def test_no_scores_no_report() -> None:
    assert report([]).standings == ()
