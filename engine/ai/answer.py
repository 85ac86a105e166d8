"""What a model may answer: one JSON object of this schema, or it has abstained."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from engine.ai.brief import Brief
from engine.ai.prompts import clean, facts_of

MOST_CHARACTERS = 16_000
TEXT_LENGTH = 240
REASONS = 3
MOST_RISKS = 3
MOST_HORIZON = 96
TOLERANCE = 0.02

# Ranges stand in the descriptions: not every endpoint's structured output knows minimum and maximum. `parse` checks them.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["side", "confidence", "horizon", "reasons", "risk_notes"],
    "properties": {
        "side": {"type": "string", "enum": ["LONG", "SHORT", "NEUTRAL"]},
        "confidence": {"type": "integer", "description": "probability in per cent, 0 to 100"},
        "horizon": {"type": "integer", "description": f"bars until the vote is judged, 1 to {MOST_HORIZON}"},
        "reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "exactly three short reasons",
        },
        "risk_notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "up to three notes on what would make the vote wrong",
        },
    },
}

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A valid answer."""

    side: Literal["LONG", "SHORT", "NEUTRAL"]
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)]
    horizon: Annotated[int, msgspec.Meta(ge=1, le=MOST_HORIZON)]
    reasons: Annotated[tuple[Text, ...], msgspec.Meta(min_length=REASONS, max_length=REASONS)]
    risk_notes: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MOST_RISKS)]


def parse(text: str) -> Answer | str:
    """The answer, or in one sentence why it is none. Long texts within it are cut; nothing else is mended."""
    if len(text) > MOST_CHARACTERS:
        return f"the answer is too long ({len(text):,} characters)"
    if not text.strip():
        return "the answer is empty"
    try:
        answer = msgspec.json.decode(text, type=Answer)
    except msgspec.ValidationError as error:
        return f"out of schema: {error}"
    except msgspec.DecodeError:
        return "the answer is no JSON object, or is cut short"
    return Answer(
        answer.side,
        answer.confidence,
        answer.horizon,
        tuple(clean(reason, TEXT_LENGTH) for reason in answer.reasons),
        tuple(clean(note, TEXT_LENGTH) for note in answer.risk_notes),
    )


_NUMBER = r"([-+]?\d[\d,]*(?:\.\d+)?)\s*(%|bps?|bp)?"
_LINK = r"(?:\s*\(\d+(?:,\s*\d+)*\))?(?:\s+(?:is|at|of|reading|reads|near|around|about|value)){0,2}[\s:=~]*"
_BELOW = frozenset({"below", "under", "<"})
_ABOVE = frozenset({"above", "over", ">"})
_NAMES: dict[str, str] = {
    "rsi": "rsi_14",
    "atr": "atr_14",
    "adx": "adx_14",
    "macd": "macd_12_26_9",
    "stochastic": "stochastic_k_14",
    "price": "price",
    "close": "price",
    "score": "board_score",
    "funding": "funding_rate_percent",
    "funding rate": "funding_rate_percent",
    "spread": "spread_bps",
    "imbalance": "book_imbalance",
    "fear and greed": "fear_and_greed",
    "fear & greed": "fear_and_greed",
}
_CLAIM = re.compile(
    rf"\b({'|'.join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))}){_LINK}"
    rf"(?:\s*(below|under|above|over|<|>)\s*)?{_NUMBER}",
    re.IGNORECASE,
)


def contradictions(answer: Answer, brief: Brief) -> tuple[str, ...]:
    """Numbers in the answer that the prompt tells otherwise, each as a short sentence.

    A number is compared where it directly follows the name of a fact ("RSI(14) at 72"); after "below" or "above" the
    comparison itself is checked. 2 % of the value, or half of the last written digit, is agreement.
    """
    known = _known(brief)
    found: list[str] = []
    for text in (*answer.reasons, *answer.risk_notes):
        for match in _CLAIM.finditer(text):
            name, relation, digits = _NAMES[match[1].lower()], (match[2] or "").lower(), match[3]
            if name in known and _wrong(relation, digits, known[name]):
                found.append(f"{match[0].strip()}: the prompt says {known[name]:g}")
    return tuple(found)


def _known(brief: Brief) -> Mapping[str, float]:
    return dict(_numbers(facts_of(brief)))


def _numbers(facts: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in facts.items():
        if isinstance(value, int | float):
            yield name, float(value)
        elif name == "indicators" and isinstance(value, dict):
            yield from _numbers(value)
        elif name == "fear_and_greed" and isinstance(value, dict):
            yield name, float(value["value"])


def _wrong(relation: str, digits: str, value: float) -> bool:
    said = float(digits.replace(",", ""))
    if relation in _BELOW:
        return value > said
    if relation in _ABOVE:
        return value < said
    decimals = len(digits.partition(".")[2])
    return abs(said - value) > max(abs(value) * TOLERANCE, 0.5 * 10.0**-decimals)


def schema_text() -> str:
    """The schema as compact JSON."""
    return json.dumps(SCHEMA, separators=(",", ":"))
