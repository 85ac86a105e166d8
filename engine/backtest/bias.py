"""Is a decision of the past made of the past alone? The answer, bar by bar, with the bar named where it is not.

A backtest computes a strategy once over the whole history; live it is computed at each close from what there is then. The
two trade alike only where the value of the whole history at a bar is the value that was known at that bar's close.

What is proven at a checked bar `i` of a history of n bars:

- *prefix* (histories up to `EXACT_BARS`): ``f(bars[:i + 1])[-1] == f(bars)[i]``, computed anew from the prefix itself.
  Nothing after the bar took part, so neither a look into the future, nor a statistic of the whole sample, nor a last bar
  that is repainted later can go unseen.
- *window* (longer histories): ``f(bars[i + 1 - settle:i + 1])[-1] == f(bars)[i]``, which is what live computes. Where it
  holds, the value follows from bars that were known. Where it does not, the prefix decides as above.

Sides must be equal; stop and target distances must agree within `TOLERANCE` (relative), undefined with undefined. Between
the bars checked nothing is proven: with `every` there are none, else see `chosen_bars`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from engine import indicators
from engine.backtest.rules import Exits, Rules
from engine.backtest.run import MIN_BARS, Wanted, wanted
from engine.backtest.settling import Settling, measure
from engine.backtest.watch import UNWATCHED, Watch
from engine.bars import Bars, Ints
from engine.errors import BadInput
from engine.strategies import STRATEGIES, strategy
from engine.strategies.base import Params, Sides, Strategy

EXACT_BARS = 50_000
SAMPLED_BARS = 5_000
AROUND = 2  # bars checked before and after a change of side
SHOWN = 20
TOLERANCE = 1e-9
STEP_BARS = 64  # bars checked between two looks at the watch
ATR_SETTLE = 2 * indicators.wilder_settle(14)  # as live: a seed far larger than the present range is forgotten too


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined.

    Attributes:
        name: as reported.
        params: as reported.
        settle: bars live computes from; None where it keeps all of them.
        answer: sides and exits over whole bars.
    """

    name: str
    params: Params | None
    settle: int | None
    answer: Callable[[Bars], Wanted]

    def over(self, bars: Bars) -> Wanted:
        """`answer`, with its shape checked; raises BadInput where it is not one value a bar."""
        found = self.answer(bars)
        for column, values in (("sides", found.sides), ("stops", found.stops), ("targets", found.targets)):
            if len(values) != len(bars):
                raise BadInput(
                    f"{self.name} {column}", f"{len(values)} values for {len(bars)} bars", "give one value for each bar"
                )
        return found


class Difference(msgspec.Struct, frozen=True):
    """A bar at which the history knows another value than its close did.

    Attributes:
        bar: counted from 0.
        open_time: ms UTC.
        field: "side", "stop" or "target".
        known: what follows from the bars up to this one; None where undefined. Distances are quote currency.
        history: what the whole history says of this bar.
    """

    bar: int
    open_time: int
    field: str
    known: float | None
    history: float | None


class BiasReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        strategy: name.
        params: parameters by name.
        bars: of the history.
        method: "prefix" or "window", see the module.
        every_bar: no bar was left out of the plan.
        planned: bars to be checked.
        checked: bars that were; fewer where it was stopped.
        side_bars: checked bars whose side differs.
        exit_bars: checked bars whose stop or target distance differs.
        extra_trades: entries of the history that were not to be seen at their close.
        missing_trades: entries to be seen at a close that the history does not have.
        differences: the first of them.
        live_bars: bars at which the window of the declared settle length was compared too.
        live_differing: those of them at which it gives another side: live and backtest would differ there.
        live_first: the first of those, counted from 0.
        settling: how many bars of warm-up the strategy needs.
    """

    strategy: str
    params: dict[str, float]
    bars: int
    method: str
    every_bar: bool
    planned: int
    checked: int
    side_bars: int
    exit_bars: int
    extra_trades: int
    missing_trades: int
    differences: tuple[Difference, ...]
    live_bars: int
    live_differing: int
    live_first: int | None
    settling: Settling

    @property
    def biased(self) -> bool:
        """A value of the history was not to be known at its bar."""
        return self.side_bars + self.exit_bars > 0

    @property
    def complete(self) -> bool:
        """All bars planned were checked."""
        return self.checked == self.planned


def subject_of(member: Strategy, params: Params | None = None) -> Subject:
    """A strategy with its parameters (default: its own defaults); raises BadInput where they are out of range."""
    chosen = member.params() if params is None else member.validate(params)

    def answer(bars: Bars) -> Wanted:
        return Wanted(member.wanted(bars, chosen), *member.exits(bars, chosen))

    return Subject(member.name, chosen, member.settle(chosen), answer)


def named_subject(name: str, params: Params | None = None) -> Subject:
    """A strategy by its name, the board included; raises BadInput for an unknown one."""
    if name in STRATEGIES:
        return subject_of(strategy(name), params)
    rules = Rules(exits=Exits.STRATEGY)
    wanted(name, Bars.empty(), rules)
    return Subject(name, None, None, lambda bars: wanted(name, bars, rules))


def check_bias(
    subject: Subject | Strategy,
    bars: Bars,
    params: Params | None = None,
    *,
    every: bool = False,
    seed: int = 1,
    watch: Watch = UNWATCHED,
) -> BiasReport:
    """Compare what the whole history says with what was known, at every bar or at the chosen ones.

    Args:
        subject: a strategy, own ones included.
        bars: the history, oldest first.
        params: the strategy's parameters; its defaults where None. Not with a `Subject`, which has its own.
        every: check every bar however many there are; up to `EXACT_BARS` that is done anyway.
        seed: of the bars that are drawn.
        watch: hears the bars read so far and their total; when it cancels, the report covers what was checked.

    Raises BadInput for fewer than two bars, bad parameters, and answers that are not one value a bar.
    """
    if isinstance(subject, Strategy):
        subject = subject_of(subject, params)
    if len(bars) < MIN_BARS:
        raise BadInput("bars", len(bars), "at least two bars are needed")
    whole = subject.over(bars)
    exact = len(bars) <= EXACT_BARS or subject.settle is None
    every = every or len(bars) <= EXACT_BARS
    chosen = np.arange(len(bars), dtype=np.int64) if every else chosen_bars(whole.sides, seed)
    check = _Check(subject, bars, whole, exact=exact)
    checked = check.run(chosen, watch)
    extra, missing = trades_between(whole.sides, check.known)
    values = {} if subject.params is None else msgspec.structs.asdict(subject.params)
    return BiasReport(
        strategy=subject.name,
        params=values,
        bars=len(bars),
        method="prefix" if exact else "window",
        every_bar=every,
        planned=len(chosen),
        checked=checked,
        side_bars=check.side_bars,
        exit_bars=check.exit_bars,
        extra_trades=extra,
        missing_trades=missing,
        differences=tuple(check.differences),
        live_bars=check.live_bars,
        live_differing=check.live_differing,
        live_first=check.live_first,
        settling=measure(subject.over, bars, whole, subject.settle, seed, TOLERANCE),
    )


def chosen_bars(sides: Sides, seed: int) -> Ints:
    """The bars around every change of side, the first and the last, and `SAMPLED_BARS` seeded ones; rising."""
    n = len(sides)
    turns = np.flatnonzero(np.diff(sides)) + 1
    around = (turns[:, None] + np.arange(-AROUND, AROUND + 1)).ravel()
    drawn = np.random.default_rng(seed).choice(n, min(SAMPLED_BARS, n), replace=False)
    return np.unique(np.clip(np.concatenate((around, drawn, [0, n - 1])), 0, n - 1)).astype(np.int64)


def trades_between(history: Sides, known: Sides) -> tuple[int, int]:
    """Entries of `history` that `known` has not at the same bar and side, and the other way round."""
    left, right = _entries(history), _entries(known)
    return int(np.sum((left != 0) & (left != right))), int(np.sum((right != 0) & (left != right)))


def _entries(sides: Sides) -> Sides:
    before = np.concatenate((np.zeros(1, dtype=sides.dtype), sides[:-1]))
    return np.where(sides != before, sides, 0)


class _Check:
    """Counts what differs while it goes through the bars."""

    def __init__(self, subject: Subject, bars: Bars, whole: Wanted, *, exact: bool) -> None:
        self._subject = subject
        self._bars = bars
        self._whole = whole
        self._exact = exact
        self.known = whole.sides.copy()
        self.side_bars = self.exit_bars = 0
        self.differences: list[Difference] = []
        self.live_bars = self.live_differing = 0
        self.live_first: int | None = None

    def run(self, chosen: Ints, watch: Watch) -> int:
        """Check the chosen bars in turn; returns how many it came to."""
        reach = np.cumsum(chosen + 1 if self._exact else np.ones_like(chosen))
        total = int(reach[-1])
        for begin in range(0, len(chosen), STEP_BARS):
            if watch.cancelled():
                return begin
            part = chosen[begin : begin + STEP_BARS]
            for i in part.tolist():
                self._bar(i)
            watch.progress(int(reach[begin + len(part) - 1]), total)
        return len(chosen)

    def _bar(self, i: int) -> None:
        agrees = self._live(i)
        if self._exact or not agrees:
            self._prefix(i)

    def _live(self, i: int) -> bool:
        """Whether the windows that live computes from give the history's values at bar `i`."""
        settle = self._subject.settle
        if settle is None:
            return False
        answer = self._window(i, settle)
        same = int(answer.sides[-1]) == int(self._whole.sides[i])
        self.live_bars += 1
        if not same:
            self.live_differing += 1
            self.live_first = i if self.live_first is None else self.live_first
        if self._exact or not same:
            return same
        if settle < ATR_SETTLE:
            answer = self._window(i, ATR_SETTLE)
        return _alike(answer.stops[-1], self._whole.stops[i]) and _alike(answer.targets[-1], self._whole.targets[i])

    def _window(self, i: int, length: int) -> Wanted:
        return self._subject.over(self._bars[max(0, i + 1 - length) : i + 1])

    def _prefix(self, i: int) -> None:
        answer = self._subject.over(self._bars[: i + 1])
        side = int(answer.sides[-1])
        if side != int(self._whole.sides[i]):
            self.known[i] = side
            self.side_bars += 1
            self._tell(i, "side", side, int(self._whole.sides[i]))
        differs = False
        for field, now, then in (
            ("stop", answer.stops[-1], self._whole.stops[i]),
            ("target", answer.targets[-1], self._whole.targets[i]),
        ):
            if not _alike(now, then):
                differs = True
                self._tell(i, field, float(now), float(then))
        self.exit_bars += differs

    def _tell(self, i: int, field: str, known: float, history: float) -> None:
        if len(self.differences) < SHOWN:
            clean = [None if math.isnan(value) else float(value) for value in (known, history)]
            self.differences.append(Difference(i, int(self._bars.open_time[i]), field, *clean))


def _alike(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=TOLERANCE) or (math.isnan(a) and math.isnan(b))
