"""The strategies' answers for a bar: rolling windows live, whole arrays for history, and the seed of the records.

Both implement the port `Readings` and agree bar for bar once the longest settle length has passed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from engine import indicators, shadow
from engine.bars import Bars, Floats
from engine.errors import BadInput
from engine.model.event import HistorySeeded
from engine.model.settings import Settings
from engine.ports import Reading
from engine.strategies import STRATEGIES, board, strategy
from engine.strategies.base import Params, Sides

ATR_PERIOD = 14
MIN_BARS = 2


class _Set:
    """The six strategies with their parameters, and the board's exits."""

    def __init__(self, settings: Settings, params: Mapping[str, Params] | None = None) -> None:
        exits = {"stop_atr": settings.stop_atr, "target_ratio": settings.target_ratio}
        given = {name: strategy(name).validate(p) for name, p in (params or {}).items()}
        self.members = tuple(
            (member, given.get(name) or replace(member.params(), **exits)) for name, member in STRATEGIES.items()
        )
        self.stop_atr = (*(p.stop_atr for _, p in self.members), settings.stop_atr)
        self.target_ratio = (*(p.target_ratio for _, p in self.members), settings.target_ratio)
        self.settles = tuple(member.settle(p) for member, p in self.members)

    def arrays(self, bars: Bars) -> tuple[Sides, Floats, Floats]:
        """Sides int8[6, n] and the seven stop and target distances float64[7, n] over whole arrays."""
        sides = np.stack([member.wanted(bars, p) for member, p in self.members])
        ranges = indicators.atr(bars, ATR_PERIOD)
        stops = np.stack([ranges * k for k in self.stop_atr])
        targets = np.stack([stop * k for stop, k in zip(stops, self.target_ratio, strict=True)])
        return sides, stops, targets


class LiveReadings:
    """Each strategy over the newest bars of its own settle length.

    `params` by strategy name replace the defaults (whose exits are the settings'); BadInput where out of range. Give
    windows of at least `needed` bars: with fewer an average still remembers where the window began.
    """

    def __init__(self, settings: Settings, params: Mapping[str, Params] | None = None) -> None:
        self._set = _Set(settings, params)
        # twice the settle length: a seed far larger than the present range must not show in a distance either
        self._atr_settle = 2 * indicators.wilder_settle(ATR_PERIOD)

    @property
    def needed(self) -> int:
        """Bars a window must have for the answer not to depend on its start."""
        return max(*self._set.settles, self._atr_settle)

    def read(self, symbol: str, bars: Bars) -> Reading:
        """The reading at the close of the last of `bars`; sides are 0 and distances 0 while warming up."""
        members = self._set.members
        if len(bars) < MIN_BARS:
            nothing = (0.0,) * (len(members) + 1)
            return Reading((0,) * len(members), nothing, nothing)
        sides = tuple(
            [
                int(member.wanted(bars[-settle:], p)[-1])
                for (member, p), settle in zip(members, self._set.settles, strict=True)
            ]
        )
        last = float(indicators.atr(bars[-self._atr_settle :], ATR_PERIOD)[-1])
        if not last > 0.0:
            last = 0.0
        stops = tuple([last * k for k in self._set.stop_atr])
        return Reading(sides, stops, tuple([s * k for s, k in zip(stops, self._set.target_ratio, strict=True)]))


class HistoryReadings:
    """Each strategy once over a whole history, looked up by open time."""

    def __init__(
        self, histories: Mapping[str, Bars], settings: Settings, params: Mapping[str, Params] | None = None
    ) -> None:
        members = _Set(settings, params)
        self._rows = {symbol: _rows(bars, members) for symbol, bars in histories.items()}

    def read(self, symbol: str, bars: Bars) -> Reading:
        """The reading at the close of the last of `bars`; a bar outside the history is a KeyError."""
        return self._rows[symbol][int(bars.open_time[-1])]


def _rows(bars: Bars, members: _Set) -> dict[int, Reading]:
    sides, stops, targets = members.arrays(bars)
    clean = [np.nan_to_num(part, nan=0.0).T.tolist() for part in (stops, targets)]
    rows = zip(bars.open_time.tolist(), sides.T.tolist(), *clean, strict=True)
    return {time: Reading(tuple(side), tuple(stop), tuple(target)) for time, side, stop, target in rows}


def seed(
    symbol: str,
    bars: Bars,
    settings: Settings,
    cost: float,
    at: int,
    params: Mapping[str, Params] | None = None,
) -> HistorySeeded:
    """Shadow records of a loaded history, walked forward bar by bar with causal weights.

    Args:
        symbol: unified symbol.
        bars: closed decision bars, at least one.
        settings: exits, entry score and weights.
        cost: of one side of a trade, fraction.
        at: received time, ms UTC.
        params: strategies' parameters that are not the defaults, by name.

    Raises BadInput for no bars and for parameters out of range.
    """
    if len(bars) == 0:
        raise BadInput(f"{symbol} history", "no bars", "at least one closed bar is needed")
    members = _Set(settings, params)
    sides, stops, targets = members.arrays(bars)
    records, shadows, _ = shadow.follow(
        bars, sides, stops, targets, cost, settings.entry_score, settings.weight_trades, board.SHRINK_TRADES
    )
    return HistorySeeded(
        at=at,
        symbol=symbol,
        open_time=int(bars.open_time[-1]),
        records=records,
        shadows=shadows,
        readings=tuple(sides[:, -1].tolist()),
    )


def warm_up() -> None:
    """Compile (or load from the cache) what numba compiles, before the first bar."""
    n = 300
    wave = 100.0 + np.sin(np.arange(n) / 7.0)
    bars = Bars(np.arange(n) * 60_000, wave, wave + 0.5, wave - 0.5, wave + 0.1, np.ones(n))
    settings = Settings()
    seed("warm-up", bars, settings, 0.0006, 0)
    LiveReadings(settings).read("warm-up", bars)
