"""Random walks as bars, and as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from engine.bars import Bars

HOUR = 3_600_000


def walk(n: int, seed: int = 5, begin: int = 0) -> Bars:
    """Hourly bars around 100 with 1 % steps, from `begin` (ms UTC); each opens at the close before."""
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, n))), 4)
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.round(np.maximum(open_, close) * 1.002, 4)
    low = np.round(np.minimum(open_, close) * 0.998, 4)
    return Bars(begin + np.arange(n, dtype=np.int64) * HOUR, open_, high, low, close, np.ones(n))


def write_csv(file: Path, bars: Bars, begin: int = 1_704_067_200_000) -> Path:
    """A candle file whose first bar opens at `begin`, ms UTC."""
    names = ("open", "high", "low", "close", "volume")
    times = bars.open_time - bars.open_time[0] + begin
    pc.write_csv(pa.table({"timestamp": times} | {name: getattr(bars, name) for name in names}), file)
    return file
