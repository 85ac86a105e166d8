"""Every command: what it does, what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine.core.core import Core
from engine.model import command as c
from engine.model import event as e
from engine.model.decision import CancelSent, CommandAnswered, EntryPlanned, Level, ModeSet, Noted
from engine.model.order import OrderKind, OrderStatus, Purpose, Side
from tests.engine.core.scenario import BTC, DAY, ETH, Desk, contract, every, only, sent

M, L, P, S = OrderKind.MARKET, OrderKind.LIMIT, OrderKind.POST_ONLY, OrderKind.STOP_MARKET
XRP = "XRP/USDT:USDT"


def place(quantity: str = "0.01", kind: OrderKind = M, **options: Any) -> c.PlaceOrder:
    prices: dict[str, Any] = {
        name: Decimal(options.pop(name)) for name in ("price", "stop", "target") if name in options
    }
    values: dict[str, Any] = {"symbol": BTC, "side": Side.BUY, **options}
    return c.PlaceOrder(kind=kind, quantity=Decimal(quantity), **values, **prices)


def flat() -> Desk:
    desk = Desk()
    desk.bar()
    return desk


def cold() -> Desk:
    return Desk()


def long() -> Desk:
    desk = Desk()
    desk.hold()
    return desk


def paused() -> Desk:
    desk = flat()
    desk.ask(c.SetPaused(paused=True))
    return desk


def paused_long() -> Desk:
    desk = long()
    desk.ask(c.SetPaused(paused=True))
    return desk


def differing() -> Desk:
    """The venue has a position that the desk has not."""
    desk = flat()
    desk.report(lots={ETH: 3})
    desk.report(lots={ETH: 3})
    return desk


def closing() -> Desk:
    desk = long()
    desk.ask(c.ReducePosition(symbol=BTC))
    return desk


def dear() -> Desk:
    desk = Desk(contracts=(contract("BTC", "0.1", "0.001", min_notional=200 * 100_000_000),))
    desk.bar()
    return desk


def voting() -> Desk:
    """Three voters are configured."""
    desk = Desk(voters=("gpt", "claude", "llama"))
    desk.bar()
    return desk


def resting() -> Desk:
    """A working limit entry, desk-1-1."""
    desk = flat()
    assert desk.ask(place(kind=L, price="99000", stop="98000")).ok
    desk.settle()
    return desk


NOT_HELD = f"position: {BTC} - there is no open position"
REFUSED: list[tuple[Callable[[], Desk], c.Command, str]] = [
    (flat, place(symbol=XRP), f"symbol: {XRP} - this engine trades {BTC}, {ETH}, SOL/USDT:USDT ..."),
    (flat, place(kind=S), "kind: stop_market - use market, limit or post_only; stops belong to positions"),
    (flat, place("0.0015"), f"{BTC} quantity: 0.0015 - use a positive multiple of 0.001"),
    (flat, place("0"), f"{BTC} quantity: 0 - use a positive multiple of 0.001"),
    (flat, place("-1"), f"{BTC} quantity: -1 - use a positive multiple of 0.001"),
    (flat, place(kind=L), "price: None - a limit order needs a price"),
    (flat, place(kind=P), "price: None - a post_only order needs a price"),
    (flat, place(kind=L, price="99000.05"), f"{BTC} price: 99000.05 - use a positive multiple of 0.1"),
    (flat, place(kind=L, price="-1"), f"{BTC} price: -1 - use a positive multiple of 0.1"),
    (flat, place(stop="99000.01"), f"{BTC} price: 99000.01 - use a positive multiple of 0.1"),
    (cold, place(), "stop: None - no default stop is known for this symbol yet; give one"),
    (flat, place(target="90000"), "target: 90000 - a target lies beyond the entry, on the winning side"),
    (flat, place(side=Side.SELL, target="110000"), "target: 110000 - a target lies beyond the entry"),
    (flat, place(stop="110000"), "stop: 110000.0 - the stop is wrong (needs behind the entry)"),
    (dear, place("0.001"), "size: 0.001 = 100.00 - below the venue's minimum (needs 0.001 and 200.00)"),
    (flat, place("0.2"), "room: 0.200 - exposure or margin caps leave no room for it (needs <= 0.099)"),
    (flat, place(stop="20000"), "leverage: 0 - liquidation would come before the stop (needs >= 1)"),
    (paused, place(), "running: paused - entries are paused (needs on)"),
    (long, place("0.05", side=Side.SELL), "quantity: 0.05 - more than the opposite position; use flip, or close"),
    (flat, c.ReducePosition(symbol=BTC), NOT_HELD),
    (flat, c.ReducePosition(symbol=XRP), f"symbol: {XRP} - this engine trades"),
    (long, c.ReducePosition(symbol=BTC, percent=0), "percent: 0 - use 1 to 100"),
    (long, c.ReducePosition(symbol=BTC, percent=101), "percent: 101 - use 1 to 100"),
    (flat, c.FlipPosition(symbol=BTC), NOT_HELD),
    (paused_long, c.FlipPosition(symbol=BTC), "running: paused - entries are paused"),
    (flat, c.SetProtection(symbol=BTC), NOT_HELD),
    (long, c.SetProtection(symbol=BTC, stop=Decimal(110_000)), "stop: 110000 - it would trigger at once; it belongs"),
    (long, c.SetProtection(symbol=BTC, target=Decimal(90_000)), "target: 90000 - it would trigger at once; it belongs"),
    (long, c.SetProtection(symbol=BTC, stop=Decimal("0.01")), f"{BTC} price: 0.01 - use a positive multiple of 0.1"),
    (flat, c.CancelOrder(client_id="nope"), "order: nope - there is no such open order"),
    (long, c.CancelOrder(client_id="desk-1-1"), "order: desk-1-1 - there is no such open order"),
    (long, c.CancelOrder(client_id="desk-1-2"), "order: desk-1-2 - it protects a position; move it, or close the"),
    (closing, c.CancelOrder(client_id="desk-1-4"), "order: desk-1-4 - it closes a position at market and cannot be"),
    (flat, c.CancelAll(symbol=XRP), f"symbol: {XRP} - this engine trades"),
    (flat, c.ApproveSignal(signal_id=7), "signal: 7 - it does not wait for approval (any more)"),
    (long, c.RejectSignal(signal_id=1), "signal: 1 - it does not wait for approval (any more)"),
    (flat, c.BenchVoter(voter="gpt", benched=True), "voter: gpt - configured are: none"),
    (voting, c.BenchVoter(voter="grok", benched=True), "voter: grok - configured are: gpt, claude, llama"),
    (flat, c.ReleaseSymbol(symbol=BTC), f"symbol: {BTC} - automatic trading is not held"),
    (flat, c.ReleaseSymbol(symbol=XRP), f"symbol: {XRP} - this engine trades"),
    (flat, c.ResolvePosition(symbol=XRP, action=c.Outside.ADOPT), f"symbol: {XRP} - this engine trades"),
    (long, c.ResolvePosition(symbol=BTC, action=c.Outside.CLOSE), f"position: {BTC} - venue and desk agree"),
    (flat, c.CancelOutside(client_id="web_1"), "order: web_1 - the venue's newest report shows no such order"),
]


@pytest.mark.parametrize(("make", "command", "sentence"), REFUSED, ids=[case[2][:40] for case in REFUSED])
def test_a_command_is_refused_in_one_sentence_and_changes_nothing(
    make: Callable[[], Desk], command: c.Command, sentence: str
) -> None:
    desk = make()
    if make is not cold:
        desk.tick(0)  # the command shall bring no news of the market
    before = fingerprint(desk)
    decisions = desk.order(command, source="telegram")
    answer = only(CommandAnswered, decisions)
    assert not answer.ok
    assert answer.text.startswith(sentence)
    symbol = getattr(command, "symbol", "")
    assert decisions == (answer, Noted(level=Level.WARN, text=f"telegram: {answer.text}", symbol=symbol))
    if make is not cold:
        assert fingerprint(desk) == before


def fingerprint(desk: Desk) -> bytes:
    """The state without the answers."""
    state = desk.core.state
    return msgspec.msgpack.encode(
        (state.cash, state.paused, state.sequence, state.symbols, state.orders, state.signals)
    )


ACCEPTED: list[tuple[Callable[[], Desk], c.Command, str]] = [
    (flat, place(), f"buy 0.01 {BTC} market sent"),
    (flat, place(side=Side.SELL, kind=P, price="101000"), f"sell 0.01 {BTC} post_only sent"),
    (cold, place(stop="99000"), f"buy 0.01 {BTC} market sent"),
    (long, place("0.01"), f"buy 0.01 {BTC} market sent"),
    (long, place("0.01", side=Side.SELL), f"reduce-only sell 0.01 {BTC} market sent"),
    (long, place("0.01", side=Side.SELL, kind=L, price="101000"), f"reduce-only sell 0.01 {BTC} limit sent"),
    (long, c.ReducePosition(symbol=BTC), f"closing {BTC}"),
    (long, c.ReducePosition(symbol=BTC, percent=50), f"reducing by 50 % {BTC}"),
    (closing, c.ReducePosition(symbol=BTC), f"{BTC} is already being closed"),
    (paused_long, c.ReducePosition(symbol=BTC), f"closing {BTC}"),
    (long, c.FlipPosition(symbol=BTC), f"flipping {BTC}"),
    (long, c.SetProtection(symbol=BTC, stop=Decimal(99_800)), f"protection of {BTC} moved"),
    (long, c.FlattenAll(), "flattening 1 positions, cancelling 0 orders"),
    (resting, c.FlattenAll(), "flattening 0 positions, cancelling 1 orders"),
    (resting, c.CancelOrder(client_id="desk-1-1"), f"cancelling {BTC} limit"),
    (resting, c.CancelAll(), "cancelling 1 orders (protection stays)"),
    (resting, c.CancelAll(symbol=ETH), "cancelling 0 orders (protection stays)"),
    (long, c.CancelAll(), "cancelling 0 orders (protection stays)"),
    (long, c.SetPaused(paused=True), "paused: no entries, protection continues"),
    (paused, c.SetPaused(paused=False), "resumed"),
    (resting, c.Kill(), "killed: paused, cancelling 1 entries, protection continues"),
    (flat, c.SetAutonomy(autonomy=c.Autonomy.OBSERVE), "autonomy is observe"),
    (voting, c.BenchVoter(voter="gpt", benched=True), "gpt is benched: it is not asked any more"),
    (voting, c.BenchVoter(voter="gpt", benched=False), "gpt is asked again"),
    (resting, c.ReleaseSymbol(symbol=BTC), f"{BTC} is back with the desk"),
    (
        differing,
        c.ResolvePosition(symbol=ETH, action=c.Outside.IGNORE),
        f"{ETH}: the position from outside is left alone; automatic trading is held",
    ),
]


@pytest.mark.parametrize(
    ("make", "command", "sentence"), ACCEPTED, ids=[f"{c[0].__name__}-{c[2][:30]}" for c in ACCEPTED]
)
def test_a_command_is_answered_in_one_sentence(make: Callable[[], Desk], command: c.Command, sentence: str) -> None:
    desk = make()
    answer = desk.ask(command)
    assert (answer.ok, answer.text) == (True, sentence)


def test_the_tables_name_every_command() -> None:
    tried = {type(command) for _, command, _ in (*REFUSED, *ACCEPTED)}
    assert tried == set(c.Command.__args__)


def test_a_symbol_without_a_quote_takes_no_order() -> None:
    desk = Desk()
    command = e.CommandReceived(at=desk.now, command_id="x", source="socket", command=place(stop="90000"))
    desk.feed(command)
    answer = desk.core.answered("x")
    assert answer is not None
    assert answer.text == f"quote: none - {BTC} has no quote yet"


def test_the_same_id_is_answered_once_and_kept_for_a_day() -> None:
    desk = flat()
    first = desk.order(place(), command_id="same")
    assert len(sent(first)) == 1
    assert desk.order(place(), command_id="same") == ()
    kept = desk.core.answered("same")
    assert kept is not None
    assert (kept.ok, kept.text) == (True, f"buy 0.01 {BTC} market sent")
    desk.settle()
    desk.now += DAY - 1_000
    desk.ask(c.SetPaused(paused=False))
    assert desk.core.answered("same") is not None
    desk.now += 2_000
    desk.ask(c.SetPaused(paused=False))
    assert desk.core.answered("same") is None


# effects


def test_a_persons_order_holds_the_symbol_until_it_is_released() -> None:
    desk = flat()
    desk.ask(place())
    desk.settle()
    assert desk.s().held == "a person's override"
    assert desk.position().origin == "person:keyboard"
    assert sent(desk.bar(side=-1)) == []
    desk.ask(c.ReleaseSymbol(symbol=BTC))
    desk.bar(side=0)
    assert [request.purpose for request in sent(desk.bar(side=-1))] == [Purpose.EXIT]


def test_an_order_has_the_default_protection_or_its_own() -> None:
    desk = flat()
    desk.ask(place())
    desk.settle()
    assert (desk.s().plan_stop, desk.s().plan_target) == (1_000_001 - 5_000, 1_000_001 + 15_000)
    desk = flat()
    desk.ask(place(kind=L, price="99000", stop="98000", target="101000"))
    (order,) = desk.orders(Purpose.ENTRY)
    assert (order.request.price, order.request.kind, order.request.leverage) == (990_000, L, 3)
    assert (desk.s().plan_stop, desk.s().plan_target) == (980_000, 1_010_000)


def test_adding_keeps_the_protection_that_is_there() -> None:
    desk = long()
    plan = (desk.s().plan_stop, desk.s().plan_target)
    desk.move(BTC, 1_003_000)
    desk.ask(place("0.01"))
    desk.settle()
    assert desk.position().lots == 51
    assert (desk.s().plan_stop, desk.s().plan_target) == plan
    assert [o.request.lots for o in desk.orders(Purpose.STOP)] == [51]


def test_half_of_an_odd_position_is_rounded_up() -> None:
    desk = long()
    (request,) = sent(desk.order(c.ReducePosition(symbol=BTC, percent=50)))
    assert (request.lots, request.reduce_only, request.side) == (21, True, Side.SELL)
    desk.settle()
    assert desk.position().lots == 20
    assert [o.request.lots for o in desk.orders(Purpose.STOP)] == [20]


def test_a_flip_closes_first_and_enters_when_flat() -> None:
    desk = long()
    decisions = desk.order(c.FlipPosition(symbol=BTC))
    assert [request.purpose for request in sent(decisions)] == [Purpose.EXIT]
    assert only(EntryPlanned, decisions).lots == 41
    decisions = desk.fill(desk.order_of(Purpose.EXIT))
    (entry,) = (request for request in sent(decisions) if request.purpose is Purpose.ENTRY)
    assert (entry.side, entry.lots) == (Side.SELL, 41)
    desk.fill(entry.client_id)
    assert desk.position().lots == -41
    (stop,) = desk.orders(Purpose.STOP)[-1:]
    assert (stop.request.side, stop.request.trigger) == (Side.BUY, 1_005_000)


def test_protection_moves_new_before_old() -> None:
    desk = long()
    old = desk.order_of(Purpose.STOP)
    decisions = desk.order(c.SetProtection(symbol=BTC, stop=Decimal(99_900)))
    (request,) = sent(decisions)
    assert (request.trigger, request.lots) == (999_000, 41)
    assert every(CancelSent, decisions) == []
    assert every(CancelSent, desk.accept(request.client_id)) == [CancelSent(client_id=old)]
    assert desk.position().stop == 999_000
    assert desk.s().plan_target == 1_015_001


def test_flatten_closes_all_and_cancels_entries_and_plans() -> None:
    desk = long()
    desk.hold(ETH, -1)
    desk.ask(c.FlipPosition(symbol=ETH))
    decisions = desk.order(c.FlattenAll())
    assert {request.symbol for request in sent(decisions)} == {BTC}  # ETH is already being closed
    desk.settle()
    assert all(desk.s(symbol).position is None and desk.s(symbol).orders == [] for symbol in desk.symbols)
    assert {desk.s(symbol).held for symbol in (BTC, ETH)} == {"flattened by a person"}


def test_kill_cancels_entries_and_keeps_protection() -> None:
    desk = long()
    desk.ask(place("0.001", kind=L, price="99900"))
    desk.settle()
    decisions = desk.order(c.Kill())
    assert only(ModeSet, decisions).paused
    (cancelled,) = every(CancelSent, decisions)
    assert desk.state.orders[cancelled.client_id].request.purpose is Purpose.ENTRY
    desk.settle()
    assert [o.status for o in desk.orders(Purpose.STOP)] == [OrderStatus.WORKING]
    assert desk.position().lots == 41


def test_kill_forgets_the_second_half_of_a_flip() -> None:
    desk = long()
    desk.order(c.FlipPosition(symbol=BTC))
    desk.order(c.Kill())
    desk.settle()
    assert desk.s().position is None
    assert desk.s().planned is None


def test_cancel_all_leaves_other_symbols_alone() -> None:
    desk = resting()
    desk.bar(ETH)
    desk.ask(c.PlaceOrder(symbol=ETH, side=Side.BUY, kind=L, quantity=Decimal("0.1"), price=Decimal(3_990)))
    desk.settle()
    desk.ask(c.CancelAll(symbol=BTC))
    desk.settle()
    assert desk.s().orders == []
    assert len(desk.s(ETH).orders) == 1


# orders that are not wanted any more


def on_its_way() -> Desk:
    """A resting entry the venue has not acknowledged, desk-1-1."""
    desk = flat()
    assert desk.ask(place(kind=L, price="99000", stop="98000")).ok
    return desk


def unanswered() -> Desk:
    desk = on_its_way()
    desk.lose("desk-1-1")
    return desk


@pytest.mark.parametrize("command", [c.Kill(), c.FlattenAll(), c.CancelAll(), c.CancelOrder(client_id="desk-1-1")])
@pytest.mark.parametrize("make", [on_its_way, unanswered, resting])
@pytest.mark.parametrize("restart", [False, True])
def test_an_entry_that_is_not_wanted_is_cancelled_when_it_turns_up(
    make: Callable[[], Desk],
    command: c.Command,
    restart: bool,  # noqa: FBT001 - a column
) -> None:
    desk = make()
    desk.ask(command)
    if restart:
        desk.core = Core.restore(desk.core.snapshot())
        desk.start()
        desk.report()
    desk.accept("desk-1-1")
    desk.cancel_refused("desk-1-1")
    desk.accept("desk-1-1")
    asked = desk.tick(5_000)
    assert CancelSent(client_id="desk-1-1") in asked
    desk.gone("desk-1-1")
    assert every(CancelSent, desk.tick(5_000)) == []
    assert not [timer for timer in desk.state.timers if timer.startswith("cancel|")]


@pytest.mark.parametrize(("command", "left"), [(c.FlattenAll(), []), (c.Kill(), [10])])
def test_what_still_fills_of_an_entry_is_closed_after_flatten_and_protected_after_kill(
    command: c.Command, left: list[int]
) -> None:
    desk = flat()
    (request,) = sent(desk.order(place()))
    desk.ask(command)
    decisions = desk.fill(request.client_id)
    exits = [r.lots for r in sent(decisions) if r.purpose is Purpose.EXIT]
    assert exits == ([] if left else [10])
    assert len([r for r in sent(decisions) if r.purpose is Purpose.STOP]) == 1


def test_an_order_after_flatten_is_left_alone() -> None:
    desk = on_its_way()
    desk.ask(c.FlattenAll())
    desk.gone("desk-1-1")
    desk.ask(place())
    desk.settle()
    desk.tick(5_000)
    assert desk.position().lots == 10


def test_a_flip_recalls_the_entries_of_the_old_side() -> None:
    desk = long()
    desk.ask(place(kind=L, price="99900"))
    desk.settle()
    (entry,) = desk.orders(Purpose.ENTRY)
    decisions = desk.order(c.FlipPosition(symbol=BTC))
    assert every(CancelSent, decisions) == [CancelSent(client_id=entry.request.client_id)]


def test_entries_of_both_sides_cannot_rest_at_once_but_a_position_can_be_reduced() -> None:
    desk = resting()
    refused = desk.ask(place(side=Side.SELL, kind=L, price="101000"))
    assert not refused.ok
    assert refused.text == "order: sell - an entry on the other side is open; cancel it first"
    desk.fill("desk-1-1", 5, 990_000)
    assert desk.ask(place("0.005", side=Side.SELL)).ok


def test_a_planned_reversal_does_not_outlive_a_restart() -> None:
    desk = long()
    desk.bar(side=-1)
    exit_ = desk.order_of(Purpose.EXIT)
    desk.start()
    assert desk.s().planned is None
    assert desk.signal().reason == "reversal given up: the engine was started again"
    assert [r.purpose for r in sent(desk.fill(exit_))] == []


def test_modes_are_kept() -> None:
    desk = flat()
    desk.ask(c.SetAutonomy(autonomy=c.Autonomy.APPROVE))
    desk.ask(c.SetPaused(paused=True))
    desk.start()
    assert desk.state.autonomy is c.Autonomy.APPROVE
    assert desk.state.paused
