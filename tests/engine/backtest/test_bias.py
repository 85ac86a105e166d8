"""Bias is found where it is, named by its bar, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.bias import (
    EXACT_BARS,
    BiasReport,
    Subject,
    check_bias,
    chosen_bars,
    named_subject,
    subject_of,
    trades_between,
)
from engine.backtest.run import Wanted
from engine.backtest.watch import Watch
from engine.bars import Bars, Floats
from engine.candle_file import read_candles
from engine.errors import BadInput
from engine.strategies import NAMES, STRATEGIES
from engine.strategies.base import EXIT_RANGES, Exits, Params, Sides, Strategy, sides_of
from tests.engine.backtest.walks import HOUR, walk

PEEK = 137


def mean_of(values: Floats, length: int) -> Floats:
    out = np.full(len(values), np.nan)
    if len(values) >= length:
        out[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length).mean(axis=1)
    return out


def against(close: Floats, level: Floats) -> Sides:
    return sides_of(close > level, close < level)


def honest(bars: Bars, params: Params) -> Sides:
    return against(bars.close, mean_of(bars.close, 10))


def next_close(bars: Bars, params: Params) -> Sides:
    """shift(-1): the side of the move that comes."""
    ahead = np.concatenate((bars.close[1:], bars.close[-1:]))
    return against(ahead, bars.close)


def centred(bars: Bars, params: Params) -> Sides:
    """A rolling mean with as many bars after as before."""
    mean = mean_of(bars.close, 11)
    middle = np.full(len(bars), np.nan)
    middle[:-5] = mean[5:]
    return against(bars.close, np.where(np.isnan(middle), mean, middle))


def normalised(bars: Bars, params: Params) -> Sides:
    """Scaled by mean and spread of the whole sample."""
    score = (bars.close - bars.close.mean()) / (bars.close.std() or 1.0)
    return sides_of(score < -0.5, score > 0.5)


def repainting(bars: Bars, params: Params) -> Sides:
    """The last bar says long until the next one comes."""
    sides = honest(bars, params)
    sides[-1] = 1
    return sides


def peeking_once(bars: Bars, params: Params) -> Sides:
    """One bar alone knows the next."""
    sides = honest(bars, params)
    if len(bars) > PEEK + 1:
        sides[PEEK] = -sides[PEEK]
    return sides


def own(wanted: Callable[[Bars, Params], Sides], settle: int = 20) -> Strategy:
    return Strategy("own", Params, EXIT_RANGES, warmup=lambda _: 10, settle=lambda _: settle, wanted=wanted)


@pytest.mark.parametrize("wanted", [next_close, centred, normalised, repainting])
def test_every_kind_of_look_ahead_is_caught_and_its_first_bar_named(
    wanted: Callable[[Bars, Params], Sides],
) -> None:
    bars = walk(400)
    report = check_bias(own(wanted), bars)
    whole = wanted(bars, Params())
    known = np.array([wanted(bars[: i + 1], Params())[-1] for i in range(len(bars))])
    wrong = np.flatnonzero(whole != known)
    assert report.biased
    assert report.side_bars == len(wrong) > 20
    first = report.differences[0]
    assert (first.bar, first.open_time, first.field) == (wrong[0], wrong[0] * HOUR, "side")
    assert (first.known, first.history) == (known[wrong[0]], whole[wrong[0]])
    assert report.extra_trades + report.missing_trades > 0


def test_bias_in_one_place_is_found_there() -> None:
    report = check_bias(own(peeking_once), walk(400))
    assert [(d.bar, d.field) for d in report.differences] == [(PEEK, "side")]
    assert (report.side_bars, report.exit_bars, report.checked) == (1, 0, 400)


def test_bias_in_one_place_of_a_long_history_is_found_at_its_change_of_side() -> None:
    bars = walk(EXACT_BARS + 2_000)
    at = 31_000

    def wanted(part: Bars) -> Wanted:
        sides = sides_of(part.open_time % (500 * HOUR) < 250 * HOUR, part.open_time % (500 * HOUR) >= 250 * HOUR)
        if part.open_time[-1] >= (at + 1) * HOUR > part.open_time[0] + HOUR:
            sides[at - int(part.open_time[0]) // HOUR] *= -1
        return Wanted(sides, np.ones(len(part)), np.ones(len(part)))

    report = check_bias(Subject("own", None, 30, wanted), bars)
    assert (report.method, report.every_bar, report.complete) == ("window", False, True)
    assert report.planned < len(bars)
    assert [(d.bar, d.field) for d in report.differences] == [(at, "side")]


def test_a_window_that_errs_is_no_bias_where_the_prefix_agrees() -> None:
    bars = walk(EXACT_BARS + 100)

    def wanted(part: Bars) -> Wanted:
        sides = np.ones(len(part), dtype=np.int8)
        sides[: 40 if part.open_time[0] else 0] = -1
        return Wanted(sides, np.ones(len(part)), np.ones(len(part)))

    report = check_bias(Subject("own", None, 30, wanted), bars)
    assert not report.biased
    # in the first 30 bars the window is the prefix
    assert report.live_bars - 30 <= report.live_differing < report.live_bars
    assert report.settling.sides == 41
    assert not report.settling.enough


def test_a_strategy_that_looks_back_only_is_clean() -> None:
    report = check_bias(own(honest), walk(600))
    assert (report.biased, report.complete, report.live_differing) == (False, True, 0)
    assert (report.extra_trades, report.missing_trades) == (0, 0)
    assert report.settling.sides == 10
    assert report.settling.enough


def test_too_short_a_declared_settle_length_is_told_apart_from_bias() -> None:
    report = check_bias(own(honest, settle=9), walk(600))
    assert not report.biased
    assert not report.settling.enough
    # nine bars have no mean of ten: live would never trade; ten have
    assert (report.live_first, report.live_differing) == (9, 600 - 9)
    assert check_bias(own(honest, settle=10), walk(600)).live_differing == 0


@dataclass(frozen=True, slots=True)
class Foreseeing(Strategy):
    """Its stops are as wide as the next bar's range."""

    def exits(self, bars: Bars, params: Params) -> Exits:
        span = bars.high - bars.low
        ahead = np.concatenate((span[1:], span[-1:]))
        return ahead, ahead * 2.0


