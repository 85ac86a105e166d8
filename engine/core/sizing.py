"""How much: leverage, the room the caps leave, and the lots of an entry. The formulas are `engine.arithmetic`'s."""

from __future__ import annotations

from engine.arithmetic import equity_lots, notional_lots, risk_lots
from engine.core.state import State, SymbolState
from engine.model.instrument import Instrument
from engine.model.money import PPM, Money
from engine.model.order import Purpose
from engine.model.settings import Settings, Sizing


def used_margin(state: State, reversed_symbol: str = "") -> Money:
    """Isolated margin of positions and working entries, 1e-8 units; without the position that a reversal frees."""
    total = 0
    for name, s in state.symbols.items():
        unit = state.instruments[name].unit
        if s.position is not None and name != reversed_symbol:
            total += abs(s.position.cost) // s.position.leverage
        for client_id in s.orders:
            order = state.orders[client_id]
            if order.request.purpose is Purpose.ENTRY:
                total += order.remaining * (order.request.price or s.mark) * unit // order.request.leverage
    return total


def leverage_for(state: State, instrument: Instrument, price: int, stop: int) -> int:
    """The highest leverage under the caps whose liquidation lies far enough behind the stop; 0 when even 1 is too much.

    Liquidation distance of an isolated position is about ``price x (1 / leverage - maintenance rate)``. `stop` 0 is no stop.
    """
    needed = state.settings.liquidation_ratio * abs(price - stop) if stop else 0.0
    for leverage in range(min(state.settings.max_leverage, instrument.max_leverage), 0, -1):
        if price * (1 / leverage - instrument.maintenance_ppm / PPM) >= needed:
            return leverage
    return 0


def room(state: State, s: SymbolState, instrument: Instrument, price: int, leverage: int, side: int) -> int:
    """Most lots the exposure, symbol, margin and venue caps leave at `price` ticks for an entry on `side`.

    A position on the other side is closed before the entry, so it takes no room.
    """
    equity = state.equity()
    lot_value = price * instrument.unit
    settings, position = state.settings, s.position
    turns = position is not None and position.side == -side
    held = abs(position.lots) * lot_value if position is not None and not turns else 0
    others = state.exposure() - (abs(position.lots) * s.mark * instrument.unit if position is not None and turns else 0)
    exposure = (int(equity * settings.max_exposure) - others) // lot_value
    symbol = (int(equity * settings.max_symbol_exposure) - held) // lot_value
    free = equity - used_margin(state, s.symbol if turns else "")
    margin = int(equity_lots(free, settings.margin_share, leverage, price, instrument.unit, instrument.taker_ppm))
    return max(0, min(exposure, symbol, margin, instrument.max_lots))


def size(state: State, s: SymbolState, side: int, price: int, stop: int, share: float = 1.0) -> tuple[int, int]:
    """Lots and leverage of an entry as the settings size it, under every cap.

    Args:
        state: the core's state.
        s: the symbol.
        side: of the entry.
        price: expected entry, ticks.
        stop: protective stop, ticks; 0 for none.
        share: of the size (half while the record is thin).
    """
    instrument = state.instruments[s.symbol]
    leverage = leverage_for(state, instrument, price, stop)
    if leverage == 0:
        return 0, 0
    wanted = _wanted(state.settings, instrument, state.equity(), leverage, price, stop, share)
    return min(wanted, room(state, s, instrument, price, leverage, side)), leverage


def _wanted(
    settings: Settings, instrument: Instrument, equity: Money, leverage: int, price: int, stop: int, share: float
) -> int:
    unit, taker = instrument.unit, instrument.taker_ppm
    most = int(equity_lots(equity, 1.0, leverage, price, unit, taker))
    match settings.sizing:
        case Sizing.RISK:
            share *= settings.risk_fraction
            return int(risk_lots(equity, share, leverage, price, stop, unit, taker)) if stop else 0
        case Sizing.EQUITY:
            return int(equity_lots(equity, settings.size_share * share, leverage, price, unit, taker))
        case Sizing.NOTIONAL:
            return min(most, int(notional_lots(settings.size_notional * share, price, unit)))
        case Sizing.QUANTITY:
            lots = instrument.floor_lots(settings.size_quantity)
            return min(most, lots if share == 1.0 else int(lots * share))
