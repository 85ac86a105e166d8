"""A model that forecasts worse than its validation promised is no longer trusted, and the log says so."""

from __future__ import annotations

from engine.core.deck import Deck
from engine.forecast.drift import drift
from engine.model.decision import Level, ModelDistrusted
from engine.model.event import BarClosed, ForecasterSet, OutcomesKnown


def watch(deck: Deck, event: BarClosed | OutcomesKnown) -> None:
    """Look at the live record after each forecast that came due."""
    s = deck.state.symbols.get(event.symbol)
    model = s.model if s is not None else None
    if model is None or not model.trusted:
        return
    why = drift(model)
    if why:
        deck.emit(ModelDistrusted(symbol=event.symbol, model=model.model, reason=why))
        text = f"forecaster {model.model} is no longer trusted: {why}"
        deck.note(Level.WARN, text, event.symbol)


def on_set(deck: Deck, event: ForecasterSet) -> None:
    """Say which model speaks now."""
    if event.symbol not in deck.state.symbols:
        return
    model = event.model
    if model is None:
        deck.note(Level.INFO, "no forecaster is in use any more", event.symbol)
    elif model.trusted:
        deck.note(Level.GOOD, f"forecaster {model.model} is in use and trusted", event.symbol)
    else:
        deck.note(Level.INFO, f"forecaster {model.model} is in use, untrusted: {model.reason}", event.symbol)
