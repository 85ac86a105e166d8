"""Curves, cards, tables and ranges of a backtest: no peak is lost, nothing is wider than its place."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backtest.view import Curve
from tests.widgets.research_sample import (
    SERIES,
    STRATEGIES,
    row_of,
    sample_bars,
    sample_luck,
    sample_run,
)
from widgets.bucket_bars import hour_lines
from widgets.chart_scale import scale_for
from widgets.curve_paint import columns_of
from widgets.equity_panel import equity_lines
from widgets.line import Line, width_of
from widgets.luck_panel import range_pieces, rows_of, verdict
from widgets.metric_cards import card_lines, cards_of
from widgets.month_map import cell, heat
from widgets.run_compare import FIGURES, best_of, curve_lines, table_lines
from widgets.runs_panel import columns_for as run_columns
from widgets.runs_panel import row_line as run_line
from widgets.trade_chart import chart_lines, plot_of, together
from widgets.trade_words import columns_for, fact_lines, header, row_line

WIDTHS = (40, 58, 78, 118, 158)
points = st.lists(st.tuples(st.integers(1, 50), st.floats(-1e6, 1e6)), min_size=1, max_size=200)


@given(points, st.integers(1, 60))
def test_columns_of_a_curve_keep_its_highest_and_lowest(steps: list[tuple[int, float]], columns: int) -> None:
    times, at = [], 0
    for step, _ in steps:
        at += step
        times.append(at)
    curve = Curve(tuple(times), tuple(value for _, value in steps))
    found = [stretch for stretch in columns_of(curve, times[0], times[-1] + 1, columns) if stretch is not None]
    assert max(high for _, high, _ in found) == max(curve.values)
    assert min(low for low, _, _ in found) == min(curve.values)
    assert found[-1][2] == curve.values[-1]


def test_a_stretch_without_a_value_repeats_the_one_before() -> None:
    found = columns_of(Curve((10, 80), (1.0, 2.0)), 0, 100, 5)
    assert found == [(1.0, 1.0, 1.0)] * 4 + [(2.0, 2.0, 2.0)]
    assert columns_of(Curve((50,), (1.0,)), 0, 100, 4) == [None, None, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)]


def fits(lines: list[Line], width: int) -> bool:
    return all(width_of(line.pieces) <= width for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("trades", [0, 1, 40])
def test_everything_fits_in_its_place(width: int, trades: int) -> None:
    run = sample_run(trades=trades)
    columns = columns_for(width)
    rows = [row_line(run, 9_999, trade, columns) for trade in run.trades]
    facts = [line for trade in run.trades for line in fact_lines(run, 9_999, trade, width)]
    cards = [Line(tuple(half)) for card in cards_of(run) for half in card_lines(card, 23)]
    assert fits([header(columns), *rows], max(width, 47))
    assert fits(facts, width)
    assert fits(cards, 23)
    assert fits([run_line(row_of(run), run.created, run_columns(width), marked=True)], max(width, 30))
    assert fits(equity_lines(run, width, 12), width)
    assert fits(chart_lines(run, run.candles, run.candle_ms, run.trades, None, width, 16), width)
    assert fits(hour_lines(run.hours, width, 3), width)
    pair = (run, sample_run("supertrend", seed=2))
    assert fits(table_lines(pair, width), width)
    assert fits(curve_lines(pair, width, 8), width)


@pytest.mark.parametrize(
    ("count", "width", "each"), [(10, 60, 1), (60, 60, 1), (61, 60, 2), (1_000, 60, 17), (5, 0, 5)]
)
def test_candles_share_columns_where_there_are_too_many(count: int, width: int, each: int) -> None:
    assert together(count, width) == each


def test_joined_candles_keep_highs_lows_and_time() -> None:
    bars = sample_bars(count=500)
    plot = plot_of(bars, 3_600_000, 60, 10, [])
    assert len(plot.candles) <= 60
    assert max(bar.high for bar in plot.candles) == max(bar.high for bar in bars)
    assert min(bar.low for bar in plot.candles) == min(bar.low for bar in bars)
    assert plot.begin == bars[0].open_time
    assert plot.end >= bars[-1].open_time + 3_600_000


def test_the_chosen_trade_has_its_marks_and_levels() -> None:
    run = sample_run()
    trade = run.trades[5]
    text = "\n".join(
        line.text for line in chart_lines(run, run.candles[:300], run.candle_ms, run.trades, trade, 110, 20)
    )
    assert "✕" in text
    assert f"◂{trade.entry:,.1f}" in text
    assert f"◂{trade.exit:,.1f}" in text


@pytest.mark.parametrize(
    ("value", "tone", "text"),
    [
        (None, "text", "     "),
        (0.0, "text", "  0.0"),
        (0.001, "heat-up-1", " +0.1"),
        (-0.03, "heat-down-2", " -3.0"),
        (0.06, "heat-up-3", " +6.0"),
        (-0.25, "heat-down-4", "  -25"),
        (1.5, "heat-up-4", " +150"),
    ],
)
def test_a_month_is_coloured_by_its_size_and_signed(value: float | None, tone: str, text: str) -> None:
    assert heat(value) == tone
    assert cell(value, 5) == text


def test_the_best_of_a_comparison_is_marked_where_there_is_one() -> None:
    one, two = sample_run(seed=1), sample_run(seed=2)
    figures = {figure.name: figure for figure in FIGURES}
    better = 0 if one.metrics.total_return > two.metrics.total_return else 1
    assert best_of(figures["return"], (one, two)) == better
    shallow = 0 if one.metrics.max_drawdown < two.metrics.max_drawdown else 1
    assert best_of(figures["max drawdown"], (one, two)) == shallow
    assert best_of(figures["return"], (one, one)) is None
    assert best_of(figures["trades"], (one, two)) is None
    assert best_of(figures["Sharpe"], (one, sample_run(trades=0))) is None


LUCK = sample_luck()
assert LUCK.total_return is not None
assert LUCK.strangers is not None
GOOD = {
    "total_return": msgspec.structs.replace(LUCK.total_return, not_positive=0.01),
    "strangers": msgspec.structs.replace(LUCK.strangers, percentile=0.99),
    "deflated": 0.97,
}


@pytest.mark.parametrize(
    ("changes", "words", "good"),
    [
        (GOOD, "more than luck", True),
        ({**GOOD, "total_return": LUCK.total_return}, "lose too often", False),
        ({**GOOD, "strangers": LUCK.strangers}, "random entries do as well", False),
        ({**GOOD, "deflated": 0.4}, "best of 7 tries", False),
        ({**GOOD, "deflated": None, "variants": 1}, "not above chance", False),
        ({**GOOD, "strangers": None}, "too few", False),
        ({**GOOD, "total_return": msgspec.structs.replace(LUCK.total_return, estimate=-0.1)}, "It lost money", False),
    ],
)
def test_the_verdict_names_what_speaks_against_it(changes: dict[str, object], words: str, good: bool) -> None:  # noqa: FBT001 - a column of the table
    text, said = verdict(sample_luck(**changes))
    assert words in text
    assert said is good


def test_a_range_marks_zero_bounds_and_the_run() -> None:
    row = rows_of(sample_luck())[0]
    text = "".join(glyph for glyph, _ in range_pieces(row, row.low, row.high, 41))
    assert len(text) == 41
    assert text[0] == "├"
    assert text[-1] == "┤"
    assert text.count("●") == 1


def test_the_sample_is_the_same_each_time() -> None:
    assert sample_run() == sample_run()
    assert {one.name for one in STRATEGIES} >= {"ema-cross", "board"}
    assert SERIES[1].missing == 10
    assert scale_for(1.0, 1.0, 4, []).rows == 4
