"""The charts of a report, as plotly figures that carry no colours of a theme: the page adds those.

Times are ms UTC. What is thinned out says so in the figure's `layout.meta`, which the page shows above the chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.backtest.breakdown import MONTHS, Breakdown, Bucket
from engine.backtest.inputs import timeframe_name
from engine.backtest.planned import planned_levels
from engine.backtest.result import REASONS
from engine.backtest.run import Result
from engine.bars import Bars, Floats, Ints, aggregate
from engine.model.money import MONEY_SCALE

MOST_BARS = 5_000
MOST_POINTS = 4_000
MOST_TRADES = 1_000
GAIN, LOSS, NEUTRAL = "#1f9d6b", "#d9484f", "#8a949c"
FAINT = "rgba(138,148,156,0.12)"
# apart from each other for eyes that red and green are one to, and clear on dark as on light ground
LINES = ("#3d8fc4", "#d9822b", "#9a6dd7", "#2a9d8f", "#d64f7f", "#8f8a2e", "#5c6bc0")


def equity_figure(results: Sequence[Result]) -> go.Figure:
    """Equity of every result and of buy & hold; below, how far each lies under its highest."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.04)
    test = results[0].backtest
    close = test.bars.close[test.first : test.last]
    capital = test.rules.capital / MONEY_SCALE
    curves = [(result.name, result.equity, LINES[i % len(LINES)]) for i, result in enumerate(results)]
    curves.append(("buy & hold", close / close[0] * capital, NEUTRAL))
    for name, curve, colour in curves:
        under = -100.0 * (1.0 - curve / np.maximum.accumulate(np.maximum(curve, capital)))
        line = {"color": colour, "width": 1.3, "dash": "dot" if colour == NEUTRAL else "solid"}
        label = escape(name)
        for row, values, unit in ((1, curve, ",.2f"), (2, under, ".2f")):
            kept = thinned(values, MOST_POINTS)
            trace = go.Scatter(
                x=results[0].times[kept].tolist(),
                y=np.round(values[kept], 4).tolist(),
                name=label,
                legendgroup=label,
                showlegend=row == 1,
                mode="lines",
                line=line,
                hovertemplate=f"%{{y:{unit}}}{' %' if row == 2 else ''}",
                fill="tozeroy" if row == 2 and name == results[0].name and len(results) == 1 else None,
            )
            figure.add_trace(trace, row=row, col=1)
    figure.update_yaxes(title_text="equity", row=1, col=1)
    figure.update_yaxes(title_text="drawdown %", row=2, col=1)
    return _dressed(figure, 520, _thinned_note(len(close)), hovermode="x unified")


