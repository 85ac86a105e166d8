"""What the training process is asked and what it tells: one JSON object a line, arrays in files beside it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.forecast.model_file import Epoch
from engine.forecast.recipe import Recipe

COLUMNS, TRAIN, VALIDATION = "columns.npy", "train.npz", "validation.npz"
NET = "net.onnx"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Fit one net.

    Attributes:
        folder: holds `COLUMNS` (scaled features), `TRAIN` and `VALIDATION` (rows and targets); `NET` is put there.
        recipe: of the net.
        checkpoints: folder that keeps what is needed to go on after an interruption; empty for none.
        data: SHA-256 of the arrays; a checkpoint of other data is not used.
    """

    folder: str
    recipe: Recipe
    checkpoints: str = ""
    data: str = ""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """TensorFlow is loaded."""

    tensorflow: str


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How far a fit is.

    Attributes:
        epoch: that is running or has ended, from 1.
        epochs: at most.
        part: share of the epoch that is done; 1 at its end.
        loss: of the training part so far.
        validation: loss of the validation part, at the end of an epoch.
        best: the smallest so far.
        left_s: seconds to the last epoch, as it looks now.
    """

    epoch: int
    epochs: int
    part: float
    loss: float
    validation: float | None = None
    best: float | None = None
    left_s: float = 0.0


class Fitted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The best net is exported.

    Attributes:
        curve: losses by epoch.
        best: epoch whose weights were kept.
        cancelled: it was asked to stop.
        resumed: epochs that had been done before.
        difference: the largest difference of the ONNX net's answers from Keras's on validation windows.
    """

    curve: tuple[Epoch, ...]
    best: int
    cancelled: bool
    resumed: int
    difference: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Nothing was kept; one sentence."""

    reason: str


News: TypeAlias = Ready | Progress | Fitted | Failed
