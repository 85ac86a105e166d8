"""Exits, sizes and open gates: what a backtest of one strategy needs of the core."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from engine.core.checks import check_settings
from engine.core.core import Core
from engine.errors import BadInput
from engine.model import event as e
from engine.model.command import Autonomy, SetAutonomy, SetPaused
from engine.model.decision import Decision, SignalDecided
from engine.model.market import EMPTY_VIEW, MINUTE_MS, Bar
from engine.model.money import MONEY_SCALE
from engine.model.order import Fill, Purpose, Side
from engine.model.record import Record
from engine.model.settings import Exits, Settings, Sizing, open_settings
from engine.model.signal import Action, SignalStatus, Verdict
from engine.strategies import NAMES
from tests.engine.core.contracts import BTC, ETH, FRAME, T0, contract
from tests.engine.core.scenario import Desk, every, gate, sent

STOP, TARGET, ENTRY, EXIT = Purpose.STOP, Purpose.TARGET, Purpose.ENTRY, Purpose.EXIT


def opened(*, balance: int = 10_000, contracts: tuple[Any, ...] = (), **options: Any) -> Desk:
    """A desk whose quotes have no spread, as a backtest gives them."""
    settings = open_settings(**{"strategy": "ema-cross", "timeframe_ms": MINUTE_MS, **options})
    desk = Desk(mode="backtest", balance=balance, contracts=contracts, **asdict(settings))
    for symbol, quote in list(desk.quotes.items()):
        desk.move(symbol, quote.bid, spread=0)
    return desk


def walk(desk: Desk, sides: list[int]) -> list[int]:
    """The side held after each bar, once the venue has filled what was sent."""
    held = []
    for side in sides:
        desk.bar(side=side)
        desk.settle()
        held.append(desk.position().side if desk.s().position else 0)
    return held


FIXED: dict[str, Any] = {"exits": Exits.FIXED, "stop_fraction": 0.02, "target_fraction": 0.04}
STRATEGY: dict[str, Any] = {"exits": Exits.STRATEGY}


@pytest.mark.parametrize(
    ("options", "sides", "held"),
    [
        ({}, [0, 1, 1, 0, 0, -1, 1, 0], [0, 1, 1, 0, 0, -1, 1, 0]),
        (STRATEGY, [0, 1, 1, 0, 0, -1, 1, 0], [0, 1, 1, 1, 1, -1, 1, 1]),
        (FIXED, [0, 1, 1, 0, 0, -1, 1, 0], [0, 1, 1, 1, 1, -1, 1, 1]),
        ({}, [1, 1, 0, 1, -1], [0, 0, 0, 1, -1]),  # where the side stood already nothing has crossed
        (STRATEGY, [-1, -1, 0, -1, 0, -1, 1], [0, 0, 0, -1, -1, -1, 1]),
    ],
    ids=["none", "strategy", "fixed", "none at the start", "strategy at the start"],
)
def test_a_position_follows_the_crossings(options: dict[str, Any], sides: list[int], held: list[int]) -> None:
    assert walk(opened(**options), sides) == held


def test_without_exits_there_is_no_protection() -> None:
    desk = opened()
    walk(desk, [0, 1, -1, 1])
    assert (desk.s().plan_stop, desk.s().plan_target) == (None, None)
    assert {order.request.purpose for order in desk.state.orders.values()} == {ENTRY, EXIT}
    signal = desk.signal()
    assert (signal.stop, signal.target) == (0, 0)
    assert gate(signal, "reward/risk").verdict is Verdict.SKIPPED


@pytest.mark.parametrize("origin", ["signal:1", "outside"])
def test_what_was_opened_without_a_stop_gets_one_when_the_settings_want_it(origin: str) -> None:
    desk = opened()
    walk(desk, [0, 1])
    desk.s().position = replace(desk.position(), origin=origin)
    desk.settings = Settings()
    desk.start()
    desk.reconcile()
    desk.settle()
    ours = origin != "outside"
    assert [o.request.trigger for o in desk.orders(STOP)] == [995_000] * ours
    assert [o.request.trigger for o in desk.orders(TARGET)] == [1_015_000] * ours


def test_a_flat_side_is_a_close_of_its_own() -> None:
    desk = opened()
    walk(desk, [0, 1])
    decisions = desk.bar(side=0)
    (request,) = sent(decisions)
    assert (request.purpose, request.side, request.lots) == (EXIT, Side.SELL, desk.position().lots)
    assert (desk.signal().action, desk.signal().reason) == (Action.CLOSE, "the wanted side is flat")
    desk.settle()
    assert desk.signal().status is SignalStatus.FILLED


def paused(desk: Desk) -> None:
    desk.ask(SetPaused(paused=True))


def observing(desk: Desk) -> None:
    desk.ask(SetAutonomy(autonomy=Autonomy.OBSERVE))


def overridden(desk: Desk) -> None:
    desk.s().held = "a person's override"


@pytest.mark.parametrize(("change", "closes"), [(paused, True), (observing, True), (overridden, False)])
def test_a_flat_side_closes_what_the_desk_owns(change: Callable[[Desk], None], closes: bool) -> None:  # noqa: FBT001 - a column
    desk = opened()
    walk(desk, [0, 1])
    change(desk)
    assert walk(desk, [0, 1]) == ([0, 0] if closes else [1, 1])


@pytest.mark.parametrize(
    ("side", "stop", "target", "expected"),
    [
        (1, 0.02, 0.04, (980_000, 1_040_000)),
        (-1, 0.02, 0.04, (1_020_000, 960_000)),
        (1, 0.02, 0.0, (980_000, None)),
        (-1, 0.0, 0.04, (None, 960_000)),
        (-1, 0.02, 1.0, (1_020_000, None)),  # no price below zero
        (1, 0.000_000_01, 0.0, (999_999, None)),  # never less than a tick
    ],
)
def test_fixed_exits_lie_at_fractions_of_the_close(
    side: int, stop: float, target: float, expected: tuple[int | None, int | None]
) -> None:
    desk = opened(exits=Exits.FIXED, stop_fraction=stop, target_fraction=target)
    desk.bar()
    desk.move(BTC, 1_000_000, spread=30)  # the quote is not the close
    desk.bar(side=side)
    desk.settle()
    assert (desk.s().plan_stop, desk.s().plan_target) == expected
    legs = {o.request.purpose: o.request.trigger for p in (STOP, TARGET) for o in desk.orders(p)}
    assert legs == {p: t for p, t in zip((STOP, TARGET), expected, strict=True) if t is not None}


LONELY = open_settings(strategy="board", timeframe_ms=MINUTE_MS)
SIZES: list[tuple[dict[str, Any], int]] = [
    # BTC at 100,000: a lot is worth 100 USDT, its fee 0.05
    ({"sizing": Sizing.EQUITY}, 99),  # 10,000 / 100.05
    ({"sizing": Sizing.EQUITY, "leverage": 3}, 299),  # 30,000 / 100.15
    ({"sizing": Sizing.EQUITY, "share": 0.5}, 49),
    ({"sizing": Sizing.NOTIONAL, "notional": 2_599 * MONEY_SCALE}, 25),
    ({"sizing": Sizing.NOTIONAL, "notional": 50_000 * MONEY_SCALE}, 99),  # what equity can margin
    ({"sizing": Sizing.QUANTITY, "quantity": Decimal("0.0425")}, 42),
    ({"sizing": Sizing.RISK, "share": 0.02, **FIXED, "leverage": 3}, 95),  # 200 / (2 + 0.1)
    ({"sizing": Sizing.RISK, "share": 0.5, **FIXED, "leverage": 3}, 299),  # never more than all equity
]


@pytest.mark.parametrize(("options", "lots"), SIZES, ids=[f"{c[0]['sizing'].value}-{c[1]}" for c in SIZES])
def test_sizes_computed_by_hand(options: dict[str, Any], lots: int) -> None:
    desk = opened(**options)
    (request,) = sent(desk.cross())
    assert request.lots == lots
    assert request.leverage == options.get("leverage", 1)


def test_a_reversal_is_sized_as_if_flat() -> None:
    """Worth at the close that decides; what the closing costs comes out of the equity left over."""
    desk = opened()
    walk(desk, [0, 1])
    equity = desk.state.equity()
    decisions = desk.bar(side=-1)
    lots = desk.signal().lots
    assert lots == int(equity / (100 * MONEY_SCALE * 1.0005)) == 99
    exit_ = only_request(decisions)
    fill = desk.fill(exit_, fee=4_95000000)
    (entry,) = sent(fill)
    assert (entry.purpose, entry.side, entry.lots) == (ENTRY, Side.SELL, lots)


def only_request(decisions: tuple[Decision, ...]) -> str:
    (request,) = sent(decisions)
    return request.client_id


@pytest.mark.parametrize("cap", ["max_symbol_exposure", "max_exposure"])
def test_the_position_that_a_reversal_closes_takes_no_room(cap: str) -> None:
    caps: dict[str, Any] = {cap: 0.6}
    desk = Desk(**caps)
    desk.hold()
    assert desk.position().lots == 41
    desk.bar(side=-1)
    assert desk.signal().lots == 41
    desk.settle()
    assert desk.position().lots == -41


def test_both_halves_of_a_reversal_go_out_on_one_fill_without_a_new_quote() -> None:
    desk = opened(**FIXED)
    walk(desk, [0, 1])
    exit_ = next(r for r in sent(desk.bar(side=-1)) if r.purpose is EXIT)
    event = replace(desk.filled(fill_of(desk, exit_.client_id, exit_.lots)), view=EMPTY_VIEW)
    (entry,) = (r for r in sent(desk.feed(event)) if r.purpose is ENTRY)
    assert (entry.side, entry.lots) == (Side.SELL, desk.signal().lots)


def fill_of(desk: Desk, client_id: str, lots: int, ticks: int = 990_000) -> Fill:
    request = desk.state.orders[client_id].request
    return Fill(
        trade_id=f"{client_id}-hand",
        client_id=client_id,
        symbol=request.symbol,
        side=request.side,
        ticks=ticks,
        lots=lots,
        fee=0,
        maker=False,
        venue_time=desk.now,
    )


@pytest.mark.parametrize("options", [{}, STRATEGY, FIXED], ids=["none", "strategy", "fixed"])
def test_a_reversal_that_is_too_small_only_closes(options: dict[str, Any]) -> None:
    desk = opened(sizing=Sizing.NOTIONAL, notional=100 * MONEY_SCALE, **options)
    assert walk(desk, [0, 1]) == [0, 1]
    desk.move(BTC, 1_010_000, spread=0)  # a lot is worth 101 now
    decisions = desk.bar(side=-1)
    assert [r.purpose for r in sent(decisions)] == [EXIT]
    assert desk.signal().reason == "opposite score; no reversal: size"
    desk.settle()
    assert desk.s().position is None


@pytest.mark.parametrize("options", [STRATEGY, FIXED], ids=["strategy", "fixed"])
def test_after_a_stop_the_next_crossing_is_waited_for(options: dict[str, Any]) -> None:
    desk = opened(**options)
    walk(desk, [0, 1])
    desk.fill(desk.order_of(STOP))
    desk.settle()
    assert walk(desk, [1, 1, 0, 1]) == [0, 0, 0, 1]


def test_an_unknown_distance_trades_nothing() -> None:
    desk = opened(**STRATEGY)
    for stop in (0.0, float("nan"), float("inf")):
        desk.bar(side=0)
        assert sent(desk.bar(side=1, stop=stop)) == []


# one strategy decides


@pytest.mark.parametrize("name", NAMES[:-1])
def test_the_named_strategy_decides_alone(name: str) -> None:
    place = NAMES.index(name)
    desk = opened(strategy=name, **STRATEGY)

    def close(side: int) -> tuple[Decision, ...]:
        desk.now += MINUTE_MS
        desk.freshen()
        readings = [-side] * 6
        readings[place] = side
        stops, targets = [1.0] * 7, [3.0] * 7
        stops[place], targets[place] = 700.0, 900.0
        return desk.feed(
            e.BarClosed(
                at=desk.now,
                symbol=BTC,
                bar=Bar(desk.now - MINUTE_MS, 1e5, 1e5, 1e5, 1e5, 1.0),
                readings=tuple(readings),
                stops=tuple(stops),
                targets=tuple(targets),
                view=desk.view(BTC),
            )
        )

    close(0)
    (request,) = sent(close(1))
    signal = desk.signal()
    assert (request.side, signal.score) == (Side.BUY, 1.0)
    assert (signal.stop, signal.target) == (993_000, 1_009_000)
    assert desk.s().records == [Record()] * 7


def test_the_board_keeps_its_weights() -> None:
    settings = open_settings(strategy="board", timeframe_ms=MINUTE_MS)
    assert settings.track
    desk = opened(strategy="board")
    walk(desk, [0, 1, -1, 1])
    assert desk.s().records[-1].trades > 0


def test_live_the_named_strategys_own_record_is_judged() -> None:
    desk = Desk(strategy="ema-cross")
    records = [Record(40, 30, 0.4, 0.02)] * 7
    records[NAMES.index("ema-cross")] = Record(40, 10, -0.4, 0.02)
    desk.feed(
        e.HistorySeeded(
            at=desk.now,
            symbol=BTC,
            open_time=T0 - FRAME,
            records=tuple(records),
            shadows=(None,) * 7,
            readings=(0,) * 6,
        )
    )
    desk.bar(side=1)
    assert desk.signal().reason.startswith("record -127.0 bp")


# gates stand open


def stale(desk: Desk) -> None:
    desk.now += 3_600_000


def wide(desk: Desk) -> None:
    desk.move(BTC, 900_000, spread=100_000)


def thin(desk: Desk) -> None:
    desk.move(BTC, 1_000_000, spread=0, size=1)


def poor(desk: Desk) -> None:
    desk.s().records = [Record(400, 10, -4.0, 0.2)] * 7


def lost(desk: Desk) -> None:
    desk.state.day_start = desk.state.peak = 10**6 * MONEY_SCALE
    desk.tick()


def cooling(desk: Desk) -> None:
    desk.s().cooldown_until = desk.state.market_time + desk.settings.cooldown_ms


def crowded(desk: Desk) -> None:
    desk.cross(ETH)
    desk.settle()


@pytest.mark.parametrize("change", [stale, wide, thin, poor, lost, cooling, crowded])
@pytest.mark.parametrize("options", [{}, {**STRATEGY, "leverage": 100}, {**FIXED, "target_fraction": 0.0}])
def test_no_judgement_stands_in_the_way(change: Callable[[Desk], None], options: dict[str, Any]) -> None:
    desk = opened(sizing=Sizing.QUANTITY, quantity=Decimal("0.5"), **options)
    desk.bar()
    change(desk)
    desk.bar(side=1, fresh=change is not stale)
    assert desk.signal().status is SignalStatus.SENT


def test_an_empty_account_and_the_venues_minimum_still_do() -> None:
    desk = opened(contracts=(contract("BTC", "0.1", "0.001", min_lots=100),))
    assert sent(desk.cross()) == []
    desk = opened(sizing=Sizing.QUANTITY, quantity=Decimal(1))
    desk.feed(e.FundingPaid(at=desk.now, symbol=BTC, amount=-10_000 * MONEY_SCALE, venue_time=desk.now))
    assert sent(desk.cross()) == []


# settings that contradict each other

OK = Settings()
REFUSED: list[tuple[Settings, str, str]] = [
    (replace(OK, exits=Exits.NONE), "live", "exits: none - live trading needs a stop on every position"),
    (replace(OK, exits=Exits.NONE), "paper", "exits: none - paper trading needs a stop on every position"),
    (replace(OK, exits=Exits.FIXED, target_fraction=0.1), "paper", "exits: fixed - paper trading needs a stop"),
    (replace(OK, preset="open"), "live", "preset: open - live trading needs its gates"),
    (replace(OK, preset="brave"), "demo", "preset: brave - use one of default, reference, open"),
    (replace(OK, strategy="magic"), "demo", "strategy: magic - use one of supertrend, "),
    (replace(OK, exits=Exits.FIXED), "demo", "exits: fixed - give a stop, a target or both"),
    (replace(OK, exits=Exits.FIXED, stop_fraction=1.0), "demo", "stop: 1.0 - use a fraction of the price"),
    (replace(OK, exits=Exits.FIXED, stop_fraction=float("nan")), "demo", "stop: nan - use a fraction"),
    (replace(OK, exits=Exits.FIXED, target_fraction=-0.1), "demo", "target: -0.1 - use a fraction of the price"),
    (replace(OK, exits=Exits.NONE), "backtest", "sizing: risk - risk to the stop needs a stop"),
    (replace(OK, sizing=Sizing.EQUITY, size_share=1.5), "demo", "size_share: 1.5 - is a share of equity: 0 to 1"),
    (replace(OK, sizing=Sizing.NOTIONAL), "demo", "size_notional: 0 - must be positive"),
    (replace(OK, sizing=Sizing.QUANTITY, size_quantity=Decimal("NaN")), "demo", "size_quantity: NaN - must be posi"),
    (replace(OK, risk_fraction=float("inf")), "demo", "risk_fraction: inf - must be positive"),
]


@pytest.mark.parametrize(("settings", "mode", "sentence"), REFUSED, ids=[f"{c[1]}-{c[2][:24]}" for c in REFUSED])
def test_settings_that_make_no_sense_are_refused_at_the_start(settings: Settings, mode: str, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_settings(settings, mode)
    assert str(caught.value).startswith(sentence)
    core, before = Core(), Core().snapshot()
    event = e.EngineStarted(
        at=T0, instance="x", epoch=1, mode=mode, venue="v", settings=settings, instruments=(), symbols=()
    )
    with pytest.raises(BadInput):
        core.process(event)
    assert core.snapshot() == before


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        (OK, "live"),
        (replace(OK, exits=Exits.FIXED, stop_fraction=0.01), "live"),
        (replace(OK, exits=Exits.NONE, sizing=Sizing.EQUITY), "demo"),
        (replace(OK, preset="open"), "paper"),
        (LONELY, "backtest"),
    ],
)
def test_settings_that_make_sense_are_taken(settings: Settings, mode: str) -> None:
    check_settings(settings, mode)


def test_a_quantity_no_market_has_is_refused_at_the_start() -> None:
    with pytest.raises(BadInput, match="quantity"):
        opened(sizing=Sizing.QUANTITY, quantity=Decimal("1e300"))


def test_the_settings_of_a_backtest_survive_the_journal() -> None:
    desk = opened(sizing=Sizing.QUANTITY, quantity=Decimal("0.5"), **FIXED)
    assert Core.restore(desk.core.snapshot()).state.settings == desk.settings
    assert [kind.value for kind in Exits] == ["strategy", "fixed", "none"]


def test_no_signal_is_made_where_nothing_crosses() -> None:
    desk = opened()
    walk(desk, [0, 1])
    assert every(SignalDecided, desk.bar(side=1)) == []
    assert desk.state.last_signal == 1
