"""Gates in numbers, money at a level, trails and curves: what the positions and signals screens reckon with."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.ledger import EquityRow
from engine.model.money import MONEY_SCALE
from engine.model.signal import Gate, Signal, Verdict
from tests.station.past_sample import open_trail
from tests.widgets.coin_table import symbol_of
from tests.widgets.desk_sample import NOW, sample_desk
from widgets.account_curve import curve_lines, curve_of, deepest_fall
from widgets.columns import Column, header, kept, row
from widgets.gate_words import MOST, Stopper, stage, stoppers, used
from widgets.line import width_of
from widgets.position_words import at_level, cash, mean, net_now, plain, stops_to_liquidation, who
from widgets.story_panel import gate_lines, story_lines
from widgets.trail_panel import after, trail_lines

BTC = symbol_of("BTC")


@pytest.mark.parametrize(
    ("value", "threshold", "share"),
    [
        ("0.3 bp", "<= 3.0 bp", 0.1),
        ("4.5 bp", "<= 3.0 bp", 1.5),
        ("120 ms", "<= 5,000 ms", 0.024),
        ("2.00", "> 1.50", 0.75),
        ("1.00", "> 1.50", 1.5),
        ("3.00%", "< 3.00%", 1.0),
        ("LONG, 80", "2 of 3, > 40", 0.5),
        ("-0.5", "> 1.50", MOST),
        ("0", "> 1.50", MOST),
        ("9000", "<= 3.0", MOST),
        ("+0.4", "> 0 (80 % sure)", None),
        ("on", "on", None),
        ("", "agrees", None),
        ("no quote", "<= 5000 ms", None),
    ],
)
def test_how_much_of_its_threshold_a_value_takes_up(value: str, threshold: str, share: float | None) -> None:
    assert used(Gate("g", Verdict.PASS, value, threshold)) == (pytest.approx(share) if share is not None else None)


@given(st.text(max_size=30), st.text(max_size=30), st.integers(20, 140))
def test_any_gate_is_told_within_its_width(value: str, threshold: str, width: int) -> None:
    gate = Gate("reward/risk", Verdict.PASS, value, threshold)
    share = used(gate)
    assert share is None or 0.0 <= share <= MOST
    assert gate_lines(gate, width)[0].text.startswith("✓")


def _signal(*failed: str) -> Signal:
    one = next(iter(sample_desk(NOW).signals.values()))
    names = ("spread", "record", "day loss")
    gates = tuple(Gate(n, Verdict.FAIL if n in failed else Verdict.PASS) for n in names)
    return replace(one, gates=gates)


def test_gates_are_counted_and_those_that_stop_alone() -> None:
    signals = [_signal("spread"), _signal("spread", "record"), _signal("record"), _signal("spread"), _signal()]
    assert stoppers(signals) == [Stopper("spread", 3, 2), Stopper("record", 2, 1)]
    assert stoppers([]) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [("spread", "market"), ("record", "market"), ("day loss", "risk"), ("votes", "votes"), ("forecast", "forecast")],
)
def test_every_gate_has_its_stage(name: str, told: str) -> None:
    assert stage(Gate(name, Verdict.PASS)) == told


def test_money_at_a_level_by_hand() -> None:
    desk = sample_desk(NOW)
    position, view = desk.positions[BTC], desk.instruments[BTC]
    tick, size = view.tick_size, Decimal(position.lots) * view.lot_size
    stop = 630_650
    from_here, net = at_level(position, view, stop)
    assert Decimal(from_here) / MONEY_SCALE == size * tick * (stop - position.mark)
    gross = size * tick * (stop - Decimal(position.entry))
    fee = size * tick * stop * Decimal("0.0005")
    costs = Decimal(position.fees - position.funding) / MONEY_SCALE
    assert abs(Decimal(net) / MONEY_SCALE - (gross - costs - fee)) < Decimal("1e-6")
    assert net_now(position) == position.unrealised - position.fees + position.funding
    times = stops_to_liquidation(position)
    assert times == pytest.approx(30.0, rel=0.01)
    assert stops_to_liquidation(replace(position, stop=None)) is None


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("signal:41", "signal 41"),
        ("person:station:laptop", "a person (laptop)"),
        ("person:telegram", "a person (telegram)"),
        ("outside", "outside Trefoil"),
        ("protection", "protection"),
    ],
)
def test_who_opened_it(origin: str, said: str) -> None:
    assert who(origin) == said


def test_numbers_of_the_past() -> None:
    assert plain(Decimal("63065.0")) == "63,065"
    assert plain(Decimal("0.031")) == "0.031"
    assert plain(Decimal(1_000)) == "1,000"
    assert mean(Decimal("22.27340000")) == "22.2734"
    assert mean(Decimal("0.0000134125")) == "0.0000134125"
    assert mean(Decimal("64231.5")) == "64,231.5"
    assert (cash(Decimal("-0.004")), cash(Decimal("1.005")), cash(Decimal(2), sign=False)) == ("0.00", "+1.00", "2.00")
    assert [after(1_000, at) for at in (900, 1_080, 2_400, 181_000)] == ["+0 ms", "+80 ms", "+1.4 s", "+3m"]


@pytest.mark.parametrize("width", [54, 60, 100])
def test_a_trail_tells_every_step_and_stays_in_its_width(width: int) -> None:
    lines = trail_lines(open_trail(), width)
    text = "\n".join(line.text for line in lines)
    assert all(width_of(line.pieces) <= width for line in lines)
    assert text.count("intent kept") == 4
    assert text.count("acknowledged") == 4
    assert text.count("filled 0.0") == 2
    assert "+14m  canceled" in text


def test_executions_of_somebody_else_are_told_apart() -> None:
    trail = open_trail()
    strange = replace(trail.fills[0], client_id="web_1", outside=True)
    lines = trail_lines(replace(trail, fills=(*trail.fills, strange)), 100)
    assert any(line.text.startswith("OUTSIDE") for line in lines)
    assert "BUY 0.02 @ 63,701.9" in lines[-1].text


@pytest.mark.parametrize("width", [58, 80, 120])
def test_every_sample_story_fits_its_width(width: int) -> None:
    desk = sample_desk(NOW)
    for signal in desk.signals.values():
        lines = story_lines(signal, desk.instruments[signal.symbol], None, None, width)
        assert all(width_of(line.pieces) <= width for line in lines), [x.text for x in lines]
        assert any(line.text == "OUTCOME" for line in lines)


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=40))
def test_the_deepest_fall_is_that_of_all_pairs(values: list[float]) -> None:
    worst = max(((a - b) / a for i, a in enumerate(values) for b in values[i:]), default=0.0)
    assert deepest_fall(values) == pytest.approx(max(0.0, worst))


def test_a_curve_ends_now_and_its_labels_are_whole() -> None:
    rows = [
        EquityRow(at=NOW - n * 60_000, market_time=0, equity=Decimal(f"{10_000 + n % 3}.5"), cash=Decimal(10_000))
        for n in range(1, 30)
    ]
    curve = curve_of(rows, 10_004 * MONEY_SCALE, NOW)
    assert (curve.times[-1], curve.values[-1]) == (NOW, 10_004.0)
    assert list(curve.times) == sorted(curve.times)
    lines = curve_lines(curve, 60, 12)
    labels = [line.text.rpartition("┤")[2] for line in lines if "┤" in line.text]
    assert len(labels) == len(set(labels)) >= 2
    assert all(len(line.text) <= 60 and label.count(".") == 1 for line, label in zip(lines, labels, strict=False))


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 9)), min_size=1, max_size=12), st.integers(1, 120))
def test_columns_give_way_least_important_first(shape: list[tuple[int, int]], width: int) -> None:
    columns = [Column("t" * size, size, importance) for size, importance in shape]
    chosen = kept(columns, width)
    left = set(range(len(columns))) - set(chosen)
    assert all(columns[i].importance > 0 for i in left)
    assert all(columns[i].importance >= max((columns[j].importance for j in chosen), default=0) for i in left)
    assert header(columns, chosen).text == row(columns, chosen, [("t" * 30, "text")] * len(columns)).text.replace(
        "…", "t"
    )
