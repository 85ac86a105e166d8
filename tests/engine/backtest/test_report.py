"""The HTML report: what is in it, that it needs nothing else, and that what it draws is true."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from engine.backtest import figures
from engine.backtest.baseline import Hold
from engine.backtest.breakdown import breakdown
from engine.backtest.deflated import Variants
from engine.backtest.funding import Funding
from engine.backtest.luck import Luck, luck_of
from engine.backtest.luck_words import sentences
from engine.backtest.planned import planned_levels
from engine.backtest.report import CARDS, report, write_report
from engine.backtest.result import Reason
from engine.backtest.rules import Exits, Grid, Rules, Sizing
from engine.backtest.run import Backtest, Result, Wanted
from engine.backtest.table import ROWS
from engine.backtest.words import assumptions, unsure_exits, warnings
from engine.bars import Bars
from engine.errors import BadInput

HOUR = 3_600_000
BEGIN = 1_735_689_600_000  # 2025-01-01
FIXED = Rules(exits=Exits.FIXED, stop=0.02, target=0.03, slippage=0.0)
NONE = np.zeros(1)


def walk(n: int = 3_000, seed: int = 1) -> Bars:
    rng = np.random.default_rng(seed)
    close = np.round(1_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.006, n))), 1)
    open_ = np.concatenate((close[:1], close[:-1]))
    high = np.round(np.maximum(open_, close) * np.exp(rng.exponential(0.003, n)), 1)
    low = np.round(np.minimum(open_, close) / np.exp(rng.exponential(0.003, n)), 1)
    return Bars(BEGIN + HOUR * np.arange(n, dtype=np.int64), open_, high, low, close, np.ones(n))


def flips(n: int, seed: int = 1, longest: int = 30) -> Wanted:
    rng = np.random.default_rng(seed)
    sides = np.repeat(rng.integers(-1, 2, n), rng.integers(1, longest, n))[:n].astype(np.int8)
    return Wanted(sides, NONE, NONE)


@cache
def run_of(rules: Rules = FIXED, n: int = 3_000, seed: int = 1, symbol: str = "BTC/USDT:USDT") -> Result:
    return Backtest(walk(n), HOUR, rules, symbol=symbol).run_sides(flips(n, seed), f"flips-{seed}")


class Page(HTMLParser):
    """The parts of a page: elements with their attributes, figures by name, and all its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.figures: dict[str, Any] = {}
        self.said = ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            name = self.elements[-1][1].get("id")
            if name:
                self.figures[name] = json.loads(data)
        elif not (self._open and self._open[-1] == "style"):
            self.said += data

    def close(self) -> None:
        super().close()
        assert not self._open

    def traces(self, kind: str) -> list[Any]:
        return [trace for figure in self.figures.values() for trace in figure["data"] if trace["type"] == kind]


def page_of(*results: Result) -> Page:
    page = Page(report(results))
    page.close()
    return page


def test_the_page_needs_nothing_but_itself() -> None:
    text = report([run_of()])
    library = get_plotlyjs()
    assert text.count(library) == 1
    own = text.replace(library, "")
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", own) == []
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_cards_and_table_show_the_metrics_against_buy_and_hold() -> None:
    result = run_of()
    page = page_of(result)
    for name, text in ROWS:
        assert name.strip().replace("buy and hold", "buy & hold") in page.said
        assert text(result.metrics) in page.said
    assert sum(a.get("class") == "card" for _, a in page.elements) == len(CARDS)
    hold = 100.0 * result.metrics.buy_and_hold_return
    assert f"buy & hold {hold:+,.2f} %" in page.said


def test_every_chart_is_there_with_its_figure() -> None:
    page = page_of(run_of())
    boxes = [a["data-figure"] for _, a in page.elements if a.get("class") == "chart"]
    assert len(boxes) == len(set(boxes)) == 6
    assert set(page.figures) == set(boxes)
    kinds = [page.figures[str(name)]["data"][0]["type"] for name in boxes]
    assert kinds == ["scatter", "candlestick", "heatmap", "bar", "scatter", "bar"]
    for headline in ("Equity and drawdown", "Price and trades", "Return by month, %", "How far trades went"):
        assert headline in page.said


