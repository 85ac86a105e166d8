"""Models come, go and drift while the engine runs; their forecasts are scored when they come due, also over a restart."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.core import Core
from engine.model import decision as d
from engine.model import event as e
from engine.model.decision import Level
from engine.model.forecast import Forecast, Live, ModelInUse
from engine.model.signal import Verdict
from engine.ports import Entry
from engine.replay.lines import event_words
from engine.replay.recording import Recording
from tests.engine.core.contracts import BTC, FRAME
from tests.engine.core.scenario import Desk, gate, only

MODEL = ModelInUse(
    model="c0ffee00",
    passed=True,
    verdict="trusted: by this test",
    half_width=2.0,
    error_mean=0.8,
    error_deviation=0.6,
)
UNTRUSTED = replace(MODEL, passed=False, verdict="untrusted: not better beyond luck")
HALF = 0.02  # two volatilities of 1 %


class Told(Desk):
    """A desk whose bars bring a forecast of a rise by `model`, `horizon` bars ahead."""

    model = "c0ffee00"
    value = 0.001
    horizon = 1
    speaks = True

    def said(self, bar_time: int) -> Forecast:
        value = self.value
        ahead = self.horizon * FRAME
        return Forecast(bar_time, ahead, value, value - HALF, value + HALF, 0.9, self.model, trusted=True)

    def feed(self, event: e.Event) -> tuple[d.Decision, ...]:
        if isinstance(event, e.BarClosed) and self.speaks:
            event = replace(event, forecast=self.said(event.bar.open_time))
        return super().feed(event)

    def use(self, model: ModelInUse | None, *, forecast: Forecast | None = None) -> tuple[d.Decision, ...]:
        return self.feed(e.ForecasterSet(at=self.now, symbol=BTC, model=model, forecast=forecast))

    def moves(self, *shares: float) -> tuple[d.Decision, ...]:
        """A bar after each of these moves."""
        out: tuple[d.Decision, ...] = ()
        for share in shares:
            self.move(BTC, round(self.quotes[BTC].bid * (1.0 + share)))
            out += self.bar()
        return out

    def live(self) -> Live:
        model: ModelInUse | None = self.state.symbols[BTC].model
        assert model is not None
        return model.live

    def said_now(self) -> Forecast:
        forecast: Forecast | None = self.state.symbols[BTC].forecast
        assert forecast is not None
        return forecast


def served(model: ModelInUse = MODEL, **other: Any) -> Told:
    desk = Told(**other)
    desk.use(model)
    return desk


def test_each_forecast_is_scored_one_horizon_later() -> None:
    desk = served()
    desk.moves(0.0, 0.01, -0.01, 0.0, 0.05)
    live = desk.live()
    assert (live.scored, live.moved, live.hits, live.inside) == (4, 3, 2, 3)
    errors = [abs(math.log(1 + share) - 0.001) / 0.01 for share in (0.01, -0.01, 0.0, 0.05)]
    assert live.error == pytest.approx(sum(errors), rel=1e-3)
    assert len(desk.state.symbols[BTC].waiting) == 1


def test_longer_horizons_wait_longer() -> None:
    desk = served(replace(MODEL, horizon=3))
    desk.horizon = 3
    desk.moves(0.0, 0.01, 0.01, 0.01)
    assert desk.live().scored == 1
    assert len(desk.state.symbols[BTC].waiting) == 3


def test_a_bar_that_never_came_leaves_its_forecast_unscored() -> None:
    desk = served()
    desk.moves(0.0)
    desk.now += 5 * FRAME
    desk.moves(0.01)
    assert desk.live().scored == 0
    assert len(desk.state.symbols[BTC].waiting) == 1


def test_a_bar_told_twice_is_scored_once() -> None:
    desk = served()
    desk.moves(0.0, 0.01)
    again = desk.log[-1][0]
    desk.feed(again)
    assert desk.live().scored == 1
    assert len(desk.state.symbols[BTC].waiting) == 1


def test_what_came_due_while_no_engine_ran_is_scored_from_the_history() -> None:
    desk = served()
    desk.moves(0.0, 0.01)
    newest = desk.state.symbols[BTC].waiting[-1]
    at, close = newest.forecast.bar_time + FRAME, newest.close * 1.01
    restored = Core.restore(desk.core.snapshot())
    restored.process(e.OutcomesKnown(at=desk.now, symbol=BTC, closes=((at, close),)))
    s = restored.state.symbols[BTC]
    assert s.model is not None
    assert (s.model.live.scored, s.model.live.hits, s.waiting) == (2, 2, [])


def test_a_replay_of_the_journal_knows_the_same() -> None:
    desk = served()
    desk.moves(*[0.01, -0.01] * 30)
    desk.use(replace(MODEL, distrusted="demoted by a person"))
    desk.moves(0.01)
    again = Core()
    for event, decisions in desk.log:
        again.recover(event, decisions)
    assert again.state.symbols[BTC] == desk.state.symbols[BTC]


def test_a_market_gone_wild_demotes_the_model_and_says_so_once() -> None:
    desk = served()
    decided = desk.moves(*[0.04, -0.04] * 40)
    found = only(d.ModelDistrusted, decided)
    assert found.reason.startswith("drift: live error ")
    (note,) = (one for one in decided if isinstance(one, d.Noted) and "no longer trusted" in one.text)
    assert (note.level, note.symbol) == (Level.WARN, BTC)
    assert note.text.startswith("forecaster c0ffee00 is no longer trusted: drift: live error 4.")
    assert "volatilities against 0.80 in validation (50 forecasts)" in note.text
    assert (desk.said_now().trusted, desk.said_now().reason) == (False, found.reason)
    assert desk.live().scored == 79


def test_a_direction_worse_than_a_coin_demotes_it_too() -> None:
    desk = served()
    decided = desk.moves(*[-0.001] * 102)
    assert "live direction right in only 0% of 100 moves" in only(d.ModelDistrusted, decided).reason


def test_the_bar_that_shows_the_drift_is_decided_without_the_model() -> None:
    desk = served(replace(MODEL, live=Live(scored=49, error=200.0)))
    desk.value = -0.001
    desk.cross()
    found = gate(desk.signal(), "forecast")
    assert found.verdict is Verdict.SKIPPED
    assert "model c0ffee00 is untrusted: drift: live error" in found.reason


def test_the_replay_of_that_bar_does_not_listen_to_it_either() -> None:
    desk = served(replace(MODEL, live=Live(scored=49, error=200.0)))
    desk.cross()
    recording = Recording()
    for seq, (event, decisions) in enumerate(desk.log, 1):
        recording.take(Entry(seq, event, decisions))
    before, drifted = (bar.forecast for bar in recording.days[BTC].bars)
    assert before is not None
    assert drifted is not None
    assert (before.trusted, drifted.trusted) == (True, False)


def test_an_untrusted_model_cannot_lose_what_it_has_not() -> None:
    desk = served(UNTRUSTED)
    decided = desk.moves(*[0.04, -0.04] * 40)
    assert not [one for one in decided if isinstance(one, d.ModelDistrusted)]
    assert desk.said_now().reason == "not better beyond luck"


def test_a_person_s_distrust_reaches_the_newest_forecast_at_once() -> None:
    desk = served()
    desk.moves(0.0, 0.01)
    assert desk.said_now().trusted
    decided = desk.use(replace(MODEL, distrusted="demoted by a person"))
    assert (desk.said_now().trusted, desk.said_now().reason) == (False, "demoted by a person")
    assert desk.live().scored == 1
    note = only(d.Noted, decided)
    assert note.text == "forecaster c0ffee00 is in use, untrusted: demoted by a person"


def test_another_model_speaks_from_this_bar_on_and_begins_anew() -> None:
    desk = served()
    desk.moves(0.0, 0.01)
    other = replace(MODEL, model="0badcafe")
    newest = desk.state.symbols[BTC].bar
    assert newest is not None
    said = replace(desk.said(newest.open_time), model="0badcafe", value=-0.002)
    decided = desk.use(other, forecast=said)
    assert desk.said_now() == said
    assert desk.live() == Live()
    assert only(d.Noted, decided).text == "forecaster 0badcafe is in use and trusted"
    desk.model = "0badcafe"
    desk.moves(0.01)
    assert desk.live().scored == 1


def test_a_forecast_of_an_older_bar_does_not_stand_for_the_new_model() -> None:
    desk = served()
    desk.moves(0.0, 0.01)
    desk.use(replace(MODEL, round=1), forecast=desk.said(0))
    s = desk.state.symbols[BTC]
    assert (s.forecast, s.waiting) == (None, [])


def test_the_same_model_promoted_again_is_judged_anew() -> None:
    desk = served(replace(MODEL, distrusted="drift", live=Live(scored=60)))
    desk.use(replace(MODEL, round=1))
    assert (desk.live().scored, desk.state.symbols[BTC].model) == (0, replace(MODEL, round=1))


def test_without_a_model_there_is_no_forecast_any_more() -> None:
    desk = served()
    desk.moves(0.0)
    decided = desk.use(None)
    assert (desk.state.symbols[BTC].forecast, desk.state.symbols[BTC].waiting) == (None, [])
    assert only(d.Noted, decided).text == "no forecaster is in use any more"
    desk.speaks = False
    desk.cross()
    assert gate(desk.signal(), "forecast").reason == "no forecaster is configured"


def test_a_model_that_says_nothing_yet_is_named() -> None:
    desk = served()
    desk.speaks = False
    desk.cross()
    assert gate(desk.signal(), "forecast").reason == "model c0ffee00 has no forecast of this bar"


def test_a_symbol_that_is_not_traded_changes_nothing() -> None:
    desk = served()
    before = desk.core.snapshot()
    for event in (
        e.ForecasterSet(at=desk.now, symbol="DOGE/USDT:USDT", model=MODEL),
        e.OutcomesKnown(at=desk.now, symbol="DOGE/USDT:USDT", closes=((1, 2.0),)),
    ):
        assert desk.feed(event) == ()
    assert desk.core.snapshot() == before


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MODEL, f"{BTC} is forecast by c0ffee00, round 0, trusted"),
        (UNTRUSTED, f"{BTC} is forecast by c0ffee00, round 0, untrusted: not better beyond luck"),
        (None, f"{BTC} has no forecaster any more"),
    ],
)
def test_the_journal_says_it_in_words(model: ModelInUse | None, words: str) -> None:
    assert event_words(e.ForecasterSet(at=0, symbol=BTC, model=model), {}) == words


def test_the_journal_says_what_came_while_no_engine_ran() -> None:
    known = e.OutcomesKnown(at=0, symbol=BTC, closes=((1, 2.0), (3, 4.0)))
    assert event_words(known, {}) == f"{BTC} outcomes of 2 forecasts that came due while no engine ran"
