"""One HTML file about one run or several: charts, figures against buy & hold, assumptions and warnings.

The file is whole in itself: the charting library is in it, and its content policy forbids every request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from engine.backtest.baseline import Hold, buy_and_hold
from engine.backtest.breakdown import Breakdown, breakdown
from engine.backtest.export import params_of, write_whole
from engine.backtest.inputs import timeframe_name
from engine.backtest.luck import Luck
from engine.backtest.luck_words import sentences
from engine.backtest.run import Result
from engine.backtest.table import ROWS
from engine.backtest.words import LIMITS, assumptions, warnings
from engine.errors import BadInput
from engine.history.series import time_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

CARDS = ("total return", "Sharpe", "max drawdown", "a year (CAGR)", "win rate", "profit factor", "trades", "expectancy")
SIGNED = ("total return", "a year (CAGR)", "expectancy")


def write_report(results: Sequence[Result], path: Path, lucks: Sequence[Luck | None] = ()) -> None:
    """Write the report to a file, whole or not at all; see `report`. BadInput where it cannot be written."""
    write_whole(path, report(results, lucks).encode())


def report(results: Sequence[Result], lucks: Sequence[Luck | None] = ()) -> str:
    """The page.

    Args:
        results: of one market and period; BadInput where they are not, or where there is none.
        lucks: what the statistics say of each, or nothing at all.
    """
    return _Page(_of_one_market(results), lucks or [None] * len(results)).html()


def _of_one_market(results: Sequence[Result]) -> Sequence[Result]:
    if not results:
        raise BadInput("results", "none", "run a strategy first")
    first = results[0]
    for other in results[1:]:
        same = first.backtest.symbol == other.backtest.symbol and len(first.times) == len(other.times)
        if not same or bool((first.times != other.times).any()):
            raise BadInput("results", other.name, "a report compares runs over the same bars")
    return results


class _Page:
    def __init__(self, results: Sequence[Result], lucks: Sequence[Luck | None]) -> None:
        self._results = results
        self._lucks = lucks
        self._test = results[0].backtest
        self._hold: Hold = buy_and_hold(self._test)
        self._drawn = 0

    def html(self) -> str:
        from plotly.offline import get_plotlyjs

        template = (files("engine.backtest") / "report_page.html").read_text("utf-8")
        parts = {
            "title": f"Backtest {self._market}: {self._names}",
            "heading": f"{self._names} <span class=dim>{self._market}</span>",
            "period": self._period,
            "links": self._links(),
            "body": "\n".join(self._sections()),
            "library": get_plotlyjs(),
        }
        return re.sub(r"\[\[(\w+)\]\]", lambda found: parts[found[1]], template)

    @cached_property
    def _names(self) -> str:
        return escape(", ".join(dict.fromkeys(result.name for result in self._results)))

    @property
    def _market(self) -> str:
        return escape(f"{self._test.symbol} {timeframe_name(self._test.timeframe_ms)}".strip())

    @property
    def _period(self) -> str:
        times = self._results[0].times
        last = int(times[-1]) + self._test.timeframe_ms
        return f"{time_text(int(times[0]))} to {time_text(last)}, {len(times):,} bars"

    def _links(self) -> str:
        if len(self._results) == 1:
            return ""
        return "".join(f'<a href="#run{i}">{escape(result.name)}</a>' for i, result in enumerate(self._results))

    def _sections(self) -> Iterator[str]:
        from engine.backtest import figures

        several = len(self._results) > 1
        if not several:
            yield self._cards(self._results[0])
        yield self._said("Before you trust it", "warn", warnings(self._results))
        yield self._chart("Equity and drawdown", figures.equity_figure(self._results))
        if several:
            yield self._table()
        for i, (result, luck) in enumerate(zip(self._results, self._lucks, strict=True)):
            yield f'<h2 id="run{i}">{escape(result.name)}</h2>' if several else ""
            yield from self._run(result, luck, several=several)
        if not several:
            yield self._table()
        yield "<h2>Assumptions</h2>"
        yield from self._assumed()
        yield self._said("Known limits", "", LIMITS)

    def _run(self, result: Result, luck: Luck | None, *, several: bool) -> Iterator[str]:
        from engine.backtest import figures

        chosen = ", ".join(f"{name} {value:g}" for name, value in params_of(result).items())
        yield f'<p class="dim">{escape(chosen or "no parameters")}; {escape(result.engine)} engine</p>'
        if several:
            yield self._cards(result)
        if not len(result.trades):
            yield self._said("No trades", "warn", ["Nothing was traded in this period."])
            return
        if luck is not None:
            yield self._said("Against luck", "", sentences(luck))
        parts: Breakdown = breakdown(result)
        yield self._chart("Price and trades", figures.price_figure(result))
        yield self._chart("Return by month, %", figures.monthly_figure(parts))
        yield '<div class="pair">'
        yield self._chart("Returns of trades", figures.returns_figure(result))
        yield self._chart("How far trades went", figures.excursion_figure(result, parts))
        yield "</div>"
        yield self._chart(
            "Profit after costs, by when and which way a trade was entered", figures.breakdown_figure(parts)
        )

    def _cards(self, result: Result) -> str:
        texts, against = dict(ROWS), self._against()
        cards = []
        for name in CARDS:
            text = texts[name](result.metrics)
            tone = ("loss" if text.startswith("-") and text != "-" else "gain") if name in SIGNED else ""
            below = f"buy &amp; hold {against[name]}" if name in against else "&nbsp;"
            cards.append(
                f'<div class="card">{escape(name)}<b class="{tone}">{escape(text)}</b><span>{below}</span></div>'
            )
        return f'<div class="cards">{"".join(cards)}</div>'

    def _against(self) -> Mapping[str, str]:
        hold = self._hold
        return {
            "total return": f"{100.0 * hold.total_return:+,.2f} %",
            "Sharpe": "-" if hold.sharpe is None else f"{hold.sharpe:,.2f}",
            "max drawdown": f"{100.0 * hold.max_drawdown:,.1f} %",
        }

    def _table(self) -> str:
        against = self._against()
        head = "".join(f"<th>{escape(result.name)}</th>" for result in self._results)
        rows = "".join(
            f"<tr><td>{escape(name)}</td>"
            + "".join(f"<td>{escape(text(result.metrics))}</td>" for result in self._results)
            + f'<td class="dim">{against.get(name, "")}</td></tr>'
            for name, text in ROWS
            if name != "buy and hold"
        )
        return (
            f'<div class="box scroll"><h3>All figures</h3><table><thead><tr><th></th>{head}<th>buy &amp; hold</th></tr>'
            f"</thead><tbody>{rows}</tbody></table></div>"
        )

    def _assumed(self) -> Iterator[str]:
        told = [assumptions(result.backtest) for result in self._results]
        alike = all(one == told[0] for one in told)
        for result, one in list(zip(self._results, told, strict=True))[: 1 if alike else None]:
            rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in one)
            yield f'<div class="box">{"" if alike else f"<h3>{escape(result.name)}</h3>"}<dl>{rows}</dl></div>'

    def _said(self, title: str, kind: str, sentences: Sequence[str]) -> str:
        if not sentences:
            return ""
        lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
        return f'<div class="box {kind}"><h3>{title}</h3><ul>{lines}</ul></div>'

    def _chart(self, title: str, figure: go.Figure) -> str:
        self._drawn += 1
        name = f"figure{self._drawn}"
        note = f'<p class="dim">{escape(figure.layout.meta)}.</p>' if figure.layout.meta else ""
        # plotly writes < and > as escapes: the JSON cannot end the element it is in
        content = figure.to_json()
        return (
            f'<div class="box"><h3>{title}</h3>{note}'
            f'<div class="chart" data-figure="{name}" style="min-height:{figure.layout.height}px"></div>'
            f'<script type="application/json" id="{name}">{content}</script></div>'
        )
