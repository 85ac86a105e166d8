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
    """Milliseconds (medians), megabytes, and seconds an epoch, beside their goals.

    `processor_ms` is what the same work took of one processor: what a clock on the wall shows where nothing else runs.
    """
    bars, found = walk(YEAR), _Timed()
    for name in ("ohlcv", "full"):
        recipe = Recipe(features=name)
        found.take(f"features_{name}_ms", lambda recipe=recipe: features(bars, recipe))  # type: ignore[misc] # a default's type
    load = round(os.getloadavg()[0], 1)
    if importlib.util.find_spec("tf2onnx") is None:
        missing = "not measured: the extra `train` is not installed"
        return {**found.all(), "machine_load": load, "goals": GOALS, "net": missing}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full-size"
        epoch = _train(path)
        _infer(path, found)
        return {**found.all(), **epoch, "grown_mb": _grown(path), "machine_load": load, "goals": GOALS}


class _Timed:
    """Medians on the wall and of the processor."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.processor: dict[str, float] = {}

    def take(self, name: str, work: Callable[[], object]) -> None:
        work()
        times = []
        for _ in range(TIMES):
            began = time.perf_counter(), time.process_time()
            work()
            times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        self.wall[name], self.processor[name] = (
            round(sorted(column)[TIMES // 2] * 1000, 3) for column in zip(*times, strict=True)
        )

    def all(self) -> dict[str, object]:
        return {**self.wall, "processor_ms": self.processor}


def _train(path: Path) -> dict[str, object]:
    """Train two epochs of the standard net on a year of hours; seconds of the second, which compiles nothing.

    `epoch_both_processors_s` is what it took of two processors together, halved.
    """
    import psutil

    from headless.training.making import About, train
    from headless.training.trainer import trainer

    ends: list[tuple[float, float]] = []

    def told(fold: int, progress: Progress) -> None:
        if progress.validation is not None:
            used = [one.cpu_times() for one in psutil.Process().children()]
            ends.append((time.perf_counter(), sum(one.user + one.system for one in used)))

    # as many bars as leave a year for the training part
    data = dataset(walk(YEAR * 3 // 2), SYMBOL, HOUR, Recipe(features="full", epochs=2))
    with trainer() as child:
        child.ready()
        made = train(data, child, About("walk", 0), told=told)
    path.write_bytes(made.data)
    trained = made.header.evaluation.folds[0].train
    wall, processor = (round((after - before) * YEAR / trained, 1) for before, after in zip(*ends, strict=True))
    return {"epoch_s": wall, "epoch_both_processors_s": round(processor / 2, 1)}


def _infer(path: Path, found: _Timed) -> None:
    import numpy as np

    from engine.forecast.inference import Model, forecast_all

    model = Model.load(path)
    one = np.zeros((1, 60, 14), dtype=np.float32)
    histories = [walk(2_500, seed) for seed in range(SYMBOLS)]
    wanted = [(model, bars, "") for bars in histories]
    found.take("window_ms", lambda: model.answers(one))
    found.take("window_with_features_ms", lambda: model.forecast(histories[0]))
    found.take("symbols_30_ms", lambda: model.answers(np.repeat(one, SYMBOLS, axis=0)))
    found.take("symbols_30_with_features_ms", lambda: forecast_all(wanted))


def _grown(path: Path) -> float:
    out = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True)
    return round(float(json.loads(out.stdout)), 1)
