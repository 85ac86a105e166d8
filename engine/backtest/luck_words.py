"""What the statistics say of a result, in sentences for a person."""

from __future__ import annotations

from collections.abc import Iterator

from engine.backtest.baseline import RandomEntries
from engine.backtest.bootstrap import Bootstrap
from engine.backtest.deflated import Deflated
from engine.backtest.luck import Luck
from engine.backtest.shuffle import Shuffle


def sentences(luck: Luck) -> list[str]:
    """One sentence for each part that there is; without any, why."""
    said: list[str] = []
    if luck.bootstrap is not None:
        said.extend(_bootstrap(luck.bootstrap))
    if luck.random_entries is not None:
        said.append(_random(luck.random_entries))
    if luck.shuffle is not None:
        said.append(_shuffle(luck.shuffle))
    if luck.sharpe is not None:
        said.extend(_sharpe(luck.sharpe))
    return said or ["There are too few bars and trades to tell skill from luck."]


def _bootstrap(found: Bootstrap) -> Iterator[str]:
    gain = found.total_return
    yield (
        f"Total return {_percent(gain.estimate)}: {found.level:.0%} of {found.samples:,} histories drawn from its own returns "
        f"gave {_percent(gain.low)} to {_percent(gain.high)}, and {gain.not_positive:.0%} gave nothing or a loss."
    )
    if found.sharpe is not None:
        ratio = found.sharpe
        yield f"Sharpe {ratio.estimate:.2f}: {found.level:.0%} of them gave {ratio.low:.2f} to {ratio.high:.2f}."


def _random(found: RandomEntries) -> str:
    return (
        f"It earned more than {found.percentile:.0%} of {found.samples:,} strategies with the same trades at random times; "
        f"they came to {_percent(found.median)} in the middle, 5 % of them to {_percent(found.p95)} or more."
    )


def _shuffle(found: Shuffle) -> str:
    return (
        f"The same trades in {found.samples:,} other orders: the drawdown was {found.median:.1%} in the middle and above "
        f"{found.p95:.1%} in one of twenty; the order that was had {found.actual:.1%}."
    )


def _sharpe(found: Deflated) -> Iterator[str]:
    if found.probabilistic is not None:
        yield f"The true Sharpe ratio is above 0 with a probability of {found.probabilistic:.0%}."
    if found.variants > 1 and found.deflated is not None:
        yield (
            f"{found.variants:,} variants were tried: the best of so many worthless ones would show a Sharpe ratio of "
            f"{found.expected_best:.2f}; the true one is above that with a probability of {found.deflated:.0%}."
        )


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:+,.1f} %"
