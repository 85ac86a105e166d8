"""What somebody else did at the account, as pictures at the sizes people use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from station.app import StationApp
from tests.snapshots.test_past_pictures import SIZES, Size, ready
from tests.snapshots.test_pictures import ready as on_desk
from tests.station.fake_source import FakeSource
from tests.station.outside_sample import outside_desk
from tests.station.past_sample import rich_past

Compare: TypeAlias = Callable[..., bool]

SCREENS: dict[str, tuple[str, ...]] = {"desk": (), "positions": ("3",), "decide": ("O",)}
STATES: dict[str, tuple[str, ...]] = {"order": ("O", "down"), "left": ("O", "up"), "close": ("O", "c")}


def station(mode: str = "demo") -> StationApp:
    return StationApp(FakeSource(outside_desk(mode=mode), past=rich_past()), keys={}, theme="", symbol=None)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_screens(snap_compare: Compare, name: str, size: Size) -> None:
    before = ready(*SCREENS[name]) if SCREENS[name] else on_desk()
    assert snap_compare(station(), terminal_size=size, run_before=before)


@pytest.mark.parametrize("name", STATES)
def test_states(snap_compare: Compare, name: str) -> None:
    mode = "live" if name == "close" else "demo"
    assert snap_compare(station(mode), terminal_size=(100, 30), run_before=ready(*STATES[name]))
