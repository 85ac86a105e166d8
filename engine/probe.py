"""The named points of an order's way at which a test may kill the process."""

from __future__ import annotations

POINTS = (
    "before_commit",
    "after_commit",
    "sent",
    "accepted_not_acked",
    "filled_not_booked",
    "filled_not_protected",
    "resizing_protection",
    "mid_snapshot",
)


def no_probe(point: str) -> None:
    """The probe of every normal run: does nothing."""
