"""What the simulated models say: a stated heuristic over the numbers in the prompt. No model, and no news is read.

The news seat leans with the crowd's mood: with the 24 bars' direction, against it at an RSI beyond 75 or below 25.
The risk seat follows the EMA trend, and stays NEUTRAL where the ATR is smaller than the cost of a trade.
The technical seat follows what the strategies want, with the score of the board.
Each confidence is 60 plus up to 35 for how strongly its numbers speak.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

HORIZON = 8
LABEL = "SIMULATED"


def opinion(system: str, user: str) -> dict[str, Any]:
    """An answer of the vote's schema to a prompt; a prompt that is none of ours gets NEUTRAL."""
    facts, closes = _facts(user), _closes(user)
    if not facts or len(closes) < 2:
        return _answer("NEUTRAL", 50, "the prompt holds no facts")
    seat: Callable[[Mapping[str, Any], list[float]], dict[str, Any]]
    if "news and crowd psychology" in system:
        seat = _news
    elif "chart patterns and risk" in system:
        seat = _risk
    else:
        seat = _technical
    return seat(facts, closes)


def _news(facts: Mapping[str, Any], closes: list[float]) -> dict[str, Any]:
    move = closes[-1] / closes[0] - 1.0
    rsi = float(facts["indicators"].get("rsi_14", 50.0))
    turned = rsi > 75.0 or rsi < 25.0
    side = _side(-move if turned else move)
    strength = min(1.0, abs(move) * 100.0)
    return _answer(side, _confidence(strength), f"price moved {move:+.2%} over the bars shown", f"RSI is {rsi:.1f}")


def _risk(facts: Mapping[str, Any], closes: list[float]) -> dict[str, Any]:
    indicators = facts["indicators"]
    price, fast, slow = float(facts["price"]), float(indicators.get("ema_20", 0)), float(indicators.get("ema_50", 0))
    atr = float(indicators.get("atr_14", 0.0))
    if not (fast and slow) or atr / price * 100 * 4 < float(facts["round_trip_cost_percent"]):
        return _answer("NEUTRAL", 60, "four average ranges do not pay the costs")
    strength = min(1.0, abs(fast - slow) / atr)
    return _answer(_side(fast - slow), _confidence(strength), "EMA 20 against EMA 50", "one ATR pays its costs")


def _technical(facts: Mapping[str, Any], _closes: list[float]) -> dict[str, Any]:
    score = float(facts["board_score"])
    wanted = str(facts["strategies_want"])
    side = wanted if wanted != "NEUTRAL" else _side(score if abs(score) >= 0.34 else 0.0)
    return _answer(side, _confidence(abs(score)), "what the strategies want", "the board's score")


def _side(value: float) -> str:
    return "LONG" if value > 0 else "SHORT" if value < 0 else "NEUTRAL"


def _confidence(strength: float) -> int:
    return 60 + round(35 * min(1.0, strength))


def _answer(side: str, confidence: int, *reasons: str) -> dict[str, Any]:
    said = [f"{LABEL}: {reason}" for reason in (*reasons, "a heuristic, no model", "a heuristic, no model")[:3]]
    return {"side": side, "confidence": confidence, "horizon": HORIZON, "reasons": said, "risk_notes": [LABEL]}


def _between(text: str, name: str) -> str:
    _, _, rest = text.partition(f"<{name}>\n")
    inner, found, _ = rest.partition(f"\n</{name}>")
    return inner if found else ""


def _facts(user: str) -> dict[str, Any]:
    try:
        found = json.loads(_between(user, "facts"))
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _closes(user: str) -> list[float]:
    rows = _between(user, "bars").splitlines()[1:]
    return [float(row.split(",")[4]) for row in rows]
