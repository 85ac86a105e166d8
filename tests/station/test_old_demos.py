"""The newest demos are kept; what runs or is just starting is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from station.old_demos import KEPT, YOUNG_S, remove_old_demos
from storage.home import Home
from storage.lock import EngineLock

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def demos(home: Home, ages: list[float]) -> list[Path]:
    """Data directories of demos, each touched so many seconds ago."""
    made = []
    for number, age in enumerate(ages):
        folder = Home(home.root / "demo" / f"demo-{number}").create().root
        (folder / "trefoil.db").write_bytes(b"journal")
        os.utime(folder, (NOW - age, NOW - age))
        made.append(folder)
    return made


def test_without_a_demo_there_is_nothing_to_do(home: Home) -> None:
    remove_old_demos(home, NOW)
    assert not (home.root / "demo").exists()


def test_the_newest_are_kept_and_the_rest_go(home: Home) -> None:
    made = demos(home, [YOUNG_S * (n + 1) for n in range(KEPT + 3)])
    remove_old_demos(home, NOW)
    assert [folder.exists() for folder in made] == [True] * KEPT + [False] * 3


def test_what_runs_stays(home: Home) -> None:
    made = demos(home, [YOUNG_S * (n + 1) for n in range(KEPT + 2)])
    with EngineLock(Home(made[-1]).lock):
        os.utime(made[-1], (0, 0))
        remove_old_demos(home, NOW)
    assert [folder.exists() for folder in made[-2:]] == [False, True]


def test_what_was_touched_within_the_hour_stays(home: Home) -> None:
    made = demos(home, [60.0] * (KEPT + 2))
    remove_old_demos(home, NOW)
    assert all(folder.exists() for folder in made)
