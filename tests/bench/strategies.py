"""All six strategies on their windows of recorded or made bars."""

from __future__ import annotations

import time

import numpy as np

from engine.bars import Bars
from engine.model.settings import Settings
from engine.readings import LiveReadings, warm_up

N = 2_500


def measure() -> dict[str, object]:
    """Microseconds a symbol, the median of 300 reads."""
    warm_up()
    dice = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(dice.normal(0, 0.001, N)))
    spread = np.abs(dice.normal(0, 0.05, N))
    bars = Bars(np.arange(N) * 60_000, close, close + spread, close - spread, close, np.ones(N))
    live = LiveReadings(Settings())
    live.read("warm", bars)
    times = []
    for _ in range(300):
        began = time.perf_counter()
        live.read("bench", bars)
        times.append(time.perf_counter() - began)
    return {"us_per_symbol": round(sorted(times)[150] * 1e6, 1), "goal_us": 200}
