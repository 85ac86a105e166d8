"""Many variants of one strategy over the same bars."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue

import numpy as np

from engine.backtest import layout, sweep_kernel
from engine.backtest.jobs import all_done, cores, each
from engine.backtest.metrics import YEAR_MS, Metrics, Sums, metrics_of, sharpe_of
from engine.backtest.rules import Exits
from engine.backtest.run import Backtest, summed
from engine.bars import Floats, Ints
from engine.errors import BadInput
from engine.strategies import strategy
from engine.strategies.base import Params
from engine.strategies.ema_cross import STRATEGY as EMA_CROSS

GROUP = 128  # pairs whose averages are shared: bounds the memory
BATCH = 1_024  # pairs between two words about the progress
FEW = 4  # variants of other strategies that are worked on together
MOST = 1_000_000

Told = Callable[[int, int], bool]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What came of every variant, in the order of `params`.

    `books` int64[p, BOOK] and `sums` float64[p, SUMS] are the engine's; see `engine.backtest.layout`.
    """

    test: Backtest
    name: str
    params: tuple[Params, ...]
    books: Ints
    sums: Floats

    def __len__(self) -> int:
        return len(self.params)

    def sums_of(self, place: int) -> Sums:
        """The sums of one variant."""
        return summed(self.test.rules.capital, self.books[place].tolist(), self.sums[place].tolist())

    def metrics(self, place: int) -> Metrics:
        """The metrics of one variant."""
        test = self.test
        close = test.bars.close
        bars = test.last - test.first
        first, last = float(close[test.first]), float(close[test.last - 1])
        return metrics_of(self.sums_of(place), bars, test.timeframe_ms, first, last)

    def returns(self) -> Floats:
        """Total return of each variant, fractions."""
        return self.books[:, layout.CASH] / self.test.rules.capital - 1.0

    def sharpes(self) -> Floats:
        """Yearly Sharpe ratio of each variant, NaN where it is not defined."""
        periods = self.test.last - self.test.first - 1
        a_year = YEAR_MS / self.test.timeframe_ms
        rows = self.sums[:, [layout.BAR_RETURNS, layout.BAR_SQUARES]].tolist()
        made = [sharpe_of(total, squares, periods, a_year) for total, squares in rows]
        return np.array([np.nan if one is None else one for one in made])

    def best(self) -> int:
        """Place of the highest total return."""
        return int(np.argmax(self.returns()))


def variants(name: str, values: Mapping[str, Sequence[float]]) -> tuple[Params, ...]:
    """Every combination of the given values that makes sense; raises BadInput for one out of range, or too many.

    A combination whose fast average is not faster than its slow one is left out.
    """
    count = int(np.prod([len(choices) for choices in values.values()])) if values else 0
    if not 0 < count <= MOST:
        raise BadInput("variants", count, f"give 1 to {MOST:,}")
    made = []
    for chosen in itertools.product(*values.values()):
        pairs = dict(zip(values, chosen, strict=True))
        if pairs.get("fast", 0) < pairs.get("slow", np.inf):
            made.append(strategy(name).make(**pairs))
    return tuple(made)


def sweep(
    test: Backtest,
    name: str,
    params: Sequence[Params],
    told: Told = lambda _done, _all: True,
    *,
    jobs: int | None = None,
) -> Sweep:
    """Run every variant.

    Args:
        test: bars and rules.
        name: one of the six strategies.
        params: its variants; BadInput where there are none, or one is out of range.
        told: called with (variants done, all) now and then; where it says False the sweep ends with BadInput.
        jobs: how many are worked on at once at most, each on a core of its own; as many as there are cores by
            default, and one where the bars are few.
    """
    member = strategy(name)
    chosen = tuple(params)
    if not chosen:
        raise BadInput("variants", 0, "give at least one; a fast average must be faster than its slow one")
    columns, count = member.validated(chosen), len(chosen)
    books, sums = np.zeros((count, layout.BOOK), dtype=np.int64), np.zeros((count, layout.SUMS))
    if member is EMA_CROSS and test.rules.exits is not Exits.STRATEGY:
        pairs = np.column_stack((columns["fast"], columns["slow"])).astype(np.int64)
        _pairs(test, pairs, books, sums, told, cores(jobs, len(test.bars)))
    else:
        _one_by_one(test, name, chosen, books, sums, told, cores(jobs, len(test.bars)))
    return Sweep(test, name, chosen, books, sums)


def _go_on(told: Told, done: int, count: int) -> None:
    if not told(done, count):
        raise BadInput("sweep", f"{done} of {count} variants", "was stopped")


def _one_by_one(
    test: Backtest, name: str, params: Sequence[Params], books: Ints, sums: Floats, told: Told, jobs: int
) -> None:
    def few(begin: int) -> None:
        """The sets from `begin` on."""
        part = slice(begin, begin + FEW)
        test.fill([(name, one) for one in params[part]], books[part], sums[part])

    for done in each(few, range(0, len(params), FEW), jobs):
        _go_on(told, min(done * FEW, len(params)), len(params))


def _pairs(test: Backtest, pairs: Ints, books: Ints, sums: Floats, told: Told, jobs: int) -> None:
    """Averages are shared, so pairs of near periods are worked on together."""
    longest = int(pairs[:, 1].max())
    if test.last < longest:
        raise BadInput("bars", test.last, f"a slow average of {longest} needs as many")
    forgets, bars = int(test.rules.exits is Exits.NONE), len(test.bars)
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    pairs, found_books, found_sums = pairs[order], books[order], sums[order]
    rooms = _rooms(jobs, bars)

    def group(part: slice) -> None:
        """The pairs at these places."""
        room = rooms.get()
        try:
            sweep_kernel.run_pairs(
                test.market, test.costs, test.terms, pairs[part], forgets, room, found_books[part], found_sums[part]
            )
        finally:
            rooms.put(room)

    for begin in range(0, len(pairs), BATCH):
        end = min(begin + BATCH, len(pairs))
        size = min(GROUP, -(-(end - begin) // jobs))
        all_done(group, [slice(i, min(i + size, end)) for i in range(begin, end, size)], jobs)
        _go_on(told, end, len(pairs))
    books[order], sums[order] = found_books, found_sums


@lru_cache(maxsize=1)
def _rooms(jobs: int, bars: int) -> SimpleQueue[sweep_kernel.Room]:
    """One for each job, kept for the next sweep over as many bars: new memory takes longer to get than it is worked in."""
    rooms: SimpleQueue[sweep_kernel.Room] = SimpleQueue()
    for _ in range(jobs):
        rooms.put(sweep_kernel.room_for(GROUP, bars))
    return rooms
