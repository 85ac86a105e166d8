"""From six readings to one order: a crossing of the board becomes a candidate, meets its gates, and is a signal."""

from __future__ import annotations

from msgspec.structs import replace

from engine.core import ballots, risk
from engine.core.deck import Deck
from engine.core.gates import asked_gates, fresh_gate, record_gate, reward_gate, slippage_gate, spread_gate
from engine.core.levels import levels
from engine.core.protection import close
from engine.core.risk import Plan, judged
from engine.core.sizing import leverage_for, size
from engine.core.state import DIFFERS, OUTSIDE, State, SymbolState
from engine.model.command import Autonomy
from engine.model.decision import EntryPlanned, Level, SignalDecided, SubmitOrder
from engine.model.event import VotesCast
from engine.model.order import Order, Purpose, Side
from engine.model.settings import Exits
from engine.model.signal import Action, Gate, Signal, SignalStatus, Verdict
from engine.strategies import BOARD


def on_bar(deck: Deck, symbol: str) -> None:
    """Decide on a freshly closed bar of `symbol` that has been applied to the state."""
    state = deck.state
    s = state.symbols[symbol]
    side = s.sides[state.decider]
    if side != s.side_before:
        ballots.overtake(deck, symbol)
    if side == s.side_before or (side == 0 and state.settings.exits is not Exits.NONE):
        return
    holding = s.position.side if s.position is not None else 0
    if holding == side:
        return
    if side == 0:
        if _owned(s):
            _close(deck, s, _leaving(state, s), "the wanted side is flat")
        return
    signal = candidate(state, s, side)
    if _votes_open(signal):
        _ask(deck, s, signal)
        return
    if s.held or deck.state.autonomy is Autonomy.OBSERVE:
        _show(deck, s, signal)
        return
    failed = first_failure(signal.gates)
    if holding and (failed is not None or deck.state.autonomy is Autonomy.APPROVE):
        reason = (
            f"opposite score; no reversal: {failed.name}" if failed else "opposite score; reversal waits for approval"
        )
        _close(deck, s, signal, reason)
    if failed is not None:
        if not holding:
            _decide(deck, signal, SignalStatus.REFUSED, f"{failed.name} {failed.value} (needs {failed.threshold})")
    elif deck.state.autonomy is Autonomy.APPROVE:
        _wait(deck, signal)
    else:
        send(deck, signal)


def _owned(s: SymbolState) -> bool:
    """There is a position, and closing it is the desk's business."""
    if s.position is None or s.position.origin == OUTSIDE:
        return False
    return not s.held or s.held.startswith(DIFFERS)


def _show(deck: Deck, s: SymbolState, signal: Signal) -> None:
    """No entry: the symbol is held or the desk only observes. What the desk owns it still closes."""
    if _owned(s):
        why = "entries are held" if s.held else "observe mode"
        _close(deck, s, signal, f"opposite score; no reversal: {why}")
    reason = f"held: {s.held}" if s.held else "observe mode: shown, not traded"
    _decide(deck, signal, SignalStatus.OBSERVED, reason)


def _decide(deck: Deck, signal: Signal, status: SignalStatus, reason: str) -> None:
    signal = replace(signal, id=deck.state.last_signal + 1, status=status, reason=reason)
    deck.emit(SignalDecided(signal=signal))


def _votes_open(signal: Signal) -> bool:
    """Nothing failed, and the voters have not been asked yet."""
    return first_failure(signal.gates) is None and signal.gates[-1].name != ballots.GATE


def _ask(deck: Deck, s: SymbolState, signal: Signal) -> None:
    """The voters are asked; an opposite position does not wait for them."""
    observing = deck.state.autonomy is Autonomy.OBSERVE
    if s.position is not None and (_owned(s) or not observing):
        _close(deck, s, signal, "opposite score; a reversal waits for the votes")
    ballots.ask(deck, s, signal)


