"""One strategy a file: parameters, settle length, wanted side, exits. This is the list of them."""

from __future__ import annotations

from engine.errors import BadInput
from engine.strategies import bollinger, ema_cross, ichimoku, macd_stochastic, rsi_ema, supertrend
from engine.strategies.base import Strategy

STRATEGIES: dict[str, Strategy] = {
    module.STRATEGY.name: module.STRATEGY
    for module in (supertrend, rsi_ema, macd_stochastic, ichimoku, bollinger, ema_cross)
}
BOARD = "board"
NAMES = (*STRATEGIES, BOARD)


def strategy(name: str) -> Strategy:
    """The strategy called `name`, one of the six; raises BadInput listing them. The board has no function of its own."""
    found = STRATEGIES.get(name)
    if found is None:
        raise BadInput("strategy", name, f"use one of {', '.join(STRATEGIES)}")
    return found
