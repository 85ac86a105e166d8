"""Our end of the training process: starts it, hands it prepared samples, hears how far it is."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from engine.errors import BadInput, TrefoilError
from engine.forecast.evaluation import Prepared
from engine.forecast.recipe import Recipe
from headless.training import protocol as p

NEEDED = ("tensorflow", "tf2onnx")
HOW = "training needs the extra packages: pip install 'trefoil[train]'"
CLOSE_S = 10.0
LAST_CHARACTERS = 300

_news: msgspec.json.Decoder[p.News] = msgspec.json.Decoder(p.News)


class TrainingFailed(TrefoilError):
    """A training came to nothing."""


class Trainer:
    """A running training process. Use `trainer()`; one fit at a time.

    Args:
        process: ``python -m headless.training``.
        folder: a temporary one for the arrays.
        log: its stderr.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
        self._process = process
        self._folder = folder
        self._log = log

    def cancel(self) -> None:
        """Stop the fit at hand; what was best so far is kept. Safe in a signal handler."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def ready(self) -> str:
        """Wait until TensorFlow is loaded; its version."""
        news = self._hear()
        if not isinstance(news, p.Ready):
            raise TrainingFailed(f"training: {news} instead of a greeting")
        return news.tensorflow

    def fit(
        self,
        ready: Prepared,
        recipe: Recipe,
        *,
        told: Callable[[p.Progress], None],
        checkpoints: Path | None = None,
    ) -> tuple[p.Fitted, bytes]:
        """Fit a net to a prepared split; what became of it, and the net as ONNX. Raises TrainingFailed.

        Args:
            ready: scaled samples.
            recipe: of the net.
            told: hears the progress.
            checkpoints: folder to go on from and keep up to date, or None.
        """
        folder = self._folder
        scaled = ready.scaled.astype(np.float32)
        np.save(folder / p.COLUMNS, scaled)
        np.savez(folder / p.TRAIN, rows=ready.train, target=ready.train_target)
        np.savez(folder / p.VALIDATION, rows=ready.validation, target=ready.validation_target)
        digest = hashlib.sha256(scaled.tobytes() + ready.train.tobytes() + ready.train_target.tobytes()).hexdigest()
        if checkpoints is not None:
            checkpoints.mkdir(parents=True, exist_ok=True)
        job = p.Job(folder=str(folder), recipe=recipe, checkpoints=str(checkpoints or ""), data=digest)
        self._say(job)
        while True:
            match self._hear():
                case p.Progress() as progress:
                    told(progress)
                case p.Fitted() as done:
                    return done, (folder / p.NET).read_bytes()
                case p.Failed(reason=reason):
                    raise TrainingFailed(f"training: {reason}")
                case p.Ready():
                    continue

    def _say(self, job: p.Job) -> None:
        if self._process.stdin is None:
            raise TrainingFailed("training: the process has no input")
        try:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._died() from error

    def _hear(self) -> p.News:
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        if not line:
            raise self._died()
        return _news.decode(line)

    def _died(self) -> TrainingFailed:
        code = self._process.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1][-LAST_CHARACTERS:] if lines else "it said nothing"
        return TrainingFailed(f"training: the process ended with code {code}: {last}")


def check_installed() -> None:
    """Raises BadInput, with how to get it, where TensorFlow or its converter is missing; imports neither."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise BadInput("training", f"{name} is not installed", HOW)


@contextmanager
def trainer() -> Iterator[Trainer]:
    """A training process for the time of the block; it never sees the terminal's Ctrl-C by itself."""
    check_installed()
    with tempfile.TemporaryDirectory(prefix="trefoil-training-") as name:
        folder = Path(name)
        log = folder / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "headless.training"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                start_new_session=True,
            )
        try:
            yield Trainer(process, folder, log)
        finally:
            _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    """End of input ends an idle process; one that still fits is ended."""
    killer = threading.Timer(CLOSE_S, process.kill)
    killer.start()
    try:
        if process.stdin is not None:
            try:
                process.stdin.close()
            except BrokenPipeError:
                process.kill()
        process.terminate()
        process.wait()
    finally:
        killer.cancel()
        if process.stdout is not None:
            process.stdout.close()
