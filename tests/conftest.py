"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

# Screens, sockets, databases: each test is quick, all of them are not. `make test-fast` leaves them out.
OUTSIDE = (
    "snapshots", "station", "headless", "storage", "engine/ai", "engine/feeds", "engine/news", "engine/simulator",
    "engine/venues",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything that talks to the outside as slow."""
    here = Path(__file__).parent
    folders = tuple(here / name for name in OUTSIDE)
    for item in items:
        if any(folder in item.path.parents for folder in folders):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage seldom: a fifth of the time that screens take went into looking at what lives to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data; without it a test is skipped, in CI it fails."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("TREFOIL_TEST_DATA", default))
    if not folder.is_dir():
        reason = f"recorded market data not found at {folder}; set TREFOIL_TEST_DATA"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
