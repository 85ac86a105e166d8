"""The Keras net and its fit. Importing this imports TensorFlow: only the training process does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import tensorflow as tf
import tf2onnx

from engine.bars import Floats
from engine.forecast.dataset import Windows
from engine.forecast.inference import infer, session
from engine.forecast.model_file import Epoch
from engine.forecast.recipe import Recipe
from headless.training.protocol import Failed, Fitted, Progress

OPSET = 17
AT_ONCE = 16  # batches a call: Python is left out in between
TELL_S = 0.5
TOLERANCE = 1e-4
CHECKED = 256

STATE, LAST, BEST = "state.json", "last.keras", "best.weights.h5"


class State(msgspec.Struct, frozen=True):
    """Where an interrupted fit stood; `key` names recipe and data."""

    key: str
    curve: tuple[Epoch, ...]


def build(recipe: Recipe, columns: int) -> Any:
    """LSTM layers with dropout, a ReLU layer, one output."""
    layers: list[Any] = [keras.Input((recipe.window, columns))]
    for i, units in enumerate(recipe.units):
        layers += [keras.layers.LSTM(units, return_sequences=i < len(recipe.units) - 1)]
        layers += [keras.layers.Dropout(recipe.dropout)]
    layers += [keras.layers.Dense(recipe.dense, activation="relu"), keras.layers.Dense(1)]
    return keras.Sequential(layers)


class Nets:
    """Makes compiled nets; one of the same shape is used again with fresh weights, for its graph is costly."""

    def __init__(self) -> None:
        self._key: object = None
        self._net: Any = None

    def fresh(self, recipe: Recipe, columns: int) -> Any:
        """A compiled net whose weights and dropout follow from the recipe's seed alone."""
        keras.utils.set_random_seed(recipe.seed)
        net = build(recipe, columns)
        key = (recipe.window, columns, recipe.units, recipe.dense, recipe.dropout, recipe.rate, recipe.batch)
        if key != self._key:
            net.compile(keras.optimizers.Adam(recipe.rate), "mse", steps_per_execution=AT_ONCE)
            self._key, self._net = key, net
            return net
        for kept, new in zip(self._net.variables, net.variables, strict=True):
            kept.assign(new)
        rate = self._net.optimizer.learning_rate
        for variable in self._net.optimizer.variables:
            if variable is not rate:
                variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
        return self._net


class _Course(keras.callbacks.Callback):  # type: ignore[misc] # keras has no types
    """Tells, keeps the best weights and the checkpoints, stops early or when asked to."""

    def __init__(
        self,
        recipe: Recipe,
        steps: int,
        tell: Callable[[Progress], None],
        stop: Callable[[], bool],
        keep: tuple[Path | None, str],
        curve: tuple[Epoch, ...],
    ) -> None:
        super().__init__()
        self.recipe, self.steps, self.tell, self.stop = recipe, steps, tell, stop
        self.folder, self.key = keep
        self.curve = list(curve)
        self.best_weights: Any = None
        self.cancelled = False
        self._began = time.monotonic()
        self._told = 0.0
        self._first = len(curve)

    @property
    def best(self) -> Epoch | None:
        """The epoch with the smallest validation loss."""
        return min(self.curve, key=lambda one: one.validation, default=None)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop where asked to, tell now and then."""
        if self.stop():
            self.cancelled = True
            self.model.stop_training = True
        now = time.monotonic()
        if now - self._told >= TELL_S:
            self._told = now
            self._say(len(self.curve), (batch + 1) / self.steps, float((logs or {}).get("loss", math.nan)), None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep what is worth keeping."""
        if self.cancelled and self.curve:
            return  # a part of an epoch says nothing about it
        loss, validation = float((logs or {})["loss"]), float((logs or {})["val_loss"])
        if not (math.isfinite(loss) and math.isfinite(validation)):
            self.model.stop_training = True
            return
        before = self.best
        self.curve.append(Epoch(epoch + 1, loss, validation))
        if before is None or validation < before.validation:
            self.best_weights = self.model.get_weights()
            if self.folder is not None:
                self.model.save_weights(self.folder / BEST)
        best = self.best
        if best is not None and epoch + 1 - best.epoch >= self.recipe.patience:
            self.model.stop_training = True
        if self.folder is not None:
            self.model.save(self.folder / LAST)
            (self.folder / STATE).write_bytes(msgspec.json.encode(State(self.key, tuple(self.curve))))
        self._say(len(self.curve) - 1, 1.0, loss, validation)

    def _say(self, done: int, part: float, loss: float, validation: float | None) -> None:
        passed = done - self._first + part
        each = (time.monotonic() - self._began) / max(passed, 1e-6)
        best = self.best
        self.tell(
            Progress(
                epoch=done + 1,
                epochs=self.recipe.epochs,
                part=min(1.0, part),
                loss=loss if math.isfinite(loss) else 0.0,
                validation=validation,
                best=best.validation if best is not None else None,
                left_s=max(0.0, each * (self.recipe.epochs - done - part)),
            )
        )


