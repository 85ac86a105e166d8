"""The simulated models: a stated heuristic over the prompt's numbers, labelled wherever it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from engine.ai.answer import Answer, parse
from engine.ai.prompts import Role, prompt_for
from engine.bars import Bars
from engine.model.market import Bar
from engine.simulator.models import MODELS
from engine.simulator.opinions import opinion
from tests.engine.ai.endpoints import brief


def said(role: Role, **more: Any) -> Answer:
    prompt = prompt_for(role, replace(brief(), **more))
    found = parse(json.dumps(opinion(prompt.system, prompt.user)))
    assert isinstance(found, Answer), found
    return found


@pytest.mark.parametrize(
    ("role", "more", "side"),
    [
        (Role.NEWS, {}, "LONG"),
        (Role.NEWS, {"indicators": {"rsi_14": 80.0}}, "SHORT"),
        (Role.NEWS, {"bars": tuple(reversed(brief().bars))}, "SHORT"),
        (Role.RISK, {}, "LONG"),
        (Role.RISK, {"indicators": {"ema_20": 100.0, "ema_50": 115.0, "atr_14": 2.5}}, "SHORT"),
        (Role.RISK, {"indicators": {"ema_20": 120.0, "ema_50": 115.0, "atr_14": 0.01}}, "NEUTRAL"),
        (Role.RISK, {"indicators": {}}, "NEUTRAL"),
        (Role.TECHNICAL, {"candidate": -1}, "SHORT"),
        (Role.TECHNICAL, {"candidate": 0, "score": 0.5}, "LONG"),
        (Role.TECHNICAL, {"candidate": 0, "score": 0.1}, "NEUTRAL"),
    ],
)
def test_each_seat_follows_its_numbers(role: Role, more: dict[str, Any], side: str) -> None:
    found = said(role, **more)
    assert found.side == side
    assert 60 <= found.confidence <= 95
    assert all(reason.startswith("SIMULATED: ") for reason in found.reasons)
    assert found.risk_notes == ("SIMULATED",)


def test_headlines_are_not_read() -> None:
    for role in Role:
        assert said(role, headlines=()) == said(role)


@pytest.mark.parametrize("user", ["", "hello", "<facts>\n[]\n</facts>", "<facts>\n{\n</facts>"])
def test_a_prompt_that_is_none_of_ours_is_neutral(user: str) -> None:
    assert opinion("", user)["side"] == "NEUTRAL"


def test_every_model_is_labelled() -> None:
    assert all(name.startswith("SIMULATED") for name in MODELS.values())


def test_a_flat_market_has_an_answer() -> None:
    flat = tuple(Bars.of([Bar(i * 60_000, 1.0, 1.0, 1.0, 1.0, 0.0) for i in range(24)]))
    assert said(Role.NEWS, bars=flat, indicators={}).side == "NEUTRAL"
