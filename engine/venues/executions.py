"""Executions from several answers of an exchange, as one list."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.order import Fill


def in_order(parts: Iterable[Iterable[Fill]]) -> tuple[Fill, ...]:
    """Each execution once, in the order they happened: by the venue's time, then by its number where it counts them."""
    once = {(fill.symbol, fill.trade_id): fill for part in parts for fill in part}
    return tuple(sorted(once.values(), key=_when))


def _when(fill: Fill) -> tuple[int, int]:
    return fill.venue_time, int(fill.trade_id) if fill.trade_id.isdecimal() else 0
