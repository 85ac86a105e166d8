"""Statistics against luck: against figures of papers, closed forms, other libraries' results, and simulated markets."""

from __future__ import annotations

import itertools
import json
import math
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backtest.baseline import buy_and_hold, draw_sides, held_bars, random_entries, without_exits
from engine.backtest.bootstrap import Bootstrap, _blocks, block_length, bootstrap, returns_of
from engine.backtest.deflated import (
    Moments,
    Variants,
    deflate,
    deflated_sharpe,
    expected_best,
    moments_of,
    probabilistic_sharpe,
    variants_of,
)
from engine.backtest.funding import Funding
from engine.backtest.luck import Luck, luck_of, nets_of
from engine.backtest.metrics import YEAR_MS
from engine.backtest.rules import Exits, Rules, Sizing
from engine.backtest.run import Backtest, Wanted
from engine.backtest.shuffle import Shuffle, shuffle_trades
from engine.backtest.watch import Watch
from engine.bars import Floats
from engine.candle_file import read_candles
from engine.strategies.base import Sides
from tests.engine.backtest.walks import HOUR, walk

NOTHING = np.zeros(1)
DAY = 24 * HOUR


def autoregressive(phi: float, n: int = 2_000) -> Floats:
    shocks = np.random.default_rng(7).standard_normal(n)
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = phi * out[i - 1] + shocks[i]
    return out


def straps(returns: Floats, timeframe_ms: int = HOUR, **options: float) -> Bootstrap:
    found = bootstrap(returns, timeframe_ms, **options)  # type: ignore[arg-type] # a mapping of numbers
    assert found is not None
    return found


def shuffled(nets: list[float], *, compounding: bool = False, samples: int = 2_000) -> Shuffle:
    found = shuffle_trades(np.array(nets), 100.0, compounding=compounding, samples=samples)
    assert found is not None
    return found


# The deflated Sharpe ratio


def example(skewness: float = -3.0, kurtosis: float = 10.0) -> Moments:
    return Moments(count=1250, sharpe=2.5 / math.sqrt(250), skewness=skewness, kurtosis=kurtosis)


def test_the_papers_example_of_the_deflated_sharpe_ratio() -> None:
    """Bailey and López de Prado (2014): 2.5 a year, five years of days, 100 variants whose variance is 1/2 a year."""
    variants = Variants(100, 0.5 / 250)
    assert expected_best(variants) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(example(), variants) == pytest.approx(0.9004, abs=5e-5)


def test_the_papers_example_with_fewer_variants_and_normal_returns() -> None:
    """The same paper: after 46 variants it would have been significant at 95 %; so would 88 with normal returns."""
    assert deflated_sharpe(example(), Variants(46, 0.5 / 250)) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(example(0.0, 3.0), Variants(88, 0.5 / 250)) == pytest.approx(0.9505, abs=5e-5)


def test_the_probabilistic_sharpe_ratio_of_normal_returns_is_the_textbook_one() -> None:
    moments = Moments(count=101, sharpe=0.1, skewness=0.0, kurtosis=3.0)
    z = 0.1 * 10.0 / math.sqrt(1.0 + 0.5 * 0.01)
    assert probabilistic_sharpe(moments) == pytest.approx(0.5 * (1.0 + math.erf(z / math.sqrt(2.0))))
    assert probabilistic_sharpe(moments, 0.1) == pytest.approx(0.5)
    assert probabilistic_sharpe(Moments(count=101, sharpe=2.0, skewness=3.0, kurtosis=1.5)) is None


def test_one_variant_deflates_nothing() -> None:
    found = deflate(example(), Variants(1, 0.0), DAY)
    assert found.expected_best == 0.0
    assert found.deflated == found.probabilistic == probabilistic_sharpe(example())


def test_the_expected_best_is_that_of_simulated_worthless_variants() -> None:
    rng = np.random.default_rng(3)
    best = rng.normal(0.0, 0.02, (4_000, 50)).max(axis=1).mean()
    assert expected_best(Variants(50, 0.02**2)) == pytest.approx(best, rel=0.02)


@given(st.integers(2, 10_000), st.floats(1e-8, 1e-2))
def test_more_variants_are_never_more_convincing(count: int, variance: float) -> None:
    one, more = (deflated_sharpe(example(), Variants(n, variance)) for n in (count, count + 1))
    assert one is not None
    assert more is not None
    assert more <= one <= (probabilistic_sharpe(example()) or 0.0)


