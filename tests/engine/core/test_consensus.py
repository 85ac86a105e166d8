"""Two of three."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.consensus import consensus, weight
from engine.errors import InvariantBroken
from engine.model.vote import Stance, Vote, VoterRecord, VoteStatus, abstention

NAMES = ("gpt", "claude", "llama")


def ballot(*said: tuple[str, int] | None) -> list[Vote]:
    """Votes as (stance, confidence), None abstains."""
    return [
        abstention(name, "m", "late")
        if one is None
        else Vote(voter=name, model="m", status=VoteStatus.OK, stance=Stance(one[0]), confidence=one[1])
        for name, one in zip(NAMES, said, strict=False)
    ]


votes = st.tuples(
    *[
        st.one_of(st.none(), st.tuples(st.sampled_from(["LONG", "SHORT", "NEUTRAL"]), st.integers(0, 100)))
        for _ in NAMES
    ]
).map(lambda said: ballot(*said))
weights = st.fixed_dictionaries({name: st.floats(0.5, 2.0) for name in NAMES})


@pytest.mark.parametrize(
    ("said", "stance", "confidence"),
    [
        ([("LONG", 80), ("LONG", 70), ("LONG", 90)], "LONG", 80.0),
        ([("LONG", 80), ("LONG", 70), ("SHORT", 90)], "LONG", 67.5),
        ([("LONG", 80), ("NEUTRAL", 99), ("LONG", 70)], "LONG", 67.5),
        ([None, ("SHORT", 80), ("SHORT", 70)], "SHORT", 67.5),
        ([("NEUTRAL", 80), ("NEUTRAL", 60), ("LONG", 100)], "NEUTRAL", 63.0),
        ([("LONG", 80), ("SHORT", 70), ("NEUTRAL", 90)], "NEUTRAL", 0.0),
        ([("LONG", 80), ("SHORT", 70), None], "NEUTRAL", 0.0),
        ([("LONG", 100), None, None], "NEUTRAL", 0.0),
        ([None, None, None], "NEUTRAL", 0.0),
        ([("LONG", 90), ("LONG", 50), ("LONG", 80)], "LONG", 76.5),  # the third does not argue against the other two
        ([("LONG", 90), ("LONG", 80)], "LONG", 76.5),
        ([("LONG", 90), None], "NEUTRAL", 0.0),
    ],
)
def test_what_votes_amount_to(said: list[tuple[str, int] | None], stance: str, confidence: float) -> None:
    found = consensus(ballot(*said))
    assert found.stance is Stance(stance)
    assert found.confidence == pytest.approx(confidence)


@given(votes, weights)
def test_the_order_of_votes_never_matters(given_votes: list[Vote], shares: dict[str, float]) -> None:
    found = {consensus(order, shares) for order in permutations(given_votes)}
    assert len(found) == 1


@given(votes, weights, st.integers(0, 2))
def test_an_abstention_never_raises_the_confidence(given_votes: list[Vote], shares: dict[str, float], who: int) -> None:
    before = consensus(given_votes, shares)
    fewer = [abstention(v.voter, v.model, "late") if i == who else v for i, v in enumerate(given_votes)]
    after = consensus(fewer, shares)
    assert after.confidence <= before.confidence
    assert after.stance in {before.stance, Stance.NEUTRAL}


@given(votes, weights)
def test_a_direction_needs_two_and_stays_within_what_they_said(
    given_votes: list[Vote], shares: dict[str, float]
) -> None:
    found = consensus(given_votes, shares)
    said = [v.confidence for v in given_votes if v.stance is found.stance]
    if found.agreeing:
        assert len(said) == found.agreeing >= 2
        assert 0.9 * min(said) - 1e-9 <= found.confidence <= max(said) + 1e-9
    else:
        assert (found.stance, found.confidence) == (Stance.NEUTRAL, 0.0)


def test_a_better_record_weighs_more() -> None:
    said = ballot(("LONG", 90), ("LONG", 60), None)
    assert consensus(said, {"gpt": 2.0, "claude": 1.0}).confidence == pytest.approx(0.9 * 80)
    assert consensus(said).confidence == pytest.approx(0.9 * 75)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, 1.0),
        (VoterRecord(scored=29, brier=0.0), 1.0),
        (VoterRecord(scored=30, brier=30 * 0.25), 1.0),
        (VoterRecord(scored=30, brier=30 * 0.20), 1.25),
        (VoterRecord(scored=40, brier=40 * 0.05), 2.0),
        (VoterRecord(scored=40, brier=0.0), 2.0),
        (VoterRecord(scored=40, brier=40 * 0.9), 0.5),
    ],
)
def test_the_weight_of_a_record(record: VoterRecord | None, expected: float) -> None:
    assert weight(record) == pytest.approx(expected)


def test_there_are_three_seats() -> None:
    with pytest.raises(InvariantBroken):
        consensus([*ballot(None, None, None), abstention("fourth", "m", "late")])
