"""List prices of hosted models as they stood on `AS_OF`. Settings win over them; what stands in neither is not known."""

from __future__ import annotations

from typing import NamedTuple

AS_OF = "2026-11-21"


class Price(NamedTuple):
    """USD for a million tokens, in and out (thinking counts as out). Discounts of caches and batches are left out."""

    tokens_in: float
    tokens_out: float


LISTED: dict[str, Price] = {
    "gpt-6.1-terra": Price(1.0, 5.0),
    "gpt-6.1-sol": Price(2.0, 10.0),
    "gpt-5.6-terra": Price(2.0, 12.0),
    "gpt-5.5": Price(5.0, 30.0),
    "gpt-5.4": Price(2.5, 15.0),
    "gpt-5.4-mini": Price(0.75, 4.5),
    "gpt-5.4-nano": Price(0.2, 1.25),
    "claude-fable-5-1": Price(10.0, 50.0),
    "claude-opus-5-5": Price(4.0, 20.0),
    "claude-opus-5": Price(5.0, 25.0),
    "claude-sonnet-5-5": Price(2.0, 10.0),
    "claude-sonnet-5": Price(2.0, 10.0),
}

# What the budget reckons with where a price is not known: as dear as the dearest above. It is never shown as a cost.
CAREFUL = Price(10.0, 50.0)
