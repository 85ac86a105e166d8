"""Recorded files as a market: the closed bars are the file's, and the trades inside touch them exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bars import Bars
from engine.errors import BadInput
from engine.model.market import Bar
from engine.simulator.market import Step
from engine.simulator.replay import ReplayMarket


def cut(folder: Path, name: str, bars: Bars) -> Path:
    path = folder / f"{name}.parquet"
    columns = ("open", "high", "low", "close", "volume")
    pq.write_table(pa.table({"timestamp": bars.open_time, **{c: getattr(bars, c) for c in columns}}), path)
    return path


FILES = [
    ("binance_usdm_BTCUSDT_1m_2025-05", 4),
    ("binance_usdm_NEARUSDT_1m_2023-08_2023-10", 12),
    ("okx_swap_LTCUSDT_5m_2022-05_2022-08", 7),
    ("bybit_linear_WIFUSDT_1m_2025", 4),
    ("bitfinex_spot_BTCUSD_1m_2016-02", 5),
]


@pytest.mark.parametrize(("name", "steps"), FILES)
def test_closed_bars_equal_the_file_and_trades_touch_them(
    tmp_path: Path, recorded: Callable[[str], Bars], name: str, steps: int
) -> None:
    bars = recorded(name)[500:1_500]
    market = ReplayMarket([(cut(tmp_path, name, bars), None)], steps_per_bar=steps, warm=100)
    (instrument,) = market.instruments
    warm = market.history(instrument.symbol)
    assert list(warm) == list(bars[:100])
    played: list[Bar] = []
    trades: list[Step] = []
    before = 0
    for step in market.steps():
        assert step.at >= before
        before = step.at
        assert step.bid < step.ask
        if step.closed is None:
            trades.append(step)
            continue
        bar = step.closed
        played.append(bar)
        assert step.at == bar.open_time + market.timeframe_ms
        if bar.volume > 0:
            prices = [float(instrument.price(t.trade)) for t in trades]
            assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
            assert all(bar.open_time <= t.at < step.at for t in trades)
            lots = round(bar.volume / float(instrument.lot_size))
            assert sum(t.trade_lots for t in trades) == max(lots, steps)
        else:
            assert trades == []
        trades.clear()
    assert played == list(bars[100:])  # bit for bit
    assert (market.start, market.end) == (played[0].open_time, played[-1].open_time + market.timeframe_ms)


def test_gaps_stay(tmp_path: Path, recorded: Callable[[str], Bars]) -> None:
    bars = recorded("bitfinex_spot_BTCUSD_1m_2016-02")[:300]
    assert int((bars.open_time[1:] - bars.open_time[:-1]).max()) > 60_000
    market = ReplayMarket([(cut(tmp_path, "x_BTCUSD_1m", bars), None)])
    times = [step.closed.open_time for step in market.steps() if step.closed is not None]
    assert times == bars.open_time.tolist()


def test_files_merge_in_time_order(tmp_path: Path, recorded: Callable[[str], Bars]) -> None:
    names = ("binance_usdm_BTCUSDT_1m_2025-05", "binance_usdm_ETHUSDT_1m_2025-05")
    parts = [recorded(name)[:200] for name in names]
    parts[1] = parts[1][50:]
    market = ReplayMarket([(cut(tmp_path, name, bars), None) for name, bars in zip(names, parts, strict=True)])
    steps = list(market.steps())
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    for instrument, bars in zip(market.instruments, parts, strict=True):
        assert [s.closed for s in steps if s.closed is not None and s.symbol == instrument.symbol] == list(bars)
    assert [i.symbol for i in market.instruments] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]


def test_the_same_seed_plays_the_same(tmp_path: Path, recorded: Callable[[str], Bars]) -> None:
    path = cut(tmp_path, "x_BTCUSDT_1m", recorded("binance_usdm_BTCUSDT_1m_2025-05")[:50])

    def play(seed: int) -> list[Step]:
        return list(ReplayMarket([(path, None)], seed=seed, steps_per_bar=20).steps())

    assert play(1) == play(1)
    assert play(1) != play(2)


def test_a_file_may_be_played_as_another_symbol(tmp_path: Path, recorded: Callable[[str], Bars]) -> None:
    path = cut(tmp_path, "candles", recorded("binance_usdm_BTCUSDT_1m_2025-05")[:50])
    market = ReplayMarket([(path, "NEW/USDT:USDT")])
    assert market.instruments[0].symbol == "NEW/USDT:USDT"


def test_files_that_do_not_go_together_are_refused(tmp_path: Path, recorded: Callable[[str], Bars]) -> None:
    minutes = recorded("binance_usdm_BTCUSDT_1m_2025-05")[:50]
    path = cut(tmp_path, "x_BTCUSDT_1m", minutes)
    hours = cut(tmp_path, "x_ETHUSDT_1h", recorded("binance_usdm_ETHUSDT_1h_2024-01_2025-08")[:50])
    nameless = cut(tmp_path, "candles", minutes)
    with pytest.raises(BadInput, match="all must have one timeframe"):
        ReplayMarket([(path, None), (hours, None)])
    with pytest.raises(BadInput, match="each symbol may be played once"):
        ReplayMarket([(path, None), (path, None)])
    with pytest.raises(BadInput, match=r"symbol: candles\.parquet - its name does not say"):
        ReplayMarket([(nameless, None)])
    with pytest.raises(BadInput, match=r"warm bars: 50 - .* has only 50 bars"):
        ReplayMarket([(path, None)], warm=50)
    with pytest.raises(BadInput, match="there is no such file"):
        ReplayMarket([(tmp_path / "none.parquet", None)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["binance_usdm_BTCUSDT_1m_2025-05", "okx_swap_ETHUSDT_5m_2022-05_2022-08"])
def test_a_whole_file_comes_back_bit_for_bit(market_data: Path, recorded: Callable[[str], Bars], name: str) -> None:
    market = ReplayMarket([(market_data / "candles" / f"{name}.parquet", None)])
    played = [step.closed for step in market.steps() if step.closed is not None]
    assert played == list(recorded(name))
