"""What an order would cost and risk, computed as a person types. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from engine.model.instrument import Instrument
from engine.model.money import Money, fee_of
from engine.model.position import liquidation_ticks
from engine.view import Desk, InstrumentView


@dataclass(frozen=True, slots=True)
class Draft:
    """The ticket's fields as typed; empty where nothing is."""

    side: int
    quantity: str
    price: str
    stop: str
    target: str
    market: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """Money is 1e-8 quote units; `errors` by field; `liquidation` ticks or None; `reward_risk` 0 where unknown."""

    errors: dict[str, str]
    entry: int = 0
    lots: int = 0
    notional: Money = 0
    margin: Money = 0
    fee: Money = 0
    risk: Money = 0
    risk_fraction: float = 0.0
    reward_risk: float = 0.0
    liquidation: int | None = None


def parse(text: str, grid: Decimal, field: str, errors: dict[str, str]) -> int:
    """A typed number on its grid, in grid steps; 0 and an error otherwise."""
    try:
        value = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        errors[field] = "a number is needed"
        return 0
    if not value.is_finite() or value <= 0:
        errors[field] = "must be positive"
        return 0
    steps = value / grid
    if steps != int(steps):
        errors[field] = f"use a multiple of {grid:f}"
        return 0
    return int(steps)


def preview(draft: Draft, view: InstrumentView, desk: Desk) -> Preview:
    """Everything the ticket shows for a draft, at the newest quote."""
    errors: dict[str, str] = {}
    quote = desk.quotes.get(view.symbol)
    lots = parse(draft.quantity, view.lot_size, "quantity", errors)
    if draft.market:
        entry = 0 if quote is None else quote.ask if draft.side > 0 else quote.bid
        if not entry:
            errors["price"] = "no quote yet"
    else:
        entry = parse(draft.price, view.tick_size, "price", errors)
    stop = parse(draft.stop, view.tick_size, "stop", errors) if draft.stop.strip() else 0
    target = parse(draft.target, view.tick_size, "target", errors) if draft.target.strip() else 0
    if entry and stop and (entry - stop) * draft.side <= 0:
        errors["stop"] = "belongs on the losing side of the entry"
    if entry and target and (target - entry) * draft.side <= 0:
        errors["target"] = "belongs on the winning side of the entry"
    notional = entry * lots * view.unit
    if lots and entry and notional < view.min_notional:
        errors["quantity"] = f"worth less than the minimum of {view.min_notional / 1e8:.2f}"
    leverage = max(1, min(desk.status.max_leverage or 1, view.max_leverage))
    fee = fee_of(notional, view.taker_ppm)
    risk = abs(entry - stop) * lots * view.unit + 2 * fee if stop and entry else 0
    reward = abs(target - entry) * lots * view.unit - 2 * fee if target and entry else 0
    equity = desk.account.equity
    cost = draft.side * notional
    return Preview(
        errors=errors,
        entry=entry,
        lots=lots,
        notional=notional,
        margin=notional // leverage,
        fee=fee,
        risk=risk,
        risk_fraction=risk / equity if equity > 0 else 0.0,
        reward_risk=reward / risk if risk > 0 else 0.0,
        liquidation=liquidation_ticks(_instrument(view), draft.side * lots, cost, notional // leverage)
        if lots
        else None,
    )


def default_lots(view: InstrumentView, desk: Desk, entry: int, stop_ticks: int) -> int:
    """The desk's own size: the risk fraction of equity over stop distance and fees, at most all of equity; lots."""
    if not entry or not stop_ticks:
        return 0
    per_lot = stop_ticks * view.unit + 2 * fee_of(entry * view.unit, view.taker_ppm)
    by_risk = int(desk.account.equity * desk.status.risk_fraction) // per_lot
    return int(min(by_risk, desk.account.equity // (entry * view.unit)))


def _instrument(view: InstrumentView) -> Instrument:
    return Instrument(
        symbol=view.symbol,
        venue_id="",
        tick_size=view.tick_size,
        lot_size=view.lot_size,
        min_lots=1,
        max_lots=1,
        min_notional=view.min_notional,
        max_leverage=view.max_leverage,
        maintenance_ppm=view.maintenance_ppm,
        maker_ppm=view.maker_ppm,
        taker_ppm=view.taker_ppm,
        unit=view.unit,
    )
