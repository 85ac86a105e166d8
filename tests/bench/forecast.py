"""The forecaster: features, inference of the full-size net, memory, and an epoch of training where TensorFlow is there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.forecast.dataset import dataset
from engine.forecast.features import features
from engine.forecast.recipe import Recipe
from tests.engine.forecast.series import HOUR, SYMBOL, walk

if TYPE_CHECKING:
    from headless.training.protocol import Progress

YEAR = 8_760
SYMBOLS = 30
TIMES = 200
GOALS = {"features_ms": 20, "window_ms": 1, "symbols_30_ms": 15, "grown_mb": 80, "epoch_s": 20}

MEMORY = """
import psutil, sys
from pathlib import Path
import numpy, talib, numba, engine.readings, engine.core.core, engine.market
from tests.engine.forecast.series import walk
engine.readings.warm_up()
me, bars = psutil.Process(), walk(3_000)
before = me.memory_info().rss
from engine.forecast.inference import Model
model = Model.load(Path(sys.argv[1]))
for _ in range(20):
    assert model.forecast(bars) is not None
print((me.memory_info().rss - before) / 2**20)
"""


def measure() -> dict[str, object]:
    """Milliseconds (medians), megabytes, and seconds an epoch, beside their goals."""
    bars, found = walk(YEAR), {}
    for name in ("ohlcv", "full"):
        recipe = Recipe(features=name)
        found[f"features_{name}_ms"] = _median(lambda recipe=recipe: features(bars, recipe))  # type: ignore[misc] # a default's type
    found["machine_load"] = round(os.getloadavg()[0], 1)
    if importlib.util.find_spec("tf2onnx") is None:
        return {**found, "goals": GOALS, "net": "not measured: the extra `train` is not installed"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full-size"
        found["epoch_s"] = _train(path)
        return {**found, **_infer(path), "grown_mb": _grown(path), "goals": GOALS}


def _train(path: Path) -> float:
    """Train two epochs of the standard net on a year of hours; seconds of the second, which compiles nothing."""
    from headless.training.making import About, train
    from headless.training.trainer import trainer

    ends: list[float] = []

    def told(fold: int, progress: Progress) -> None:
        if progress.validation is not None:
            ends.append(time.perf_counter())

    # as many bars as leave a year for the training part
    data = dataset(walk(YEAR * 3 // 2), SYMBOL, HOUR, Recipe(features="full", epochs=2))
    with trainer() as child:
        child.ready()
        made = train(data, child, About("walk", 0), told=told)
    path.write_bytes(made.data)
    trained = made.header.evaluation.folds[0].train
    return round((ends[1] - ends[0]) * YEAR / trained, 1)


def _infer(path: Path) -> dict[str, object]:
    import numpy as np

    from engine.forecast.inference import Model, forecast_all

    model = Model.load(path)
    one = np.zeros((1, 60, 14), dtype=np.float32)
    histories = [walk(2_500, seed) for seed in range(SYMBOLS)]
    wanted = [(model, bars, "") for bars in histories]
    return {
        "window_ms": _median(lambda: model.answers(one)),
        "window_with_features_ms": _median(lambda: model.forecast(histories[0])),
        "symbols_30_ms": _median(lambda: model.answers(np.repeat(one, SYMBOLS, axis=0))),
        "symbols_30_with_features_ms": _median(lambda: forecast_all(wanted)),
    }


def _grown(path: Path) -> float:
    out = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True)
    return round(float(json.loads(out.stdout)), 1)


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(sorted(times)[TIMES // 2] * 1000, 3)
