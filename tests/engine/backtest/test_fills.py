"""What a bar does to a position, computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from engine.arithmetic import liquidation
from engine.backtest.funding import Funding
from engine.backtest.rules import Exits, Rules, Sizing
from engine.backtest.run import Backtest
from engine.bars import Bars
from engine.model.instrument import Instrument
from engine.model.position import liquidation_ticks
from tests.engine.backtest.made import GRID, HOUR, T0, Ohlc, bars_of, flat, prepared, run, signals, trades

UP: list[Ohlc] = [(100, 101, 99, 100), (102, 103, 101, 102), (104, 105, 103, 104), (106, 107, 105, 106), flat(108)]

ENTRIES = {
    "a decision is filled at the next open": (UP, [1, 1, 0, 0, 0], [(1, 3, 1, 102, 106, "signal")]),
    "a reversal closes and opens at one price": (
        UP, [1, 1, -1, -1, -1], [(1, 3, 1, 102, 106, "signal"), (3, 4, -1, 106, 108, "end")],
    ),
    "a reversal in one bar": (
        UP, [1, -1, 1, 0, 0],
        [(1, 2, 1, 102, 104, "signal"), (2, 3, -1, 104, 106, "signal"), (3, 4, 1, 106, 108, "signal")],
    ),
    "the first bar decides": (UP, [1, 0, 0, 0, 0], [(1, 2, 1, 102, 104, "signal")]),
    "the last bar decides nothing": (UP, [0, 0, 0, 0, 1], []),
    "the last but one is filled and closed at the last close": (
        [*UP[:4], (108, 112, 107, 111)], [0, 0, 0, -1, -1], [(4, 4, -1, 108, 111, "end")],
    ),
    "nothing wanted, nothing done": (UP, [0, 0, 0, 0, 0], []),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "sides", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_entries(rows: list[Ohlc], sides: list[int], expected: list[Any]) -> None:
    assert trades(run(rows, sides)) == expected


def bar(o: float, h: float, low: float, c: float) -> list[Ohlc]:
    """Decision at 100, entry at the open of 100, then this bar, then a flat one at its close."""
    return [flat(100), flat(100), (o, h, low, c), flat(c)]


# A long of 100 with its stop at 95 and its target at 110; the third bar is the one that counts.
LONG = {
    "stop inside": (bar(99, 101, 94, 96), [(1, 2, 1, 100, 95, "stop")]),
    "stop touched": (bar(99, 101, 95, 96), [(1, 2, 1, 100, 95, "stop")]),
    "stop missed by a tick": (bar(99, 101, 95.1, 96), [(1, 3, 1, 100, 96, "end")]),
    "gap through the stop": (bar(90, 92, 88, 91), [(1, 2, 1, 100, 90, "stop")]),
    "target inside": (bar(101, 111, 100, 109), [(1, 2, 1, 100, 110, "target")]),
    "target touched": (bar(101, 110, 100, 109), [(1, 2, 1, 100, 110, "target")]),
    "target missed by a tick": (bar(101, 109.9, 100, 109), [(1, 3, 1, 100, 109, "end")]),
    "gap through the target": (bar(115, 116, 114, 115), [(1, 2, 1, 100, 115, "target")]),
    "both in one bar: the stop": (bar(100, 112, 94, 105), [(1, 2, 1, 100, 95, "stop")]),
    "gap through the target, stop later": (bar(112, 113, 90, 91), [(1, 2, 1, 100, 112, "target")]),
}
SHORT = {
    "stop inside": (bar(101, 106, 99, 104), [(1, 2, -1, 100, 105, "stop")]),
    "gap through the stop": (bar(110, 112, 108, 109), [(1, 2, -1, 100, 110, "stop")]),
    "target inside": (bar(99, 100, 89, 91), [(1, 2, -1, 100, 90, "target")]),
    "gap through the target": (bar(85, 86, 84, 85), [(1, 2, -1, 100, 85, "target")]),
    "both in one bar: the stop": (bar(100, 106, 88, 95), [(1, 2, -1, 100, 105, "stop")]),
}


@pytest.mark.parametrize(("rows", "expected"), LONG.values(), ids=LONG.keys())
def test_levels_of_a_long(rows: list[Ohlc], expected: list[Any]) -> None:
    assert trades(run(rows, [1, 1, 1, 1], stop=5, target=10)) == expected


@pytest.mark.parametrize(("rows", "expected"), SHORT.values(), ids=SHORT.keys())
def test_levels_of_a_short(rows: list[Ohlc], expected: list[Any]) -> None:
    assert trades(run(rows, [-1, -1, -1, -1], stop=5, target=10)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([flat(100), (100, 101, 94, 96), flat(96)], [(1, 1, 1, 100, 95, "stop")]),
        ([flat(100), (100, 111, 99, 105), flat(105)], [(1, 1, 1, 100, 110, "target")]),
        ([flat(100), (94, 96, 93, 95), flat(95)], [(1, 1, 1, 94, 94, "stop")]),  # opens beyond the stop
        ([flat(100), (112, 113, 111, 112), flat(112)], [(1, 1, 1, 112, 112, "target")]),  # and beyond the target
    ],
    ids=["stop", "target", "opens beyond the stop", "opens beyond the target"],
)
def test_levels_hold_on_the_bar_of_the_entry(rows: list[Ohlc], expected: list[Any]) -> None:
    assert trades(run(rows, [1, 1, 1], stop=5, target=10)) == expected


def test_levels_are_anchored_at_the_close_that_decided() -> None:
    rows = [flat(100), (103, 104, 102, 103), (103, 103, 95.1, 96), (96, 97, 94, 95), flat(95)]
    assert trades(run(rows, [1, 1, 1, 1, 1], stop=5, target=10)) == [(1, 3, 1, 103, 95, "stop")]


def test_after_a_stop_the_next_crossing_is_waited_for() -> None:
    rows = [flat(100), flat(100), (100, 100, 94, 96), flat(96), flat(96), flat(97), flat(98)]
    found = trades(run(rows, [1, 1, 1, 1, -1, -1, -1], stop=5, target=10))
    assert found == [(1, 2, 1, 100, 95, "stop"), (5, 6, -1, 97, 98, "end")]


def test_with_exits_a_flat_side_closes_nothing() -> None:
    rows = [flat(100), flat(100), flat(101), flat(102)]
    assert trades(run(rows, [1, 0, 0, 0], stop=5, target=10)) == [(1, 3, 1, 100, 102, "end")]


def test_a_reversal_through_its_own_stop_only_closes() -> None:
    rows = [flat(100), flat(100), flat(100), (106, 107, 105, 106), flat(106)]
    found = trades(run(rows, [1, 1, -1, -1, -1], stop=5, target=50))
    assert found == [(1, 3, 1, 100, 106, "signal")]


def test_fixed_exits_are_fractions_of_the_close_that_decided() -> None:
    rows = [flat(200), (201, 202, 200, 201), (201, 208.1, 200, 205), flat(205)]
    test = prepared(rows, exits=Exits.FIXED, stop=0.02, target=0.04)
    assert trades(test.run_sides(signals([1, 1, 1, 1]))) == [(1, 2, 1, 201, 208, "target")]


SLIPPED = {  # 1 % at 100.0 is ten ticks; at 102 it is 10.2, rounded up to 11
    "in and out": ([flat(100), flat(100), flat(102), flat(102)], [1, 0, 0, 0], {}, (101.0, 100.9)),
    "a short": ([flat(100), flat(100), flat(102), flat(102)], [-1, 0, 0, 0], {}, (99.0, 103.1)),
    "a stop": (bar(99, 101, 94, 96), [1, 1, 1, 1], {"stop": 5.0}, (101.0, 94.0)),
    "a target at market": (bar(101, 111, 100, 109), [1, 1, 1, 1], {"target": 10.0}, (101.0, 108.9)),
}


@pytest.mark.parametrize(("rows", "sides", "levels", "prices"), SLIPPED.values(), ids=SLIPPED.keys())
def test_slippage_is_against_us(
    rows: list[Ohlc], sides: list[int], levels: dict[str, float], prices: tuple[float, float]
) -> None:
    (found,) = trades(run(rows, sides, **levels, slippage=0.01))
    assert found[3:5] == prices


def test_a_resting_target_pays_the_maker_fee_and_no_slippage() -> None:
    result = run(
        bar(101, 111, 100, 109),
        [1, 1, 1, 1],
        target=10,
        maker_target=True,
        slippage=0.01,
        taker_ppm=1_000,
        maker_ppm=100,
    )
    (row,) = result.trades
    assert row["exit_ticks"] == 1_100
    assert row["fee"] == 101 * 10**5 + 110 * 10**4  # 0.1 % of 101 and 0.01 % of 110, in 1e-8


def test_fees_of_both_sides() -> None:
    result = run([flat(100), flat(100), flat(110), flat(110)], [1, 0, 0, 0], taker_ppm=500)
    (row,) = result.trades
    assert row["fee"] == 5_000_000 + 5_500_000  # 0.05 % of 100 and of 110
    assert row["pnl"] == 10 * 10**8
    assert result.sums.final == 1_000 * 10**8 + row["pnl"] - row["fee"]


MAINTENANCE = 5_000
LIQUIDATIONS = {  # (side, leverage, the bar, exit price): entry 100
    "long 10x": (1, 10, (99, 99, 85, 88), 90.4),  # 100 (1 - 1/10) / (1 - 0.005) = 90.4522, rounded down
    "short 10x": (-1, 10, (101, 115, 101, 112), 109.5),  # 100 (1 + 1/10) / (1 + 0.005) = 109.4527, rounded up
    "long 2x": (1, 2, (99, 99, 45, 60), 50.2),
    "short 1x": (-1, 1, (101, 210, 101, 205), 199.1),
    "gap, not beyond the margin": (1, 10, (80, 85, 75, 82), 90.0),
    "gap between liquidation and bankruptcy": (1, 10, (90.2, 90.3, 75, 82), 90.2),
}


@pytest.mark.parametrize(("side", "leverage", "row", "price"), LIQUIDATIONS.values(), ids=LIQUIDATIONS.keys())
def test_liquidation(side: int, leverage: int, row: Ohlc, price: float) -> None:
    rows = [flat(100), flat(100), row, flat(row[3])]
    result = run(rows, [side] * 4, leverage=leverage, maintenance_ppm=MAINTENANCE)
    assert trades(result) == [(1, 2, side, 100, price, "liquidation")]
    assert result.metrics.liquidations == 1


@pytest.mark.parametrize(("side", "leverage"), [(1, 10), (-1, 10), (1, 3), (-1, 3), (-1, 1), (1, 125)])
def test_the_liquidation_price_is_the_one_of_the_desk(side: int, leverage: int) -> None:
    """The kernel's formula for one fill, and the desk's from cost and margin."""
    contract: Instrument = GRID.instrument("X/USDT:USDT", Rules(maintenance_ppm=4_000))
    entry, lots = 987_654, 1_000
    cost = lots * entry * contract.unit
    margin = cost // leverage
    expected = liquidation_ticks(contract, side * lots, side * cost, margin)
    assert liquidation(entry, side, leverage, 4_000) == pytest.approx(expected or 0, abs=1)


def test_a_stop_before_liquidation_is_a_stop() -> None:
    result = run(bar(99, 99, 80, 85), [1, 1, 1, 1], stop=5, leverage=10)
    assert trades(result) == [(1, 2, 1, 100, 95, "stop")]


def test_a_stop_behind_liquidation_never_comes() -> None:
    result = run(bar(99, 99, 80, 85), [1, 1, 1, 1], stop=15, leverage=10)
    assert trades(result) == [(1, 2, 1, 100, 90.4, "liquidation")]


def funding_at(*offsets: int, rate: float = 0.001) -> Funding:
    return Funding(np.array([T0 + o for o in offsets], dtype=np.int64), np.full(len(offsets), rate))


FUNDED = {  # (side wanted at the first close, when, rate, paid): one contract held from the open of bar 1 at 100
    "a long pays a positive rate": (1, 2 * HOUR, 0.001, 0.102),
    "a short receives it": (-1, 2 * HOUR, 0.001, -0.102),
    "a long receives a negative rate": (1, 2 * HOUR, -0.001, -0.102),
    "at the open of the entry nothing is held yet": (1, HOUR, 0.001, 0.0),
    "some milliseconds late is still the open": (1, HOUR + 9, 0.001, 0.0),
    "inside the bar of the entry": (1, HOUR + HOUR // 2, 0.001, 0.1),
    "at the open of the exit it is still held": (1, 3 * HOUR, 0.001, 0.104),
    "inside the bar of the exit it is gone": (1, 3 * HOUR + HOUR // 2, 0.001, 0.0),
    "before everything": (1, -HOUR, 0.001, 0.0),
    "after everything": (1, 9 * HOUR, 0.001, 0.0),
}


@pytest.mark.parametrize(("side", "when", "rate", "paid"), FUNDED.values(), ids=FUNDED.keys())
def test_funding(side: int, when: int, rate: float, paid: float) -> None:
    rows = [flat(100), flat(100), flat(102), flat(104), flat(104)]
    test = prepared(rows, funding=funding_at(when, rate=rate))
    result = test.run_sides(signals([side, side, 0, 0, 0]))
    (row,) = result.trades
    assert row["funding"] / 1e8 == pytest.approx(paid)
    assert result.metrics.funding == pytest.approx(paid)
    assert result.sums.final == 1_000 * 10**8 + row["pnl"] - row["funding"]


def minutes(*closes: float) -> Bars:
    """Detail bars of a quarter of an hour each in the third hour."""
    before = (100.0, *closes[:-1])
    rows = [(a, max(a, b), min(a, b), b) for a, b in zip(before, closes, strict=True)]
    made = bars_of(rows)
    times = T0 + 2 * HOUR + np.arange(len(rows)) * (HOUR // 4)
    return Bars(times, made.open, made.high, made.low, made.close, made.volume)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (minutes(111, 94, 100, 105), (110, "target", HOUR * 2)),
        (minutes(94, 111, 100, 105), (95, "stop", HOUR * 2)),
        (minutes(104, 112, 94, 105), (110, "target", HOUR * 2 + HOUR // 4)),
        (minutes(104, 103, 112, 105), (110, "target", HOUR * 2 + HOUR // 2)),
    ],
    ids=["target first", "stop first", "target in the second quarter", "no stop at all"],
)
def test_detail_bars_say_what_came_first(detail: Bars, expected: tuple[float, str, int]) -> None:
    rows = bar(100, 112, 94, 105)
    test = prepared(rows, detail=detail, exits=Exits.STRATEGY)
    result = test.run_sides(signals([1, 1, 1, 1], 5, 10))
    ((_, _, _, _, price, reason),) = trades(result)
    assert (price, reason, result.trades[0]["exit_time"] - T0) == expected


def test_a_bar_without_detail_is_read_with_the_stop_first() -> None:
    rows = bar(100, 112, 94, 105)
    elsewhere = minutes(104, 103, 102, 103)
    later = Bars(
        elsewhere.open_time + HOUR, *(getattr(elsewhere, c) for c in ("open", "high", "low", "close", "volume"))
    )
    test = prepared(rows, detail=later, exits=Exits.STRATEGY)
    ((_, _, _, _, price, reason),) = trades(test.run_sides(signals([1, 1, 1, 1], 5, 10)))
    assert (price, reason) == (95, "stop")


@pytest.mark.parametrize(
    ("minimum", "expected"), [(100, [(1, 3, 1, 100, 100, "end")]), (100.0000001, [])], ids=["just enough", "too small"]
)
def test_minimum_notional(minimum: float, expected: list[Any]) -> None:
    rules = Rules(taker_ppm=0, slippage=0.0, sizing=Sizing.QUANTITY, size=1.0)
    grid = replace(GRID, min_notional=round(minimum * 10**8))
    test = Backtest(bars_of([flat(100)] * 4), HOUR, rules, grid=grid)
    assert trades(test.run_sides(signals([1, 1, 1, 1]))) == expected


def test_a_reversal_too_small_for_the_venue_still_closes() -> None:
    rules = Rules(taker_ppm=0, slippage=0.0, sizing=Sizing.QUANTITY, size=1.0)
    rows = [flat(100), flat(100), flat(80), flat(80), flat(80)]
    test = Backtest(bars_of(rows), HOUR, rules, grid=replace(GRID, min_notional=90 * 10**8))
    assert trades(test.run_sides(signals([1, 1, -1, -1, -1]))) == [(1, 3, 1, 100, 80, "signal")]


SIZES = {  # capital 1,000, price 100: the quantity bought
    "all equity": ({"sizing": Sizing.EQUITY, "size": 1.0}, 10.0),
    "half of it": ({"sizing": Sizing.EQUITY, "size": 0.5}, 5.0),
    "with leverage": ({"sizing": Sizing.EQUITY, "size": 1.0, "leverage": 5}, 50.0),
    "with room for the fee": ({"sizing": Sizing.EQUITY, "size": 1.0, "taker_ppm": 10_000}, 9.900),  # 1000 / 101
    "a fixed value": ({"sizing": Sizing.NOTIONAL, "size": 250.0}, 2.5),
    "a fixed quantity": ({"sizing": Sizing.QUANTITY, "size": 0.1239}, 0.123),  # whole lots of 0.001
    "a quantity beyond the account": ({"sizing": Sizing.QUANTITY, "size": 27.0}, 10.0),
    "a value beyond the account": ({"sizing": Sizing.NOTIONAL, "size": 5_000.0, "leverage": 2}, 20.0),
    "risk to the stop": ({"sizing": Sizing.RISK, "size": 0.01, "exits": Exits.FIXED, "stop": 0.05}, 2.0),  # 10 / 5
    "risk beyond the account": ({"sizing": Sizing.RISK, "size": 1.0, "exits": Exits.FIXED, "stop": 0.05}, 10.0),
}


@pytest.mark.parametrize(("rules", "quantity"), SIZES.values(), ids=SIZES.keys())
def test_sizes(rules: dict[str, Any], quantity: float) -> None:
    result = prepared([flat(100)] * 4, **rules).run_sides(signals([1, 1, 1, 1]))
    (row,) = result.trades
    assert row["lots"] / 1000 == pytest.approx(quantity)


def test_profits_are_put_to_work() -> None:
    rows = [flat(100), flat(100), flat(200), flat(200), flat(200), flat(200)]
    first, second = run(rows, [1, 1, 0, 1, 1, 1], sizing=Sizing.EQUITY).trades
    assert (first["lots"], second["lots"]) == (10_000, 10_000)  # 1,000 / 100 and 2,000 / 200


def test_bars_without_volume_are_bars() -> None:
    rows = [flat(100), flat(100), flat(101), flat(101)]
    quiet = prepared(rows)
    silent = type(quiet)(bars_of(rows, volume=0.0), HOUR, quiet.rules, grid=GRID)
    sides = signals([1, 1, 0, 0])
    assert quiet.run_sides(sides).trades.tolist() == silent.run_sides(sides).trades.tolist()
