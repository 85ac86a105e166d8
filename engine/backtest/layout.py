"""Where the compiled engine keeps its numbers: names of places in its arrays."""

from __future__ import annotations

from engine.backtest.result import Reason
from engine.backtest.rules import Exits, Sizing

# What is known of the account and the open position; index into an int64 array.
(
    CASH, SIDE, LOTS, ENTRY, ENTRY_BAR, FEE, FUNDING, STOP, TARGET, LIQUIDATION,
    TRADES, WINS, FEES, FUNDINGS, LIQUIDATIONS, HELD, PEAK_AT, DRAWDOWN_BARS,
    NEXT_SIDE, NEXT_LOTS, NEXT_STOP, NEXT_TARGET,
) = range(22)  # fmt: skip
BOOK = 22
# Running sums; index into a float64 array. Profits are net, 1e-8 units; returns are fractions of entry notional.
(WON, LOST, RETURNS, BEST, WORST, BAR_RETURNS, BAR_SQUARES, BAR_DOWN, DRAWDOWN, PEAK, NOW) = range(11)
SUMS = 11
# Rules; index into an int64 array.
(EXITS, TAKER, MAKER, LEVERAGE, MAINTENANCE, SIZING, CAPITAL, MAKER_TARGET, UNIT, MIN_LOTS, MIN_NOTIONAL) = range(11)
RULES = 11
# Rules that are fractions or prices; index into a float64 array.
(STOP_SHARE, TARGET_SHARE, SIZE, TICK) = range(4)
FRACTIONS = 4

SIGNAL, STOPPED, TARGETED, LIQUIDATED, ENDED = (int(reason) for reason in Reason)
NO_EXITS, STRATEGY_EXITS, FIXED_EXITS = (int(kind) for kind in Exits)
BY_EQUITY, BY_NOTIONAL, BY_QUANTITY, BY_RISK = (int(kind) for kind in Sizing)
