"""What a model says about the next bars of a symbol, which model says it, and how often it has been right."""

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


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts that were made live and have come due.

    Attributes:
        scored: how many.
        moved: how many of them moved at all.
        hits: of those, how many had the direction right.
        inside: how many ended within the interval.
        error: sum of absolute errors in volatilities.
    """

    scored: int = 0
    moved: int = 0
    hits: int = 0
    inside: int = 0
    error: float = 0.0


class ModelInUse(msgspec.Struct, frozen=True, kw_only=True):
    """The model that forecasts a symbol.

    Attributes:
        model: its id.
        round: how often it had been promoted: each time it is judged anew.
        passed: it beat every naive guess out of sample.
        verdict: the sentence of that judgement.
        distrusted: why it is no longer trusted (drift, a person), or empty.
        horizon: bars ahead.
        half_width: of its interval, in volatilities.
        error_mean: mean absolute error of its validation, in volatilities.
        error_deviation: standard deviation of those absolute errors.
        live: what has come due in this round.
    """

    model: str
    round: int = 0
    passed: bool = False
    verdict: str = ""
    distrusted: str = ""
    horizon: int = 1
    half_width: float = 1.0
    error_mean: float = 0.0
    error_deviation: float = 0.0
    live: Live = Live()

    @property
    def trusted(self) -> bool:
        """It may be listened to."""
        return self.passed and not self.distrusted

    @property
    def reason(self) -> str:
        """Why it is not trusted, or empty."""
        return self.distrusted or ("" if self.passed else self.verdict.removeprefix("untrusted: "))
