"""What every strategy promises: parameters in ranges, sides per bar, no look ahead, no memory beyond its settle length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bars import Bars
from engine.errors import BadInput
from engine.strategies import BOARD, NAMES, STRATEGIES, strategy
from engine.strategies.base import Params, Range, Strategy

SIX = tuple(STRATEGIES.values())
EACH = pytest.mark.parametrize("member", SIX, ids=[member.name for member in SIX])
FILES = (
    "binance_usdm_BTCUSDT_1m_2025-05",
    "binance_usdm_ETHUSDT_1h_2024-01_2025-08",
    "okx_swap_LTCUSDT_5m_2022-05_2022-08",
    "bitfinex_spot_BTCUSD_1m_2016-02",
)
CLASSIC: dict[str, dict[str, float]] = {
    "supertrend": {"period": 10, "multiplier": 3.0},
    "rsi-ema": {"period": 14, "level": 50.0, "fast": 50, "slow": 200},
    "macd-stochastic": {"fast": 12, "slow": 26, "signal": 9, "k": 14, "smooth": 3, "d": 3},
    "ichimoku": {"conversion": 9, "base": 26, "span": 52},
    "bollinger": {"period": 20, "width": 2.0},
    "ema-cross": {"fast": 12, "slow": 26},
}


def test_the_names_are_the_contract_and_the_board_is_last() -> None:
    assert NAMES == (
        "supertrend",
        "rsi-ema",
        "macd-stochastic",
        "ichimoku",
        "bollinger",
        "ema-cross",
        "board",
    )
    assert tuple(STRATEGIES) == NAMES[:-1]
    assert NAMES[-1] == BOARD


@pytest.mark.parametrize("name", ["emacross", "", BOARD])
def test_an_unknown_name_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        strategy(name)
    assert refused.value.value == name
    assert all(known in refused.value.remedy for known in STRATEGIES)


@EACH
def test_defaults_are_the_classic_ones(member: Strategy) -> None:
    classic = {**CLASSIC[member.name], "stop_atr": 2.0, "target_ratio": 2.0}
    assert msgspec.structs.asdict(member.params()) == classic
    assert strategy(member.name) is member
    assert member.make() == member.params() == member.validate(member.params())


@EACH
def test_every_parameter_has_a_range_and_a_step(member: Strategy) -> None:
    assert set(member.ranges) == {field.name for field in msgspec.structs.fields(member.params)}
    for allowed in member.ranges.values():
        assert allowed.low < allowed.high
        assert 0 < allowed.step <= allowed.high - allowed.low


def test_default_windows_fit_into_2500_bars() -> None:
    settles = {member.name: member.settle(member.params()) for member in SIX}
    assert max(settles.values()) == settles["rsi-ema"] <= 2_500
    assert min(settles.values()) > 0


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("supertrend", {"period": 4}, "5 to 50"),
    ("supertrend", {"multiplier": float("nan")}, "1 to 6"),
    ("bollinger", {"width": float("inf")}, "1 to 4"),
    ("bollinger", {"period": 20.5}, "whole number"),
    ("rsi-ema", {"stop_atr": 0.0}, "0.5 to 20"),
    ("ema-cross", {"target_ratio": -2.0}, "0.5 to 10"),
]


@pytest.mark.parametrize(("name", "values", "remedy"), BAD)
def test_a_value_out_of_range_is_refused_with_field_value_and_range(
    name: str, values: dict[str, Any], remedy: str
) -> None:
    member = strategy(name)
    ((field, value),) = values.items()
    with pytest.raises(BadInput) as made:
        member.make(**values)
    with pytest.raises(BadInput) as validated:
        member.validate(member.params(**values))
    for refused in (made.value, validated.value):
        assert refused.field == f"{name}.{field}"
        assert refused.value is value
        assert remedy in refused.remedy


def test_the_fast_average_must_be_the_shorter_one() -> None:
    with pytest.raises(BadInput, match=r"ema-cross.fast: 26 - use less than slow \(26\)"):
        strategy("ema-cross").make(fast=26, slow=26)


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"ema-cross.length: 5 - known parameters are .*fast, slow"):
        strategy("ema-cross").make(length=5)


def test_parameters_of_another_strategy_are_refused() -> None:
    with pytest.raises(BadInput, match="give BollingerParams"):
        strategy("bollinger").validate(strategy("supertrend").params())


@EACH
def test_numbers_become_the_declared_kinds(member: Strategy) -> None:
    made = member.make(**{name: float(value) for name, value in CLASSIC[member.name].items()})
    assert made == member.params()
    for field in msgspec.structs.fields(member.params):
        assert type(getattr(made, field.name)) is field.type


def sampled(member: Strategy, draw: st.DataObject) -> Params | None:
    """Parameters on the grid an optimiser walks, or None where the averages are in the wrong order."""

    def on_grid(allowed: Range) -> st.SearchStrategy[float]:
        return st.integers(0, int((allowed.high - allowed.low) / allowed.step)).map(
            lambda i: allowed.low + i * allowed.step
        )

    values = {name: draw.draw(on_grid(allowed), name) for name, allowed in member.ranges.items()}
    if values.get("fast", 0) >= values.get("slow", 1):
        return None
    return member.make(**values)


@EACH
@given(draw=st.data(), n=st.integers(0, 700))
def test_sides_and_distances_have_their_shape_for_any_length_and_parameters(
    member: Strategy, recorded: Callable[[str], Bars], draw: st.DataObject, n: int
) -> None:
    params = sampled(member, draw)
    if params is None:
        return
    bars = recorded(FILES[0])[:n]
    sides = member.wanted(bars, params)
    assert sides.dtype == np.int8
    assert len(sides) == n
    assert set(sides.tolist()) <= {-1, 0, 1}
    stop, target = member.exits(bars, params)
    assert np.isnan(stop[:14]).all()
    assert (stop[14:] > 0).all()
    np.testing.assert_allclose(target, stop * params.target_ratio)


@EACH
@given(file=st.sampled_from(FILES), start=st.integers(0, 3_000), n=st.integers(1, 900), later=st.integers(1, 300))
def test_later_bars_change_no_side(
    member: Strategy, recorded: Callable[[str], Bars], file: str, start: int, n: int, later: int
) -> None:
    bars = recorded(file)[start : start + n + later]
    params = member.params()
    assert member.wanted(bars[:n], params).tolist() == member.wanted(bars, params)[:n].tolist()
    for prefix, whole in zip(member.exits(bars[:n], params), member.exits(bars, params), strict=True):
        np.testing.assert_array_equal(prefix, whole[:n])


@EACH
@pytest.mark.parametrize("file", FILES)
def test_a_window_of_the_settle_length_says_what_the_whole_history_says(
    member: Strategy, recorded: Callable[[str], Bars], file: str
) -> None:
    bars = recorded(file)[:9_000]
    params = member.params()
    whole = member.wanted(bars, params)
    settle = member.settle(params)
    for end in range(settle, len(bars) + 1, 7):
        assert member.wanted(bars[end - settle : end], params)[-1] == whole[end - 1], end
    assert {-1, 1} <= set(whole[settle:].tolist())


@EACH
@given(draw=st.data(), end=st.integers(5_000, 9_000))
def test_so_it_does_for_other_parameters(
    member: Strategy, recorded: Callable[[str], Bars], draw: st.DataObject, end: int
) -> None:
    params = sampled(member, draw)
    if params is None:
        return
    bars = recorded(FILES[1])[:end]
    settle = member.settle(params)
    assert settle < 5_000
    assert member.wanted(bars[end - settle :], params)[-1] == member.wanted(bars, params)[-1]


@EACH
def test_prices_that_never_move_want_nothing_but_a_side_at_most(member: Strategy) -> None:
    n = 3_000
    flat = np.full(n, 27_123.4)
    bars = Bars(np.arange(n, dtype=np.int64) * 60_000, flat, flat, flat, flat, np.zeros(n))
    sides = member.wanted(bars, member.params())
    settle = member.settle(member.params())
    always_a_side = {"supertrend": 1, "ema-cross": -1}
    assert set(sides[settle:].tolist()) == {always_a_side.get(member.name, 0)}
