"""Answers: what is within the schema, and which numbers in it the prompt tells otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ai.answer import SCHEMA, Answer, contradictions, parse
from tests.engine.ai.endpoints import GOOD, brief


def answer(*reasons: str) -> Answer:
    found = parse(json.dumps({**GOOD, "reasons": [*reasons, "a", "b", "c"][:3]}))
    assert isinstance(found, Answer)
    return found


def test_the_schema_and_the_type_know_the_same_fields() -> None:
    assert set(SCHEMA["properties"]) == set(SCHEMA["required"]) == set(Answer.__struct_fields__) == set(GOOD)


def test_a_good_answer_is_taken() -> None:
    assert answer("up").side == "LONG"
    assert parse(json.dumps(GOOD).encode().decode()) == answer(*GOOD["reasons"])


@pytest.mark.parametrize(
    "change",
    [
        {"side": "long"},
        {"side": None},
        {"confidence": -1},
        {"confidence": 80.5},
        {"confidence": None},
        {"confidence": True},
        {"horizon": 97},
        {"reasons": []},
        {"reasons": ["a", "b", "c", "d"]},
        {"reasons": ["a", "b", ""]},
        {"reasons": "a, b, c"},
        {"risk_notes": ["a", "b", "c", "d"]},
        {"risk_notes": [1]},
        {"extra": 1},
    ],
)
def test_anything_else_is_refused_whole(change: dict[str, Any]) -> None:
    found = parse(json.dumps({**GOOD, **change}))
    assert isinstance(found, str)
    assert found.startswith("out of schema")


@given(st.text())
def test_no_text_is_ever_mended_into_a_vote(text: str) -> None:
    assert isinstance(parse(text), str)


@given(
    st.dictionaries(st.sampled_from(sorted(GOOD)), st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text())))
)
def test_whatever_is_taken_is_within_its_ranges(change: dict[str, Any]) -> None:
    found = parse(json.dumps({**GOOD, **change}))
    if isinstance(found, Answer):
        assert found.side in {"LONG", "SHORT", "NEUTRAL"}
        assert 0 <= found.confidence <= 100
        assert 1 <= found.horizon <= 96
        assert len(found.reasons) == 3


def test_long_texts_are_cut() -> None:
    assert len(answer("x" * 1_000).reasons[0]) == 240


@pytest.mark.parametrize(
    ("said", "flagged"),
    [
        ("RSI(14) at 61.2 leaves room", False),
        ("RSI is 61", False),
        ("RSI 14 of 61.2", True),  # read as a claim of 14: a flag is a hint, no verdict
        ("RSI 72 is overbought", True),
        ("RSI below 70", False),
        ("RSI above 70", True),
        ("RSI under 50", True),
        ("RSI > 60", False),
        ("ATR of 2.5 is small", False),
        ("ATR of 25 is large", True),
        ("price at 130", False),
        ("price 98,000", True),
        ("funding rate 0.01%", False),
        ("funding 0.05% is crowded", True),
        ("fear and greed at 55", False),
        ("fear & greed 80", True),
        ("imbalance -0.25", False),
        ("imbalance 0.25", True),
        ("score 0.5", False),
        ("three higher lows in 12 bars", False),
        ("no numbers at all", False),
        ("ADX 40 shows trend", False),  # the prompt tells no ADX: nothing to compare with
    ],
)
def test_numbers_that_contradict_the_prompt_are_flagged(said: str, flagged: bool) -> None:  # noqa: FBT001 - a column
    found = contradictions(answer(said), brief())
    assert bool(found) is flagged, found


def test_a_flag_says_what_the_prompt_says() -> None:
    assert contradictions(answer("RSI 72"), brief()) == ("RSI 72: the prompt says 61.234",)


def test_risk_notes_are_read_too() -> None:
    found = parse(json.dumps({**GOOD, "risk_notes": ["ATR of 99"]}))
    assert isinstance(found, Answer)
    assert contradictions(found, brief()) == ("ATR of 99: the prompt says 2.5",)