def test_several_runs_are_compared() -> None:
    results = [run_of(), run_of(seed=2), run_of(Rules(slippage=0.0), seed=3)]
    page = page_of(*results)
    names = [r.name for r in results]
    assert [trace["name"] for trace in page.figures["figure1"]["data"][::2]] == [*names, "buy &amp; hold"]
    assert [a["href"] for t, a in page.elements if t == "a"] == ["#run0", "#run1", "#run2"]
    assert sum(t == "table" for t, _ in page.elements) == 1
    for result in results:
        assert f"{result.metrics.total_return * 100:+,.2f} %" in page.said
    assert len(page.figures) == 1 + 5 * len(results)


def test_runs_under_other_rules_tell_their_own() -> None:
    same, other = page_of(run_of(), run_of(seed=2)), page_of(run_of(), run_of(Rules(taker_ppm=450), seed=2))
    assert same.said.count("bps of notional at market") == 1
    assert "5 bps of notional at market" in other.said
    assert "4.5 bps of notional at market" in other.said


@pytest.mark.parametrize("other", ["none", "other bars", "other symbol"])
def test_what_cannot_be_compared_is_refused(other: str) -> None:
    results = {
        "none": [],
        "other bars": [run_of(), run_of(n=2_000)],
        "other symbol": [run_of(), run_of(symbol="ETH/USDT:USDT")],
    }
    with pytest.raises(BadInput, match="results"):
        report(results[other])


def test_a_run_without_trades_says_so() -> None:
    bars = walk(500)
    result = Backtest(bars, HOUR).run_sides(Wanted(np.zeros(500, dtype=np.int8), NONE, NONE), "idle")
    page = page_of(result)
    assert "Nothing was traded in this period." in page.said
    assert list(page.figures) == ["figure1"]


def test_names_cannot_become_code() -> None:
    evil = "</script><script>alert(1)</script>"
    bars = walk(500)
    result = Backtest(bars, HOUR, symbol=evil).run_sides(flips(500), evil)
    page = page_of(result, result)
    scripts = [a for t, a in page.elements if t == "script"]
    assert sum("type" not in a for a in scripts) == 2
    assert evil in page.said


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    write_report([run_of()], tmp_path / "out.html")
    assert (tmp_path / "out.html").read_text("utf-8") == report([run_of()])
    with pytest.raises(BadInput, match="cannot be written"):
        write_report([run_of()], tmp_path / "missing" / "out.html")


def test_many_bars_are_put_together_and_it_is_said() -> None:
    result = run_of(n=12_000)
    drawn, length = figures.coarser(result.backtest.bars, HOUR)
    assert (len(drawn), length) == (4_000, 3 * HOUR)
    bars = result.backtest.bars
    assert drawn.high.tolist() == bars.high.reshape(-1, 3).max(axis=1).tolist()
    assert drawn.low.tolist() == bars.low.reshape(-1, 3).min(axis=1).tolist()
    assert drawn.open.tolist() == bars.open[::3].tolist()
    assert drawn.close.tolist() == bars.close[2::3].tolist()
    said = page_of(result).said
    assert "12,000 bars are drawn as 4,000 of 3 hours" in said
    assert "drawn by the first, lowest, highest and last of every" in said


@pytest.mark.parametrize(("n", "length"), [(5_000, 1), (5_001, 2), (10_001, 3)])
def test_up_to_five_thousand_bars_are_drawn_as_they_are(n: int, length: int) -> None:
    drawn, got = figures.coarser(walk(n), HOUR)
    assert got == length * HOUR
    assert len(drawn) <= figures.MOST_BARS


def test_a_thinned_curve_keeps_its_ends_and_extremes() -> None:
    values = np.cumsum(np.random.default_rng(3).normal(size=100_000))
    kept = figures.thinned(values, 4_000)
    assert len(kept) <= 4_000
    assert {0, 99_999, int(values.argmin()), int(values.argmax())} <= set(kept.tolist())
    assert np.all(np.diff(kept) > 0)


def test_the_drawdown_drawn_is_the_one_measured() -> None:
    result = run_of(n=12_000)
    figure = figures.equity_figure([result])
    assert min(figure.data[1].y) == pytest.approx(-100.0 * result.metrics.max_drawdown, abs=1e-3)
    assert figure.data[0].y[-1] == pytest.approx(result.metrics.final_equity, abs=1e-3)


def test_marks_stand_where_the_trades_were() -> None:
    result = run_of()
    marks = {trace.name: trace for trace in figures.price_figure(result).data}
    longs = result.trades[result.trades["side"] > 0]
    assert list(marks["long entry"].x) == longs["entry_time"].tolist()
    tick = float(result.backtest.grid.tick_size)
    assert list(marks["long entry"].y) == pytest.approx((longs["entry_ticks"] * tick).tolist())
    exits = len(marks["exit, gain"].x) + len(marks["exit, loss"].x)
    assert exits == len(result.trades) <= figures.MOST_TRADES
    assert len(marks["stop"].x) == 3 * len(result.trades)


