"""What a field of the setup may be, as rows of a list."""

from __future__ import annotations

from collections.abc import Sequence

from engine.backtest.view import RunRow, SeriesView, StrategyView
from station.research_fields import BY_NAME
from station.research_form import series_text

NOTHING_STORED = (
    "Nothing is stored. Type the path of a candle file, or download first: "
    "trefoil data download binance BTC/USDT:USDT 1h --from 2025-01-01"
)
ALL = "all"


def rows_for(
    name: str, strategies: Sequence[StrategyView], series: Sequence[SeriesView], runs: Sequence[RunRow]
) -> tuple[list[tuple[str, str]], str]:
    """Value and text of each row for the field `name`, and the sentence where there is none."""
    field = BY_NAME[name]
    if name == "strategy":
        return [(one.name, one.name) for one in strategies], "The strategies are not known yet."
    if name == "data":
        rows = {one.data: series_text(one) for one in series}
        for run in runs:
            rows.setdefault(run.request.data, f"{run.symbol} {run.timeframe}  {run.request.data}")
        return list(rows.items()), NOTHING_STORED
    return [(value, value) for value in field.choices], f"{field.label} has no list: {field.hint}"


def names_in(text: str, strategies: Sequence[StrategyView]) -> list[str]:
    """The strategies a text names."""
    return [one.name for one in strategies] if text == ALL else [part.strip() for part in text.split(",")]