def test_exits_that_know_the_future_are_caught() -> None:
    member = Foreseeing("own", Params, EXIT_RANGES, warmup=lambda _: 10, settle=lambda _: 20, wanted=honest)
    report = check_bias(member, walk(300))
    assert (report.side_bars, report.exit_bars) == (0, 299)
    assert [(d.bar, d.field) for d in report.differences[:3]] == [(0, "stop"), (0, "target"), (1, "stop")]


@pytest.mark.parametrize("name", NAMES)
def test_our_strategies_are_clean_at_every_bar_of_recorded_data(name: str, market_data: Path) -> None:
    bars = read_candles(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet").bars[:3_000]
    report = check_bias(named_subject(name), bars)
    assert not report.biased
    assert (report.checked, report.every_bar, report.method) == (3_000, True, "prefix")
    assert report.live_differing == 0
    assert report.settling.enough


def test_a_settle_length_is_what_the_indicator_needs() -> None:
    """Ichimoku's cloud reaches back exactly 52 + 26 bars: it is the one whose need is known."""
    report = check_bias(STRATEGIES["ichimoku"], walk(1_000))
    assert (report.settling.declared, report.settling.sides) == (78, 78)


def test_the_plan_of_a_long_history_holds_every_change_and_its_neighbours() -> None:
    sides = np.zeros(90_000, dtype=np.int8)
    sides[40_000:60_000] = 1
    chosen = chosen_bars(sides, 1)
    assert {39_998, 39_999, 40_000, 40_001, 40_002, 59_998, 60_002, 0, 89_999} <= set(chosen.tolist())
    assert 5_000 <= len(chosen) <= 5_012
    assert bool((np.diff(chosen) > 0).all())
    assert np.array_equal(chosen, chosen_bars(sides, 1))
    assert not np.array_equal(chosen, chosen_bars(sides, 2))


def test_every_means_every_bar_of_a_long_history() -> None:
    bars = walk(EXACT_BARS + 500)

    def wanted(part: Bars) -> Wanted:
        level = np.ones(len(part))
        return Wanted(np.ones(len(part), dtype=np.int8), level, level)

    report = check_bias(Subject("own", None, 5, wanted), bars, every=True)
    assert (report.checked, report.every_bar, report.method) == (len(bars), True, "window")


@pytest.mark.parametrize(
    ("history", "known", "extra", "missing"),
    [
        ([0, 1, 1], [0, 1, 1], 0, 0),
        ([0, 1, 1], [0, 0, 0], 1, 0),
        ([0, 0, 0], [0, 0, -1], 0, 1),
        ([0, 1, 1], [0, 0, 1], 1, 1),
        ([0, 1, -1], [0, -1, -1], 2, 1),
    ],
)
def test_trades_too_many_and_missing(history: list[int], known: list[int], extra: int, missing: int) -> None:
    left, right = np.array(history, dtype=np.int8), np.array(known, dtype=np.int8)
    assert trades_between(left, right) == (extra, missing)


def test_a_stop_on_the_way_reports_what_was_checked() -> None:
    heard: list[tuple[int, int]] = []

    def hear(done: int, total: int) -> None:
        heard.append((done, total))

    report = check_bias(own(honest), walk(400), watch=Watch(hear, lambda: len(heard) == 2))
    assert (report.checked, report.planned, report.complete) == (128, 400, False)
    # a prefix costs its length
    assert heard == [(64 * 65 // 2, 400 * 401 // 2), (128 * 129 // 2, 400 * 401 // 2)]


def test_an_answer_that_is_not_one_value_a_bar_is_refused() -> None:
    with pytest.raises(BadInput, match=r"own sides: 399 values for 400 bars"):
        check_bias(own(lambda bars, _: np.ones(len(bars) - 1, dtype=np.int8)), walk(400))


def test_wrong_input_is_refused() -> None:
    with pytest.raises(BadInput, match="two bars"):
        check_bias(own(honest), walk(1))
    with pytest.raises(BadInput, match="strategy: nothing"):
        named_subject("nothing")
    with pytest.raises(BadInput, match="stop_atr"):
        subject_of(own(honest), Params(stop_atr=1_000.0))


def test_the_report_is_json() -> None:
    report = check_bias(own(peeking_once), walk(300))
    text = msgspec.json.encode(report)
    assert msgspec.json.decode(text, type=BiasReport) == report
    assert json.loads(text)["differences"][0]["bar"] == PEEK


@given(at=st.integers(0, 118), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_a_single_bar_that_knows_the_next_is_found_wherever_it_is(at: int, seed: int) -> None:
    bars = walk(120, seed)

    def wanted(part: Bars) -> Wanted:
        sides = np.ones(len(part), dtype=np.int8)
        if len(part) > at + 1:
            sides[at] = -1
        level = np.ones(len(part))
        return Wanted(sides, level, level)

    report = check_bias(Subject("own", None, None, wanted), bars)
    assert [d.bar for d in report.differences] == [at]
