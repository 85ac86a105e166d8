"""The ensemble panel: each voter's word, what two of three agree on, and what is simulated."""

from __future__ import annotations

import pytest

from engine.view_board import BallotView, VoteView
from widgets.ensemble_panel import ballot_lines, ensemble_lines

GPT = VoteView("gpt", "m", "LONG", 81, "higher lows and rising volume", 331, 120_000)
CLAUDE = VoteView("claude", "m", "NEUTRAL", 60, "not worth its risk", 935, 240_000, flags=1)
LLAMA = VoteView("llama", "m", "", 0, "no answer before the deadline", 15_000, 0)


def ballot(*votes: VoteView, stance: str = "LONG", confidence: float = 76.5) -> BallotView:
    return BallotView(
        symbol="BTC/USDT:USDT", signal_id=1, side=1, at=0, votes=votes, stance=stance, confidence=confidence,
        least=70.0, reason="2 of 3 LONG",
    )  # fmt: skip


@pytest.mark.parametrize("width", [24, 38, 60, 100])
@pytest.mark.parametrize("height", [4, 7, 12])
def test_each_voter_says_its_word_at_every_size(width: int, height: int) -> None:
    lines = [line.text for line in ballot_lines(ballot(GPT, CLAUDE, LLAMA), width, height)]
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert next(line for line in lines if line.startswith("gpt")).startswith("gpt     ▲ LONG    81")
    assert next(line for line in lines if line.startswith("claude")).startswith("claude  ▬ NEUTRAL 60")
    assert next(line for line in lines if line.startswith("llama")).startswith("llama   ABSTAINS")
    assert lines[-1].startswith("= ▲ LONG 76")


def test_a_wide_panel_tells_everything() -> None:
    text = "\n".join(line.text for line in ballot_lines(ballot(GPT, CLAUDE, LLAMA), 80, 12))
    for words in (
        "331 ms",
        "$0.0012",
        "! 1 wrong",
        "higher lows",
        "no answer before the deadline",
        "carried",
        "needs > 70",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("stance", "confidence", "word"),
    [
        ("LONG", 76.5, "carried"),
        ("LONG", 70.0, "not carried"),
        ("SHORT", 90.0, "not carried"),
        ("NEUTRAL", 0.0, "not carried"),
    ],
)
def test_the_consensus_says_whether_it_carries(stance: str, confidence: float, word: str) -> None:
    last = ballot_lines(ballot(GPT, stance=stance, confidence=confidence), 60, 6)[-1].text
    assert f"  {word}  " in last


def test_an_open_question_says_so() -> None:
    (line,) = ballot_lines(ballot(), 60, 6)
    assert line.text == "▲ the voters are being asked ..."


def test_what_is_simulated_says_so() -> None:
    simulated = VoteView("gpt", "SIMULATED-gpt", "LONG", 81, "SIMULATED: x", 200, 0, 0, simulated=True)
    assert "SIMULATED" in ballot_lines(ballot(simulated), 40, 6)[0].text


def test_before_the_first_question_the_voters_are_named() -> None:
    text = " ".join(line.text for line in ensemble_lines(("gpt", "claude"), 50, forecaster=True, live=False))
    assert "Voters: gpt, claude" in text
    text = " ".join(line.text for line in ensemble_lines(("gpt",), 50, forecaster=True, live=False))
    assert "Only gpt is configured." in text
