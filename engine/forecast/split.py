"""Parts by time: training before validation before test, with an embargo between them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from engine.errors import BadInput

FIRST = 0.4  # share of all samples before the first test part of a walk-forward
VALIDATION = 0.15  # share of what lies before a test part that is held back for validation
TEST = 0.2  # share of a single hold-out
LEAST_TRAIN, LEAST_PART = 200, 50


@dataclass(frozen=True, slots=True)
class Split:
    """Samples of one training: weights and scalers know `train`, stopping and intervals `validation`, scores `test`."""

    train: slice
    validation: slice
    test: slice


def before(begin: int, end: int, embargo: int) -> Split:
    """The split whose test part is [`begin`, `end`); raises BadInput where too little is left before it."""
    known = begin - embargo
    held = max(LEAST_PART, int(known * VALIDATION))
    split = Split(slice(0, known - held - embargo), slice(known - held, known), slice(begin, end))
    if split.train.stop < LEAST_TRAIN or end - begin < LEAST_PART:
        least = LEAST_TRAIN + LEAST_PART + 2 * embargo
        remedy = f"too few: a test part needs {LEAST_PART} samples and about {least:,} before it"
        raise BadInput("samples", end, remedy)
    return split


def hold_out(samples: int, embargo: int) -> Split:
    """One split: the newest fifth is the test part."""
    return before(samples - int(samples * TEST), samples, embargo)


def walk_forward(samples: int, folds: int, embargo: int) -> tuple[Split, ...]:
    """`folds` splits whose test parts follow one another to the end; each learns from all that lies before it."""
    first = int(samples * FIRST)
    edges = [first + (samples - first) * k // folds for k in range(folds + 1)]
    return tuple(before(begin, end, embargo) for begin, end in itertools.pairwise(edges))
