"""The engine's forecaster: a forecast at each closed bar, scored when it comes due, demoted when it drifts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from engine.bars import Bars
from engine.forecast.drift import drift, scored
from engine.forecast.inference import Model
from engine.forecast.shelf import Standing
from engine.model.forecast import Forecast


@dataclass(slots=True)
class Serving:
    """A model at work for one symbol; `waiting` are forecasts that have not come due."""

    model: Model
    standing: Standing
    waiting: deque[Forecast] = field(default_factory=deque)


class LiveForecaster:
    """Implements the port `Forecaster`.

    Args:
        serving: by symbol.
        told: hears one sentence when a model is demoted.
    """

    def __init__(self, serving: Mapping[str, Serving], told: Callable[[str], None]) -> None:
        self._serving = dict(serving)
        self._told = told
        self._changed: set[str] = set()

    @property
    def trusted(self) -> bool:
        """Some model may be listened to."""
        return any(one.model.header.trusted and not one.standing.demoted for one in self._serving.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols with a model."""
        return tuple(self._serving)

    def forecast(self, symbol: str, bars: Bars) -> Forecast | None:
        """The forecast at the close of the last of `bars`; None without a model or with too few whole bars."""
        one = self._serving.get(symbol)
        if one is None or len(bars) == 0:
            return None
        self._score(symbol, one, bars)
        made = one.model.forecast(bars, reason=one.standing.demoted)
        if made is not None:
            one.waiting.append(made)
        return made

    def changes(self) -> dict[str, Standing]:
        """Standings that changed since the last call, by model id."""
        changed, self._changed = self._changed, set()
        return {self._serving[s].model.header.id: self._serving[s].standing for s in changed}

    def _score(self, symbol: str, one: Serving, bars: Bars) -> None:
        newest, header = int(bars.open_time[-1]), one.model.header
        while one.waiting and one.waiting[0].bar_time + one.waiting[0].horizon_ms <= newest:
            due = one.waiting.popleft()
            begin, end = _close(bars, due.bar_time), _close(bars, due.bar_time + due.horizon_ms)
            if begin is None or end is None:
                continue  # a bar is missing: nobody knows what came
            live = scored(one.standing.live, due, math.log(end / begin), header.half_width)
            one.standing = replace(one.standing, live=live)
            self._changed.add(symbol)
        if not one.standing.demoted:
            why = drift(header, one.standing.live)
            if why:
                one.standing = replace(one.standing, demoted=why)
                self._told(f"the forecaster of {symbol} (model {header.id}) is no longer trusted: {why}")


def _close(bars: Bars, open_time: int) -> float | None:
    i = int(bars.open_time.searchsorted(open_time))
    return float(bars.close[i]) if i < len(bars) and int(bars.open_time[i]) == open_time else None