def on_votes(deck: Deck, event: VotesCast) -> None:
    """The votes are in: where they carry the candidate, what time may have changed is judged again."""
    state = deck.state
    signal = state.signals.get(event.signal_id)
    if signal is None or signal.status is not SignalStatus.VOTING:
        return
    s = state.symbols[signal.symbol]
    verdict = ballots.vote_gate(state, signal.action.side, event.votes)
    if verdict.verdict is Verdict.FAIL:
        ballots.refuse(deck, signal, verdict)
        return
    signal = replace(signal, gates=(*signal.gates, verdict), expires=0)
    again = judged_again(state, s, signal)
    failed = first_failure(again)
    if failed is not None:
        ballots.refuse(deck, signal, *(gate for gate in again if gate.verdict is Verdict.PASS), failed)
    elif s.held or state.autonomy is Autonomy.OBSERVE:
        reason = f"held: {s.held}" if s.held else "observe mode: shown, not traded"
        deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.OBSERVED, reason=reason)))
    elif state.autonomy is Autonomy.APPROVE:
        _wait(deck, signal)
    else:
        send(deck, replace(signal, price=s.quote.ask if signal.action is Action.LONG else s.quote.bid))


def _wait(deck: Deck, signal: Signal) -> None:
    wait = deck.state.settings.approve_ms
    signal = replace(
        signal,
        id=signal.id or deck.state.last_signal + 1,
        status=SignalStatus.WAITING,
        expires=deck.state.now + wait,
        reason="waits for approval",
    )
    deck.emit(SignalDecided(signal=signal))
    deck.timer(f"signal|{signal.id}", wait)


def _close(deck: Deck, s: SymbolState, signal: Signal, reason: str) -> None:
    closing = replace(
        signal,
        id=deck.state.last_signal + 1,
        action=Action.CLOSE,
        status=SignalStatus.SENT,
        stop=0,
        target=0,
        lots=abs(s.position.lots) if s.position is not None else 0,
        reason=reason,
    )
    deck.emit(SignalDecided(signal=closing))
    close(deck, s.symbol, closing.lots, f"signal:{closing.id}")


def send(deck: Deck, signal: Signal) -> None:
    """Turn a passed signal into its order (after the opposite position is closed, where there is one)."""
    state = deck.state
    s = state.symbols[signal.symbol]
    signal_id = signal.id or state.last_signal + 1
    origin = f"signal:{signal_id}"
    side = Side(signal.action.side)
    if s.position is not None:
        deck.emit(
            SignalDecided(
                signal=replace(signal, id=signal_id, status=SignalStatus.SENT, reason="reverses the position")
            )
        )
        deck.emit(
            EntryPlanned(
                symbol=signal.symbol,
                side=side,
                lots=signal.lots,
                stop=signal.stop,
                target=signal.target,
                origin=origin,
                signal_id=signal_id,
            )
        )
        close(deck, signal.symbol, abs(s.position.lots), origin)
        return
    leverage = leverage_for(state, state.instruments[signal.symbol], signal.price, signal.stop)
    plan = Plan(signal.symbol, side, signal.price, signal.stop, signal.target, signal.lots, leverage, origin)
    approved = risk.approve_entry(state, plan)
    if isinstance(approved, Gate):
        reason = f"{approved.name}: {approved.reason}"
        deck.emit(SignalDecided(signal=replace(signal, id=signal_id, status=SignalStatus.REFUSED, reason=reason)))
        return
    sent = replace(
        signal, id=signal_id, status=SignalStatus.SENT, reason="sent", client_id=approved.request.client_id, expires=0
    )
    deck.emit(SignalDecided(signal=sent))
    deck.plan(signal.symbol, signal.stop or None, signal.target or None)
    deck.emit(SubmitOrder(approved=approved))


def judged_again(state: State, s: SymbolState, signal: Signal) -> tuple[Gate, ...]:
    """What time may have changed since a signal was made: freshness, price, the position and the limits."""
    price = s.quote.ask if signal.action is Action.LONG else s.quote.bid
    drift = abs(price - signal.price) / signal.price
    return (
        fresh_gate(state, s),
        judged(
            "drift",
            drift <= state.settings.approve_drift,
            f"{drift:.2%}",
            f"<= {state.settings.approve_drift:.2%}",
            "price moved away",
        ),
        judged(
            "position",
            s.position is None or s.position.side != signal.action.side,
            "none"
            if s.position is None
            else signal.action.value
            if s.position.side == signal.action.side
            else "opposite",
            f"not {signal.action.value}",
            "the position is already on that side",
        ),
        *risk.limits(state, s),
    )


def approve(deck: Deck, signal: Signal) -> str:
    """A person approves a WAITING signal: freshness, price and risk are judged again. Returns one sentence."""
    state = deck.state
    s = state.symbols[signal.symbol]
    price = s.quote.ask if signal.action is Action.LONG else s.quote.bid
    gates = judged_again(state, s, signal)
    failed = first_failure(gates)
    if failed is not None:
        reason = f"approval refused: {failed.name} {failed.value} (needs {failed.threshold})"
        gates_now = (*signal.gates, *gates)
        deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.REFUSED, reason=reason, gates=gates_now)))
        return reason
    send(deck, replace(signal, price=price))
    sent = state.signals[signal.id]
    if sent.status is SignalStatus.REFUSED:
        return f"approval refused: {sent.reason}"
    return f"approved: {signal.action.value} {signal.symbol}"