def test_only_the_newest_of_many_trades_are_marked_and_it_is_said() -> None:
    bars = walk(6_000)
    result = Backtest(bars, HOUR).run_sides(flips(6_000, longest=4), "busy")
    assert len(result.trades) > figures.MOST_TRADES
    figure = figures.price_figure(result)
    marks = {trace.name: trace for trace in figure.data}
    assert len(marks["exit, gain"].x) + len(marks["exit, loss"].x) == figures.MOST_TRADES
    assert max(*marks["exit, gain"].x, *marks["exit, loss"].x) == result.trades["exit_time"][-1]
    assert f"the newest 1,000 of {len(result.trades):,} trades are marked" in figure.layout.meta


@pytest.mark.parametrize("kind", [Exits.FIXED, Exits.STRATEGY])
def test_planned_levels_are_those_the_engine_used(kind: Exits) -> None:
    bars = walk()
    if kind is Exits.FIXED:
        result = run_of()
    else:
        rules = Rules(exits=Exits.STRATEGY, slippage=0.0)
        result = Backtest(bars, HOUR, rules).run("ema-cross")
    stops, targets = planned_levels(result)
    trades = result.trades
    for reason, levels in ((Reason.STOP, stops), (Reason.TARGET, targets)):
        ended = trades["reason"] == reason
        tick = float(result.backtest.grid.tick_size)
        opened = np.rint(result.backtest.bars.open[trades["exit_bar"]] / tick)
        assert ended.sum() > 10
        # a gap fills at the open, everything else at the level itself
        assert bool(((trades["exit_ticks"] == levels) | (trades["exit_ticks"] == opened))[ended].all())
        assert (trades["exit_ticks"] == levels)[ended].mean() > 0.8


def test_without_exits_no_level_is_planned_or_drawn() -> None:
    result = run_of(Rules())
    stops, targets = planned_levels(result)
    assert not stops.any()
    assert not targets.any()
    assert {"stop", "target"}.isdisjoint(trace.name for trace in figures.price_figure(result).data)


def test_distribution_and_breakdown_hold_every_trade() -> None:
    result = run_of()
    assert sum(figures.returns_figure(result).data[0].y) == len(result.trades)
    net = result.metrics.final_equity - 10_000.0
    for bars in figures.breakdown_figure(breakdown(result)).data:
        assert sum(bars.y) == pytest.approx(net, abs=0.2)
    points = figures.excursion_figure(result, breakdown(result)).data
    assert sum(len(trace.x) for trace in points) == len(result.trades)
    assert figures.returns_of_trades(result).mean() / 100 == pytest.approx(result.metrics.avg_trade)


def test_the_heat_map_has_a_cell_for_each_month() -> None:
    heat = figures.monthly_figure(breakdown(run_of(n=12_000))).data[0]
    assert list(heat.y) == ["2025", "2026"]
    assert [sum(value is not None for value in row[:12]) for row in heat.z] == [12, 5]
    grown = np.prod([1.0 + row[12] / 100 for row in heat.z])
    assert grown == pytest.approx(1.0 + run_of(n=12_000).metrics.total_return, rel=1e-3)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (Rules(), "none: a position ends when the wanted side turns"),
        (Rules(exits=Exits.STRATEGY), "the strategy's own stop and target"),
        (FIXED, "stop 2.00% and target 3.00% from the close of the decision"),
        (
            Rules(exits=Exits.FIXED, target=0.03, maker_target=True),
            "target 3.00% from the close of the decision, the target",
        ),
        (Rules(taker_ppm=450, maker_ppm=-50), "4.5 bps of notional at market, -0.5 bps resting"),
        (Rules(spread=0.0004, volatility_share=0.1), "half a spread of 4 bps, and 10% of the mean range"),
        (Rules(size=0.5), "50% of equity as margin, compounding"),
        (Rules(sizing=Sizing.NOTIONAL, size=1_000.0), "1,000.00 quote currency each time"),
        (Rules(sizing=Sizing.QUANTITY, size=0.5), "0.5 base currency each time"),
        (Rules(sizing=Sizing.RISK, size=0.01, exits=Exits.STRATEGY), "1.00% of equity at risk to the stop"),
        (Rules(leverage=10), "10x, isolated: a long is liquidated 9.55% below its entry"),
    ],
)
def test_every_rule_is_told(rules: Rules, said: str) -> None:
    test = Backtest(walk(300), HOUR, rules)
    assert any(said in sentence for _, sentence in assumptions(test))


