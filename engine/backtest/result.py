"""What a run gives: trades as rows, running sums, and metrics made from them on demand."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


class Reason(IntEnum):
    """Why a trade ended: the side turned, its stop, its target, liquidation, or the data ended."""

    SIGNAL = 0
    STOP = 1
    TARGET = 2
    LIQUIDATION = 3
    END = 4


REASONS = tuple(reason.name.lower() for reason in Reason)

# Bars count from the first of the data. Times are ms UTC: the open of the bar (or of the detail bar) of the fill. Money is
# 1e-8 quote units; `pnl` is before fee and funding; funding is positive where it was paid.
TRADE = np.dtype(
    [
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),
        ("entry_time", np.int64),
        ("exit_time", np.int64),
        ("side", np.int64),
        ("lots", np.int64),
        ("entry_ticks", np.int64),
        ("exit_ticks", np.int64),
        ("fee", np.int64),
        ("funding", np.int64),
        ("pnl", np.int64),
        ("reason", np.int64),
    ],
    align=True,
)

Rows: TypeAlias = NDArray[np.void]  # of TRADE
