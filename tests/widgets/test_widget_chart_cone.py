"""The forecast's cone: where it begins, how it widens, and that an untrusted one says so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.forecast import Forecast, Outlook
from engine.model.market import MINUTE_MS, Bar
from engine.view_bars import BarsView
from widgets.chart_candles import DEFAULT_ZOOM, ZOOMS
from widgets.chart_cone import LEAST_COLUMNS, MOST_COLUMNS, legend, move_words, prices, reach
from widgets.chart_paint import Picture, paint, plan_of

SAID = Forecast(0, MINUTE_MS, 0.01, -0.02, 0.04, 0.9, "c0ffee00", trusted=True)
UNTRUSTED = Forecast(0, MINUTE_MS, -0.01, -0.04, 0.02, 0.9, "c0ffee00", trusted=False, reason="no better than a coin")


def outlook(said: Forecast = SAID) -> Outlook:
    return Outlook(said, 100.0)


def picture(of: Outlook | None, *, behind: int = 0) -> Picture:
    bars = [Bar(i * MINUTE_MS, 100.0, 103.0, 97.0, 100.0 + (i % 2), 5.0) for i in range(60)]
    view = BarsView(symbol="BTC/USDT:USDT", timeframe_ms=MINUTE_MS, bars=bars, overlays={})
    return Picture(view, None, 0.0, (), (), ZOOMS[DEFAULT_ZOOM], behind, frozenset(), None, outlook=of)


def text(of: Outlook | None, width: int = 100, *, behind: int = 0) -> list[str]:
    lines = paint(plan_of(picture(of, behind=behind), width, 24), width, 24)
    return ["".join(piece[0] for piece in line.pieces) for line in lines]


def test_it_begins_at_the_close_and_ends_at_the_interval() -> None:
    assert prices(outlook(), 0.0) == (100.0, 100.0, 100.0)
    assert prices(outlook(), 1.0) == pytest.approx((100 * math.exp(-0.02), 100 * math.exp(0.01), 100 * math.exp(0.04)))


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_it_only_widens(a: float, b: float) -> None:
    early, late = (prices(outlook(), part) for part in sorted((a, b)))
    assert early[0] <= early[1] <= early[2]
    assert late[2] / late[0] >= early[2] / early[0] - 1e-12


@pytest.mark.parametrize(
    ("frame", "pitch", "columns"),
    [(MINUTE_MS, 1, LEAST_COLUMNS), (MINUTE_MS, 6, 6), (MINUTE_MS // 60, 3, MOST_COLUMNS)],
)
def test_it_fits_the_margin(frame: int, pitch: int, columns: int) -> None:
    assert reach(outlook(), frame, pitch) == columns


def dots(lines: list[str]) -> list[tuple[int, int]]:
    return [(x, y) for y, line in enumerate(lines) for x, glyph in enumerate(line) if "\u2800" < glyph <= "\u28ff"]


def test_it_is_drawn_behind_the_newest_candle() -> None:
    without, drawn = text(None), text(outlook())
    assert dots(without) == []
    columns = [x for x, _ in dots(drawn)]
    newest = plan_of(picture(outlook()), 100, 24)
    assert min(columns) >= newest.window.column(len(newest.window.candles) - 1)
    assert len({y for _, y in dots(drawn)}) > 3


def test_a_view_of_the_past_and_a_narrow_chart_have_none() -> None:
    assert dots(text(outlook(), behind=5)) == []
    assert dots(text(outlook(), width=40)) == []


def test_the_legend_says_direction_and_distrust() -> None:
    assert "forecast ▲ +1.01" in text(outlook())[0]
    assert "untrusted" not in text(outlook())[0]
    head = text(outlook(UNTRUSTED))[0]
    assert "forecast ▼" in head
    assert head.rstrip().endswith("untrusted")
    assert {tone for _, tone in legend(outlook(UNTRUSTED))} == {"dim", "warn"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.00 %"),
        (0.0123, "+1.24 %"),
        (-0.00123, "-0.12 %"),
        (0.00012, "+0.012 %"),
        (-0.000034, "-0.0034 %"),
    ],
)
def test_a_small_move_is_not_rounded_away(value: float, words: str) -> None:
    assert move_words(value) == words