def thinned(values: Floats, most: int) -> Ints:
    """Indices of at most `most` points that keep every stretch's first, lowest, highest and last value."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 4 + 1).astype(np.int64)
    kept = [
        (begin, begin + int(values[begin:end].argmin()), begin + int(values[begin:end].argmax()), end - 1)
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return np.unique(np.array(kept, dtype=np.int64))


def _thinned_note(points: int) -> str:
    if points <= MOST_POINTS:
        return ""
    return f"{points:,} closes, drawn by the first, lowest, highest and last of every {points * 4 / MOST_POINTS:,.0f}"


def price_figure(result: Result) -> go.Figure:
    """Candles with entries, exits, and the levels of stop and target."""
    test = result.backtest
    bars = test.bars[test.first : test.last]
    drawn, length = coarser(bars, test.timeframe_ms)
    figure = go.Figure(
        go.Candlestick(
            x=drawn.open_time.tolist(),
            open=drawn.open.tolist(),
            high=drawn.high.tolist(),
            low=drawn.low.tolist(),
            close=drawn.close.tolist(),
            name="price",
            increasing={"line": {"color": GAIN, "width": 1}, "fillcolor": GAIN},
            decreasing={"line": {"color": LOSS, "width": 1}, "fillcolor": LOSS},
            opacity=0.55,
        )
    )
    for trace in _trade_traces(result):
        figure.add_trace(trace)
    said = []
    if length != test.timeframe_ms:
        name = timeframe_name(length)
        said.append(f"{len(bars):,} bars are drawn as {len(drawn):,} of {name if 'ms' not in name else _hours(length)}")
    if len(result.trades) > MOST_TRADES:
        said.append(f"the newest {MOST_TRADES:,} of {len(result.trades):,} trades are marked")
    figure.update_layout(xaxis_rangeslider_visible=False)
    return _dressed(figure, 560, "; ".join(said))


def _hours(milliseconds: int) -> str:
    return f"{milliseconds / 60_000:g} minutes" if milliseconds < 3_600_000 else f"{milliseconds / 3_600_000:g} hours"


def coarser(bars: Bars, timeframe_ms: int) -> tuple[Bars, int]:
    """Bars put together, by whole multiples of their length, until at most `MOST_BARS` are left; and their length."""
    times = -(-len(bars) // MOST_BARS)
    drawn = bars
    while times > 1:
        drawn = aggregate(bars, timeframe_ms * times)
        if len(drawn) <= MOST_BARS:
            break
        times += 1
    return drawn, timeframe_ms * max(1, times)


def _trade_traces(result: Result) -> list[go.Scatter]:
    trades = result.trades[-MOST_TRADES:]
    tick = float(result.backtest.grid.tick_size)
    entry, leave = np.round(trades["entry_ticks"] * tick, 10), np.round(trades["exit_ticks"] * tick, 10)
    opened, closed = trades["entry_time"], trades["exit_time"]
    won, long = _nets(trades) > 0, trades["side"] > 0
    texts = _texts(result)[-MOST_TRADES:]
    stops, targets = (levels[-MOST_TRADES:] for levels in planned_levels(result))
    out = [
        _segments("ends with a gain", opened, closed, entry, leave, won, GAIN, "solid"),
        _segments("ends with a loss", opened, closed, entry, leave, ~won, LOSS, "solid"),
        _segments("target", opened, closed, targets * tick, targets * tick, targets > 0, GAIN, "dot"),
        _segments("stop", opened, closed, stops * tick, stops * tick, stops > 0, LOSS, "dot"),
        _marks("long entry", opened, entry, texts, long, "triangle-up", LINES[0]),
        _marks("short entry", opened, entry, texts, ~long, "triangle-down", LINES[1]),
        _marks("exit, gain", closed, leave, texts, won, "circle", GAIN),
        _marks("exit, loss", closed, leave, texts, ~won, "x", LOSS),
    ]
    return [trace for trace in out if len(trace.x)]


def _nets(trades: Any) -> Floats:
    return np.asarray(trades["pnl"] - trades["fee"] - trades["funding"], dtype=np.float64) / MONEY_SCALE


def returns_of_trades(result: Result) -> Floats:
    """Profit after fees and funding of each trade, percent of its entry notional."""
    trades, unit = result.trades, result.backtest.grid.unit
    notional = trades["lots"].astype(np.float64) * trades["entry_ticks"] * unit / MONEY_SCALE
    return np.asarray(100.0 * _nets(trades) / notional)


def _texts(result: Result) -> list[str]:
    grid = result.backtest.grid
    columns = (result.trades[name].tolist() for name in ("side", "lots", "entry_ticks", "exit_ticks", "reason"))
    return [
        f"{'long' if side > 0 else 'short'} {lots * grid.lot_size:f}<br>"
        f"{entry * grid.tick_size:,f} to {leave * grid.tick_size:,f}<br>{REASONS[reason]}, {share:+.2f} %"
        for side, lots, entry, leave, reason, share in zip(*columns, returns_of_trades(result).tolist(), strict=True)
    ]


def _segments(
    name: str, begin: Ints, end: Ints, first: np.ndarray, last: np.ndarray, where: np.ndarray, colour: str, dash: str
) -> go.Scatter:
    xs: list[int | None] = []
    ys: list[float | None] = []
    for x0, x1, y0, y1 in zip(*(a[where].tolist() for a in (begin, end, first, last)), strict=True):
        xs += [x0, x1, None]
        ys += [round(y0, 10), round(y1, 10), None]
    line = {"color": colour, "width": 1.2 if dash == "solid" else 1, "dash": dash}
    return go.Scatter(x=xs, y=ys, name=name, mode="lines", line=line, hoverinfo="skip")


def _marks(
    name: str, times: Ints, prices: Floats, texts: list[str], where: np.ndarray, symbol: str, colour: str
) -> go.Scatter:
    return go.Scatter(
        x=times[where].tolist(),
        y=prices[where].tolist(),
        name=name,
        mode="markers",
        marker={"symbol": symbol, "color": colour, "size": 6},
        customdata=[texts[i] for i in np.flatnonzero(where)],
        hovertemplate="%{customdata}",
    )


def monthly_figure(parts: Breakdown) -> go.Figure:
    """Returns by month and year, percent."""
    monthly = parts.monthly
    values = [
        [None if month is None else round(100.0 * month, 2) for month in (*row, total)]
        for row, total in zip(monthly.months, monthly.totals, strict=True)
    ]
    reach = max((abs(value) for row in values for value in row[:12] if value is not None), default=1.0) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[*MONTHS, "year"],
            y=[str(year) for year in monthly.years],
            text=[["" if value is None else f"{value:+.1f}" for value in row] for row in values],
            texttemplate="%{text}",
            zmin=-reach,
            zmax=reach,
            colorscale=[[0.0, LOSS], [0.5, FAINT], [1.0, GAIN]],
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{x} %{y}: %{z:+.2f} %<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(side="top", type="category", showgrid=False)
    return _dressed(figure, 70 + 44 * len(monthly.years), "", dates=False)


def returns_figure(result: Result) -> go.Figure:
    """How many trades came to which return."""
    shares = returns_of_trades(result)
    bins = min(80, max(10, round(2.0 * len(shares) ** 0.5)))
    counts, edges = np.histogram(shares, bins=bins)
    middles = (edges[:-1] + edges[1:]) / 2.0
    figure = go.Figure(
        go.Bar(
            x=np.round(middles, 4).tolist(),
            y=counts.tolist(),
            width=np.round(np.diff(edges), 6).tolist(),
            marker={"color": [GAIN if middle > 0 else LOSS for middle in middles], "line": {"width": 0}},
            customdata=[f"{a:+.2f} to {b:+.2f} %" for a, b in pairwise(edges.tolist())],
            hovertemplate="%{customdata}: %{y} trades<extra></extra>",
        )
    )
    mean = float(shares.mean())
    figure.add_vline(
        x=mean, line={"dash": "dot", "color": NEUTRAL}, annotation_text=f"mean {mean:+.2f} %", annotation_position="top"
    )
    figure.update_xaxes(title_text="return of a trade after costs, %")
    figure.update_yaxes(title_text="trades")
    return _dressed(figure, 380, "", dates=False)


def excursion_figure(result: Result, parts: Breakdown) -> go.Figure:
    """How far each trade went against the position before it ended, and how far for it."""
    count = len(parts.excursions)
    adverse = np.array([100.0 * one.adverse for one in parts.excursions])
    favourable = np.array([100.0 * one.favourable for one in parts.excursions])
    shares, texts = returns_of_trades(result), _texts(result)
    drawn = np.zeros(count, dtype=bool)
    drawn[np.linspace(0, count - 1, min(count, 3 * MOST_TRADES)).astype(np.int64)] = True
    figure = go.Figure()
    for name, where, colour, symbol in (("gain", shares > 0, GAIN, "circle"), ("loss", shares <= 0, LOSS, "x")):
        at = np.flatnonzero(where & drawn)
        figure.add_trace(
            go.Scatter(
                x=np.round(adverse[at], 4).tolist(),
                y=np.round(favourable[at], 4).tolist(),
                name=name,
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 6, "opacity": 0.6},
                customdata=[texts[i] for i in at],
                hovertemplate="%{customdata}<br>against %{x:.2f} %, for %{y:.2f} %",
            )
        )
    figure.update_xaxes(title_text="furthest against the trade (MAE), % of entry price", title_standoff=8)
    figure.update_yaxes(title_text="furthest for it (MFE), %")
    note = "" if drawn.all() else f"{int(drawn.sum()):,} of {count:,} trades are drawn, evenly chosen"
    return _dressed(figure, 380, note, dates=False).update_layout(legend={"y": 1.0, "yanchor": "bottom"})


def breakdown_figure(parts: Breakdown) -> go.Figure:
    """Profit after costs by hour, weekday, month and side of entry."""
    groups = (("hour (UTC)", parts.hours), ("weekday", parts.weekdays), ("month", parts.months), ("side", parts.sides))
    figure = make_subplots(rows=2, cols=2, subplot_titles=[name for name, _ in groups], vertical_spacing=0.16)
    for i, (_, buckets) in enumerate(groups):
        figure.add_trace(_bars_of(buckets), row=i // 2 + 1, col=i % 2 + 1)
    figure.update_xaxes(type="category")
    return _dressed(figure, 520, "", dates=False).update_layout(showlegend=False)


def _bars_of(buckets: Sequence[Bucket]) -> go.Bar:
    return go.Bar(
        x=[bucket.label for bucket in buckets],
        y=[round(bucket.net_profit, 2) for bucket in buckets],
        marker={"color": [GAIN if bucket.net_profit > 0 else LOSS for bucket in buckets]},
        customdata=[_bucket_text(bucket) for bucket in buckets],
        hovertemplate="%{x}: %{y:,.2f}<br>%{customdata}<extra></extra>",
    )


def _bucket_text(bucket: Bucket) -> str:
    if bucket.win_rate is None or bucket.mean_return is None:
        return "no trades"
    return f"{bucket.trades:,} trades, {bucket.win_rate:.0%} won, mean {bucket.mean_return:+.3%}"


def _dressed(figure: go.Figure, height: int, note: str, *, dates: bool = True, hovermode: str = "closest") -> go.Figure:
    if dates:
        figure.update_xaxes(type="date", hoverformat="%Y-%m-%d %H:%M")
    return figure.update_layout(
        template="none",
        height=height,
        meta=note or None,
        margin={"l": 64, "r": 16, "t": 36, "b": 16 if figure.data[0].type == "heatmap" else 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.1, "yanchor": "top", "x": 0.0, "xanchor": "left"},
        hovermode=hovermode,
        bargap=0.15,
        dragmode="zoom",
    )
