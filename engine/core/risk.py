"""Risk has the last word: limits, and the only place that makes an `Approved` order."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.levels import needs_stop
from engine.core.sizing import room
from engine.core.state import State, SymbolState
from engine.model.instrument import Instrument
from engine.model.money import Money, to_decimal
from engine.model.order import Approved, OrderKind, OrderRequest, Purpose, Side
from engine.model.signal import Gate, Verdict


@dataclass(frozen=True, slots=True)
class Plan:
    """An entry as it would be sent. Prices are ticks, 0 for no stop or target; `price` is where it is expected to fill."""

    symbol: str
    side: Side
    price: int
    stop: int
    target: int
    lots: int
    leverage: int
    origin: str
    kind: OrderKind = OrderKind.MARKET


def passed(name: str, value: str, threshold: str) -> Gate:
    """A gate that passed."""
    return Gate(name, Verdict.PASS, value, threshold)


def judged(name: str, ok: bool, value: str, threshold: str, reason: str) -> Gate:  # noqa: FBT001 - a verdict is a bool
    """A gate that passed or failed with its reason."""
    return Gate(name, Verdict.PASS if ok else Verdict.FAIL, value, threshold, "" if ok else reason)


def minimum_gate(instrument: Instrument, price: int, lots: int) -> Gate:
    """The order is large enough for the venue; a smaller one is refused, never rounded up."""
    notional = instrument.notional(price, lots)
    ok = lots >= instrument.min_lots and notional >= instrument.min_notional
    least = f"{instrument.quantity(instrument.min_lots)} and {show(instrument.min_notional)}"
    return judged("size", ok, f"{instrument.quantity(lots)} = {show(notional)}", least, "below the venue's minimum")


def show(money: Money) -> str:
    """Money for a sentence: two decimals."""
    return f"{to_decimal(money):,.2f}"


def limits(state: State, s: SymbolState) -> list[Gate]:
    """The limits of the whole desk on one more entry."""
    settings = state.settings
    equity = state.equity()
    fall = max(0, state.day_start - equity) / state.day_start if state.day_start > 0 else 0.0
    drawdown = max(0, state.peak - equity) / state.peak if state.peak > 0 else 0.0
    slots = sum(1 for x in state.symbols.values() if x.position is not None or _entering(state, x))
    taken = s.position is not None or _entering(state, s)
    wait = max(0, s.cooldown_until - state.market_time) // 1000
    exposure = state.exposure() / equity if equity > 0 else 0.0
    waived = state.waived_day == state.day
    return [
        judged("running", not state.paused, "paused" if state.paused else "on", "on", "entries are paused"),
        judged("halt", not state.halt, state.halt or "none", "none", f"entries are halted: {state.halt}"),
        judged(
            "account",
            state.cash is not None and equity > 0,
            show(equity),
            "> 0",
            "the account is not known or is empty",
        ),
        judged(
            "day loss",
            fall < settings.day_loss or waived,
            f"{fall:.2%}",
            f"< {settings.day_loss:.2%}",
            "the day's loss limit is reached",
        ),
        judged(
            "drawdown",
            drawdown < settings.max_drawdown or waived,
            f"{drawdown:.2%}",
            f"< {settings.max_drawdown:.2%}",
            "drawdown limit reached",
        ),
        judged(
            "positions",
            taken or slots < settings.max_positions,
            str(slots),
            f"< {settings.max_positions}",
            "all position slots are taken",
        ),
        judged(
            "exposure",
            exposure < settings.max_exposure,
            f"{exposure:.2f}x",
            f"< {settings.max_exposure:.2f}x",
            "exposure limit reached",
        ),
        judged(
            "in flight",
            not _entering(state, s),
            "an entry" if _entering(state, s) else "none",
            "none",
            "an entry of this symbol is already on its way",
        ),
        judged("cool-down", wait == 0, f"{wait} s", "0 s", "the symbol cools down after its stop"),
    ]


def _entering(state: State, s: SymbolState) -> bool:
    return s.planned is not None or any(o.request.purpose is Purpose.ENTRY for o in state.open_orders(s.symbol))


def _next_id(state: State) -> str:
    return f"{state.instance}-{state.epoch}-{state.sequence + 1}"


def approve_entry(state: State, plan: Plan, price: int | None = None) -> Approved[OrderRequest] | Gate:
    """Pass an entry, or the gate that refuses it. `price` is the limit of a limit order, ticks.

    These checks hold for a person's order as for a signal's: they keep the account solvent and the order valid.
    """
    s = state.symbols[plan.symbol]
    instrument = state.instruments[plan.symbol]
    gates = [*limits(state, s)[:3], minimum_gate(instrument, plan.price, plan.lots)]
    most = room(state, s, instrument, plan.price, max(1, plan.leverage), plan.side)
    gates.append(
        judged(
            "room",
            plan.lots <= most,
            str(instrument.quantity(plan.lots)),
            f"<= {instrument.quantity(most)}",
            "exposure or margin caps leave no room for it",
        )
    )
    gates.append(
        judged("leverage", plan.leverage > 0, str(plan.leverage), ">= 1", "liquidation would come before the stop")
    )
    behind = (plan.price - plan.stop) * plan.side > 0 and plan.stop > 0
    right = behind or (plan.stop == 0 and not needs_stop(state.settings))
    gates.append(judged("stop", right, str(instrument.price(plan.stop)), "behind the entry", "the stop is wrong"))
    for gate in gates:
        if gate.verdict is Verdict.FAIL:
            return gate
    return Approved(
        OrderRequest(
            client_id=_next_id(state),
            symbol=plan.symbol,
            side=plan.side,
            kind=plan.kind,
            lots=plan.lots,
            price=price,
            purpose=Purpose.ENTRY,
            origin=plan.origin,
            leverage=plan.leverage,
        )
    )


def approve_exit(state: State, symbol: str, lots: int, origin: str) -> Approved[OrderRequest] | None:
    """Pass a reduce-only market order of at most the position; None when there is nothing to reduce."""
    position = state.symbols[symbol].position
    if position is None or lots <= 0:
        return None
    return Approved(
        OrderRequest(
            client_id=_next_id(state),
            symbol=symbol,
            side=Side(-position.side),
            kind=OrderKind.MARKET,
            lots=min(lots, abs(position.lots)),
            reduce_only=True,
            purpose=Purpose.EXIT,
            origin=origin,
            leverage=position.leverage,
        )
    )


def approve_limit_exit(
    state: State, symbol: str, lots: int, kind: OrderKind, price: int, origin: str
) -> Approved[OrderRequest] | None:
    """Pass a person's reduce-only limit order; None when it would not reduce."""
    base = approve_exit(state, symbol, lots, origin)
    if base is None:
        return None
    r = base.request
    return Approved(
        OrderRequest(
            client_id=r.client_id,
            symbol=symbol,
            side=r.side,
            kind=kind,
            lots=r.lots,
            price=price,
            reduce_only=True,
            purpose=Purpose.EXIT,
            origin=origin,
            leverage=r.leverage,
        )
    )


def approve_protection(state: State, symbol: str, purpose: Purpose, trigger: int) -> Approved[OrderRequest] | None:
    """Pass a reduce-only conditional order over the whole position; None when flat."""
    position = state.symbols[symbol].position
    if position is None:
        return None
    return Approved(
        OrderRequest(
            client_id=_next_id(state),
            symbol=symbol,
            side=Side(-position.side),
            kind=OrderKind.STOP_MARKET if purpose is Purpose.STOP else OrderKind.TAKE_PROFIT_MARKET,
            lots=abs(position.lots),
            trigger=trigger,
            reduce_only=True,
            purpose=purpose,
            origin="protection",
            leverage=position.leverage,
        )
    )