def first_failure(gates: tuple[Gate, ...]) -> Gate | None:
    """The first gate that failed, or None."""
    return next((gate for gate in gates if gate.verdict is Verdict.FAIL), None)


def candidate(state: State, s: SymbolState, side: int) -> Signal:
    """Every gate's verdict on going to `side` now, the planned order, and no decision yet."""
    instrument = state.instruments[s.symbol]
    price = s.quote.ask if side > 0 else s.quote.bid
    found = levels(state, s, side, price) if price > 0 else None
    stop, target = found or (0, 0)
    record, share = record_gate(state, s)
    lots, leverage = size(state, s, side, price, stop, share) if found is not None else (0, 0)
    free = [
        fresh_gate(state, s),
        spread_gate(state, s),
        slippage_gate(state, s, side, lots),
        reward_gate(state, s, price, stop, target),
        record,
        *risk.limits(state, s),
        judged("leverage", leverage > 0, f"{leverage}x", ">= 1x", "liquidation would come before the stop"),
        risk.minimum_gate(instrument, price, lots),
    ]
    gates = (*free, *asked_gates(state, s, side, passed=first_failure(tuple(free)) is None))
    return Signal(
        id=0,
        symbol=s.symbol,
        action=Action.LONG if side > 0 else Action.SHORT,
        status=SignalStatus.REFUSED,
        at=state.now,
        bar_time=s.bar.open_time if s.bar is not None else 0,
        score=_score(state, s),
        price=price,
        stop=stop,
        target=target,
        lots=lots,
        gates=gates,
    )


def _score(state: State, s: SymbolState) -> float:
    return s.score if state.settings.strategy == BOARD else float(s.sides[state.decider])


def _leaving(state: State, s: SymbolState) -> Signal:
    """The bare signal of a position that ends because its side is flat."""
    return Signal(
        id=0,
        symbol=s.symbol,
        action=Action.CLOSE,
        status=SignalStatus.SENT,
        at=state.now,
        bar_time=s.bar.open_time if s.bar is not None else 0,
        score=_score(state, s),
        price=s.mark,
        stop=0,
        target=0,
        lots=0,
    )


def expire(deck: Deck, signal: Signal) -> None:
    """Nobody answered in time."""
    deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.EXPIRED, reason="nobody approved in time")))


def filled(deck: Deck, order: Order) -> None:
    """The order of a signal has filled: its entry (even one that was given up), or the exit of a CLOSE."""
    signal, client_id = _signal_of(deck.state, order.request.origin), order.request.client_id
    if signal is None or (order.request.purpose is Purpose.EXIT) is not (signal.action is Action.CLOSE):
        return
    if signal.status in {SignalStatus.SENT, SignalStatus.REJECTED}:
        deck.emit(
            SignalDecided(signal=replace(signal, status=SignalStatus.FILLED, reason="filled", client_id=client_id))
        )


def _signal_of(state: State, origin: str) -> Signal | None:
    kind, _, key = origin.partition(":")
    return state.signals.get(int(key)) if kind == "signal" else None


def give_up(deck: Deck, symbol: str, reason: str) -> None:
    """Forget the entry that waits for the symbol to be flat; the signal behind it says why."""
    planned = deck.state.symbols[symbol].planned
    if planned is None:
        return
    deck.emit(
        EntryPlanned(
            symbol=symbol, side=0, lots=0, stop=0, target=0, origin=planned.origin, signal_id=planned.signal_id
        )
    )
    signal = deck.state.signals.get(planned.signal_id)
    if signal is not None and signal.status is SignalStatus.SENT:
        deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.REJECTED, reason=reason)))


def refused(deck: Deck, origin: str, reason: str) -> None:
    """The entry of a signal came to nothing at the venue."""
    signal = _signal_of(deck.state, origin)
    if signal is not None and signal.status is SignalStatus.SENT:
        deck.emit(SignalDecided(signal=replace(signal, status=SignalStatus.REJECTED, reason=reason)))
        deck.note(Level.WARN, f"entry came to nothing: {reason}", signal.symbol)
