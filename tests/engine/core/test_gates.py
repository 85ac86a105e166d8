"""Every gate by itself: what it saw, what it wanted, and what became of the candidate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.core.gates import lower_bound
from engine.core.sizing import leverage_for
from engine.model import event as e
from engine.model.command import SetPaused
from engine.model.record import Record
from engine.model.signal import Signal, SignalStatus, Verdict
from tests.engine.core.contracts import BTC, CONTRACTS, ETH, FRAME, T0, contract
from tests.engine.core.scenario import Desk, gate, sent

POOR = Record(40, 10, -0.4, 0.02)
RICH = Record(40, 30, 0.4, 0.02)


def seed(desk: Desk, board: Record) -> None:
    records = (Record(),) * 6 + (board,)
    desk.feed(
        e.HistorySeeded(
            at=desk.now, symbol=BTC, open_time=T0 - FRAME, records=records, shadows=(None,) * 7, readings=(0,) * 6
        )
    )


def plain(**settings: object) -> Signal:
    desk = Desk(**settings)  # type: ignore[arg-type] # a table's values
    desk.cross()
    return desk.signal()


def stale() -> Signal:
    desk = Desk()
    desk.bar()
    desk.bar(side=1, fresh=False)
    return desk.signal()


def quoted(spread: int, size: int) -> Signal:
    desk = Desk()
    desk.move(BTC, 1_000_000, spread=spread, size=size)
    desk.cross()
    return desk.signal()


def distances(stop: float, target: float) -> Signal:
    desk = Desk()
    desk.cross(stop=stop, target=target)
    return desk.signal()


def seeded(board: Record, preset: str = "default") -> Signal:
    desk = Desk(preset=preset)
    seed(desk, board)
    desk.bar(side=1)
    return desk.signal()


def changed(change: Callable[[Desk], object]) -> Signal:
    desk = Desk()
    change(desk)
    desk.cross()
    return desk.signal()


def holding_eth(**settings: object) -> Signal:
    desk = Desk()
    desk.hold(ETH)
    desk.state.settings = replace(desk.settings, **settings)
    desk.cross()
    return desk.signal()


def paused(desk: Desk) -> None:
    desk.ask(SetPaused(paused=True))


def halted(desk: Desk) -> None:
    desk.state.halt = "day loss"


def lost(desk: Desk) -> None:
    desk.state.day_start = 10_400_00000000


def fallen(desk: Desk) -> None:
    desk.state.peak = 12_000_00000000


def cooling(desk: Desk) -> None:
    desk.s().cooldown_until = T0 + 2 * FRAME + 60_000


FAILURES = [
    (stale, "data fresh", "900000 ms", "<= 5000 ms", set()),
    (lambda: quoted(400, 100_000), "spread", "4.0 bp", "<= 3.0 bp", set()),
    (lambda: quoted(100, 1), "slippage", "40.0 bp", "<= 5.0 bp", set()),
    (lambda: distances(500.0, 800.0), "reward/risk", "1.17", "> 1.50", set()),
    (lambda: seeded(POOR), "record", "-127.0 bp a trade", "> 0 (80 % sure)", set()),
    (lambda: seeded(replace(RICH, wins=20), "reference"), "record", "50% of 40", "> 55 % wins", set()),
    (lambda: changed(paused), "running", "paused", "on", set()),
    (lambda: changed(halted), "halt", "day loss", "none", set()),
    (lambda: plain(balance=None), "account", "0.00", "> 0", {"size"}),
    (lambda: changed(lost), "day loss", "3.85%", "< 3.00%", set()),
    (lambda: changed(fallen), "drawdown", "16.67%", "< 15.00%", set()),
    (lambda: holding_eth(max_positions=1), "positions", "1", "< 1", set()),
    (lambda: holding_eth(max_exposure=0.3), "exposure", "0.42x", "< 0.30x", {"size"}),
    (lambda: changed(cooling), "cool-down", "60 s", "0 s", set()),
    (lambda: distances(70_000.0, 210_000.0), "leverage", "0x", ">= 1x", {"size"}),
    (lambda: plain(balance=100), "size", "0.000 = 0.00", "0.001 and 5.00", set()),
]


@pytest.mark.parametrize(
    ("make", "name", "value", "threshold", "also"), FAILURES, ids=[f"{c[1]}-{c[2]}" for c in FAILURES]
)
def test_a_gate_fails_alone(make: Callable[[], Signal], name: str, value: str, threshold: str, also: set[str]) -> None:
    signal = make()
    failed = {g.name for g in signal.gates if g.verdict is Verdict.FAIL}
    assert failed == {name} | also
    seen = gate(signal, name)
    assert (seen.value, seen.threshold) == (value, threshold)
    assert seen.reason
    assert signal.status is SignalStatus.REFUSED
    assert signal.reason == f"{name} {value} (needs {threshold})"
    assert [gate(signal, asked).verdict for asked in ("forecast", "votes")] == [Verdict.NOT_ASKED] * 2


def test_a_good_candidate_passes_every_gate_in_order() -> None:
    desk = Desk()
    seed(desk, RICH)
    decisions = desk.bar(side=1)
    signal = desk.signal()
    assert [(g.name, g.verdict.value) for g in signal.gates] == [
        ("data fresh", "pass"),
        ("spread", "pass"),
        ("slippage", "pass"),
        ("reward/risk", "pass"),
        ("record", "pass"),
        ("running", "pass"),
        ("halt", "pass"),
        ("account", "pass"),
        ("day loss", "pass"),
        ("drawdown", "pass"),
        ("positions", "pass"),
        ("exposure", "pass"),
        ("in flight", "pass"),
        ("cool-down", "pass"),
        ("leverage", "pass"),
        ("size", "pass"),
        ("forecast", "skipped"),
        ("votes", "skipped"),
    ]
    assert signal.status is SignalStatus.SENT
    (request,) = sent(decisions)
    assert (request.client_id, request.lots, request.origin) == (signal.client_id, signal.lots, f"signal:{signal.id}")


@pytest.mark.parametrize(
    ("mode", "verdict", "status"),
    [
        ("demo", Verdict.SKIPPED, SignalStatus.SENT),
        ("paper", Verdict.SKIPPED, SignalStatus.SENT),
        ("live", Verdict.FAIL, SignalStatus.REFUSED),
    ],
)
def test_a_source_that_is_not_configured_is_skipped_but_not_on_live(
    mode: str, verdict: Verdict, status: SignalStatus
) -> None:
    signal = plain(mode=mode)
    assert [gate(signal, name).verdict for name in ("forecast", "votes")] == [verdict] * 2
    assert gate(signal, "votes").reason == "no voter is configured"
    assert signal.status is status


@pytest.mark.parametrize(("trades", "verdict", "share"), [(29, Verdict.SKIPPED, 41), (30, Verdict.PASS, 83)])
def test_a_thin_record_is_skipped_at_half_size(trades: int, verdict: Verdict, share: int) -> None:
    signal = seeded(replace(RICH, trades=trades))
    assert gate(signal, "record").verdict is verdict
    assert signal.lots == share


@pytest.mark.parametrize(("wins", "verdict"), [(22, Verdict.FAIL), (23, Verdict.PASS)])
def test_the_reference_preset_wants_55_percent_wins(wins: int, verdict: Verdict) -> None:
    assert gate(seeded(replace(POOR, wins=wins), "reference"), "record").verdict is verdict


def test_the_lower_bound_of_an_expectancy() -> None:
    # returns 0.02, 0.00, 0.04: mean 0.02, standard deviation 0.02, standard error 0.02 / sqrt(3)
    record = Record().add(0.02).add(0.0).add(0.04)
    assert lower_bound(record) == pytest.approx(0.02 - 0.8416 * 0.02 / 3**0.5)
    assert lower_bound(Record().add(0.5)) == float("-inf")


def test_one_tick_is_never_a_wide_spread() -> None:
    desk = Desk()
    desk.move(BTC, 1_000, spread=1)  # 10 bp
    desk.cross(stop=3.0)
    assert gate(desk.signal(), "spread").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("stop_ticks", "leverage"),
    [(5_000, 3), (219_000, 3), (220_000, 2), (330_000, 2), (331_000, 1), (663_000, 1), (665_000, 0)],
)
def test_leverage_keeps_liquidation_behind_the_stop(stop_ticks: int, leverage: int) -> None:
    state = Desk().state
    assert leverage_for(state, CONTRACTS[BTC], 1_000_000, 1_000_000 - stop_ticks) == leverage
    capped = contract("BTC", "0.1", "0.001", max_leverage=2)
    assert leverage_for(state, capped, 1_000_000, 1_000_000 - stop_ticks) == min(2, leverage)
