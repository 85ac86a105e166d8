"""The model file: an ONNX net with everything that is needed to use it rightly, sealed by a SHA-256.

Layout: ``TREFOIL MODEL 1`` and a newline, 64 hexadecimal digits of the SHA-256 of all that follows and a newline, the
header's length in bytes as decimal digits and a newline, the header (JSON), the net (ONNX).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.forecast import features
from engine.forecast.evaluation import Evaluation
from engine.forecast.recipe import Recipe
from engine.forecast.scaling import Scaler

MAGIC = b"TREFOIL MODEL 1\n"
SUFFIX = ".trefoil-model"
DIGEST = 64
MOST_BYTES = 256 << 20
KEEP = "train the model again with trefoil forecast train"
PICKLES = (b"\x80", b"PK\x03\x04", b"\x89HDF")


class Epoch(msgspec.Struct, frozen=True, array_like=True):
    """One point of the learning curve: losses of the scaled target."""

    epoch: int
    loss: float
    validation: float


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about a model but its weights.

    Attributes:
        id: short name, part of the SHA-256 of the net and what it was made of.
        symbol: unified symbol it was trained on.
        timeframe_ms: of its bars.
        recipe: how it was made.
        scaler: numbers of the training part.
        columns: names of the features, in order.
        features_version: `engine.forecast.features.VERSION` when it was made.
        code: version of Trefoil that made it.
        created: ms UTC.
        source: file or store the bars came from.
        bars: how many.
        begin: open time of the first bar, ms UTC.
        end: open time of the last bar, ms UTC.
        half_width: of the interval, in volatilities.
        error_mean: mean absolute error of the validation part, in volatilities.
        error_deviation: standard deviation of those absolute errors.
        curve: losses by epoch.
        evaluation: of the test part.
        note: what a person should know, e.g. that the market was simulated; may be empty.
    """

    id: str
    symbol: str
    timeframe_ms: int
    recipe: Recipe
    scaler: Scaler
    columns: tuple[str, ...]
    features_version: int
    code: str
    created: int
    source: str
    bars: int
    begin: int
    end: int
    half_width: float
    error_mean: float
    error_deviation: float
    curve: tuple[Epoch, ...]
    evaluation: Evaluation
    note: str = ""

    @property
    def trusted(self) -> bool:
        """It beat the naive guesses out of sample."""
        return self.evaluation.verdict.stands


def encode(header: Header, net: bytes) -> bytes:
    """A whole model file."""
    text = msgspec.json.encode(header)
    body = b"%d\n" % len(text) + text + net
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def decode(data: bytes, name: str) -> tuple[Header, bytes]:
    """Header and net of a model file; raises BadInput for anything but a whole, unchanged file of this version."""
    if not data.startswith(MAGIC):
        kind = "a pickle, archive or other foreign file" if data.startswith(PICKLES) else "not a Trefoil model"
        raise BadInput("model file", name, f"it is {kind}; only files of trefoil forecast train are read")
    start = len(MAGIC) + DIGEST + 1
    digest, body = data[len(MAGIC) : start], data[start:]
    if hashlib.sha256(body).hexdigest().encode() + b"\n" != digest:
        raise BadInput("model file", name, f"its SHA-256 does not fit: it was cut short or changed; {KEEP}")
    length, _, rest = body.partition(b"\n")
    if not length.isdigit() or int(length) > len(rest):
        raise BadInput("model file", name, f"its header is not whole; {KEEP}")
    try:
        header = msgspec.json.decode(rest[: int(length)], type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("model file", name, f"its header cannot be read ({error}); {KEEP}") from error
    _check(header, name)
    return header, rest[int(length) :]


def _check(header: Header, name: str) -> None:
    header.recipe.checked()
    if header.features_version != features.VERSION or header.columns != features.names(header.recipe):
        raise BadInput("model file", name, f"its features are of another version ({header.code}); {KEEP}")
    widths = {len(header.columns), len(header.scaler.center), len(header.scaler.scale)}
    if len(widths) != 1 or min(header.scaler.scale) <= 0.0 or header.scaler.target_scale <= 0.0:
        raise BadInput("model file", name, f"its scaler does not fit its features; {KEEP}")


def read(path: Path) -> tuple[Header, bytes]:
    """Header and net; raises BadInput where the file cannot be read or is not right."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput("model file", path.name, "it is larger than any model")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput("model file", path, error.strerror or "cannot be read") from error
    return decode(data, path.name)


def identity(recipe: Recipe, net: bytes, symbol: str, timeframe_ms: int) -> str:
    """Eight hexadecimal digits that name a model."""
    made_of = msgspec.json.encode((recipe, symbol, timeframe_ms))
    return hashlib.sha256(made_of + net).hexdigest()[:8]
