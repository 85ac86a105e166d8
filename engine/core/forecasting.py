"""The forecast gate: a trusted forecast that points the other way stops an entry."""

from __future__ import annotations

from engine.core.state import State, SymbolState
from engine.model.signal import Gate, Verdict

NAME, WANTED = "forecast", "agrees"


def forecast_gate(state: State, s: SymbolState, side: int) -> Gate:
    """What the forecast of the newest bar says to going to `side`.

    Without a model, without a forecast of this very bar and with a model that is not trusted it is SKIPPED, on live FAIL.
    """
    without = Verdict.FAIL if state.mode == "live" else Verdict.SKIPPED
    forecast = s.forecast
    if forecast is None:
        missing = (
            "no forecaster is configured" if s.model is None else f"model {s.model.model} has no forecast of this bar"
        )
        return Gate(NAME, without, "", WANTED, missing)
    value = f"{forecast.value:+.2%} ({forecast.low:+.2%} to {forecast.high:+.2%})"
    if s.bar is None or forecast.bar_time != s.bar.open_time:
        return Gate(NAME, without, value, WANTED, "the forecast is of an earlier bar")
    if not forecast.trusted:
        return Gate(NAME, without, value, WANTED, f"model {forecast.model} is untrusted: {forecast.reason}")
    if forecast.side == side:
        return Gate(NAME, Verdict.PASS, value, WANTED)
    return Gate(NAME, Verdict.FAIL, value, WANTED, "the forecast points the other way")
