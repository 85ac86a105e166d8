"""Every number of the decision and of risk, with its default. Journaled at each start, so that a replay has the day's."""

from __future__ import annotations

import msgspec

from engine.model.command import Autonomy
from engine.model.market import MINUTE_MS
from engine.model.money import MONEY_SCALE, Money


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fractions are of one (0.005 is 0.5 %), `*_bps` basis points, `*_ms` milliseconds.

    Attributes:
        timeframe_ms: decision timeframe; only its closed bars decide.
        autonomy: observe, approve or auto at the very first start; later the journal remembers.
        preset: ``default`` gates by shadow record, ``reference`` by plain win rate above 55 %.
        entry_score: the board score whose crossing makes a candidate.
        approve_ms: how long a waiting signal waits.
        approve_drift: how far price may have moved when it is approved.
        fresh_ms: a quote older than this is stale.
        max_spread_bps: widest spread at entry.
        max_slippage_bps: largest expected slippage at entry.
        min_reward_risk: reward to risk after costs must exceed this.
        record_trades: shadow trades needed before the record gate judges.
        weight_trades: shadow trades a strategy needs before its weight is its own.
        risk_fraction: equity risked per trade.
        max_positions: open positions at once.
        max_exposure: sum of notionals over equity.
        max_symbol_exposure: notional of one position over equity.
        max_leverage: leverage cap.
        day_loss: loss of the UTC day, over the day's starting equity, that halts entries.
        max_drawdown: fall from the equity peak that halts entries.
        cooldown_ms: no entry on a symbol this long after its stop.
        stop_atr: default stop distance in average true ranges.
        target_ratio: default target distance over stop distance.
        liquidation_ratio: liquidation distance must be at least this times the stop distance.
        paper_balance: starting balance of the paper venue, 1e-8 quote units.
    """

    timeframe_ms: int = 15 * MINUTE_MS
    autonomy: Autonomy = Autonomy.AUTO
    preset: str = "default"
    entry_score: float = 0.34
    approve_ms: int = 5 * MINUTE_MS
    approve_drift: float = 0.002
    fresh_ms: int = 5_000
    max_spread_bps: float = 3.0
    max_slippage_bps: float = 5.0
    min_reward_risk: float = 1.5
    record_trades: int = 30
    weight_trades: int = 20
    risk_fraction: float = 0.005
    max_positions: int = 5
    max_exposure: float = 3.0
    max_symbol_exposure: float = 1.0
    max_leverage: int = 3
    day_loss: float = 0.03
    max_drawdown: float = 0.15
    cooldown_ms: int = 15 * MINUTE_MS
    stop_atr: float = 2.0
    target_ratio: float = 2.0
    liquidation_ratio: float = 1.5
    paper_balance: Money = 10_000 * MONEY_SCALE
