"""The engine's process with request limits a thousand times as wide, for measuring more orders than a venue would take.

python -m tests.bench.wide_engine OPTIONS    as `headless.daemon`
"""

from __future__ import annotations

import sys

from engine.venues import ccxt_client
from engine.venues.exchanges import LIMITS
from engine.venues.weight import Limit
from headless.daemon import main

WIDER = 1_000


def widen() -> None:
    """Every gate that is made from now on lets a thousand times as much through."""
    wide = tuple(Limit(one.name, one.most * WIDER, one.window_ms) for one in LIMITS)
    vars(ccxt_client)["LIMITS"] = wide  # the default of every Access


if __name__ == "__main__":
    widen()
    sys.exit(main())
