"""Shadow trades: bar by bar from a table, and the compiled walk against the incremental one on recorded bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import indicators, shadow
from engine.bars import Bars, Floats
from engine.model.market import Bar
from engine.model.record import Record, Shadow
from engine.model.settings import Settings
from engine.strategies import STRATEGIES, board
from engine.strategies.base import Sides

COST = 0.0006
LONG = Shadow(1, 100.0, 96.0, 108.0)
SHORT = Shadow(-1, 100.0, 104.0, 92.0)
SETTINGS = Settings()


def bar(open_: float, high: float, low: float, close: float) -> Bar:
    return Bar(0, open_, high, low, close, 1.0)


@pytest.mark.parametrize(
    ("held", "side", "now", "exit_price"),
    [
        (LONG, 1, bar(100, 107.9, 96.1, 103), None),
        (LONG, 0, bar(100, 103, 99, 101), None),  # no side is no exit
        (LONG, 1, bar(100, 103, 96, 101), 96.0),
        (LONG, 1, bar(100, 108, 99, 101), 108.0),
        (LONG, 1, bar(100, 109, 95, 101), 96.0),  # both in one bar: the stop
        (LONG, 1, bar(94, 95, 93, 94), 94.0),  # gap through the stop: the open
        (LONG, 1, bar(112, 113, 111, 112), 108.0),  # gap beyond the target: no more than the target
        (LONG, -1, bar(100, 103, 99, 102), 102.0),  # the opposite side: the close
        (LONG, -1, bar(100, 103, 95, 102), 96.0),  # but the stop came first
        (SHORT, -1, bar(100, 103.9, 92.1, 97), None),
        (SHORT, 0, bar(100, 103, 99, 101), None),
        (SHORT, -1, bar(100, 104, 99, 101), 104.0),
        (SHORT, -1, bar(100, 101, 92, 99), 92.0),
        (SHORT, -1, bar(100, 105, 91, 99), 104.0),
        (SHORT, -1, bar(106, 107, 105, 106), 106.0),
        (SHORT, -1, bar(88, 89, 87, 88), 92.0),
        (SHORT, 1, bar(100, 103, 99, 98.5), 98.5),
    ],
)
def test_a_trade_ends_where_it_would_have(held: Shadow, side: int, now: Bar, exit_price: float | None) -> None:
    before = Record(3, 1, -0.01, 0.002)
    # the side is not news, so nothing new opens unless it is the opposite one
    after, record = shadow.step(held, before, side, side, now, 4.0, 8.0, COST)
    if exit_price is None:
        assert after is held
        assert record is before
    else:
        net = held.side * (exit_price / held.entry - 1) - 2 * COST
        assert after is None
        assert record.trades == 4
        assert record.wins == 1 + (net > 0)
        assert record.returns == pytest.approx(-0.01 + net)
        assert record.squares == pytest.approx(0.002 + net * net)


@pytest.mark.parametrize(
    ("before", "side", "expected"),
    [
        (0, 1, Shadow(1, 100.0, 96.0, 108.0)),
        (-1, 1, Shadow(1, 100.0, 96.0, 108.0)),
        (1, -1, Shadow(-1, 100.0, 104.0, 92.0)),
        (1, 1, None),
        (1, 0, None),
        (0, 0, None),
    ],
)
def test_a_change_to_a_side_opens_at_the_close(before: int, side: int, expected: Shadow | None) -> None:
    record = Record()
    assert shadow.step(None, record, before, side, bar(99, 120, 80, 100), 4.0, 8.0, COST) == (expected, record)


@pytest.mark.parametrize("distance", [0.0, float("nan")])
def test_without_a_known_distance_nothing_opens(distance: float) -> None:
    assert shadow.step(None, Record(), 0, 1, bar(99, 101, 98, 100), distance, 8.0, COST)[0] is None
    assert shadow.step(None, Record(), 0, 1, bar(99, 101, 98, 100), 4.0, distance, COST)[0] is None


def test_a_flip_closes_and_opens_at_the_same_close() -> None:
    held, record = shadow.step(LONG, Record(), 1, -1, bar(100, 103, 99, 102), 4.0, 8.0, COST)
    assert held == Shadow(-1, 102.0, 106.0, 94.0)
    assert record.returns == pytest.approx(0.02 - 2 * COST)


def test_a_side_that_goes_on_after_the_stop_opens_nothing_until_it_changes() -> None:
    held, record = shadow.step(LONG, Record(), 1, 1, bar(100, 103, 95, 97), 4.0, 8.0, COST)
    assert held is None
    for side in (1, 0):
        held, record = shadow.step(held, record, 1, side, bar(97, 98, 96, 97), 4.0, 8.0, COST)
        assert held is None
    held, record = shadow.step(held, record, 0, 1, bar(97, 98, 96, 97), 4.0, 8.0, COST)
    assert held == Shadow(1, 97.0, 93.0, 105.0)
    assert record.trades == 1


def walk(
    bars: Bars,
    sides: Sequence[Sequence[int]],
    stops: Sequence[Sequence[float]],
    targets: Sequence[Sequence[float]],
    cost: float = COST,
) -> tuple[list[Record], list[Shadow | None], list[int], list[tuple[float, ...]]]:
    """What the core does at each closed bar; `sides`, `stops` and `targets` have a row a bar."""
    records: list[Record] = [Record()] * 7
    shadows: list[Shadow | None] = [None] * 7
    before = [0] * 7
    zones: list[int] = []
    history: list[tuple[float, ...]] = []
    weights = board.weights(records[:-1], SETTINGS.weight_trades)
    for i, now in enumerate(bars):
        zone = board.zone(board.score(sides[i], weights), SETTINGS.entry_score)
        wanted = [*sides[i], zone]
        for k in range(7):
            shadows[k], records[k] = shadow.step(
                shadows[k], records[k], before[k], wanted[k], now, stops[i][k], targets[i][k], cost
            )
        weights = board.weights(records[:-1], SETTINGS.weight_trades)
        before = wanted
        zones.append(zone)
        history.append(weights)
    return records, shadows, zones, history


def follow(
    bars: Bars,
    sides: Sides,
    stops: Floats,
    cost: float = COST,
) -> tuple[tuple[Record, ...], tuple[Shadow | None, ...], list[int]]:
    records, shadows, zones = shadow.follow(
        bars,
        sides,
        stops,
        2.0 * stops,
        cost,
        SETTINGS.entry_score,
        SETTINGS.weight_trades,
        board.SHRINK_TRADES,
    )
    return records, shadows, zones.tolist()


@pytest.mark.parametrize(
    ("file", "start", "cost", "weighings"),
    [
        ("binance_usdm_BTCUSDT_1m_2025-05", 0, COST, 1),  # on 1m costs eat everything: equal weights throughout
        ("binance_usdm_BTCUSDT_1m_2025-05", 0, 0.0, 100),
        ("binance_usdm_ETHUSDT_15m_2024-01_2025-08", 20_000, COST, 100),
        ("bybit_linear_WIFUSDT_1h_2025", 0, COST, 100),
        ("okx_swap_LTCUSDT_5m_2022-05_2022-08", 3_000, 0.0001, 100),
    ],
)
def test_the_compiled_walk_equals_the_incremental_one(
    recorded: Callable[[str], Bars], file: str, start: int, cost: float, weighings: int
) -> None:
    bars = recorded(file)[start : start + 6_000]
    sides = np.stack([member.wanted(bars, member.params()) for member in STRATEGIES.values()])
    stops = np.stack([indicators.atr(bars) * (1.5 + k / 4) for k in range(7)])
    records, shadows, zones, weights = walk(bars, sides.T.tolist(), stops.T.tolist(), (2.0 * stops).T.tolist(), cost)
    assert follow(bars, sides, stops, cost) == (tuple(records), tuple(shadows), zones)
    assert min(record.trades for record in records) > 20
    assert len(set(weights)) >= weighings
    assert {-1, 0, 1} == set(zones)


PRICES = st.integers(90, 110).map(float)
RANDOM_BARS = st.lists(
    st.tuples(PRICES, PRICES, PRICES, PRICES, st.lists(st.integers(-1, 1), min_size=6, max_size=6)),
    min_size=1,
    max_size=200,
)


@given(rows=RANDOM_BARS)
def test_so_it_does_on_bars_nobody_has_seen(rows: list[tuple[float, float, float, float, list[int]]]) -> None:
    prices = [row[:4] for row in rows]
    bars = Bars.of([Bar(i, p[0], max(p), min(p), p[3], 1.0) for i, p in enumerate(prices)])
    sides = np.array([row[4] for row in rows], dtype=np.int8).T.copy()
    stops = np.tile(np.arange(1.0, 8.0)[:, None], len(bars))
    records, shadows, zones, _ = walk(bars, sides.T.tolist(), stops.T.tolist(), (2.0 * stops).T.tolist())
    assert follow(bars, sides, stops) == (tuple(records), tuple(shadows), zones)


def test_what_was_known_then_is_not_changed_by_what_came_later(recorded: Callable[[str], Bars]) -> None:
    bars = recorded("binance_usdm_BTCUSDT_1m_2025-05")[:4_000]
    sides = np.stack([member.wanted(bars, member.params()) for member in STRATEGIES.values()])
    stops = np.stack([indicators.atr(bars) * 2.0] * 7)
    whole = follow(bars, sides, stops)[2]
    for end in (100, 1_000, 2_777):
        assert follow(bars[:end], sides[:, :end].copy(), stops[:, :end].copy())[2] == whole[:end]