def test_moments_against_their_definitions() -> None:
    returns = np.array([0.01, -0.02, 0.03, 0.0, -0.01])
    found = moments_of(returns)
    assert found is not None
    mean = sum(returns) / 5
    second, third, fourth = (sum((r - mean) ** k for r in returns) / 5 for k in (2, 3, 4))
    assert found.sharpe == pytest.approx(mean / math.sqrt(second * 5 / 4))
    assert found.skewness == pytest.approx(third / second**1.5)
    assert found.kurtosis == pytest.approx(fourth / second**2)
    assert moments_of(np.full(100, 0.001)) is None
    assert moments_of(np.array([0.1, 0.2, 0.3])) is None


def test_the_variants_of_a_sweep() -> None:
    # yearly ratios of days: variance 2/3 x ... / 365
    found = variants_of([1.0, 2.0, None, 3.0], DAY)
    assert found.count == 4
    assert found.variance == pytest.approx(np.var([1.0, 2.0, 0.0, 3.0], ddof=1) / 365)
    assert variants_of([1.0], DAY) == Variants(1, 0.0)


# The bootstrap


def test_block_length_of_independent_returns_is_that_of_the_arch_library() -> None:
    """arch 8.0, optimal_block_length: 1.58711418. It asks one more lag to be insignificant, which here is no matter."""
    assert block_length(autoregressive(0.0)) == pytest.approx(1.58711418, abs=1e-7)


def test_block_length_of_a_dependent_series_is_near_the_arch_librarys() -> None:
    """arch 8.0: 30.0774878; its band is two lags wider."""
    assert block_length(autoregressive(0.8)) == pytest.approx(30.08, rel=0.05)


def test_block_length_grows_with_dependence_as_theory_says() -> None:
    """For a first-order autoregression b = (2 phi / (1 - phi^2))^(2/3) n^(1/3), here within a factor of two."""
    lengths = [block_length(autoregressive(phi, 20_000)) for phi in (0.2, 0.5, 0.8)]
    theory = [(2 * phi / (1 - phi**2)) ** (2 / 3) * 20_000 ** (1 / 3) for phi in (0.2, 0.5, 0.8)]
    assert lengths == sorted(lengths)
    assert all(0.5 < length / expected < 2.0 for length, expected in zip(lengths, theory, strict=True))


@pytest.mark.parametrize("returns", [np.zeros(100), np.full(100, 0.01), np.array([0.01, -0.01])])
def test_block_length_where_nothing_can_be_known_is_one(returns: Floats) -> None:
    assert block_length(returns) == 1.0


@given(st.integers(30, 500), st.floats(1.0, 200.0), st.integers(0, 1_000))
def test_blocks_make_up_the_history_exactly(n: int, mean_length: float, seed: int) -> None:
    begins, lengths = _blocks(np.random.default_rng(seed), n, mean_length)
    assert lengths.sum() == n
    assert 1 <= lengths.min() <= lengths.max() <= n
    assert 0 <= begins.min() <= begins.max() < n


def test_blocks_have_the_mean_length_asked_for() -> None:
    _, lengths = _blocks(np.random.default_rng(1), 500_000, 12.0)
    assert lengths.mean() == pytest.approx(12.0, rel=0.02)


def test_the_interval_of_independent_returns_holds_the_truth_as_often_as_it_says() -> None:
    """200 markets with a true yearly Sharpe ratio of about 1.91: 90 % of the 90 % intervals hold it, give or take 6 %."""
    rng = np.random.default_rng(11)
    truth = 0.1 * math.sqrt(365)
    held = held_total = 0
    for k in range(200):
        found = straps(rng.normal(0.001, 0.01, 250), DAY, samples=200, level=0.9, seed=k)
        assert found.sharpe is not None
        held += found.sharpe.low <= truth <= found.sharpe.high
        growth = math.expm1(250 * (0.001 - 0.01**2 / 2))
        held_total += found.total_return.low <= growth <= found.total_return.high
    assert 0.84 <= held / 200 <= 0.96
    assert 0.84 <= held_total / 200 <= 0.96


def test_the_spread_of_independent_returns_is_the_closed_form() -> None:
    """Lo (2002): the standard error of the Sharpe ratio of one bar is sqrt((1 + SR^2 / 2) / n)."""
    returns = np.random.default_rng(2).normal(0.0005, 0.01, 2_000)
    found = straps(returns, HOUR, samples=2_000, block=1.0)
    assert found.sharpe is not None
    a_year = YEAR_MS / HOUR
    error = math.sqrt((1 + found.sharpe.estimate**2 / a_year / 2) / 2_000 * a_year)
    assert (found.sharpe.high - found.sharpe.low) / 2 / 1.96 == pytest.approx(error, rel=0.06)


