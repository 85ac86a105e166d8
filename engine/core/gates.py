"""The gates a candidate meets before it is a signal: each says PASS or FAIL with what it saw, or why it was skipped."""

from __future__ import annotations

import math

from engine.core import ballots
from engine.core.forecasting import forecast_gate
from engine.core.risk import judged
from engine.core.state import State, SymbolState
from engine.model.money import PPM
from engine.model.record import Record
from engine.model.settings import Exits
from engine.model.signal import Gate, Verdict

ONE_SIDED_80 = 0.8416  # standard normal quantile of 0.80


def fresh_gate(state: State, s: SymbolState) -> Gate:
    """The quote is young enough to act on."""
    known = s.quote.bid > 0 and s.quote.ask > 0
    age = state.now - s.quote.received if known else -1
    limit = state.settings.fresh_ms
    return judged(
        "data fresh",
        known and age <= limit,
        f"{age} ms" if known else "no quote",
        f"<= {limit} ms",
        "the quote is stale",
    )


def spread_gate(state: State, s: SymbolState) -> Gate:
    """The spread is in bounds."""
    quote = s.quote
    bps = (quote.ask - quote.bid) / max(1, quote.bid) * 10_000
    limit = state.settings.max_spread_bps
    # one tick is the tightest market a contract can have: on a coarse grid it is not a wide spread
    ok = bps <= limit or quote.ask - quote.bid == 1
    return judged("spread", ok, f"{bps:.1f} bp", f"<= {limit:.1f} bp", "the spread is too wide")


def slippage_gate(state: State, s: SymbolState, side: int, lots: int) -> Gate:
    """Expected slippage: each displayed size beyond the first costs about one spread more."""
    quote = s.quote
    shown = quote.ask_lots if side > 0 else quote.bid_lots
    levels = max(0.0, lots / shown - 1.0) if shown > 0 else 0.0
    bps = levels * max(1, quote.ask - quote.bid) / max(1, quote.bid) * 10_000
    limit = state.settings.max_slippage_bps
    return judged("slippage", bps <= limit, f"{bps:.1f} bp", f"<= {limit:.1f} bp", "the book is too thin for the size")


def reward_gate(state: State, s: SymbolState, price: int, stop: int, target: int) -> Gate:
    """Reward over risk from the far side of the quote, after fees both ways; 0 where one of them is not known."""
    least = state.settings.min_reward_risk
    if state.settings.exits is Exits.NONE:
        return Gate("reward/risk", Verdict.SKIPPED, "", f"> {least:.2f}", "positions follow the side alone")
    instrument = state.instruments[s.symbol]
    cost = price * 2 * instrument.taker_ppm / PPM
    ratio = (abs(target - price) - cost) / (abs(price - stop) + cost) if stop and target else 0.0
    return judged("reward/risk", ratio > least, f"{ratio:.2f}", f"> {least:.2f}", "not worth its costs and risk")


def lower_bound(record: Record) -> float:
    """Lower 80 % one-sided bound of the mean net return a trade (normal approximation), fraction."""
    n = record.trades
    if n < 2:
        return -math.inf
    mean = record.expectancy
    variance = max(0.0, (record.squares - n * mean * mean) / (n - 1))
    return mean - ONE_SIDED_80 * math.sqrt(variance / n)


def record_gate(state: State, s: SymbolState) -> tuple[Gate, float]:
    """What the deciding strategy's shadow trades say, and the share of the size to use."""
    record, settings = s.records[state.decider], state.settings
    if settings.preset == "open":
        return Gate("record", Verdict.SKIPPED, reason="the preset asks for no record"), 1.0
    if settings.preset == "reference":
        rate = record.win_rate
        return judged("record", rate > 0.55, f"{rate:.0%} of {record.trades}", "> 55 % wins", "wins too rarely"), 1.0
    if record.trades < settings.record_trades:
        reason = "too few shadow trades to judge: half size"
        return Gate("record", Verdict.SKIPPED, f"{record.trades} trades", f">= {settings.record_trades}", reason), 0.5
    bound = lower_bound(record)
    gate = judged(
        "record", bound > 0, f"{bound * 10_000:+.1f} bp a trade", "> 0 (80 % sure)", "its shadow trades do not pay"
    )
    return gate, 1.0


def asked_gates(state: State, s: SymbolState, side: int, *, passed: bool) -> tuple[Gate, ...]:
    """The forecast and the three votes: not asked after a failure; without a source SKIPPED, and FAIL on live.

    The votes are left out where the voters are to be asked.
    """
    if not passed:
        return tuple(Gate(name, Verdict.NOT_ASKED, reason="a free gate failed") for name in ("forecast", "votes"))
    forecast = forecast_gate(state, s, side)
    if forecast.verdict is Verdict.FAIL:
        # where no voter is configured that is told all the same: it is another thing to mend
        nobody = ballots.open_gate(state, s)
        return forecast, nobody or Gate(ballots.GATE, Verdict.NOT_ASKED, reason="the forecast gate failed")
    votes = ballots.open_gate(state, s)
    return (forecast,) if votes is None else (forecast, votes)