def fit(
    nets: Nets,
    recipe: Recipe,
    train: tuple[Windows, Floats],
    validation: tuple[Windows, Floats],
    out: Path,
    *,
    tell: Callable[[Progress], None],
    stop: Callable[[], bool],
    checkpoints: Path | None = None,
    key: str = "",
) -> Fitted | Failed:
    """Fit a net and export the best of it to `out` as ONNX.

    Args:
        nets: makes them.
        recipe: of the net.
        train: scaled windows and what the net is to answer.
        validation: likewise; decides when to stop and which weights are kept.
        out: ONNX file to write.
        tell: hears the progress.
        stop: asked after every few batches; the best so far is kept.
        checkpoints: existing folder to go on from and to keep what is needed in, or None.
        key: names recipe and data; a checkpoint of another one is not used.
    """
    net = nets.fresh(recipe, train[0].shape[2])
    curve: tuple[Epoch, ...] = ()
    resumed = _resume(checkpoints, key) if checkpoints is not None else None
    if resumed is not None:
        net, curve = resumed
    course = _Course(recipe, math.ceil(len(train[0]) / recipe.batch), tell, stop, (checkpoints, key), curve)
    best = course.best
    done = best is not None and len(curve) - best.epoch >= recipe.patience
    if len(curve) < recipe.epochs and not done:
        net.fit(
            *train,
            batch_size=recipe.batch,
            epochs=recipe.epochs,
            initial_epoch=len(curve),
            validation_data=validation,
            verbose=0,
            callbacks=[course],
        )
    best = course.best
    if best is None:
        return Failed("the losses are no numbers: use a smaller --rate")
    if course.best_weights is not None:
        net.set_weights(course.best_weights)
    elif checkpoints is not None:
        net.load_weights(checkpoints / BEST)
    difference = export(net, validation[0][:CHECKED], out)
    if not difference <= TOLERANCE:
        return Failed(f"the exported net answers otherwise than Keras, by {difference:.2g}")
    return Fitted(
        curve=tuple(course.curve),
        best=best.epoch,
        cancelled=course.cancelled,
        resumed=len(curve),
        difference=difference,
    )


def _resume(folder: Path, key: str) -> tuple[Any, tuple[Epoch, ...]] | None:
    """Net and curve of a checkpoint of the same recipe and data."""
    file = folder / STATE
    if not file.is_file():
        return None
    try:
        state = msgspec.json.decode(file.read_bytes(), type=State)
    except msgspec.DecodeError:
        return None  # written while the power went: begin anew
    if state.key != key or not (folder / LAST).is_file() or not (folder / BEST).is_file():
        return None
    return keras.saving.load_model(folder / LAST), state.curve


def export(net: Any, sample: Windows, out: Path) -> float:
    """Write the net as ONNX; returns the largest difference of its answers from Keras's on `sample`."""
    shape = tf.TensorSpec((None, *sample.shape[1:]), tf.float32, name="window")

    @tf.function(input_signature=[shape])  # type: ignore[untyped-decorator] # tensorflow has no types
    def answer(window: Any) -> Any:
        return {"answer": net(window, training=False)}

    tf2onnx.convert.from_function(answer, input_signature=[shape], opset=OPSET, output_path=str(out))
    theirs = infer(session(out.read_bytes(), out.name), sample)
    ours = np.asarray(net(sample, training=False)).reshape(-1)
    return float(np.abs(ours - theirs).max())