def test_a_long_history_drawn_in_groups_has_the_same_spread() -> None:
    returns = np.random.default_rng(2).normal(0.0001, 0.01, 70_001)
    found = straps(returns, HOUR, samples=1_000)
    assert found.sharpe is not None
    error = math.sqrt(YEAR_MS / HOUR / 70_001)
    assert (found.sharpe.high - found.sharpe.low) / 2 / 1.96 == pytest.approx(error, rel=0.08)
    assert found.sharpe.estimate == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365 * 24))


def test_blocks_widen_the_interval_of_dependent_returns() -> None:
    returns = 0.01 * autoregressive(0.8)
    apart, together = straps(returns, block=1.0), straps(returns)
    assert together.block > 20
    assert apart.sharpe is not None
    assert together.sharpe is not None
    # the variance of the mean is (1 + phi) / (1 - phi) = 9 times that of independent returns: three times as wide
    ratio = (together.sharpe.high - together.sharpe.low) / (apart.sharpe.high - apart.sharpe.low)
    assert 2.0 < ratio < 3.5


@given(st.integers(0, 10_000), st.integers(30, 200))
@settings(max_examples=30, deadline=None)
def test_an_interval_is_an_interval(seed: int, n: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0, 0.02, n)
    found = straps(returns, samples=50, seed=seed)
    assert found.sharpe is not None
    for part in (found.sharpe, found.total_return):
        assert part.low <= part.high
        assert 0.0 <= part.not_positive <= 1.0
    assert found.total_return.low > -1.0
    assert straps(returns, samples=50, seed=seed) == found


def test_too_little_is_no_bootstrap_and_no_variance_no_ratio() -> None:
    assert bootstrap(np.zeros(29), HOUR) is None
    found = straps(np.full(60, 0.01), samples=20)
    assert found.sharpe is None
    assert found.total_return.low == pytest.approx(found.total_return.high) == pytest.approx(1.01**60 - 1.0)


@pytest.mark.parametrize(
    ("equity", "returns"),
    [
        ([100.0, 110.0, 99.0], [0.1, -0.1]),
        ([100.0, 50.0, 0.0, 0.0, 20.0], [-0.5, -1.0, 0.0, 0.0]),
        ([100.0, -5.0, 10.0], [-1.0, 0.0]),
    ],
)
def test_returns_of_a_curve_that_may_be_ruined(equity: list[float], returns: list[float]) -> None:
    assert returns_of(np.array(equity)).tolist() == pytest.approx(returns)


# Shuffled trades


def test_three_trades_have_the_drawdowns_of_their_six_orders() -> None:
    """+10, -20, -5 on 100: +10 first falls from 110 to 85 (twice), last from 100 to 75 (twice), else it is less deep."""
    found = shuffled([10.0, -20.0, -5.0], samples=6_000)
    assert found.actual == pytest.approx(1 - 85 / 110)
    assert found.worst == pytest.approx(1 - 75 / 100)
    # less deep: -20, +10, -5 (1 - 80 / 100) and -5, +10, -20 (1 - 85 / 105)
    assert found.p05 == pytest.approx(1 - 85 / 105)
    assert found.percentile == pytest.approx(2 / 6 + 2 / 6 / 2, abs=0.02)


def test_profits_alone_have_no_drawdown_and_losses_alone_one() -> None:
    gains = shuffled([1.0, 2.0, 3.0], compounding=True)
    assert (gains.actual, gains.worst, gains.percentile) == (0.0, 0.0, 0.5)
    losses = shuffled([-10.0, -20.0], compounding=True)
    assert losses.actual == pytest.approx(0.3)
    assert losses.p05 == pytest.approx(0.3)
    assert losses.worst == pytest.approx(0.3)


def test_losses_in_a_row_are_an_unlucky_order() -> None:
    nets = [2.0] * 20 + [-2.0] * 20
    assert shuffled(nets).percentile > 0.99
    assert shuffled([2.0, -2.0] * 20).percentile < 0.01


