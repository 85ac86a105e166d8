"""The interval of a share. Light: it loads nothing."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054  # two-sided 95 % of the standard normal


def wilson(hits: float, n: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) of nothing. `n` may be an effective number of samples."""
    if n <= 0:
        return 0.0, 1.0
    share = hits / n
    bottom = 1.0 + Z_95**2 / n
    middle = (share + Z_95**2 / (2 * n)) / bottom
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n)) / bottom
    return max(0.0, middle - half), min(1.0, middle + half)
