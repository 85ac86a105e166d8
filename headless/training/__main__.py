"""``python -m headless.training``: jobs on stdin, news on stdout, SIGINT stops the fit at hand and keeps its best."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

import msgspec
import numpy as np

from engine.bars import Floats
from engine.forecast.dataset import Windows, windows
from headless.training import protocol as p


def main() -> int:
    """Serve jobs until stdin ends."""
    # TensorFlow and its converter print on stdout: the lines of ours go where stdout was, theirs to stderr
    news = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    asked = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: asked.set())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    from headless.training.net import Nets, fit

    nets = Nets()
    _tell(news, p.Ready(tf.__version__))
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=p.Job)
        folder = Path(job.folder)
        columns = np.load(folder / p.COLUMNS)
        checkpoints = Path(job.checkpoints) if job.checkpoints else None
        done = fit(
            nets,
            job.recipe,
            _part(columns, folder / p.TRAIN, job.recipe.window),
            _part(columns, folder / p.VALIDATION, job.recipe.window),
            folder / p.NET,
            tell=lambda progress: _tell(news, progress),
            stop=asked.is_set,
            checkpoints=checkpoints,
            key=f"{job.data} {msgspec.json.encode(msgspec.structs.replace(job.recipe, epochs=1)).decode()}",
        )
        _tell(news, done)
        asked.clear()
    return 0


def _part(columns: Floats, file: Path, window: int) -> tuple[Windows, Floats]:
    with np.load(file) as kept:
        return windows(columns, kept["rows"], window), kept["target"].astype(np.float32)


def _tell(news: IO[bytes], what: p.News) -> None:
    news.write(msgspec.json.encode(what) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
