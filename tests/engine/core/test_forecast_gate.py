"""The forecast gate: what travels in the bar decides, and only while its model is trusted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.core.core import Core
from engine.model import decision as d
from engine.model import event as e
from engine.model.forecast import Forecast
from engine.model.signal import Gate, SignalStatus, Verdict
from tests.engine.core.contracts import BTC, FRAME
from tests.engine.core.scenario import Desk, gate

SAID = Forecast(0, FRAME, 0.004, -0.002, 0.010, 0.9, "c0ffee00", trusted=True)


class Told(Desk):
    """A desk whose bars bring a forecast; `late` bars late."""

    said: Forecast | None = None
    late: int = 0

    def feed(self, event: e.Event) -> tuple[d.Decision, ...]:
        """With the forecast in it."""
        if isinstance(event, e.BarClosed) and self.said is not None:
            said = replace(self.said, bar_time=event.bar.open_time - self.late * FRAME)
            event = replace(event, forecast=said)
        return super().feed(event)


def crossed(said: Forecast | None, side: int = 1, late: int = 0, **settings: Any) -> tuple[Gate, SignalStatus]:
    desk = Told(**settings)
    desk.said, desk.late = said, late
    desk.cross(side=side)
    return gate(desk.signal(), "forecast"), desk.signal().status


DOWN = replace(SAID, value=-0.001)
FLAT = replace(SAID, value=0.0)
DRIFTED = replace(SAID, trusted=False, reason="drift: live error 2.00")


@pytest.mark.parametrize(
    ("said", "side", "mode", "verdict", "reason"),
    [
        (SAID, 1, "paper", Verdict.PASS, ""),
        (SAID, -1, "paper", Verdict.FAIL, "the forecast points the other way"),
        (DOWN, -1, "paper", Verdict.PASS, ""),
        (DOWN, 1, "paper", Verdict.FAIL, "the forecast points the other way"),
        (FLAT, 1, "paper", Verdict.FAIL, "the forecast points the other way"),
        (DRIFTED, -1, "paper", Verdict.SKIPPED, "model c0ffee00 is untrusted: drift: live error 2.00"),
        (DRIFTED, 1, "live", Verdict.FAIL, "model c0ffee00 is untrusted: drift: live error 2.00"),
        (None, 1, "paper", Verdict.SKIPPED, "no forecaster is configured"),
        (None, 1, "live", Verdict.FAIL, "no forecaster is configured"),
    ],
)
def test_what_the_gate_says(said: Forecast | None, side: int, mode: str, verdict: Verdict, reason: str) -> None:
    found, status = crossed(said, side, mode=mode)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert (status is SignalStatus.REFUSED) is (verdict is Verdict.FAIL or mode == "live")


def test_the_gate_shows_the_forecast_and_its_interval() -> None:
    assert crossed(SAID)[0].value == "+0.40% (-0.20% to +1.00%)"


def test_a_forecast_of_an_earlier_bar_is_not_listened_to() -> None:
    found, _ = crossed(SAID, -1, late=1)
    assert (found.verdict, found.reason) == (Verdict.SKIPPED, "the forecast is of an earlier bar")


def test_a_bar_without_a_forecast_forgets_the_last_one() -> None:
    desk = Told()
    desk.said = SAID
    desk.bar()
    assert desk.state.symbols[BTC].forecast is not None
    desk.said = None
    desk.bar()
    assert desk.state.symbols[BTC].forecast is None


def test_the_forecast_lives_in_the_journal_and_in_the_snapshot() -> None:
    desk = Told()
    desk.said = SAID
    desk.bar()
    kept = desk.state.symbols[BTC].forecast
    assert kept is not None
    assert Core.restore(desk.core.snapshot()).state.symbols[BTC].forecast == kept
    text = msgspec.msgpack.encode(kept)
    assert msgspec.msgpack.decode(text, type=Forecast) == kept
