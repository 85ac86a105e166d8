"""The prompts: the same brief makes the same text, and only what was measured is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.ai.brief import Brief, Headline, PositionFact
from engine.ai.facts import LEAST_BARS, brief_of, indicators_of
from engine.ai.prompts import Prompt, Role, clean, prompt_for, short
from engine.bars import Bars
from engine.errors import BadInput
from engine.model.market import Bar
from tests.engine.ai.endpoints import T0, brief
from tests.engine.conftest import Recorded

GOLDEN = Path(__file__).parent / "prompts"
BTC_MINUTES = "binance_usdm_BTCUSDT_1m_2025-05"


def shown(prompt: Prompt) -> str:
    """A prompt as its file keeps it."""
    return f"{prompt.system}\n\n{'=' * 40}\n\n{prompt.user}\n\n{'=' * 40}\n{prompt.hash}\n"


@pytest.mark.parametrize("role", list(Role))
def test_the_prompt_is_the_one_on_file(role: Role) -> None:
    """To accept a change on purpose, write `shown(prompt_for(role, brief()))` to the file."""
    assert shown(prompt_for(role, brief())) == (GOLDEN / f"{role.value}.txt").read_text(encoding="utf-8")


def test_the_same_brief_makes_the_same_prompt_and_another_another() -> None:
    one = prompt_for(Role.RISK, brief())
    assert prompt_for(Role.RISK, brief()) == one
    others = [
        prompt_for(Role.NEWS, brief()),
        *(
            prompt_for(Role.RISK, replace(brief(), **change))
            for change in (
                {"candidate": -1},
                {"score": 0.51},
                {"headlines": ()},
                {"position": None},
                {"funding_percent": None},
                {"bars": brief().bars[:-1]},
            )
        ),
    ]
    assert len({one.hash, *(other.hash for other in others)}) == len(others) + 1


def test_what_is_not_known_is_not_told() -> None:
    bare = brief(funding_percent=None, spread_bps=None, imbalance=None, position=None, mood=None, headlines=())
    user = prompt_for(Role.NEWS, bare).user
    facts = json.loads(user.split("<facts>\n")[1].split("\n</facts>")[0])
    assert not {"funding_rate_percent", "spread_bps", "book_imbalance", "fear_and_greed"} & set(facts)
    assert facts["not_known"] == ["funding_rate_percent", "spread_bps", "book_imbalance", "fear_and_greed"]
    assert facts["position"] == "none"
    assert user.endswith("<headlines>\n</headlines>")


def test_no_size_no_money_and_no_account_is_told() -> None:
    fields = {f.name for kind in (Brief, PositionFact) for f in msgspec.structs.fields(kind)}
    assert not {name for name in fields if any(word in name for word in ("lots", "cash", "equity", "key", "account"))}


def test_only_the_newest_bars_and_the_first_headlines_are_told() -> None:
    many = tuple(Headline(T0 + i, "s", f"story {i:02}") for i in range(30))
    user = prompt_for(Role.NEWS, brief(headlines=many)).user
    told = [json.loads(line)["title"] for line in user.split("<headlines>\n")[1].splitlines()[:-1]]
    assert told == [f"story {i:02}" for i in reversed(range(12))]
    assert len(user.split("<bars>\n")[1].split("\n</bars>")[0].splitlines()) == 25


@given(st.text(), st.text())
def test_no_headline_opens_or_closes_a_fence(source: str, title: str) -> None:
    user = prompt_for(Role.NEWS, brief(headlines=(Headline(T0, source, title),))).user
    inside = user.split("<headlines>\n")[1]
    line, end = inside.split("\n")
    assert end == "</headlines>"
    assert "<" not in line
    assert ">" not in line
    row = json.loads(line)
    assert (row["source"], row["title"]) == (clean(source, 60), clean(title, 200))


@given(st.text(max_size=500), st.integers(2, 50))
def test_clean_text_is_one_printable_line(text: str, length: int) -> None:
    found = clean(text, length)
    assert len(found) <= length
    assert found.isprintable()
    assert clean(found, length) == found


@pytest.mark.parametrize(("value", "told"), [(0.1 + 0.2, 0.3), (123456.789, 123457.0), (1e-9, 1e-9), (-2.0, -2.0)])
def test_numbers_have_six_digits(value: float, told: float) -> None:
    assert short(value) == told


# facts of bars


def test_indicators_do_not_depend_on_where_the_bars_begin(recorded: Recorded) -> None:
    bars = recorded(BTC_MINUTES)[:3_000]
    long, less = indicators_of(bars, 60_000), indicators_of(bars[-1_500:], 60_000)
    assert set(long) >= {"rsi_14", "ema_200", "atr_14", "change_24_bars_percent", "supertrend_side"}
    assert {name: short(value) for name, value in long.items()} == {name: short(value) for name, value in less.items()}


def test_what_comes_later_changes_nothing(recorded: Recorded) -> None:
    bars = recorded(BTC_MINUTES)
    assert brief_of("BTC/USDT:USDT", 60_000, bars[:700]) == brief_of("BTC/USDT:USDT", 60_000, bars[:900][:700])


def test_indicators_that_are_not_warm_are_left_out() -> None:
    bars = Bars.of([Bar(i * 60_000, 10.0, 11.0, 9.0, 10.0 + i % 3, 1.0) for i in range(LEAST_BARS)])
    found = indicators_of(bars, 60_000)
    assert "ema_200" not in found
    assert "change_day_percent" not in found
    assert "ema_50" in found


def test_too_few_bars_are_refused() -> None:
    bars = Bars.of([Bar(i * 60_000, 10.0, 11.0, 9.0, 10.0, 1.0) for i in range(LEAST_BARS - 1)])
    with pytest.raises(BadInput, match=r"at least 60"):
        brief_of("BTC/USDT:USDT", 60_000, bars)


def test_a_market_that_stands_still_is_told(recorded: Recorded) -> None:
    values: dict[str, Any] = {"candidate": 0, "score": 0.0}
    bars = Bars.of([Bar(i * 60_000, 10.0, 10.0, 10.0, 10.0, 0.0) for i in range(300)])
    user = prompt_for(Role.TECHNICAL, brief_of("BTC/USDT:USDT", 60_000, bars, **values)).user
    assert "NaN" not in user
    assert "Infinity" not in user
