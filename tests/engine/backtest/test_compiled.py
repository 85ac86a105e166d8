"""The compiled engine's cache: what is older than its sources goes, whoever starts at the same moment."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.backtest.compiled import drop_old

TAG = f"py{sys.version_info.major}{sys.version_info.minor}"


def index(cache: Path, name: str, *, old: bool) -> Path:
    """A cached index of today, or of before any source was written."""
    path = cache / f"{name}.{TAG}.nbi"
    path.write_bytes(b"")
    if old:
        os.utime(path, (0, 0))
    return path


def test_what_is_older_than_its_sources_goes_and_the_rest_stays(tmp_path: Path) -> None:
    old, new = index(tmp_path, "kernel.run-1", old=True), index(tmp_path, "kernel.run-2", old=False)
    other = index(tmp_path, "elsewhere.f-1", old=True)
    drop_old(tmp_path)
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_several_that_start_at_once_do_not_stumble_over_each_other(tmp_path: Path) -> None:
    for n in range(2_000):
        index(tmp_path, f"kernel.run-{n}", old=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(drop_old, [tmp_path] * 8))
    assert list(tmp_path.iterdir()) == []
