"""Live readings equal those computed once over the whole history, and history seeds the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from engine.bars import Bars, BarWindow
from engine.errors import BadInput
from engine.model.record import Record, Shadow
from engine.model.settings import Settings
from engine.ports import Reading, Readings
from engine.readings import HistoryReadings, LiveReadings, seed, warm_up
from engine.shadow import step
from engine.strategies import NAMES, STRATEGIES, board, strategy

SETTINGS = Settings()
WINDOW = 2_500
SYMBOL = "BTC/USDT:USDT"
COST = 0.0006


def same(live: Reading, history: Reading) -> None:
    assert live.sides == history.sides
    np.testing.assert_allclose((live.stops, live.targets), (history.stops, history.targets), rtol=1e-9, atol=0.0)


def hold_equal(bars: Bars, ends: Iterable[int], live: Readings, history: Readings) -> None:
    for end in ends:
        window = bars[max(0, end - WINDOW) : end]
        same(live.read(SYMBOL, window), history.read(SYMBOL, window))


SLICES = [
    ("binance_usdm_BTCUSDT_1m_2025-05", 0, 5_500),
    ("binance_usdm_ETHUSDT_1h_2024-01_2025-08", 5_000, 5_500),
    ("okx_swap_BTCUSDT_5m_2022-05_2022-08", 20_000, 5_500),
    ("bitfinex_spot_BTCUSD_1m_2016-02", 0, 5_500),
    ("bybit_linear_WIFUSDT_1h_2025", 0, 3_434),
]


@pytest.mark.parametrize(("file", "start", "count"), SLICES)
def test_live_equals_history_bar_for_bar(recorded: Callable[[str], Bars], file: str, start: int, count: int) -> None:
    bars = recorded(file)[start : start + count]
    history = HistoryReadings({SYMBOL: bars}, SETTINGS)
    hold_equal(bars, range(1, len(bars) + 1), LiveReadings(SETTINGS), history)


@pytest.mark.slow
def test_live_equals_history_over_a_whole_file(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_BTCUSDT_1m_2025-05")
    history = HistoryReadings({SYMBOL: bars}, SETTINGS)
    hold_equal(bars, range(1, len(bars) + 1), LiveReadings(SETTINGS), history)


def test_live_reads_the_ring_that_the_engine_keeps(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_BTCUSDT_15m_2024-01_2025-08")[:5_200]
    history, live = HistoryReadings({SYMBOL: bars}, SETTINGS), LiveReadings(SETTINGS)
    ring = BarWindow(WINDOW)
    ring.load(bars[:2_499])
    read = 0
    for bar in bars[2_499:]:
        ring.append(bar)
        same(live.read(SYMBOL, ring.view()), history.read(SYMBOL, ring.view()))
        read += 1
    assert read == 2_701  # more than the ring holds: it has moved to its front in between


def test_a_window_of_2500_bars_is_enough() -> None:
    assert LiveReadings(SETTINGS).needed <= WINDOW


def test_parameters_are_the_strategies_own_where_given(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_BTCUSDT_1m_2025-05")[:4_000]
    params = {
        "supertrend": strategy("supertrend").make(period=7, multiplier=1.5, stop_atr=3.0, target_ratio=4.0),
        "bollinger": strategy("bollinger").make(period=30),
    }
    settings = Settings(stop_atr=1.0, target_ratio=1.5)
    live = LiveReadings(settings, params)
    hold_equal(bars, range(3_000, 4_000, 3), live, HistoryReadings({SYMBOL: bars}, settings, params))
    reading = live.read(SYMBOL, bars)
    atr = reading.stops[-1]
    assert reading.stops == pytest.approx([3 * atr, atr, atr, atr, 2 * atr, atr, atr])
    assert reading.targets == pytest.approx([12 * atr, 1.5 * atr, 1.5 * atr, 1.5 * atr, 4 * atr, 1.5 * atr, 1.5 * atr])


def test_parameters_are_checked() -> None:
    with pytest.raises(BadInput, match="supertrnd"):
        LiveReadings(SETTINGS, {"supertrnd": strategy("supertrend").params()})
    with pytest.raises(BadInput, match=r"ema-cross.fast: 2 - use 3 to 60"):
        LiveReadings(SETTINGS, {"ema-cross": type(strategy("ema-cross").params())(fast=2)})  # type: ignore[call-arg]


@pytest.mark.parametrize("n", [0, 1, 2, 13, 14])
def test_a_cold_window_reads_nothing(recorded: Callable[[str], Bars], n: int) -> None:
    reading = LiveReadings(SETTINGS).read(SYMBOL, recorded("bybit_linear_WIFUSDT_1h_2025")[:n])
    assert reading.stops == reading.targets == (0.0,) * len(NAMES)
    assert reading.sides[1:] == (0,) * 5


def test_a_bar_outside_the_history_is_a_key_error(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("bybit_linear_WIFUSDT_1h_2025")
    history = HistoryReadings({SYMBOL: bars[:100]}, SETTINGS)
    with pytest.raises(KeyError):
        history.read(SYMBOL, bars[:101])


def test_the_seed_is_what_the_core_would_have_learnt(recorded: Callable[[str], Bars]) -> None:
    """Two and a half thousand bars fed one by one to the incremental functions give the seeded event."""
    bars = recorded("binance_usdm_ETHUSDT_1m_2025-05")[1_000:3_500]
    history = HistoryReadings({SYMBOL: bars}, SETTINGS)
    records: list[Record] = [Record()] * 7
    shadows: list[Shadow | None] = [None] * 7
    before = [0] * 7
    for i, bar in enumerate(bars):
        reading = history.read(SYMBOL, bars[: i + 1])
        score = board.score(reading.sides, board.weights(records[:-1], SETTINGS.weight_trades))
        sides = [*reading.sides, board.zone(score, SETTINGS.entry_score)]
        for k in range(7):
            shadows[k], records[k] = step(
                shadows[k], records[k], before[k], sides[k], bar, reading.stops[k], reading.targets[k], COST
            )
        before = sides
    event = seed(SYMBOL, bars, SETTINGS, COST, at=1_750_000_000_000)
    assert event.records == tuple(records)
    assert event.shadows == tuple(shadows)
    assert event.readings == tuple(before[:-1])
    assert event.open_time == bars.open_time[-1]
    assert (event.symbol, event.at) == (SYMBOL, 1_750_000_000_000)
    assert all(record.trades > 0 for record in records)


def test_the_seed_depends_on_costs_and_parameters(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_ETHUSDT_1m_2025-05")[:2_500]
    plain = seed(SYMBOL, bars, SETTINGS, COST, 0)
    dear = seed(SYMBOL, bars, SETTINGS, 2 * COST, 0)
    for cheap, costly in zip(plain.records[:-1], dear.records[:-1], strict=True):
        assert costly.returns == pytest.approx(cheap.returns - 2 * COST * cheap.trades)
    other = seed(SYMBOL, bars, SETTINGS, COST, 0, {"supertrend": strategy("supertrend").make(multiplier=1.0)})
    assert other.records[0] != plain.records[0]
    assert other.records[1:6] == plain.records[1:6]


def test_a_seed_needs_a_bar_and_one_teaches_nothing(recorded: Callable[[str], Bars]) -> None:
    with pytest.raises(BadInput, match="no bars"):
        seed(SYMBOL, Bars.empty(), SETTINGS, COST, 0)
    event = seed(SYMBOL, recorded("bybit_linear_WIFUSDT_1h_2025")[:1], SETTINGS, COST, 0)
    assert event.records == (Record(),) * 7
    assert event.shadows == (None,) * 7
    assert event.readings == (0,) * len(STRATEGIES)


def test_warming_up_needs_no_data() -> None:
    warm_up()
