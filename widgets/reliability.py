"""A calibration curve: how sure a voter said it was against how often it was right. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.standing import Bin
from widgets.chart_canvas import Canvas
from widgets.chart_scale import PriceScale
from widgets.line import Line

AXIS = 5
LEAST_WIDTH, LEAST_HEIGHT = 30, 6
MARKS = ((100, "●"), (20, "◉"), (0, "○"))
TICKS = (0, 25, 50, 75, 100)


def mark_of(votes: int) -> str:
    """A dot by how many votes stand behind it: hollow below 20, full from 100 on."""
    return next(mark for least, mark in MARKS if votes >= least)


def reliability_lines(bins: Sequence[Bin], width: int, height: int) -> list[Line]:
    """The curve in `width` x `height` cells: said confidence to the right, share that was right upwards, both 0 to 100 %.

    On the dotted diagonal a voter is as often right as it says; below it is too sure of itself.
    """
    rows, plot = height - 1, width - AXIS
    scale = PriceScale(0.0, 1.0, rows)
    canvas = Canvas(width, height)
    for percent in TICKS if rows >= 10 else (0, 50, 100):
        canvas.write(plot, scale.row(percent / 100), f"┤{percent}%", "dim")
    for row in range(rows):
        canvas.put_if_blank(plot, row, "│", "faint")
    places = [(round(one.confidence * (2 * plot - 1)), scale.dot(one.accuracy)) for one in bins]
    canvas.curve(places, "accent")
    canvas.settle_dots()
    for (x, _), one in zip(places, bins, strict=True):
        tone = "loss bold" if one.accuracy < one.confidence - 0.1 else "accent bold"
        canvas.put(x // 2, scale.row(one.accuracy), mark_of(one.votes), tone)
    for column in range(plot):
        canvas.put_if_blank(column, scale.row(column / max(1, plot - 1)), "·", "faint")
    canvas.write(0, height - 1, "0", "dim")
    canvas.write(plot // 2 - 5, height - 1, "50 % said", "dim")
    canvas.write(plot - 4, height - 1, "100 %", "dim")
    return [canvas.line(row) for row in range(height)]
