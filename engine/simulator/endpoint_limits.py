"""Request limits by endpoint, as OKX and Bybit keep them. Pure: time comes in as seconds that never go back."""

from __future__ import annotations

from collections.abc import Mapping


class EndpointLimits:
    """Counts requests of each endpoint in fixed windows.

    Args:
        limits: path -> most requests in a window; a path that is missing is not limited.
        window_s: length of a window.
    """

    def __init__(self, limits: Mapping[str, int], window_s: float) -> None:
        self._limits = limits
        self._window_s = window_s
        self._counts: dict[str, tuple[int, int]] = {}

    def charge(self, now: float, path: str) -> tuple[int, int, float]:
        """Count one request: the endpoint's limit, how many are left (negative: refused), seconds to the next window."""
        most = self._limits.get(path, 0)
        window = int(now // self._window_s)
        known, used = self._counts.get(path, (window, 0))
        used = 1 if known != window else used + 1
        self._counts[path] = (window, used)
        return most, (most - used if most else 1), self._window_s - now % self._window_s
