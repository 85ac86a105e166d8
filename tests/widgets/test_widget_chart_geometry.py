"""Prices map inside the rows, extremes touch the right ones, order is kept; candles show what their bar was."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.model.market import MINUTE_MS, Bar
from widgets.chart_candles import THIN, ZOOMS, Zoom, column_cells, draw_candle, merged
from widgets.chart_canvas import Canvas
from widgets.chart_scale import DAY_MS, PriceScale, nice_step, nice_ticks, scale_for, time_step
from widgets.chart_window import time_label, window_of

prices = st.floats(0.0001, 200_000.0)


@st.composite
def some_bars(draw: st.DrawFn) -> Bar:
    ends = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    opened, closed = (ends[1], ends[2]) if draw(st.booleans()) else (ends[2], ends[1])
    return Bar(0, opened, ends[3], ends[0], closed, draw(st.floats(0.0, 1e9)))


@given(prices, prices, st.integers(1, 80), st.floats(0.0, 1.0))
def test_every_price_of_the_range_lies_on_a_row(a: float, b: float, rows: int, share: float) -> None:
    scale = PriceScale(min(a, b), max(a, b), rows)
    price = min(max(scale.low + (scale.high - scale.low) * share, scale.low), scale.high)
    assert 0 <= scale.row(price) < rows
    assert 0 <= scale.half(price) < 2 * rows
    assert scale.dot(price) // 4 == scale.row(price)
    assert scale.half(price) // 2 == scale.row(price)


@given(prices, prices, st.integers(1, 80))
def test_high_touches_the_top_row_and_low_the_bottom_row(a: float, b: float, rows: int) -> None:
    assume(abs(a - b) > 1e-6 * max(a, b))
    scale = PriceScale(min(a, b), max(a, b), rows)
    assert scale.row(scale.high) == 0
    assert scale.row(scale.low) == rows - 1


@given(prices, prices, st.integers(1, 80), prices, prices)
def test_a_higher_price_is_never_drawn_lower(a: float, b: float, rows: int, one: float, two: float) -> None:
    scale = PriceScale(min(a, b), max(a, b), rows)
    assert scale.half(max(one, two)) <= scale.half(min(one, two))


@given(prices, prices, st.integers(1, 80))
def test_the_price_in_the_middle_of_a_row_lies_on_that_row(a: float, b: float, rows: int) -> None:
    assume(abs(a - b) > 1e-6 * max(a, b))
    scale = PriceScale(min(a, b), max(a, b), rows)
    for row in range(rows):
        assert scale.row(scale.price_at(row)) == row


@given(prices, prices, st.lists(prices, max_size=4))
def test_levels_never_squeeze_the_candles_below_half(a: float, b: float, levels: list[float]) -> None:
    low, high = min(a, b), max(a, b)
    assume(high - low > 1e-6 * high)
    scale = scale_for(low, high, 20, levels)
    assert scale.low <= low
    assert scale.high >= high
    assert (high - low) / (scale.high - scale.low) > 0.47


def test_a_near_level_widens_the_scale_and_a_far_one_does_not() -> None:
    scale = scale_for(100.0, 110.0, 20, [95.0, 10.0])
    assert scale.inside(95.0)
    assert not scale.inside(10.0)


@pytest.mark.parametrize(
    ("span", "most", "least", "step"),
    [
        (10.0, 5, 0.0, 2.0),
        (10.0, 4, 0.0, 2.5),
        (9.0, 10, 0.0, 1.0),
        (0.3, 3, 0.0, 0.1),
        (0.3, 30, 0.5, 0.5),
        (7e4, 6, 0.1, 2e4),
    ],
)
def test_steps_are_round(span: float, most: int, least: float, step: float) -> None:
    assert nice_step(span, most, least) == pytest.approx(step)


@given(prices, prices, st.integers(1, 30))
def test_ticks_lie_in_the_range_at_equal_distances(a: float, b: float, most: int) -> None:
    low, high = min(a, b), max(a, b)
    assume(high - low > 1e-6 * high)
    ticks = nice_ticks(low, high, most, 0.0)
    assert len(ticks) <= most + 1
    slack = 1e-6 * high
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    gaps = [after - before for before, after in itertools.pairwise(ticks)]
    assert all(gap == pytest.approx(gaps[0], rel=1e-3) for gap in gaps)


@given(some_bars(), st.integers(1, 40))
def test_a_candle_reaches_from_its_high_to_its_low_without_a_hole(bar: Bar, rows: int) -> None:
    scale = scale_for(bar.low, bar.high, rows, [])
    cells = column_cells(bar, scale)
    halves = [kind for _, upper, lower in cells for kind in (upper, lower)]
    filled = [index for index, kind in enumerate(halves) if kind]
    assert filled == list(range(filled[0], filled[-1] + 1))
    first = 2 * cells[0][0]
    assert first + filled[0] == scale.half(bar.high)
    assert first + filled[-1] == scale.half(bar.low)
    body = [first + index for index, kind in enumerate(halves) if kind == 2]
    assert body[0] == scale.half(max(bar.open, bar.close))
    assert body[-1] == scale.half(min(bar.open, bar.close))
    assert all((upper, lower) in THIN for _, upper, lower in cells)


@given(
    st.lists(some_bars(), min_size=1, max_size=200), st.sampled_from(ZOOMS), st.integers(1, 150), st.integers(0, 300)
)
def test_candles_in_view_are_whole_bars_in_order(bars: list[Bar], zoom: Zoom, columns: int, behind: int) -> None:
    start = 7 * MINUTE_MS
    rows = [Bar(start + i * MINUTE_MS, b.open, b.high, b.low, b.close, b.volume) for i, b in enumerate(bars)]
    window = window_of(rows, MINUTE_MS, zoom, columns, behind)
    assert len(window.candles) >= 1
    assert len(window.candles) <= max(1, columns // zoom.pitch)
    if behind == 0:
        assert window.last_bars[-1] == len(rows) - 1
    opens = {row.open_time for row in rows}
    assert all(candle.open_time in opens for candle in window.candles)
    times = [candle.open_time for candle in window.candles]
    assert times == sorted(set(times))
    assert all(time // MINUTE_MS % zoom.bars == 0 for time in times[1:])
    for index, time in enumerate(times):
        assert window.candle_at(time) == index


@given(st.lists(some_bars(), min_size=1, max_size=20))
def test_merged_bars_keep_the_extremes_and_the_volume(bars: list[Bar]) -> None:
    one = merged(bars)
    assert one.high == max(bar.high for bar in bars)
    assert one.low == min(bar.low for bar in bars)
    assert (one.open, one.close) == (bars[0].open, bars[-1].close)
    assert one.volume == pytest.approx(sum(bar.volume for bar in bars))


def test_the_canvas_keeps_what_is_in_front() -> None:
    canvas = Canvas(6, 2)
    canvas.put(1, 0, "┃", "up")
    canvas.put_if_blank(1, 0, "╌", "stop")
    canvas.put_if_blank(2, 0, "╌", "stop")
    canvas.put(99, 99, "x", "up")
    canvas.curve([(0, 0), (5, 0)], "overlay-0")
    canvas.settle_dots()
    assert canvas.line(0).text == "⠉┃╌   "
    assert canvas.line(0).pieces == (("⠉", "overlay-0"), ("┃", "up"), ("╌   ", "stop"))
    assert canvas.line(1).text == " " * 6


def test_a_background_does_not_run_on_over_blanks() -> None:
    canvas = Canvas(4, 1)
    canvas.put(0, 0, "x", "cursor")
    assert canvas.line(0).pieces == (("x", "cursor"), ("   ", "text"))


@pytest.mark.parametrize(
    ("per_column", "gap", "step"),
    [(60_000, 10, 15 * MINUTE_MS), (900_000 / 2, 12, 120 * MINUTE_MS), (1e13, 12, 364 * DAY_MS)],
)
def test_times_are_marked_at_round_steps(per_column: float, gap: int, step: int) -> None:
    assert time_step(per_column, gap) == step


@pytest.mark.parametrize(
    ("at", "step", "text"),
    [
        (1_747_749_600_000, 3_600_000, "14:00"),
        (1_747_699_200_000, 3_600_000, "20 May"),
        (1_747_749_600_000, DAY_MS, "20 May"),
    ],
)
def test_time_labels(at: int, step: int, text: str) -> None:
    assert time_label(at, step) == text


@pytest.mark.parametrize("pitch", [1, 2, 4])
def test_without_colour_a_falling_candle_looks_different(pitch: int) -> None:
    scale = PriceScale(90.0, 110.0, 10)
    drawn = []
    for bar in (Bar(0, 95.0, 106.0, 94.0, 105.0, 1.0), Bar(0, 105.0, 106.0, 94.0, 95.0, 1.0)):
        canvas = Canvas(4, 10)
        draw_candle(canvas, bar, scale, 0, pitch, plain=True)
        drawn.append([canvas.line(row).text for row in range(10)])
    assert drawn[0] != drawn[1]
    assert [bool(text.strip()) for text in drawn[0]] == [bool(text.strip()) for text in drawn[1]]
