"""What a run assumes and what it leaves out, in sentences for a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.backtest.inputs import timeframe_name
from engine.backtest.planned import planned_levels
from engine.backtest.result import Reason
from engine.backtest.rules import Exits, Rules, Sizing, liquidation_distance
from engine.backtest.run import Backtest, Result
from engine.backtest.table import warnings as short_warnings
from engine.candle_file import gaps_of
from engine.model.money import MONEY_SCALE

SHORT_PERIOD_DAYS = 90
DAY_MS = 24 * 3_600_000

LIMITS = (
    "Orders fill whole at one price: how deep the book was is not known, and a large order would have moved it.",
    "A decision is taken at a bar's close and filled at the next bar's open; nothing is decided within a bar.",
    "Buy and hold is bought at the first close without leverage, fees or funding.",
    "What was earned in the past says nothing certain about the future, least of all with parameters chosen on it.",
)


def assumptions(test: Backtest) -> list[tuple[str, str]]:
    """Name and sentence of every rule of a run."""
    rules = test.rules
    return [
        ("exits", _exits(rules)),
        ("fees", f"{_bps(rules.taker_ppm / 1e6)} of notional at market, {_bps(rules.maker_ppm / 1e6)} resting"),
        ("slippage", _slippage(rules)),
        ("size", _size(rules)),
        ("capital", f"{rules.capital / MONEY_SCALE:,.2f}"),
        ("leverage", _leverage(rules)),
        ("funding", _funding(test)),
        ("within a bar", _within(test)),
        ("steps", f"price {test.grid.tick_size:f}, quantity {test.grid.lot_size:f}"),
        ("smallest order", f"{test.grid.min_notional / MONEY_SCALE:g}: a smaller one is not sent"),
    ]


def _bps(fraction: float) -> str:
    return f"{fraction * 10_000:g} bps"


def _exits(rules: Rules) -> str:
    match rules.exits:
        case Exits.NONE:
            return "none: a position ends when the wanted side turns"
        case Exits.STRATEGY:
            return "the strategy's own stop and target, or the opposite side"
        case Exits.FIXED:
            parts = [f"{name} {value:.2%}" for name, value in (("stop", rules.stop), ("target", rules.target)) if value]
            resting = ", the target resting in the book" if rules.maker_target else ""
            return f"{' and '.join(parts)} from the close of the decision{resting}, or the opposite side"


def _slippage(rules: Rules) -> str:
    parts = [f"{_bps(rules.slippage)} of every market fill, against the trader"]
    if rules.spread:
        parts.append(f"half a spread of {_bps(rules.spread)}")
    if rules.volatility_share:
        parts.append(f"{rules.volatility_share:.0%} of the mean range of the 20 bars before")
    return ", and ".join(parts)


def _size(rules: Rules) -> str:
    match rules.sizing:
        case Sizing.EQUITY:
            return f"{rules.size:.0%} of equity as margin, compounding"
        case Sizing.NOTIONAL:
            return f"{rules.size:,.2f} quote currency each time"
        case Sizing.QUANTITY:
            return f"{rules.size:g} base currency each time"
        case Sizing.RISK:
            return f"{rules.size:.2%} of equity at risk to the stop, compounding"


def _leverage(rules: Rules) -> str:
    if rules.leverage == 1:
        return "1x, isolated: a long cannot be liquidated"
    reach = liquidation_distance(rules.leverage, rules.maintenance_ppm)
    return f"{rules.leverage}x, isolated: a long is liquidated {reach:.2%} below its entry"


def _funding(test: Backtest) -> str:
    count = len(test.funding) - 1
    return f"{count:,} recorded rates at their own times" if count else "none: holding costs nothing"


def _within(test: Backtest) -> str:
    if len(test.detail):
        length = timeframe_name(int(np.diff(test.detail.open_time).min())) if len(test.detail) > 1 else "finer"
        return f"{length} bars say whether stop or target came first"
    return "the stop comes first where a bar reaches stop and target; a gap through either fills at the open"


def warnings(results: Sequence[Result]) -> list[str]:
    """Why these results should not be taken at their word; those of the terminal's table first."""
    test = results[0].backtest
    out = [sentence[0].upper() + sentence[1:] + "." for sentence in short_warnings(results)]
    days = len(results[0].times) * test.timeframe_ms / DAY_MS
    if days < SHORT_PERIOD_DAYS:
        out.append(f"The period is {days:.0f} days: figures made yearly (CAGR, Sharpe, Calmar) stretch it far.")
    gaps = gaps_of(results[0].times, test.timeframe_ms)
    if gaps:
        lost = sum(gap.missing for gap in gaps)
        out.append(
            f"{lost:,} bars are missing in {len(gaps):,} gaps: indicators run across them, charts close them up."
        )
    for result in results:
        out.extend(f"{result.name}: {sentence}" for sentence in _of_fills(result))
    return out


def _of_fills(result: Result) -> list[str]:
    out = []
    trades, bars = result.trades, result.backtest.bars
    still = int(((bars.volume[trades["entry_bar"]] == 0.0) | (bars.volume[trades["exit_bar"]] == 0.0)).sum())
    if still:
        out.append(f"{still:,} of {len(trades):,} trades were filled in a bar in which nobody traded.")
    unsure = unsure_exits(result)
    if unsure and not len(result.backtest.detail):
        out.append(
            f"{unsure:,} of {len(trades):,} trades ended in a bar that reached both stop and target: the stop was taken. "
            "Detail bars would decide."
        )
    return out


def unsure_exits(result: Result) -> int:
    """Trades ended by stop or target within a bar whose range reaches both."""
    trades, test = result.trades, result.backtest
    stop, target = planned_levels(result)
    tick = float(test.grid.tick_size)
    leave = trades["exit_bar"]
    high, low = np.rint(test.bars.high[leave] / tick), np.rint(test.bars.low[leave] / tick)
    open_ = np.rint(test.bars.open[leave] / tick)
    by_level = np.isin(trades["reason"], (int(Reason.STOP), int(Reason.TARGET)))
    both = (stop > 0) & (target > 0) & (np.minimum(stop, target) >= low) & (np.maximum(stop, target) <= high)
    # a bar that opens beyond a level leaves nothing to doubt
    inside = (np.minimum(stop, target) < open_) & (open_ < np.maximum(stop, target))
    return int((by_level & both & inside).sum())
