"""The Settings screen as pictures, at the sizes people use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from engine.model.own import Rights
from station.app import StationApp
from tests.snapshots.test_past_pictures import SIZES, Size, ready
from tests.station.fake_settings import FakeSettings
from tests.station.fake_source import FakeSource

Compare: TypeAlias = Callable[..., bool]

SCREENS: dict[str, tuple[str, ...]] = {"settings": ("7",), "typing": ("7", "down", "down", "down", "e")}
RIGHTS = Rights(
    read=True,
    trade=True,
    withdraw=False,
    ip_bound=False,
    warnings=("this key works from every address; bind it to yours on the exchange's API page",),
)
REFUSED = Rights(read=True, trade=True, withdraw=True, ip_bound=True, refused="it may withdraw money; make another one")


def station(settings: FakeSettings | None = None) -> StationApp:
    return StationApp(FakeSource(), keys={}, theme="", symbol=None, settings=settings or FakeSettings(rights=RIGHTS))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_screens(snap_compare: Compare, name: str, size: Size) -> None:
    assert snap_compare(station(), terminal_size=size, run_before=ready(*SCREENS[name]))


@pytest.mark.parametrize(
    ("name", "settings"),
    [("checked", FakeSettings(rights=RIGHTS)), ("refused", FakeSettings(rights=REFUSED))],
    ids=["checked", "refused"],
)
def test_states(snap_compare: Compare, name: str, settings: FakeSettings) -> None:
    assert snap_compare(station(settings), terminal_size=(120, 40), run_before=ready("7", "c")), name
