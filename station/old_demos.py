"""Demos leave a data directory each; the newest are kept, for their journals, and the others go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.errors import BadInput, EngineRunning
from storage.home import Home
from storage.lock import EngineLock

KEPT = 10
YOUNG_S = 3_600.0  # a demo that is just starting has no lock yet


def remove_old_demos(home: Home, now: float) -> None:
    """Remove all but the newest `KEPT`, none in which an engine runs, none that was touched within the last hour.

    Args:
        home: of this user.
        now: s since 1970, UTC.
    """
    demos = home.root / "demo"
    if not demos.is_dir():
        return
    with os.scandir(demos) as found:
        newest_first = sorted(((one.stat().st_mtime, one.path) for one in found if one.is_dir()), reverse=True)
    for touched, path in newest_first[KEPT:]:
        if now - touched >= YOUNG_S:
            _remove(Path(path))


def _remove(folder: Path) -> None:
    try:
        with EngineLock(Home(folder).lock):
            shutil.rmtree(folder, ignore_errors=True)  # another start may be removing it too
    except (EngineRunning, BadInput):  # it runs, or it is gone already
        return
