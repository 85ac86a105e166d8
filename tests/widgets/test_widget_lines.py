"""What the panels' lines say, without a screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model.signal import SignalStatus
from engine.view_market import DepthView, TradeView
from tests.widgets.desk_sample import NOW, sample_bars, sample_desk, symbol_of
from widgets.banner import banner_line
from widgets.board_line import board_line
from widgets.board_panel import board_lines, score_bar
from widgets.candle_chart import change_of, timeframe_pieces
from widgets.chart_levels import levels_of
from widgets.depth_panel import balance, depth_lines
from widgets.ensemble_panel import ensemble_lines
from widgets.line import width_of
from widgets.position_lines import When, order_line, position_lines, when_of, widths_of
from widgets.signal_detail import detail_lines
from widgets.signals_panel import gate_count, signal_line
from widgets.tape_panel import bought, tape_lines
from widgets.watchlist import columns_for

DESK = sample_desk(NOW)
BTC, ETH, SOL = symbol_of("BTC"), symbol_of("ETH"), symbol_of("SOL")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("mode", ["demo", "paper", "live"])
def test_the_banner_always_says_mode_equity_day_and_feed(width: int, mode: str) -> None:
    line = banner_line(sample_desk(NOW, mode=mode), NOW, width)
    for word in (f"▌{mode.upper()}▐", "equity 10,214.31", "▲+182.40", "feed 0.1s"):
        assert word in line.text
    assert width_of(line.pieces) <= width
    assert ("bold" in line.pieces[0][1]) or line.pieces[0][1] == mode
    assert line.under == ("under-live" if mode == "live" else "")


def test_a_wide_banner_says_everything() -> None:
    text = banner_line(DESK, NOW, 160).text
    for word in (
        "TREFOIL",
        "approve",
        "(+1.82 %)",
        "dd 0.6 %",
        "exp 62 %",
        "day risk 0.0/3.0 %",
        "engine ok",
        "14:06:40Z",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("changes", "connected", "word"),
    [
        ({"halt": "day loss"}, True, "HALTED  day loss"),
        ({"paused": True}, True, "PAUSED"),
        ({"read_only": "the disk is full"}, True, "READ ONLY"),
        ({"feed_up": False}, True, "FEED DOWN"),
        ({"venue_up": False}, True, "VENUE DOWN"),
        ({"ready": False}, True, "feed starting"),
        ({}, False, "ENGINE LOST"),
        ({"pid": 0}, False, "no engine yet"),
    ],
)
@pytest.mark.parametrize("width", [80, 120])
def test_the_banner_says_what_is_wrong(changes: dict[str, object], connected: bool, word: str, width: int) -> None:  # noqa: FBT001 - a table's column
    desk = sample_desk(NOW)
    desk.status = replace(desk.status, **changes)
    text = banner_line(desk, NOW, width, connected=connected).text
    assert word.split("  ", maxsplit=1)[0] in text
    assert "▲+182.40" in text
    if width >= 100:
        assert word in text.replace("   ", "  ")


@pytest.mark.parametrize(("score", "reach"), [(0.0, 0), (1.0, 20), (-1.0, 20), (0.5, 10), (-0.2, 4)])
def test_the_score_bar_reaches_from_the_middle(score: float, reach: int) -> None:
    text = "".join(piece for piece, _ in score_bar(score, 41))
    assert len(text) == 41
    assert text[20] == "┼"
    side = text[21:] if score >= 0 else text[:20][::-1]
    other = text[:20] if score >= 0 else text[21:]
    assert sum(glyph in "━╂" for glyph in side) == reach
    assert not any(glyph in "━╂" for glyph in other)


def test_the_board_lists_six_strategies_with_weight_and_record() -> None:
    lines = [line.text for line in board_lines(DESK.boards[BTC], 60, 14)]
    text = "\n".join(lines)
    for name in ("supertrend", "rsi-ema", "macd-stochastic", "ichimoku", "bollinger", "ema-cross", "board"):
        assert name in text
    row = next(line for line in lines if "supertrend" in line)
    assert row.startswith("▲")
    assert ".31" in row
    assert "%" in row
    assert next(line for line in lines if "bollinger" in line).startswith("▼")
    assert next(line for line in lines if "macd" in line).startswith("▬")
    assert all(len(line) <= 60 for line in lines)


def test_a_held_symbol_says_why_at_every_height() -> None:
    for height in (2, 7, 10, 14):
        text = "\n".join(line.text for line in board_lines(DESK.boards[ETH], 50, height))
        assert "held by person" in text


@pytest.mark.parametrize(("live", "word"), [(False, "SKIPPED"), (True, "FAIL on live")])
def test_without_voters_the_ensemble_says_so(live: bool, word: str) -> None:  # noqa: FBT001 - a table's column
    text = " ".join(line.text for line in ensemble_lines((), 40, live=live))
    assert "No voter is configured." in text
    assert f"votes gate is {word}" in text
    assert "at least two" in text


def test_a_waiting_signal_counts_down_and_names_its_keys() -> None:
    signal = next(s for s in DESK.signals.values() if s.status is SignalStatus.WAITING)
    wide, narrow = signal_line(signal, NOW, 90).text, signal_line(signal, NOW, 36).text
    assert "waiting 4:" in wide
    assert "[a]pprove" in wide
    assert "waiting 4:" in narrow
    assert signal_line(signal, NOW + 1_000, 90) != signal_line(signal, NOW, 90)


@pytest.mark.parametrize("width", [30, 44, 60, 120])
def test_signal_lines_fit(width: int) -> None:
    for signal in DESK.signals.values():
        line = signal_line(signal, NOW, width)
        assert width_of(line.pieces) <= max(width, 35)
        assert signal.action.value.upper() in line.text


def test_gates_are_counted_without_those_that_did_not_judge() -> None:
    refused = DESK.signals[43]
    assert gate_count(refused) == "5/6"
    assert gate_count(DESK.signals[38]) == "6/6"


def test_the_detail_says_of_every_gate_why() -> None:
    signal = DESK.signals[43]
    text = "\n".join(line.text for line in detail_lines(signal, DESK.instruments[signal.symbol], 90))
    assert "✗ FAIL" in text
    assert "4.1 bp" in text
    assert "<= 3.0 bp" in text
    assert "the spread is too wide" in text
    for gate in signal.gates:
        assert gate.name in text
    assert "not asked" in text


@pytest.mark.parametrize(
    ("width", "rows", "count"), [(150, 1, 1), (150, 2, 1), (80, 2, 2), (80, 1, 1), (60, 1, 1), (44, 1, 1)]
)
def test_a_position_never_hides_its_stop(width: int, rows: int, count: int) -> None:
    row, instrument = DESK.positions[BTC], DESK.instruments[BTC]
    lines = position_lines(row, instrument, When(NOW, NOW), width, rows, widths_of([(row, instrument)]))
    text = "\n".join(line.text for line in lines)
    assert len(lines) == count
    assert "▲ BTC" in text
    assert "LONG" in text
    assert "+16.41" in text
    assert ("stop 63,065.0 -1.8 % ✓12s" if width >= 60 else "stop ✓12s") in text
    assert all(width_of(line.pieces) <= width for line in lines)


def test_an_unconfirmed_stop_is_an_alarm_once_it_should_be_there() -> None:
    row, instrument = DESK.positions[SOL], DESK.instruments[SOL]
    widths = widths_of([(row, instrument)])
    late = position_lines(row, instrument, When(NOW, NOW), 150, 1, widths)[0]
    fresh = position_lines(row, instrument, When(NOW, row.opened + 100), 150, 1, widths)[0]
    assert (" ✗ unprotected ", "alarm") in late.pieces
    assert (" ✗ unprotected ", "warn bold") in fresh.pieces
    naked = position_lines(replace(row, stop=None), instrument, When(NOW, NOW), 150, 1, widths)[0]
    assert "UNPROTECTED" in naked.text


def test_a_partly_filled_order_says_how_much() -> None:
    order = next(o for o in DESK.orders.values() if o.filled)
    text = order_line(order, DESK.instruments[order.symbol], NOW, 120).text
    assert "12.0/34.0 @ 17.120" in text
    assert "limit" in text
    assert "working" in text


def test_levels_know_the_position_and_the_orders_that_wait() -> None:
    orders = list(DESK.orders.values())
    names = [level.name for level in levels_of(DESK.instruments[BTC], DESK.positions[BTC], orders)]
    assert names == ["liq", "▲ long", "target", "stop"]
    link = symbol_of("LINK")
    assert [level.price for level in levels_of(DESK.instruments[link], None, orders)] == [pytest.approx(17.12)]
    assert levels_of(None, None, orders) == ()


def test_the_change_over_a_day_needs_a_day_of_bars() -> None:
    assert change_of(sample_bars(BTC, 60_000), 64_231.5) is None
    bars = sample_bars(BTC, 900_000)
    day_ago = bars.bars[-96]
    assert change_of(bars, 64_231.5) == pytest.approx(64_231.5 / day_ago.open - 1.0)


def test_the_current_timeframe_is_marked() -> None:
    assert "".join(text for text, _ in timeframe_pieces(900_000)) == "1m 5m [15m] 1h 4h 1d"
    assert "[3m]" in "".join(text for text, _ in timeframe_pieces(180_000))


@pytest.mark.parametrize("width", range(17, 90))
def test_watchlist_columns_fit(width: int) -> None:
    columns = columns_for(width)
    used = 1 + columns.name + 10 + columns.change + columns.spark + columns.age + columns.spread + columns.volume
    assert used <= width
    assert (columns.change > 0) == (width >= 26)


def test_the_book_stands_around_its_spread_whatever_a_side_holds() -> None:
    instrument = sample_desk(NOW).instruments[BTC]
    full = DepthView(BTC, ((100, 4), (99, 1)), ((102, 2), (103, 8)), NOW)
    lines = [line.text for line in depth_lines(full, instrument, 30, 5)]
    assert [text.split()[0] for text in lines] == ["10.3", "10.2", "0.2", "10.0", "9.9"]
    assert "spread 198 bp" in lines[2]
    assert lines[0].count("█") > lines[1].count("█") > 0
    thin = DepthView(BTC, (), ((102, 2),), NOW)
    assert [line.text.strip().split()[0:1] for line in depth_lines(thin, instrument, 30, 7)] == [
        [],
        [],
        ["10.2"],
        ["one"],
    ]
    assert balance(full) == 5 / 15
    assert balance(DepthView(BTC, (), (), NOW)) == 0.5


def test_the_tape_shows_the_newest_first_and_marks_the_large() -> None:
    instrument = sample_desk(NOW).instruments[BTC]
    trades = [TradeView(NOW + n * 1_000, 640_000 + n, 10, 1 if n % 2 else -1) for n in range(9)]
    trades.append(TradeView(NOW + 9_000, 640_009, 900, 1))
    lines = tape_lines(trades, instrument, 34, 4)
    assert [line.text.split()[2] for line in lines] == ["64,000.9", "64,000.8", "64,000.7", "64,000.6"]
    assert [line.text.split()[1] for line in lines] == ["▲", "▼", "▲", "▼"]
    assert "strong" in {tone for _, tone in tape_lines(trades, instrument, 34, 10)[0].pieces}
    assert bought(trades) == 940 / 990
    assert all(line.text.split()[0] in "▲▼" for line in tape_lines(trades, instrument, 20, 4))


@pytest.mark.parametrize("width", [40, 58, 78, 160])
def test_the_board_in_one_line_keeps_the_score(width: int) -> None:
    desk = sample_desk(NOW)
    line = board_line(desk.boards[BTC], 2, 0, width)
    assert line.text.startswith("Board +0.60 ▲ LONG")
    assert len(line.text) <= width
    assert "no bar" in board_line(None, 0, 0, width).text


def test_a_position_is_as_old_as_the_markets_clock_says() -> None:
    replayed = replace(DESK.status, clock=1_000_000, feed_age_ms=2_000)
    assert when_of(replayed, NOW) == When(NOW, 1_002_000)
    assert when_of(replace(replayed, clock=0), NOW) == When(NOW, NOW)
    row = replace(DESK.positions[BTC], opened=1_000_000 - 58_000)
    line = position_lines(row, None, when_of(replayed, NOW), 150, 1, widths_of([]))[0]
    assert "1m" in line.text.split()
    assert "✓12s" in line.text