@given(st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_orders_keep_what_must_be_kept(nets: list[float], compounding: bool) -> None:  # noqa: FBT001 - a drawn value
    found = shuffled(nets, compounding=compounding, samples=50)
    assert 0.0 <= found.p05 <= found.median <= found.p95 <= found.worst
    assert 0.0 <= found.percentile <= 1.0
    # no order can fall less than the net loss of all trades, where nothing was lost for good
    if sum(nets) < 0 and all(100.0 + sum(nets[: k + 1]) > 0 for k in range(len(nets))):
        assert found.p05 >= -sum(nets) / 100.0 - 1e-9
    assert shuffled(nets, compounding=compounding, samples=50) == found


def test_one_trade_has_no_other_order() -> None:
    assert shuffle_trades(np.array([5.0]), 100.0, compounding=True) is None


# Baselines


def runs_of(sides: Sides) -> list[tuple[int, int]]:
    """Side and length of every stretch that is not flat, sorted."""
    edges = np.flatnonzero(np.diff(sides, prepend=0, append=0)).tolist()
    return sorted((int(sides[a]), b - a) for a, b in pairwise(edges) if sides[a])


@given(
    st.lists(st.tuples(st.sampled_from([-1, 1]), st.integers(1, 9)), min_size=1, max_size=25),
    st.integers(0, 60),
    st.integers(0, 20),
    st.integers(0, 1_000),
)
@settings(max_examples=150, deadline=None)
def test_random_sides_have_the_trades_asked_for(
    trades: list[tuple[int, int]], spare: int, first: int, seed: int
) -> None:
    sides = np.array([side for side, _ in trades], dtype=np.int8)
    lengths = np.array([length for _, length in trades], dtype=np.int64)
    last = first + 1 + int(lengths.sum()) + len(trades) + spare  # room for a pause after each
    drawn = draw_sides(np.random.default_rng(seed), sides, lengths, last + 5, first, last)
    assert len(drawn) == last + 5
    assert not drawn[:first].any()
    assert not drawn[last - 1 :].any()
    edges = np.flatnonzero(np.diff(drawn, prepend=0, append=0))
    found = [(int(drawn[a]), int(b - a)) for a, b in itertools.pairwise(edges) if drawn[a]]
    assert sorted(found) == sorted(trades)


@given(st.integers(1, 40), st.integers(0, 1_000), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_strategy_always_in_the_market_stays_there(count: int, seed: int, spare: int) -> None:
    sides = np.array([1, -1] * count, dtype=np.int8)
    lengths = np.random.default_rng(seed).integers(1, 9, 2 * count)
    last = 1 + int(lengths.sum()) + spare
    drawn = draw_sides(np.random.default_rng(seed), sides, lengths, last, 0, last)
    assert runs_of(drawn) == sorted(zip(sides.tolist(), lengths.tolist(), strict=True))


@pytest.mark.parametrize("name", ["ema-cross", "bollinger"])
def test_random_runs_trade_as_often_and_as_long_on_recorded_data(name: str, market_data: Path) -> None:
    file = read_candles(market_data / "candles" / "binance_usdm_BTCUSDT_1h_2024-01_2025-08.parquet")
    result = Backtest(file.bars, file.timeframe_ms).run(name)
    test = result.backtest
    sides, lengths = result.trades["side"].astype(np.int8), held_bars(result.trades)
    drawn = draw_sides(np.random.default_rng(1), sides, lengths, len(test.bars), test.first, test.last)
    other = test.run_sides(Wanted(drawn, NOTHING, NOTHING))
    assert sorted(zip(other.trades["side"].tolist(), held_bars(other.trades).tolist(), strict=True)) == sorted(
        zip(sides.tolist(), lengths.tolist(), strict=True)
    )
    assert not np.array_equal(other.trades["entry_bar"], result.trades["entry_bar"])
    found = random_entries(result, samples=40)
    assert found is not None
    assert found.trades == len(result.trades)
    assert found.p05 <= found.median <= found.p95


def test_one_who_knows_the_future_beats_all_random_runs_and_his_opposite_none() -> None:
    bars = walk(600)
    ahead = np.append(bars.close[1:], bars.close[-1])
    knows = np.sign(ahead - bars.close).astype(np.int8)
    # decided at a close, filled at the next open, which is that close
    test = Backtest(bars, HOUR, Rules(taker_ppm=0, slippage=0.0))
    for sides, expected in ((knows, 1.0), (-knows, 0.0)):
        found = random_entries(test.run_sides(Wanted(sides.astype(np.int8), NOTHING, NOTHING)), samples=60)
        assert found is not None
        assert found.percentile == expected


def test_costs_apply_to_random_runs() -> None:
    bars = walk(600)
    sides = np.tile(np.repeat(np.array([1, -1], dtype=np.int8), 5), 60)
    answer = Wanted(sides, NOTHING, NOTHING)
    cheap, dear = (
        random_entries(Backtest(bars, HOUR, Rules(taker_ppm=fee, slippage=0.0)).run_sides(answer), samples=30)
        for fee in (0, 1_000)
    )
    assert cheap is not None
    assert dear is not None
    # about 120 trades, 0.2 % each: a fifth of the capital
    assert (1 + dear.mean) / (1 + cheap.mean) == pytest.approx(0.998**cheap.trades, rel=0.01)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(exits=Exits.FIXED, stop=0.02, target=0.04),
        Rules(exits=Exits.FIXED, stop=0.02, target=0.04, sizing=Sizing.RISK, size=0.01),
    ],
)
def test_under_stops_random_trades_last_as_long_as_the_strategys(rules: Rules) -> None:
    bars = walk(2_000, begin=1_000 * HOUR)
    rates = Funding(np.array([1_500 * HOUR], dtype=np.int64), np.array([0.001]))
    test = Backtest(bars, HOUR, rules, funding=rates, begin=1_100 * HOUR, end=2_900 * HOUR)
    result = test.run("ema-cross")
    free = without_exits(result)
    assert (free.first, free.last, free.rules.exits) == (test.first, test.last, Exits.NONE)
    assert np.array_equal(free.funding, test.funding)
    assert free.rules.sizing is Sizing.EQUITY
    # 1 % of equity at risk over 2 % and the fees: somewhat less than half of equity
    assert free.rules.size == 1.0 if rules.sizing is Sizing.EQUITY else 0.35 < free.rules.size < 0.5
    found = random_entries(result, samples=20)
    assert found is not None
    assert found.trades == len(result.trades)


