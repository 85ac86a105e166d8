"""Numbers of orders are remembered as far back as anybody may ask, and no further."""

from __future__ import annotations

import pytest

from engine.errors import InvariantBroken
from engine.model import event as e
from engine.venues.order_ids import MOST, OrderIds
from engine.venues.unopened import Unopened


def test_the_newest_orders_are_known_and_the_oldest_forgotten() -> None:
    ids = OrderIds()
    ids.update({str(number): f"ours-{number}" for number in range(MOST)})
    ids["0"] = "ours-0"  # heard of again: it is open
    ids["new"] = "ours-new"
    assert len(ids) == MOST
    assert ids["0"] == "ours-0"
    assert ids["new"] == "ours-new"
    assert "1" not in ids


def test_a_venue_that_is_not_open_says_nothing() -> None:
    with pytest.raises(InvariantBroken, match="not open"):
        Unopened().event(e.OrderLost(at=1, client_id="a", reason="nobody asked"))
    with pytest.raises(InvariantBroken, match="not open"):
        Unopened().link("venue", up=True, reason="")
