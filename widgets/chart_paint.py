"""A whole chart as lines: legend, plot with axis, volume and times. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.forecast import Outlook
from engine.model.order import Side
from engine.view import FillView, InstrumentView
from engine.view_bars import BarsView
from widgets import format as fmt
from widgets.chart_candles import Zoom, draw_candle, draw_volume
from widgets.chart_canvas import Canvas
from widgets.chart_cone import MOST_COLUMNS, draw_cone, legend, prices, reach
from widgets.chart_levels import Level
from widgets.chart_scale import PriceScale, nice_ticks, scale_for, time_step
from widgets.chart_window import Parts, Window, parts_for, time_label, window_of
from widgets.line import Line, Piece, fit
from widgets.tones import signed_tone

OVERLAY_TONES = ("overlay-0", "overlay-1", "overlay-2", "overlay-3")
ROWS_A_TICK = 4
TIME_GAP = 12


@dataclass(frozen=True)
class Picture:
    """Everything a chart shows.

    Attributes:
        bars: the bars and overlays.
        instrument: for decimals and the tick; None shows two decimals.
        last: last price, quote currency, or 0.
        levels: horizontal levels.
        fills: executions of the symbol.
        zoom: bars a candle and columns a candle.
        behind: candles between the right edge and the newest.
        hidden: names of overlays that are off.
        crosshair: (column, row) in the plot, or None.
        plain: the terminal has no colour.
        outlook: the forecast, or None.
    """

    bars: BarsView
    instrument: InstrumentView | None
    last: float
    levels: tuple[Level, ...]
    fills: tuple[FillView, ...]
    zoom: Zoom
    behind: int
    hidden: frozenset[str]
    crosshair: tuple[int, int] | None
    plain: bool = False
    outlook: Outlook | None = None

    @property
    def decimals(self) -> int:
        """Decimals of a price."""
        return self.instrument.price_decimals if self.instrument else 2

    def label(self, price: float) -> str:
        """A price as text."""
        return fmt.quote_price(price, self.decimals)


@dataclass(frozen=True)
class Plan:
    """A picture cut to size."""

    picture: Picture
    parts: Parts
    window: Window
    scale: PriceScale


def plan_of(picture: Picture, width: int, height: int) -> Plan:
    """Which candles are in view in `width` x `height` cells, and on what scale. The picture has bars."""
    bars = picture.bars.bars
    longest = max(len(picture.label(bar.high)) for bar in (bars[0], bars[-1], max(bars, key=lambda bar: bar.high)))
    parts = parts_for(width, height, longest)
    columns = parts.plot_width - (parts.margin if picture.behind == 0 else 0)
    window = window_of(bars, picture.bars.timeframe_ms, picture.zoom, columns, picture.behind)
    low, high = min(bar.low for bar in window.candles), max(bar.high for bar in window.candles)
    pulling = [level.price for level in picture.levels if level.pulls] if picture.behind == 0 else []
    if picture.outlook is not None and picture.behind == 0:
        pulling += [price for i, price in enumerate(prices(picture.outlook, 1.0)) if i != 1]
    if picture.last and picture.behind == 0:
        low, high = min(low, picture.last), max(high, picture.last)
    return Plan(picture, parts, window, scale_for(low, high, parts.plot_height, pulling))


def paint(plan: Plan, width: int, height: int) -> list[Line]:
    """The chart in `height` lines."""
    parts = plan.parts
    canvas = Canvas(width, height - 1)
    _grid(canvas, plan)
    for index, bar in enumerate(plan.window.candles):
        draw_candle(
            canvas, bar, plan.scale, plan.window.column(index), plan.window.zoom.pitch, plain=plan.picture.plain
        )
    _volume(canvas, plan)
    _fills(canvas, plan)
    _overlays(canvas, plan)
    _cone(canvas, plan)
    canvas.settle_dots()
    _levels(canvas, plan)
    _last(canvas, plan)
    _times(canvas, plan, parts.plot_height + parts.volume)
    _crosshair(canvas, plan)
    return [_legend(plan, width), *(canvas.line(row) for row in range(height - 1))]


def _grid(canvas: Canvas, plan: Plan) -> None:
    scale, parts, instrument = plan.scale, plan.parts, plan.picture.instrument
    least = float(instrument.tick_size) if instrument else 0.0
    for price in nice_ticks(scale.low, scale.high, max(1, parts.plot_height // ROWS_A_TICK), least):
        row = scale.row(price)
        canvas.write(parts.plot_width, row, f"┤{plan.picture.label(price)}", "dim")
    for row in range(parts.plot_height + parts.volume):
        canvas.put_if_blank(parts.plot_width, row, "│", "faint")


def _volume(canvas: Canvas, plan: Plan) -> None:
    parts, window = plan.parts, plan.window
    if not parts.volume:
        return
    most = max(bar.volume for bar in window.candles)
    for index, bar in enumerate(window.candles):
        draw_volume(canvas, bar, most, parts.plot_height, parts.volume, window.column(index), window.zoom.pitch)
    canvas.write(parts.plot_width, parts.plot_height, f"┤vol {fmt.compact(most)}"[: parts.axis], "dim")


def _fills(canvas: Canvas, plan: Plan) -> None:
    window, scale = plan.window, plan.scale
    unit = float(plan.picture.instrument.tick_size) if plan.picture.instrument else 0.0
    newest = plan.picture.bars.bars[-1].open_time + plan.picture.bars.timeframe_ms
    for fill in plan.picture.fills:
        index = window.candle_at(fill.at)
        if index is None or not unit:
            continue
        if index == len(window.candles) - 1 and plan.picture.behind and fill.at < newest:
            continue  # it belongs to a bar that is out of view at the right
        bar, bought = window.candles[index], fill.side is Side.BUY
        row = scale.row(bar.low) + 1 if bought else scale.row(bar.high) - 1
        row = max(0, min(plan.parts.plot_height - 1, row))
        canvas.put(window.middle(index), row, "▲" if bought else "▼", "long bold" if bought else "short bold")


def shown_overlays(picture: Picture) -> list[tuple[str, str]]:
    """Names of the overlays that are on, each with its tone (which does not change when another is hidden)."""
    names = enumerate(picture.bars.overlays)
    return [(name, OVERLAY_TONES[i % len(OVERLAY_TONES)]) for i, name in names if name not in picture.hidden]


def _overlays(canvas: Canvas, plan: Plan) -> None:
    window, scale = plan.window, plan.scale
    for name, tone in shown_overlays(plan.picture):
        column = plan.picture.bars.overlays[name]
        run: list[tuple[int, int]] = []
        for index, last in enumerate(window.last_bars):
            value = column[last] if last < len(column) else None
            if value is not None and scale.inside(value):
                run.append((2 * window.middle(index), scale.dot(value)))
                continue
            canvas.curve(run, tone)
            run = []
        canvas.curve(run, tone)
        if len(run) == 1:
            canvas.dot(*run[0], tone)


def _cone(canvas: Canvas, plan: Plan) -> None:
    picture, window = plan.picture, plan.window
    if picture.outlook is None or picture.behind or plan.parts.margin <= MOST_COLUMNS:
        return
    columns = reach(picture.outlook, picture.bars.timeframe_ms * window.zoom.bars, window.zoom.pitch)
    draw_cone(canvas, picture.outlook, plan.scale, window.middle(len(window.candles) - 1), columns)


def _levels(canvas: Canvas, plan: Plan) -> None:
    """Lines for the levels on the scale; one that lies beyond it is named at the left, where it hides no new candle."""
    parts, scale = plan.parts, plan.scale
    taken: set[int] = set()
    for level in plan.picture.levels:
        if not scale.inside(level.price):
            continue
        row = scale.row(level.price)
        taken.add(row)
        for column in range(parts.plot_width):
            canvas.put_if_blank(column, row, "╌", level.tone)
        label = f"┤{plan.picture.label(level.price)}"
        canvas.write(parts.plot_width, row, label.ljust(parts.axis), level.tone)
        canvas.write(max(0, parts.plot_width - len(level.name) - 1), row, f"{level.name} ", f"{level.tone} bold")
    if plan.picture.behind:
        return
    for level in plan.picture.levels:
        above = level.price > scale.high
        if scale.inside(level.price):
            continue
        rows = range(parts.plot_height) if above else range(parts.plot_height - 1, -1, -1)
        row = next((row for row in rows if row not in taken), rows[0])
        taken.add(row)
        text = f"{level.name} {plan.picture.label(level.price)} {'↑' if above else '↓'}"
        canvas.write(1, row, text, level.tone)


def _last(canvas: Canvas, plan: Plan) -> None:
    picture, parts = plan.picture, plan.parts
    if not picture.last or not plan.scale.inside(picture.last):
        return
    row = plan.scale.row(picture.last)
    tone = "up" if picture.bars.bars[-1].close >= picture.bars.bars[-1].open else "down"
    for column in range(parts.plot_width - parts.margin, parts.plot_width):
        canvas.put_if_blank(column, row, "·", "dim")
    canvas.write(parts.plot_width, row, f"◂{picture.label(picture.last)}".ljust(parts.axis), f"{tone} bold")


def _times(canvas: Canvas, plan: Plan, row: int) -> None:
    window, zoom = plan.window, plan.window.zoom
    frame = plan.picture.bars.timeframe_ms * zoom.bars
    step = time_step(frame / zoom.pitch, TIME_GAP)
    free = 0
    for index, bar in enumerate(window.candles):
        at = bar.open_time
        column = window.middle(index)
        # A candle carries the label of the round time that falls into it.
        mark = -(-at // step) * step
        if mark < at + frame and column >= free:
            text = time_label(mark, step)
            if column + len(text) <= plan.parts.plot_width:
                canvas.write(column, row, text, "dim")
                free = column + len(text) + 2
    if plan.picture.behind:
        canvas.write(plan.parts.plot_width, row, f" -{plan.picture.behind} ▸"[: plan.parts.axis], "warn")
    else:
        canvas.write(plan.parts.plot_width, row, " UTC", "faint")


def crosshair_index(plan: Plan) -> int | None:
    """The candle under the crosshair."""
    if plan.picture.crosshair is None:
        return None
    column = plan.picture.crosshair[0]
    return max(0, min(len(plan.window.candles) - 1, column // plan.window.zoom.pitch))


def _crosshair(canvas: Canvas, plan: Plan) -> None:
    index = crosshair_index(plan)
    if index is None or plan.picture.crosshair is None:
        return
    parts, row = plan.parts, min(plan.parts.plot_height - 1, max(0, plan.picture.crosshair[1]))
    column = plan.window.middle(index)
    for at in range(parts.plot_height + parts.volume):
        canvas.put_if_blank(column, at, "┊", "text")
    for at in range(parts.plot_width):
        canvas.put_if_blank(at, row, "┄", "text")
    label = plan.picture.label(plan.scale.price_at(row))
    canvas.write(parts.plot_width, row, f"◂{label}".ljust(parts.axis), "cursor")
    text = time_label(plan.window.candles[index].open_time, plan.picture.bars.timeframe_ms)
    place = max(0, min(parts.plot_width - len(text), column - len(text) // 2))
    canvas.write(place, parts.plot_height + parts.volume, text, "cursor")


def _legend(plan: Plan, width: int) -> Line:
    """The read-out of the crosshair's candle, else the overlays' names and newest values."""
    picture, index = plan.picture, crosshair_index(plan)
    if index is not None:
        bar = plan.window.candles[index]
        change = bar.close / bar.open - 1.0 if bar.open else 0.0
        day = time_label(bar.open_time - bar.open_time % 86_400_000, 86_400_000)
        cells: list[tuple[int, list[Piece]]] = [
            (1, [(f"{day} {fmt.clock(bar.open_time, seconds=False)}", "accent")]),
            *(
                (rank, [(f"{name} ", "dim"), (picture.label(value), "text")])
                for rank, name, value in (
                    (3, "O", bar.open),
                    (2, "H", bar.high),
                    (2, "L", bar.low),
                    (0, "C", bar.close),
                )
            ),
            (4, [("V ", "dim"), (fmt.compact(bar.volume), "text")]),
            (1, [(fmt.percent(change), signed_tone(change))]),
        ]
        return Line(tuple(fit(cells, width)))
    cells = []
    last = plan.window.last_bars[-1]
    for rank, (name, tone) in enumerate(shown_overlays(picture)):
        values = picture.bars.overlays[name]
        value = next((v for v in reversed(values[: last + 1]) if v is not None), None)
        text = picture.label(value) if value is not None else fmt.UNKNOWN
        cells.append((rank, [("━ ", tone), (f"{name} ", "dim"), (text, tone)]))
    if picture.outlook is not None and not picture.behind:
        cells.append((0, legend(picture.outlook)))
    return Line(tuple(fit(cells, width)))
