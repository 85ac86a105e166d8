"""Every number of the decision and of risk, with its default. Journaled at each start, so that a replay has the day's."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import msgspec

from engine.model.command import Autonomy
from engine.model.market import MINUTE_MS
from engine.model.money import MONEY_SCALE, Money


class Exits(Enum):
    """How a position ends.

    STRATEGY: at the deciding strategy's stop and target, or when its side turns. FIXED: at fractions of the close that
    decided, or when the side turns. NONE: with the wanted side alone, without any order at the venue; only where no real
    money trades.
    """

    STRATEGY = "strategy"
    FIXED = "fixed"
    NONE = "none"


class Sizing(Enum):
    """How much an entry is: a risk to the stop, a share of equity, a fixed value or a fixed quantity."""

    RISK = "risk"
    EQUITY = "equity"
    NOTIONAL = "notional"
    QUANTITY = "quantity"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fractions are of one (0.005 is 0.5 %), `*_bps` basis points, `*_ms` milliseconds.

    Attributes:
        timeframe_ms: decision timeframe; only its closed bars decide.
        autonomy: observe, approve or auto at the very first start; later the journal remembers.
        strategy: whose side decides: one of the six, or ``board``.
        exits: how a position ends.
        stop_fraction: FIXED exits: distance of the stop from the close that decided, 0 for none.
        target_fraction: likewise of the target.
        track: shadow trades are followed and weigh the board; a backtest of one strategy needs none.
        preset: ``default`` gates by shadow record, ``reference`` by plain win rate above 55 %, ``open`` by neither.
        entry_score: the board score whose crossing makes a candidate.
        approve_ms: how long a waiting signal waits.
        approve_drift: how far price may have moved when it is approved.
        fresh_ms: a quote older than this is stale.
        max_spread_bps: widest spread at entry.
        max_slippage_bps: largest expected slippage at entry.
        min_reward_risk: reward to risk after costs must exceed this.
        record_trades: shadow trades needed before the record gate judges.
        weight_trades: shadow trades a strategy needs before its weight is its own.
        sizing: how much an entry is.
        risk_fraction: RISK: equity risked per trade.
        size_share: EQUITY: share of equity that margin and opening fee take.
        size_notional: NOTIONAL: value of an entry, 1e-8 quote units.
        size_quantity: QUANTITY: base currency.
        margin_share: share of the free equity that margin and opening fee of an entry may take.
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
        voters: names of the configured voters; with fewer than two nobody is asked.
        vote_ms: how long the voters may take together.
        vote_confidence: the consensus must be surer than this, 0 to 100.
        paper_balance: starting balance of the paper venue, 1e-8 quote units.
    """

    timeframe_ms: int = 15 * MINUTE_MS
    autonomy: Autonomy = Autonomy.AUTO
    strategy: str = "board"
    exits: Exits = Exits.STRATEGY
    stop_fraction: float = 0.0
    target_fraction: float = 0.0
    track: bool = True
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
    sizing: Sizing = Sizing.RISK
    risk_fraction: float = 0.005
    size_share: float = 1.0
    size_notional: Money = 0
    size_quantity: Decimal = Decimal(0)
    margin_share: float = 0.95
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
    voters: tuple[str, ...] = ()
    vote_ms: int = 15_000
    vote_confidence: float = 70.0
    paper_balance: Money = 10_000 * MONEY_SCALE


OPEN = 10**9  # beyond any ratio, count or number of basis points that a market gives


def open_settings(
    *,
    strategy: str,
    timeframe_ms: int,
    exits: Exits = Exits.NONE,
    stop_fraction: float = 0.0,
    target_fraction: float = 0.0,
    sizing: Sizing = Sizing.EQUITY,
    share: float = 1.0,
    notional: Money = 0,
    quantity: Decimal = Decimal(0),
    leverage: int = 1,
) -> Settings:
    """Settings under which every crossing of one strategy is traded: all gates of judgement stand open.

    For backtests. What remains: the account must have equity, an order must reach the venue's minimum, and one entry of a
    symbol is on its way at a time.

    Args:
        strategy: one of the six, or ``board`` (then shadow trades are followed, for its weights).
        timeframe_ms: decision timeframe.
        exits: how a position ends.
        stop_fraction: FIXED exits: distance of the stop from the close that decides, 0 for none.
        target_fraction: likewise of the target.
        sizing: how much an entry is.
        share: of equity, for EQUITY and (lost at the stop) RISK.
        notional: for NOTIONAL, 1e-8 quote units.
        quantity: for QUANTITY, base currency.
        leverage: every entry's, as far as the contract allows it.
    """
    return Settings(
        timeframe_ms=timeframe_ms,
        strategy=strategy,
        exits=exits,
        stop_fraction=stop_fraction,
        target_fraction=target_fraction,
        track=strategy == "board",
        preset="open",
        sizing=sizing,
        risk_fraction=share,
        size_share=share,
        size_notional=notional,
        size_quantity=quantity,
        margin_share=OPEN,
        fresh_ms=2**53,
        max_spread_bps=OPEN,
        max_slippage_bps=OPEN,
        min_reward_risk=-OPEN,
        max_positions=OPEN,
        max_exposure=OPEN,
        max_symbol_exposure=OPEN,
        max_leverage=leverage,
        day_loss=OPEN,
        max_drawdown=OPEN,
        cooldown_ms=0,
        liquidation_ratio=0.0,
    )
