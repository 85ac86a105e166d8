"""Curves over time on a canvas: no peak is lost, however few columns there are. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from engine.backtest.view import Curve
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale, nice_ticks, time_step
from widgets.chart_window import time_label

TIME_GAP = 12
ROWS_A_TICK = 4
LONG_MS = 120 * 86_400_000
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60)
MONTH_MS = 2_629_746_000


def columns_of(curve: Curve, begin: int, end: int, columns: int) -> list[tuple[float, float, float] | None]:
    """Lowest, highest and last value of each of `columns` stretches from `begin` to `end`, ms UTC.

    A stretch without a value repeats the last one before it; None before the first.
    """
    out: list[tuple[float, float, float] | None] = []
    last: float | None = None
    span = max(1, end - begin)
    at = bisect_left(curve.times, begin)
    for column in range(columns):
        limit = begin + span * (column + 1) // columns
        final = column == columns - 1
        values = []
        while at < len(curve.times) and (curve.times[at] < limit or (final and curve.times[at] <= end)):
            values.append(curve.values[at])
            at += 1
        if values:
            last = values[-1]
            out.append((min(values), max(values), last))
        else:
            out.append(None if last is None else (last, last, last))
    return out


def draw_curve(
    canvas: Canvas, curve: Curve, scale: PriceScale, begin: int, end: int, width: int, tone: str, top: int = 0
) -> None:
    """A joined line of braille dots over `width` columns; every column reaches from its lowest to its highest value."""
    before: float | None = None
    for x, stretch in enumerate(columns_of(curve, begin, end, 2 * width)):
        if stretch is None:
            continue
        low, high, last = stretch
        if before is not None:
            low, high = min(low, before), max(high, before)
        for y in range(scale.dot(high), scale.dot(low) + 1):
            canvas.dot(x, 4 * top + y, tone)
        before = last


def draw_name(
    canvas: Canvas, curve: Curve, scale: PriceScale, begin: int, end: int, width: int, name: str, tone: str
) -> None:
    """A curve's name just above (or below) its end: without colour it tells the curves apart."""
    known = [stretch for stretch in columns_of(curve, begin, end, width) if stretch is not None]
    if not known or len(name) >= width:
        return
    near = known[-len(name) :]
    top = min(scale.row(stretch[1]) for stretch in near)
    bottom = max(scale.row(stretch[0]) for stretch in near)
    place = top - 1 if top > 0 else min(scale.rows - 1, bottom + 1)
    canvas.write(width - len(name), place, name, tone)


def draw_depth(
    canvas: Canvas, curve: Curve, deepest: float, begin: int, end: int, width: int, tone: str, top: int, rows: int
) -> None:
    """A filled shape hanging from the upper edge of `rows` rows; `deepest` fills them."""
    if deepest <= 0.0:
        return
    for x, stretch in enumerate(columns_of(curve, begin, end, 2 * width)):
        if stretch is None:
            continue
        for y in range(min(4 * rows, round(stretch[1] / deepest * 4 * rows))):
            canvas.dot(x, 4 * top + y, tone)


def draw_axis(
    canvas: Canvas, scale: PriceScale, width: int, label: Callable[[float], str], top: int = 0, least: float = 0.0
) -> None:
    """The value axis right of `width` columns."""
    for value in nice_ticks(scale.low, scale.high, max(1, scale.rows // ROWS_A_TICK), least):
        canvas.write(width, top + scale.row(value), f"┤{label(value)}", "dim")
    for row in range(scale.rows):
        canvas.put_if_blank(width, top + row, "│", "faint")


def draw_times(canvas: Canvas, begin: int, end: int, width: int, row: int) -> None:
    """Round times under `width` columns."""
    span = max(1, end - begin)
    if span > LONG_MS:
        _draw_months(canvas, begin, span, width, row)
        return
    step = time_step(span / max(1, width), TIME_GAP)
    free = 0
    mark = -(-begin // step) * step
    while mark < end:
        column = (mark - begin) * width // span
        text = time_label(mark, step)
        if column >= free and column + len(text) <= width:
            canvas.write(column, row, text, "dim")
            free = column + len(text) + 2
        mark += step
    canvas.write(width, row, " UTC", "faint")


def _draw_months(canvas: Canvas, begin: int, span: int, width: int, row: int) -> None:
    """First days of months, as many as there is room for."""
    least = TIME_GAP * span / max(1, width) / MONTH_MS
    step = next((months for months in MONTH_STEPS if months >= least), MONTH_STEPS[-1])
    first = datetime.fromtimestamp(begin / 1_000, UTC)
    month = -(-(first.year * 12 + first.month) // step) * step
    while True:
        at = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        column = int((at.timestamp() * 1_000 - begin) * width // span)
        text = f"{at:%b %Y}"
        if column + len(text) > width:
            break
        canvas.write(column, row, text, "dim")
        month += step
    canvas.write(width, row, " UTC", "faint")


def lowest_highest(curves: Sequence[Curve]) -> tuple[float, float]:
    """Over all values."""
    values = [value for curve in curves for value in curve.values]
    return (min(values), max(values)) if values else (0.0, 1.0)
