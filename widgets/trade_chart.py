"""Prices with where a run went in and out; the chosen trade stands in the middle with its facts below."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from engine.backtest.view import RunView, TradeView
from engine.model.market import Bar
from widgets.chart_candles import draw_candle, draw_volume, merged
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale, scale_for
from widgets.curve_paint import draw_axis, draw_times
from widgets.line import EMPTY, Line, Piece, fit, sentences
from widgets.panel import Panel
from widgets.run_words import moment, timeframe
from widgets.tones import side_tone, signed_tone
from widgets.trade_words import fact_lines, price

LEAST_WIDTH, LEAST_HEIGHT = 24, 8
PITCHES = (6, 4, 2, 1)
MARKED = 400
"""Trades in view up to which each is marked: more would hide the candles."""


class Plot(NamedTuple):
    """Candles on a grid of cells: `width` columns of `pitch` each, on `scale`."""

    candles: Sequence[Bar]
    candle_ms: int
    pitch: int
    width: int
    scale: PriceScale

    @property
    def begin(self) -> int:
        """Open of the first candle, ms UTC."""
        return self.candles[0].open_time

    @property
    def end(self) -> int:
        """End of the last candle, ms UTC."""
        return self.candles[-1].open_time + self.candle_ms

    def column(self, at: int) -> int:
        """Middle column of the candle in whose time ms UTC `at` falls; the edges for what lies beyond."""
        index = bisect_right(self.candles, at, key=lambda bar: bar.open_time) - 1
        return max(0, index) * self.pitch + ((self.pitch - 1) // 2 if self.pitch >= 4 else 0)


def together(count: int, width: int) -> int:
    """How many of `count` candles share one of `width` columns."""
    return max(1, -(-count // max(1, width)))


def plot_of(candles: Sequence[Bar], candle_ms: int, width: int, rows: int, levels: list[float]) -> Plot:
    """The widest candles that fit; where even the narrowest do not, several become one."""
    each = together(len(candles), width)
    seen = [merged(candles[at : at + each]) for at in range(0, len(candles), each)]
    candle_ms *= each
    pitch = next((pitch for pitch in PITCHES if len(seen) * pitch <= width), 1)
    low, high = min(bar.low for bar in seen), max(bar.high for bar in seen)
    low, high = min((low, *levels)), max((high, *levels))
    return Plot(seen, candle_ms, pitch, width, scale_for(low, high, rows, []))


def draw_trade(canvas: Canvas, plot: Plot, trade: TradeView, *, chosen: bool, muted: bool = False) -> None:
    """An arrow where it went in and a dot where it went out; of the chosen one a cross, and a line between."""
    gain = signed_tone(trade.net)
    begin, end = plot.column(trade.entry_time), plot.column(trade.exit_time)
    top, bottom = plot.scale.dot(trade.entry), plot.scale.dot(trade.exit)
    if chosen:
        canvas.curve([(2 * begin, top), (2 * end, bottom)], gain)
    arrow = "▲" if trade.side > 0 else "▼"
    tone = "dim" if muted else side_tone(trade.side)
    row = plot.scale.row(trade.entry)
    place = min(plot.scale.rows - 1, row + 1) if trade.side > 0 else max(0, row - 1)
    canvas.put(begin, place if not chosen else row, arrow, f"{tone} bold" if chosen else tone)
    canvas.put(
        end, plot.scale.row(trade.exit), "✕" if chosen else "·", f"{gain} bold" if chosen else "dim" if muted else gain
    )


def _level(canvas: Canvas, plot: Plot, name: str, value: float, text: str, tone: str) -> None:
    row = plot.scale.row(value)
    for column in range(plot.width):
        canvas.put_if_blank(column, row, "╌", tone)
    canvas.write(plot.width, row, f"◂{text}", f"{tone} bold")
    canvas.write(max(0, plot.width - len(name) - 1), row, f"{name} ", f"{tone} bold")


def axis_of(run: RunView, candles: Sequence[Bar]) -> int:
    """Columns of the price axis."""
    return max(len(price(run, max(bar.high for bar in candles))), 5) + 2


def chart_lines(
    run: RunView,
    candles: Sequence[Bar],
    candle_ms: int,
    trades: Sequence[TradeView],
    chosen: TradeView | None,
    width: int,
    height: int,
    *,
    plain: bool = False,
) -> list[Line]:
    """The chart in `width` x `height` cells; on a `plain` terminal falling candles are hollow."""
    axis = axis_of(run, candles)
    volume = 0 if height < 14 else max(2, height // 8)
    rows = height - 1 - volume
    levels = [chosen.entry, chosen.exit] if chosen is not None else []
    plot = plot_of(candles, candle_ms, width - axis, rows, levels)
    canvas = Canvas(width, height)
    draw_axis(canvas, plot.scale, plot.width, lambda value: price(run, value))
    most = max(bar.volume for bar in plot.candles)
    for index, bar in enumerate(plot.candles):
        draw_candle(canvas, bar, plot.scale, index * plot.pitch, plot.pitch, plain=plain)
        if volume:
            draw_volume(canvas, bar, most, rows, volume, index * plot.pitch, plot.pitch)
    seen = [trade for trade in trades if trade.exit_time >= plot.begin and trade.entry_time < plot.end]
    for trade in seen if len(seen) <= MARKED else ():
        if trade is not chosen:
            draw_trade(canvas, plot, trade, chosen=False, muted=chosen is not None)
    if chosen is not None and chosen.exit_time >= plot.begin and chosen.entry_time < plot.end:
        draw_trade(canvas, plot, chosen, chosen=True)
        canvas.settle_dots()
        _level(canvas, plot, "in", chosen.entry, price(run, chosen.entry), "entry")
        _level(canvas, plot, "out", chosen.exit, price(run, chosen.exit), signed_tone(chosen.net))
    used = min(plot.width, len(plot.candles) * plot.pitch)
    draw_times(canvas, plot.begin, plot.end, used, height - 1)
    return [canvas.line(row) for row in range(height)]


class TradeChart(Panel, can_focus=True):
    """The chart of one run: the whole period, or the surroundings of the chosen trade.

    Attributes:
        plain: the terminal has no colour.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.plain = False
        self._run: RunView | None = None
        self._trades: Sequence[TradeView] = ()
        self._number = -1
        self._chosen: TradeView | None = None
        self._candles: tuple[Bar, ...] = ()
        self._candle_ms = 0
        self._trouble = ""

    @property
    def columns(self) -> int:
        """Candles it has room for."""
        return max(20, self.content_size.width - 14)

    def show(self, run: RunView | None) -> None:
        """Show a run's whole period."""
        self._run = run
        self._number, self._chosen, self._trouble = -1, None, ""
        self._trades = run.trades if run is not None else ()
        self._candles = run.candles if run is not None else ()
        self._candle_ms = run.candle_ms if run is not None else 0
        self.update()

    def show_trade(self, index: int, trade: TradeView, trades: Sequence[TradeView]) -> None:
        """Show a trade, counted from 0, on the candles there are until closer ones come."""
        self._number, self._chosen, self._trades, self._trouble = index, trade, trades, ""
        self.update()

    def show_candles(self, candles: tuple[Bar, ...], candle_ms: int) -> None:
        """Closer candles around the chosen trade."""
        if candles:
            self._candles, self._candle_ms = candles, candle_ms
        self.update()

    def show_trouble(self, sentence: str) -> None:
        """Why there are no closer candles."""
        self._trouble = sentence
        if self._run is not None:
            self._candles, self._candle_ms = self._run.candles, self._run.candle_ms
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Chart and facts, or the sentence that stands for them."""
        run = self._run
        if run is None:
            self.retitle(("Price", "text"))
            return sentences("Prices with entries and exits are drawn here when a run is done.", width)
        self._head(run, width)
        if width < LEAST_WIDTH or height < LEAST_HEIGHT or not self._candles:
            return sentences("Too small for a chart.", width)
        facts = self._facts(run, width)
        rows = height - len(facts)
        chart = chart_lines(
            run, self._candles, self._candle_ms, self._trades, self._chosen, width, rows, plain=self.plain
        )
        return [*chart, *facts]

    def _facts(self, run: RunView, width: int) -> list[Line]:
        if self._chosen is not None:
            lines = fact_lines(run, self._number + 1, self._chosen, width)
            return [*sentences(self._trouble, width, "warn")[:1], *lines] if self._trouble else lines
        if not run.metrics.trades:
            return [*sentences("No trade in this period.", width)[:1], EMPTY]
        text = (
            "▲ long and ▼ short entries, · exits. n steps to the first trade, p back, + and - change how much is seen."
        )
        return [Line((part,)) for part in [(row.text, "dim") for row in sentences(text, width)][:2]]

    def _head(self, run: RunView, width: int) -> None:
        cells: list[tuple[int, list[Piece]]] = [(0, [(run.symbol, "strong")])]
        if self._candles:
            length = self._candle_ms * together(len(self._candles), width - axis_of(run, self._candles))
            cells.append((1, [(f"{timeframe(length)} candles", "dim")]))
        if self._chosen is not None:
            gain = signed_tone(self._chosen.net)
            cells.append((0, [(f"trade {self._number + 1:,} of {run.metrics.trades:,}", "text")]))
            cells.append((1, [(f"{self._chosen.net:+,.2f}", f"{gain} bold")]))
        elif self._candles:
            last = self._candles[-1].open_time + self._candle_ms
            cells.append((2, [(f"{moment(self._candles[0].open_time)} to {moment(last)}", "dim")]))
        self.retitle(*fit(cells, max(8, width - 4)))
