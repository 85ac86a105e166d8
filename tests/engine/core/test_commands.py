"""Every command: what it does, what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from engine.model import command as c
from engine.model import event as e
from engine.model.decision import CommandAnswered, Level, Noted
from engine.model.order import OrderKind, Side
from tests.engine.core.contracts import BTC, DAY, ETH
from tests.engine.core.desks import (
    closing,
    cold,
    dear,
    differing,
    flat,
    long,
    paused,
    paused_long,
    place,
    resting,
    voting,
)
from tests.engine.core.scenario import Desk, only, sent

M, L, P, S = OrderKind.MARKET, OrderKind.LIMIT, OrderKind.POST_ONLY, OrderKind.STOP_MARKET
XRP = "XRP/USDT:USDT"

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
