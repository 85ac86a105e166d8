"""What forecasts do to the state: which model speaks, what waits for its outcome, and how often it was right."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import replace

from engine.core.state import State, SymbolState
from engine.forecast.record import scored
from engine.model.decision import ModelDistrusted
from engine.model.event import BarClosed, ForecasterSet, OutcomesKnown
from engine.model.forecast import Forecast, ModelInUse, Outlook


def bar_closed(s: SymbolState, event: BarClosed) -> None:
    """Score what has come due at this bar, then take its own forecast in."""
    bar = event.bar
    _score(s, {bar.open_time: bar.close}, bar.open_time)
    _take(s, event.forecast, bar.close)


def forecaster_set(state: State, event: ForecasterSet) -> None:
    """Another model speaks from here on, or the same one with another standing; the newest forecast follows at once."""
    s = state.symbols.get(event.symbol)
    if s is None:
        return
    before, model = s.model, event.model
    if before is not None and model is not None and (before.model, before.round) == (model.model, model.round):
        s.model = replace(model, live=before.live)
        s.forecast = _trusted_as(s.model, s.forecast)
        return
    s.model, s.forecast = model, None
    s.waiting.clear()
    if s.bar is not None and event.forecast is not None and event.forecast.bar_time == s.bar.open_time:
        _take(s, event.forecast, s.bar.close)


def outcomes_known(state: State, event: OutcomesKnown) -> None:
    """Score what came due while no engine ran."""
    s = state.symbols.get(event.symbol)
    if s is not None and event.closes:
        closes = dict(event.closes)
        _score(s, closes, max(closes))


def distrusted(state: State, decision: ModelDistrusted) -> None:
    """The model is not listened to any more, its newest forecast neither."""
    s = state.symbols[decision.symbol]
    if s.model is not None and s.model.model == decision.model:
        s.model = replace(s.model, distrusted=decision.reason)
        s.forecast = _trusted_as(s.model, s.forecast)


def _take(s: SymbolState, forecast: Forecast | None, close: float) -> None:
    s.forecast = _trusted_as(s.model, forecast)
    if s.forecast is None or s.model is None or s.forecast.model != s.model.model:
        return
    if not s.waiting or s.waiting[-1].forecast.bar_time < s.forecast.bar_time:  # a bar may be told again
        s.waiting.append(Outlook(s.forecast, close))


def _trusted_as(model: ModelInUse | None, forecast: Forecast | None) -> Forecast | None:
    """The forecast with the standing that its model has now; it may have been made before that was decided."""
    if model is None or forecast is None or forecast.model != model.model:
        return forecast
    return replace(forecast, trusted=model.trusted, reason=model.reason)


def _score(s: SymbolState, closes: Mapping[int, float], until: int) -> None:
    """Score the waiting forecasts that are due at bars up to `until` (open time); without its bar nobody knows what came."""
    due = 0
    for waiting in s.waiting:
        at = waiting.forecast.bar_time + waiting.forecast.horizon_ms
        if at > until:
            break
        due += 1
        if s.model is not None and at in closes:
            actual = math.log(closes[at] / waiting.close)
            live = scored(s.model.live, waiting.forecast, actual, s.model.half_width)
            s.model = replace(s.model, live=live)
    del s.waiting[:due]
