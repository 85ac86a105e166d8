"""Numbers and times as text, in tables; fixed widths hold for every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.desk_sample import NOW, sample_desk, symbol_of
from widgets import format as fmt
from widgets.line import fit, spread, width_of, wrap_words
from widgets.spark import EIGHTHS, bar, column, sparkline

DESK = sample_desk(NOW)
BTC, PEPE = DESK.instruments[symbol_of("BTC")], DESK.instruments[symbol_of("1000PEPE")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (fmt.price(BTC, 642_315), "64,231.5"),
        (fmt.price(BTC, 642_315, 10), "  64,231.5"),
        (fmt.price(PEPE, 134_120), "0.0134120"),
        (fmt.price(BTC, 0), "-"),
        (fmt.price(None, 5), "-"),
        (fmt.quantity(BTC, -31), "0.031"),
        (fmt.quantity(BTC, 31, 8), "   0.031"),
        (fmt.money(1_021_431_000_000), "10,214.31"),
        (fmt.money(18_240_000_000, sign=True), "+182.40"),
        (fmt.money(-2_043_000_000, sign=True, width=10), "    -20.43"),
        (fmt.money(0, sign=True), "0.00"),
        (fmt.money(-100, sign=True), "0.00"),
        (fmt.percent(0.0124), "+1.24 %"),
        (fmt.percent(-0.00401, decimals=1), "-0.4 %"),
        (fmt.percent(-0.000001), "0.00 %"),
        (fmt.percent(0.32, sign=False, decimals=0), "32 %"),
        (fmt.bps(0.00031), "3.1 bp"),
        (fmt.bps(0.0312), "312 bp"),
        (fmt.duration(240), "0.2s"),
        (fmt.duration(12_400), "12s"),
        (fmt.duration(250_000), "4m"),
        (fmt.duration(7_300_000), "2h"),
        (fmt.duration(9 * 86_400_000), "9d"),
        (fmt.duration(-5), "0.0s"),
        (fmt.age(4_900), "4s"),
        (fmt.age(61_000, 4), "  1m"),
        (fmt.countdown(252_000), "4:12"),
        (fmt.countdown(251_001), "4:12"),
        (fmt.countdown(3_852_000), "1:04:12"),
        (fmt.countdown(-1), "0:00"),
        (fmt.funding(0.0001, 13_290_000), "+0.0100 % in 3h41"),
        (fmt.funding(-0.00002, -5), "-0.0020 % in 0h00"),
        (fmt.clock(NOW), "14:06:40"),
        (fmt.clock(NOW, seconds=False), "14:06"),
        (fmt.compact(950.4), "950"),
        (fmt.compact(12_345.0), "12.3k"),
        (fmt.compact(4_560_000.0), "4.56M"),
        (fmt.base_of("BTC/USDT:USDT"), "BTC"),
        (fmt.left("1000SHIB", 6), "1000S…"),
    ],
)
def test_texts(text: str, wanted: str) -> None:
    assert text == wanted


@given(st.integers(-(10**15), 10**15))
def test_fixed_widths_never_jump(value: int) -> None:
    assert len(fmt.money(value, sign=True, width=12)) == 12
    assert len(fmt.price(BTC, abs(value), 10)) == 10
    assert len(fmt.percent(value / 1e12, width=9)) == 9
    assert len(fmt.age(abs(value), 5)) == 5


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(0, 30))
def test_a_sparkline_has_its_width_and_shows_the_extremes(values: list[float], width: int) -> None:
    text = sparkline(values, width)
    assert len(text) == width
    if 0 < len(values) <= width and max(values) > min(values):
        shown = text[-len(values) :]
        assert shown[values.index(max(values))] == EIGHTHS[-1]
        assert shown[values.index(min(values))] == EIGHTHS[0]


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "    "), (0.5, "██  "), (0.53125, "██▏ "), (1.0, "████"), (9.0, "████")]
)
def test_bars_grow_in_eighths(share: float, text: str) -> None:
    assert bar(share, 4) == text


def test_a_column_stands_on_the_bottom() -> None:
    assert column(0.5, 3) == [" ", "▄", "█"]


@given(st.text(alphabet="ab ", max_size=80), st.integers(1, 20))
def test_wrapping_loses_no_letter_and_keeps_the_width(text: str, width: int) -> None:
    rows = wrap_words(text, width)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(0 < len(row) <= width for row in rows)


def test_the_least_important_cell_goes_first() -> None:
    cells = [(0, [("mode", "text")]), (2, [("clock", "text")]), (1, [("day", "text")])]
    assert "".join(text for text, _ in fit(cells, 16)) == "mode  clock  day"
    assert "".join(text for text, _ in fit(cells, 15)) == "mode  day"
    assert "".join(text for text, _ in fit(cells, 3)) == "mode"


def test_spread_puts_the_right_part_at_the_edge() -> None:
    assert width_of(spread([("ab", "text")], [("cd", "text")], 10)) == 10
    assert spread([("ab", "text")], [("cd", "text")], 4) == (("ab", "text"),)
