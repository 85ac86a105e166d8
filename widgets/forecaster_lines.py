"""What the case is with a symbol's forecaster: none, untrusted and why, or trusted and what it says. Pure."""

from __future__ import annotations

from engine.model.forecast import ModelInUse, Outlook
from widgets.chart_cone import move_words
from widgets.line import Line, Piece, fit, sentences
from widgets.tones import side_arrow, side_tone


def head_line(model: ModelInUse, outlook: Outlook | None, width: int) -> Line:
    """``Forecaster c0ffee00 trusted  ▲ +0.12 %  54% of 632 live``."""
    said = outlook.forecast if outlook is not None and outlook.forecast.model == model.model else None
    live = model.live
    way: list[Piece] = []
    if said is not None:
        tone = side_tone(said.side) if model.trusted else "dim"
        way = [(f"{side_arrow(said.side)} {move_words(said.value)}", tone)]
    cells: list[tuple[int, list[Piece]]] = [
        (3, [("Forecaster", "dim")]),
        (2, [(model.model, "strong")]),
        (0, [("trusted", "profit") if model.trusted else ("untrusted", "warn")]),
        (1, way),
        (4, [(f"{live.hits / live.moved:.0%} of {live.moved:,} live", "dim")] if live.moved else []),
    ]
    return Line(tuple(fit(cells, width, 1)))


def forecaster_lines(
    model: ModelInUse | None, outlook: Outlook | None, width: int, *, verdict: str, brief: bool = False
) -> list[Line]:
    """The state of the forecast gate in a few lines; `brief`: in one.

    Args:
        model: that forecasts the symbol, or None.
        outlook: its newest forecast, or None.
        width: cells there are.
        verdict: what the gate says without a trusted forecast.
        brief: there is room for one line only.
    """
    if model is None:
        lines = sentences(f"No forecaster: the forecast gate is {verdict}.", width)
        return lines[:1] if brief else lines
    lines = [head_line(model, outlook, width)]
    if brief:
        return lines
    if not model.trusted:
        lines += sentences(f"The forecast gate is {verdict}, because: {model.reason}", width, "warn")
    elif outlook is None:
        lines += sentences("It has not said anything of this bar yet.", width)
    return lines
