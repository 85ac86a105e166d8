"""The generated market: realistic by measure, and the same for the same seed."""

from __future__ import annotations

from functools import cache
from itertools import islice, pairwise

import numpy as np
import pytest

from engine.bars import Bars, Floats
from engine.errors import BadInput
from engine.model.market import MINUTE_MS, Bar
from engine.simulator.catalogue import LISTINGS
from engine.simulator.market import Step
from engine.simulator.prices import GeneratedMarket

START = 1_750_000_020_000
DAYS = 4
COUNT = 12


@cache
def returns(seed: int) -> Floats:
    """One-minute log returns, float64[symbols, minutes]."""
    market = GeneratedMarket(seed, COUNT, start=START, history_bars=DAYS * 1_440)
    closes = np.stack([market.history(i.symbol).close for i in market.instruments])
    return np.diff(np.log(closes), axis=1)


def autocorrelation(values: Floats, lag: int) -> float:
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / centred.var())


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_tails_are_fat_and_volatility_clusters(seed: int) -> None:
    for own in returns(seed):
        centred = own - own.mean()
        kurtosis = float((centred**4).mean() / centred.var() ** 2)
        assert kurtosis > 5.0
        assert autocorrelation(np.abs(own), 20) > 0.05
        assert abs(autocorrelation(own, 1)) < 0.15  # returns themselves are hardly predictable


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_contracts_move_together_but_not_as_one(seed: int) -> None:
    matrix = np.asarray(np.corrcoef(returns(seed)))
    pairs = matrix[np.triu_indices(COUNT, 1)]
    assert 0.4 < float(pairs.mean()) < 0.8
    assert float(pairs.min()) > 0.1
    assert float(pairs.max()) < 0.95


def closed(market: GeneratedMarket, minutes: int) -> dict[str, list[Bar]]:
    out: dict[str, list[Bar]] = {i.symbol: [] for i in market.instruments}
    last = market.instruments[-1].symbol
    for step in market.steps():
        if step.closed is not None:
            out[step.symbol].append(step.closed)
            if step.symbol == last and len(out[last]) == minutes:
                return out
    raise AssertionError("a generated market never ends")


def shapes(bars: Bars | list[Bar]) -> list[tuple[float, ...]]:
    return [(b.open, b.high, b.low, b.close, b.volume) for b in bars]


def test_bars_depend_on_seed_and_index_alone() -> None:
    symbol = "SOL/USDT:USDT"
    long = GeneratedMarket(5, 30, start=START, history_bars=400)
    whole = shapes(long.history(symbol))
    short = GeneratedMarket(5, [symbol], start=START + 86_400_000, history_bars=390, quotes_per_second=0.2)
    assert shapes(short.history(symbol)) == whole[:390]
    assert shapes(closed(short, 10)[symbol]) == whole[390:]
    other = GeneratedMarket(6, [symbol], start=START, history_bars=390)
    assert shapes(other.history(symbol)) != whole[:390]


def test_history_and_played_bars_lie_on_one_grid_of_minutes() -> None:
    market = GeneratedMarket(1, 2, start=START + 12_345, history_bars=50)
    assert market.start == START // MINUTE_MS * MINUTE_MS
    for symbol, bars in closed(market, 3).items():
        history = market.history(symbol)
        times = [*history.open_time.tolist(), *(bar.open_time for bar in bars)]
        assert times == [market.start + k * MINUTE_MS for k in range(-50, 3)]
        assert bars[0].open == history.close[-1]


@pytest.mark.parametrize("rate", [0.05, 0.5, 2.0])
def test_each_closed_bar_is_what_its_trades_made(rate: float) -> None:
    market = GeneratedMarket(3, 32, start=START, history_bars=10, quotes_per_second=rate)
    trades: dict[str, list[Step]] = {i.symbol: [] for i in market.instruments}
    closes = 0
    before = 0
    for step in market.steps():
        assert step.at >= before
        before = step.at
        assert 0 < step.bid < step.ask
        assert min(step.bid_lots, step.ask_lots) > 0
        if step.trade:
            assert step.trade in {step.bid, step.ask}
            assert step.buyer_maker is (step.trade == step.bid)
            trades[step.symbol].append(step)
        if step.closed is None:
            continue
        instrument = LISTINGS[step.symbol].instrument
        ticks = [t.trade for t in trades[step.symbol]]
        made = (ticks[0], max(ticks), min(ticks), ticks[-1])
        bar = step.closed
        assert tuple(float(instrument.price(t)) for t in made) == (bar.open, bar.high, bar.low, bar.close)
        assert float(instrument.quantity(sum(t.trade_lots for t in trades[step.symbol]))) == bar.volume
        assert all(bar.open_time <= t.at < bar.open_time + MINUTE_MS for t in trades[step.symbol])
        trades[step.symbol].clear()
        closes += 1
        if closes == 32 * 3:
            break


def test_steps_are_the_same_for_the_same_seed() -> None:
    first, second = (GeneratedMarket(9, 3, start=START, history_bars=5) for _ in range(2))
    assert list(islice(first.steps(), 2_000)) == list(islice(second.steps(), 2_000))


def test_there_are_more_than_thirty_contracts() -> None:
    assert len(LISTINGS) > 30


@pytest.mark.parametrize("symbols", [0, len(LISTINGS) + 1, ["NOPE/USDT:USDT"]])
def test_unknown_symbols_are_refused(symbols: int | list[str]) -> None:
    with pytest.raises(BadInput, match="symbol"):
        GeneratedMarket(1, symbols, start=START)


def test_sizes_at_the_top_wander_and_lean_to_where_the_price_goes() -> None:
    market = GeneratedMarket(3, 1, start=START, history_bars=10, quotes_per_second=4.0)
    steps = [step for step in islice(market.steps(), 6_000) if step.closed is None]
    assert min(min(s.bid_lots, s.ask_lots) for s in steps) >= 1
    assert len({s.bid_lots for s in steps}) > 1_000
    lean = [(np.log(now.bid_lots / now.ask_lots), np.sign(after.bid - now.bid)) for now, after in pairwise(steps)]
    before_rise = np.mean([size for size, way in lean if way > 0])
    before_fall = np.mean([size for size, way in lean if way < 0])
    assert before_rise > 0.1 > -0.1 > before_fall


def test_a_minutes_trades_are_uneven_and_make_its_volume() -> None:
    market = GeneratedMarket(3, 1, start=START, history_bars=10, quotes_per_second=4.0)
    lots: list[int] = []
    instrument = market.instruments[0]
    for step in market.steps():
        if step.closed is not None:
            assert sum(lots) == round(step.closed.volume / float(instrument.lot_size))
            assert max(lots) > 5 * float(np.median(lots))
            return
        if step.trade:
            lots.append(step.trade_lots)
