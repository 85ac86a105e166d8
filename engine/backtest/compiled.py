"""The compiled engine's cache: whether it is there, throwing it away when it is old, and filling it.

Numba compares a cached function with its own file alone. The kernel takes functions of its neighbours into itself, so
whatever of them changes makes its cache old.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SOURCES = (
    *("account", "layout", "levels", "measure", "rules", "result"),
    *("crossings", "kernel", "scan_kernel", "signals", "sweep_kernel"),
)
CACHE = HERE / "__pycache__"


def drop_old(cache: Path = CACHE) -> None:
    """Remove cached machine code that is older than any of its sources."""
    files = [HERE.parent / "arithmetic.py", *(HERE / f"{name}.py" for name in SOURCES)]
    newest = max(file.stat().st_mtime for file in files)
    for index in _indexes(cache):
        if _written(index) < newest:
            index.unlink(missing_ok=True)


def _written(index: Path) -> float:
    """When it was written, s since 1970; 0 where another process that starts at the same time was quicker to remove it."""
    try:
        return index.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_compiled() -> bool:
    """Machine code of the kernel lies next to it; True also where it cannot, and numba keeps it elsewhere."""
    import numba

    if numba.config.CACHE_DIR or not os.access(HERE, os.W_OK):
        return True
    return any(index.name.startswith("kernel.run-") for index in _indexes(CACHE))


def _indexes(cache: Path) -> list[Path]:
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    return [index for name in SOURCES for index in cache.glob(f"{name}.*.{tag}.nbi")]


def compile_all() -> None:
    """Run every compiled path once on made-up bars, so that later processes load it from the cache."""
    from engine.backtest.rules import Exits, Rules
    from engine.backtest.run import Backtest
    from engine.backtest.scan import scan
    from engine.backtest.sweep import sweep, variants
    from engine.bars import Bars
    from engine.strategies import NAMES

    n = 400
    wave = np.round(100.0 + 5.0 * np.sin(np.arange(n) / 9.0) + np.arange(n) / 50.0, 2)
    bars = Bars(np.arange(n) * 60_000, wave, wave + 0.5, wave - 0.5, wave + 0.1, np.ones(n))
    for rules in (Rules(), Rules(exits=Exits.STRATEGY), Rules(exits=Exits.FIXED, stop=0.01, target=0.02)):
        test = Backtest(bars, 60_000, rules)
        for name in NAMES:
            test.run(name).equity.sum()
    scan([test], jobs=1)
    sweep(test, "ema-cross", variants("ema-cross", {"fast": [5], "slow": [20]}), jobs=1)


if __name__ == "__main__":
    compile_all()
