"""What prices do to the state: quotes, closed bars with their readings, shadow trades, and the clock."""

from __future__ import annotations

from engine import shadow
from engine.core import forecast_book
from engine.core.state import DAY_MS, TRACKED, State, SymbolState, cost_fraction
from engine.model import event as e
from engine.model.market import MarketView
from engine.strategies import board


def see(state: State, view: MarketView) -> None:
    """Take in the quotes an event brought."""
    symbols = state.symbols
    for name, quote in view.quotes:
        s = symbols.get(name)
        if s is not None:
            s.quote = quote
            state.market_time = max(state.market_time, quote.venue_time)


def seeded(state: State, event: e.HistorySeeded) -> None:
    """Records and readings of the loaded history."""
    s = state.symbols[event.symbol]
    s.records = list(event.records)
    s.shadows = list(event.shadows)
    s.weights = board.weights(s.records[:-1], state.settings.weight_trades)
    s.score = board.score(event.readings, s.weights)
    zone = board.zone(s.score, state.settings.entry_score)
    s.sides = [*event.readings, zone]
    s.side_before = s.sides[state.decider]
    s.known = True


def bar_closed(state: State, event: e.BarClosed) -> None:
    """Sides, score and distances as of the bar."""
    s = state.symbols[event.symbol]
    see(state, event.view)
    state.market_time = max(state.market_time, event.bar.open_time + state.settings.timeframe_ms)
    score = board.score(event.readings, s.weights)
    before, sides = s.sides, [*event.readings, board.zone(score, state.settings.entry_score)]
    if state.settings.track:
        _track(state, s, event, before, sides)
    decider = state.decider
    s.side_before = before[decider] if s.known else sides[decider]
    s.known = True
    s.sides = sides
    s.score = score
    s.bar = event.bar
    forecast_book.bar_closed(s, event)
    s.stop_distance = event.stops[decider]
    s.target_distance = event.targets[decider]


def _track(state: State, s: SymbolState, event: e.BarClosed, before: list[int], sides: list[int]) -> None:
    """Follow the shadow trades of the six strategies and of the board; a closed one may move the weights."""
    cost = cost_fraction(state.instruments[event.symbol])
    changed = False
    for i in range(TRACKED):
        if s.shadows[i] is None and sides[i] == before[i]:
            continue
        s.shadows[i], record = shadow.step(
            s.shadows[i], s.records[i], before[i], sides[i], event.bar, event.stops[i], event.targets[i], cost
        )
        if record is not s.records[i]:
            s.records[i] = record
            changed = True
    if changed:
        s.weights = board.weights(s.records[:-1], state.settings.weight_trades)


def clock(state: State, event: e.ClockTick) -> None:
    """Equity, its peak, and the market's day."""
    see(state, event.view)
    if state.cash is None:
        return
    equity = state.last_equity = state.equity()
    state.peak = max(state.peak, equity)
    day = state.market_time // DAY_MS
    if state.market_time and day > state.day:  # days are the market's: a replay's lie in the past
        state.day = day
        state.day_start = equity
