"""Where an entry is protected: stop and target in ticks, as the settings' exits want them."""

from __future__ import annotations

import math

from engine.core.state import State, SymbolState
from engine.model.instrument import Instrument
from engine.model.settings import Exits, Settings


def distance_ticks(distance: float, instrument: Instrument) -> int:
    """A distance in quote currency as whole ticks, at least one; 0 where it is not known (NaN, infinite, not positive)."""
    if not (math.isfinite(distance) and distance > 0.0):
        return 0
    return max(1, round(distance / float(instrument.tick_size)))


def needs_stop(settings: Settings) -> bool:
    """Every position is to have a stop at the venue."""
    return settings.exits is Exits.STRATEGY or (settings.exits is Exits.FIXED and settings.stop_fraction > 0.0)


def levels(state: State, s: SymbolState, side: int, price: int) -> tuple[int, int] | None:
    """Stop and target of an entry on `side` expected at `price`, ticks, 0 for none; None where they cannot be known.

    STRATEGY measures the strategy's distances from `price`, FIXED its fractions from the close that decides.
    """
    settings, instrument = state.settings, state.instruments[s.symbol]
    if settings.exits is Exits.NONE:
        return 0, 0
    base = price
    stop_distance, target_distance = s.stop_distance, s.target_distance
    if settings.exits is Exits.FIXED:
        base = distance_ticks(s.bar.close, instrument) if s.bar is not None else 0
        if s.bar is None or not base:
            return None
        stop_distance, target_distance = s.bar.close * settings.stop_fraction, s.bar.close * settings.target_fraction
    stop_ticks, target_ticks = distance_ticks(stop_distance, instrument), distance_ticks(target_distance, instrument)
    if not stop_ticks and needs_stop(settings):
        return None
    stop = base - side * stop_ticks if stop_ticks else 0
    target = max(0, base + side * target_ticks) if target_ticks else 0
    return None if stop_ticks and stop <= 0 else (stop, target)
