"""The AI screen as pictures, at the sizes people use.

`pytest tests/snapshots --snapshot-update` takes the pictures again.
"""

from __future__ import annotations

import random

import pytest

from engine.ai.scores import report
from engine.core.ballots import judge
from engine.model.standing import Report
from engine.model.vote import ENSEMBLE, STRATEGIES, Score, Stance, Vote, VoteStatus, abstention
from tests.snapshots.test_past_pictures import SIZES, Compare, Size, ready, station
from tests.station.test_ai_screen import BTC, VOTERS, Source

CANDIDATES = 160
HOUR_MS = 3_600_000
T0 = 1_746_057_600_000
COST = 0.0012
# How often each sees a move coming, and how much surer than that it says it is.
SIGHT = {"gpt": (0.62, 0.02), "claude": (0.55, 0.12), "llama": (0.38, 0.30)}
KEYS: dict[str, tuple[str, ...]] = {
    "ensemble": ("6",),
    "voter": ("6", "down", "down", "down", "down"),
    "race": ("6", "tab", "tab"),
    "newest": ("6", "tab", "tab", "tab"),
}


def score(number: int, voter: str, stance: Stance, confidence: float, move: float, *, followed: bool) -> Score:
    hit, net = judge(stance, move, COST)
    return Score(
        signal_id=number, symbol=BTC, bar_time=T0 + number * HOUR_MS, voter=voter, stance=stance, confidence=confidence,
        candidate=1, move=move, hit=hit, brier=(confidence / 100 - hit) ** 2, net=net, followed=followed,
        at=T0 + number * HOUR_MS, cost=None if voter == "claude" and number == 7 else 0 if voter == "llama" else 240_000,
    )  # fmt: skip


def past() -> Report:
    """A made-up past: GPT about as good as its word, Claude too sure of itself, Llama worst."""
    dice = random.Random(5)
    rows: list[Score] = []
    for number in range(CANDIDATES):
        move = dice.gauss(0.0004, 0.006)
        said: dict[str, tuple[Stance, float]] = {}
        for voter, (sight, boast) in SIGHT.items():
            sees = dice.random() < sight
            stance = Stance.of((1 if move > 0 else -1) * (1 if sees else -1))
            said[voter] = stance, min(99.0, max(51.0, 100 * (sight + boast) + dice.gauss(0, 9)))
        for voter, (stance, sure) in said.items():
            rows.append(score(number, voter, stance, sure, move, followed=stance is Stance.LONG and sure > 60))
        longs = sum(stance is Stance.LONG for stance, _ in said.values())
        joint = Stance.LONG if longs >= 2 else Stance.SHORT
        rows.append(score(number, ENSEMBLE, joint, 66.0, move, followed=longs >= 2))
        rows.append(score(number, STRATEGIES, Stance.LONG, 70.0, move, followed=True))
    asked = [
        abstention(one.voter, "a model", "no answer within 12.0 s")
        if one.voter == "llama" and one.signal_id % 9 == 0
        else Vote(voter=one.voter, model="a model", status=VoteStatus.OK, stance=one.stance)
        for one in rows
        if one.voter in SIGHT
    ]
    return report(rows, asked)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", KEYS)
def test_ai_screen(snap_compare: Compare, name: str, size: Size) -> None:
    assert snap_compare(station(Source(past())), terminal_size=size, run_before=ready(*KEYS[name]))


@pytest.mark.parametrize("name", ["ensemble", "voter"])
def test_ai_screen_in_sixty_columns(snap_compare: Compare, name: str) -> None:
    assert snap_compare(station(Source(past())), terminal_size=(60, 20), run_before=ready(*KEYS[name]))


@pytest.mark.parametrize("name", ["ensemble", "voter"])
def test_ai_screen_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(station(Source(past())), terminal_size=(120, 40), run_before=ready(*KEYS[name]))


@pytest.mark.parametrize(("name", "answer"), [("nothing_scored", Report((), (), ())), ("starting", None)])
def test_ai_screen_states(snap_compare: Compare, name: str, answer: Report | None) -> None:
    assert name
    assert snap_compare(station(Source(answer)), terminal_size=(120, 40), run_before=ready("6"))


def test_the_past_is_of_all_three() -> None:
    standings = {one.voter: one for one in past().standings}
    assert set(standings) == {*VOTERS, ENSEMBLE, STRATEGIES}
    assert [name for name, one in standings.items() if one.worse_than_chance and name in VOTERS] == ["claude", "llama"]
    assert standings["claude"].unpriced == 1
