"""The ensemble panel: each voter's word, what two of three agree on, and what is simulated."""

from __future__ import annotations

import pytest

from engine.model.forecast import Forecast, Live, ModelInUse, Outlook
from engine.view_board import BallotView, VoteView
from widgets.ensemble_panel import ballot_lines, ensemble_lines
from widgets.forecaster_lines import head_line

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
    text = " ".join(line.text for line in ensemble_lines(("gpt", "claude"), 50, live=False))
    assert "Voters: gpt, claude" in text
    text = " ".join(line.text for line in ensemble_lines(("gpt",), 50, live=False))
    assert "Only gpt is configured." in text


MODEL = ModelInUse(model="c0ffee00", passed=True, live=Live(scored=640, moved=632, hits=341))
UNTRUSTED = ModelInUse(model="c0ffee00", verdict="untrusted: RMSE 0.50% against 0.49% of drift")
SAID = Outlook(Forecast(0, 60_000, 0.0012, -0.002, 0.004, 0.9, "c0ffee00", trusted=True), 100.0)


@pytest.mark.parametrize(
    ("model", "outlook", "words"),
    [
        (None, None, ["No forecaster: the forecast gate is SKIPPED."]),
        (UNTRUSTED, SAID, ["Forecaster c0ffee00 untrusted", "SKIPPED, because: RMSE 0.50% against 0.49% of drift"]),
        (MODEL, None, ["Forecaster c0ffee00 trusted 54% of 632 live", "It has not said anything of this bar yet."]),
        (MODEL, SAID, ["Forecaster c0ffee00 trusted ▲ +0.12 % 54% of 632 live"]),
    ],
)
def test_it_says_what_the_case_is_with_the_forecaster(
    model: ModelInUse | None, outlook: Outlook | None, words: list[str]
) -> None:
    lines = ensemble_lines(("gpt", "claude"), 90, live=False, model=model, outlook=outlook)
    text = " ".join(line.text for line in lines)
    assert all(word in text for word in words)


@pytest.mark.parametrize("model", [None, UNTRUSTED, MODEL])
@pytest.mark.parametrize("size", [(24, 5), (38, 7), (60, 12)])
def test_votes_leave_a_line_for_the_forecaster(model: ModelInUse | None, size: tuple[int, int]) -> None:
    width, height = size
    lines = ensemble_lines(
        ("gpt", "claude"),
        width,
        live=False,
        model=model,
        outlook=SAID,
        ballot=ballot(GPT, CLAUDE, LLAMA),
        height=height,
    )
    assert len(lines) <= height
    assert all(len(line.text) <= width for line in lines)
    word = "No forecaster" if model is None else "trusted"
    assert any(word in line.text for line in lines[4:])


def test_what_another_model_said_is_not_told_as_its_own() -> None:
    other = ModelInUse(model="0badcafe", passed=True)
    assert head_line(other, SAID, 60).text == "Forecaster 0badcafe trusted"
