"""What a model says about the next bars of a symbol; it travels in the event of the bar it was made on."""

from __future__ import annotations

import msgspec


class Forecast(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One forecast, made at the close of a bar.

    Attributes:
        bar_time: open time of the last bar it knows, ms UTC.
        horizon_ms: how far ahead it looks, ms.
        value: expected log return from that bar's close to `horizon_ms` later.
        low: lower end of the interval, log return.
        high: upper end, log return.
        level: share of outcomes that the interval holds out of sample, fraction.
        model: id of the model.
        trusted: it beat every naive guess out of sample and does not drift.
        reason: why it is not trusted, or empty.
    """

    bar_time: int
    horizon_ms: int
    value: float
    low: float
    high: float
    level: float
    model: str
    trusted: bool
    reason: str = ""

    @property
    def side(self) -> int:
        """+1 for a rise, -1 for a fall, 0 for neither."""
        return (self.value > 0) - (self.value < 0)


class Outlook(msgspec.Struct, frozen=True, array_like=True):
    """A forecast and the close it starts from, quote currency: what a chart needs to draw it."""

    forecast: Forecast
    close: float
