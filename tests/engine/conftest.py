"""Recorded bars for everything that reads bars."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine.bars import Bars

Recorded: TypeAlias = Callable[[str], Bars]


@pytest.fixture(scope="session")
def recorded(market_data: Path) -> Recorded:
    """Reads a candle file by name, without its suffix, as bars (arrays of their own, oldest first)."""

    @cache
    def read(name: str) -> Bars:
        table = pq.read_table(market_data / "candles" / f"{name}.parquet")
        columns = ("open", "high", "low", "close", "volume")
        return Bars(
            np.array(table["timestamp"].to_numpy(), dtype=np.int64),
            *(np.array(table[column].to_numpy(), dtype=np.float64) for column in columns),
        )

    return read
