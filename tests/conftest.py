"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.absent import absent, untested

# A shared machine and the first compilation make an example slow, never wrong. In CI the examples are the same each time,
# so that a change is judged by what it changed; elsewhere they are new ones.
SLOW = [HealthCheck.too_slow]
settings.register_profile("searching", deadline=None, suppress_health_check=SLOW)
settings.register_profile("judging", deadline=None, suppress_health_check=SLOW, derandomize=True, database=None)
settings.load_profile("judging" if os.environ.get("CI") else "searching")

# Screens, sockets, databases: each test is quick, all of them are not. `make test-fast` leaves them out.
OUTSIDE = (
    "snapshots", "station", "headless", "storage", "engine/ai", "engine/feeds", "engine/news", "engine/simulator",
    "engine/venues",
)  # fmt: skip
# They take longest and so begin first: at the end no worker waits for another one's last.
FIRST = ("crosscheck", "e2e", "headless/test_training.py", "storage/test_real_journal.py")
# What these modules prepare is dear: one worker takes all of a module.
TOGETHER = ("headless/test_training.py", "headless/test_research_worker.py", "station/commands/test_data_command.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything that talks to the outside as slow, and put the tests into an order for several workers."""
    for item in items:
        if _within(item, OUTSIDE):
            item.add_marker(pytest.mark.slow)
        if _within(item, TOGETHER):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: not _within(item, FIRST))


def _within(item: pytest.Item, places: tuple[str, ...]) -> bool:
    here = Path(__file__).parent
    return any(here / place in (item.path, *item.path.parents) for place in places)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage seldom: a fifth of the time that screens take went into looking at what lives to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested, and why."""
    for line in untested(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of recorded market data; without it a test is skipped, in CI it fails."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("TREFOIL_TEST_DATA", default))
    if not folder.is_dir():
        absent(f"recorded market data not found at {folder}; set TREFOIL_TEST_DATA")
    return folder