def test_buy_and_hold_is_what_the_metrics_say() -> None:
    test = Backtest(walk(300), HOUR, begin=50 * HOUR, end=250 * HOUR)
    found = buy_and_hold(test)
    assert found.total_return == test.run("ema-cross").metrics.buy_and_hold_return
    close = test.bars.close[50:250]
    returns = close[1:] / close[:-1] - 1.0
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365 * 24))
    assert found.max_drawdown == pytest.approx(max(1 - close[i] / close[: i + 1].max() for i in range(200)))


# Together


def test_all_of_it_on_recorded_data(market_data: Path) -> None:
    file = read_candles(market_data / "candles" / "binance_usdm_ETHUSDT_1h_2024-01_2025-08.parquet")
    result = Backtest(file.bars, file.timeframe_ms).run("bollinger")
    heard: list[tuple[int, int]] = []
    found = luck_of(
        result, Variants(40, 1e-4), samples=60, watch=Watch(lambda done, total: heard.append((done, total)))
    )
    assert found is not None
    assert heard[-1] == (150, 150)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert found.bootstrap is not None
    assert found.bootstrap.sharpe is not None
    assert found.bootstrap.sharpe.estimate == pytest.approx(result.metrics.sharpe)
    assert found.bootstrap.total_return.estimate == pytest.approx(result.metrics.total_return)
    assert found.shuffle is not None
    assert found.shuffle.actual <= result.metrics.max_drawdown + 1e-9
    assert found.sharpe is not None
    assert found.sharpe.deflated is not None
    assert found.sharpe.probabilistic is not None
    assert found.sharpe.deflated < found.sharpe.probabilistic
    assert luck_of(result, Variants(40, 1e-4), samples=60) == found
    text = msgspec.json.encode(found)
    assert msgspec.json.decode(text, type=Luck) == found
    assert set(json.loads(text)) == {"bootstrap", "shuffle", "random_entries", "buy_and_hold", "sharpe"}


def test_without_trades_there_is_the_market_alone() -> None:
    bars = walk(200)
    found = luck_of(Backtest(bars, HOUR).run_sides(Wanted(np.zeros(200, dtype=np.int8), NOTHING, NOTHING)), samples=20)
    assert found is not None
    assert (found.shuffle, found.random_entries, found.sharpe) == (None, None, None)
    assert found.buy_and_hold.total_return == pytest.approx(bars.close[-1] / bars.close[0] - 1.0)


@pytest.mark.parametrize("after", [0, 5, 20, 25])
def test_it_can_be_stopped_in_every_part(after: int) -> None:
    result = Backtest(walk(400), HOUR).run("ema-cross")
    heard: list[int] = []
    watch = Watch(lambda done, _: heard.append(done), lambda: len(heard) >= after)
    assert luck_of(result, samples=20, watch=watch) is None
    assert len(heard) <= after + 1


def test_profits_of_trades_are_after_everything() -> None:
    result = Backtest(walk(400), HOUR).run("ema-cross")
    assert nets_of(result.trades).sum() == pytest.approx(result.metrics.final_equity - 10_000.0)