def test_funding_detail_and_steps_are_told() -> None:
    bars = walk(300)
    fine = Bars(BEGIN + HOUR // 4 * np.arange(1_200, dtype=np.int64), *(np.repeat(x, 4) for x in _columns(bars)))
    paid = Funding(bars.open_time[::8].copy(), np.full(38, 1e-4))
    grid = Grid(Decimal("0.1"), Decimal("0.001"))
    told = dict(assumptions(Backtest(bars, HOUR, grid=grid, funding=paid, detail=fine)))
    assert told["funding"] == "38 recorded rates at their own times"
    assert told["within a bar"] == "15m bars say whether stop or target came first"
    assert told["steps"] == "price 0.1, quantity 0.001"


def _columns(bars: Bars) -> tuple[np.ndarray, ...]:
    return bars.open, bars.high, bars.low, bars.close, bars.volume


def test_luck_is_told_where_it_was_measured() -> None:
    result = run_of()
    luck = luck_of(result, Variants(40, 1e-4), samples=40)
    assert luck is not None
    assert "Against luck" not in page_of(result).said
    said = Page(report([result, run_of(seed=2)], [luck, None])).said
    assert said.count("Against luck") == 1
    told = sentences(luck)
    assert len(told) == 6
    assert all(sentence in said for sentence in told)
    assert f"Total return {100 * result.metrics.total_return:+,.1f} %: 95% of 40 histories" in told[0]
    assert f"Sharpe {result.metrics.sharpe:.2f}: 95% of them" in told[1]
    assert "of 20 strategies with the same trades at random times" in told[2]
    assert "40 variants were tried" in told[5]


def test_where_luck_has_no_answer_it_is_said() -> None:
    hold = Hold(total_return=0.1, sharpe=None, max_drawdown=0.0)
    none = Luck(bootstrap=None, shuffle=None, random_entries=None, buy_and_hold=hold, sharpe=None)
    assert sentences(none) == ["There are too few bars and trades to tell skill from luck."]


def test_reasons_for_doubt_are_told() -> None:
    bars = walk(900)
    bars.volume[:] = 0.0
    keep = np.ones(900, dtype=bool)
    keep[[100, 101, 300]] = False
    holed = Bars(bars.open_time[keep], *(column[keep] for column in _columns(bars)))
    few = np.zeros(897, dtype=np.int8)
    few[50:60] = 1
    said = " ".join(warnings([Backtest(holed, HOUR).run_sides(Wanted(few, NONE, NONE), "rare")]))
    for sentence in (
        "Fewer than 30 trades say little: rare (1).",
        "No funding was given",
        "The period is 37 days",
        "3 bars are missing in 2 gaps",
        "rare: 1 of 1 trades were filled in a bar in which nobody traded.",
    ):
        assert sentence in said


def test_a_sound_run_raises_no_doubt() -> None:
    bars = walk(3_000)
    paid = Funding(bars.open_time[::8].copy(), np.full(375, 1e-4))
    assert warnings([Backtest(bars, HOUR, funding=paid).run_sides(flips(3_000), "sound")]) == []


@pytest.mark.parametrize(
    ("open_", "high", "low", "unsure"),
    [
        (100.0, 103.5, 97.5, 1),  # both within the bar
        (100.0, 101.0, 97.5, 0),  # the stop alone
        (100.0, 103.5, 99.0, 0),  # the target alone
        (97.0, 103.5, 96.0, 0),  # opened beyond the stop
        (104.0, 104.5, 97.5, 0),  # opened beyond the target
    ],
)
def test_exits_that_could_have_been_either_are_counted(open_: float, high: float, low: float, unsure: int) -> None:
    flat = np.full(6, 100.0)
    opens, highs, lows = flat.copy(), flat + 0.1, flat - 0.1
    opens[3], highs[3], lows[3] = open_, high, low
    bars = Bars(BEGIN + HOUR * np.arange(6, dtype=np.int64), opens, highs, lows, flat, np.ones(6))
    sides = np.array([0, 1, 1, 1, 1, 1], dtype=np.int8)
    result = Backtest(bars, HOUR, FIXED).run_sides(Wanted(sides, NONE, NONE), "once")
    assert unsure_exits(result) == unsure
    assert any("reached both stop and target" in sentence for sentence in warnings([result])) == bool(unsure)
