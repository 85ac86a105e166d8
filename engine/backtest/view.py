"""What a screen sees of a backtest: what was asked, and one finished run cut to the size of a picture.

Loads nothing heavy: a station and its widgets import it.
"""

from __future__ import annotations

import msgspec

from engine.backtest.metrics import Metrics
from engine.model.market import Bar


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A backtest as a person types it: every field is the text of the command line's option of that name.

    `begin` and `end` are ``--from`` and ``--to``; `params` holds the ``--set`` values with blanks between them; an empty
    text is the option left out; flags are "yes" or empty.
    """

    strategy: str = "ema-cross"
    data: str = ""
    timeframe: str = ""
    begin: str = ""
    end: str = ""
    params: str = ""
    engine: str = "fast"
    exits: str = ""
    stop: str = ""
    target: str = ""
    sizing: str = "equity"
    capital: str = "10000"
    leverage: str = "1"
    fee_bps: str = "5"
    slippage_bps: str = "1"
    funding: str = ""
    maker_fee_bps: str = "2"
    maker_target: str = ""
    spread_bps: str = "0"
    volatility_share: str = "0"
    maintenance: str = "0.005"
    min_notional: str = "5"
    tick_size: str = ""
    lot_size: str = ""
    mark: str = ""
    detail: str = ""
    repair: str = ""


class Curve(msgspec.Struct, frozen=True):
    """A value over time, thinned out so that the highest and lowest of every stretch are still there.

    Attributes:
        times: ms UTC, rising: the ends of bars.
        values: at these times.
    """

    times: tuple[int, ...]
    values: tuple[float, ...]


class TradeView(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One trade. Times are ms UTC, money is quote currency, fractions are of 1.

    Attributes:
        entry_time: open of the bar (or detail bar) of the fill.
        exit_time: likewise.
        side: +1 or -1.
        quantity: base currency.
        entry: price, slippage included.
        exit: price, slippage included.
        fee: of entry and exit.
        funding: paid (+) or received (-).
        net: profit after fee and funding.
        share: net / entry notional.
        adverse: MAE, the furthest the price went against it, fraction of the entry price.
        favourable: MFE, the furthest it went for it.
        reason: why it ended.
    """

    entry_time: int
    exit_time: int
    side: int
    quantity: float
    entry: float
    exit: float
    fee: float
    funding: float
    net: float
    share: float
    adverse: float
    favourable: float
    reason: str


class BucketView(msgspec.Struct, frozen=True, array_like=True):
    """The trades of one hour, weekday, month or side: count, share won, and profit in quote currency."""

    label: str
    trades: int
    win_rate: float | None
    net_profit: float


class MonthsView(msgspec.Struct, frozen=True):
    """Returns of equity by calendar month, fractions; a year's row has twelve, None where the period has no bar."""

    years: tuple[int, ...]
    months: tuple[tuple[float | None, ...], ...]
    totals: tuple[float, ...]


class HoldView(msgspec.Struct, frozen=True):
    """The market itself, bought and held: return and largest drawdown as fractions, yearly Sharpe ratio."""

    total_return: float
    sharpe: float | None
    max_drawdown: float


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run.

    Attributes:
        id: under which it is kept.
        strategy: its name.
        symbol: whose bars they were.
        source: where they came from, for a person.
        created: when it ran, ms UTC.
        request: with which it can be run again; its strategy is this one alone.
        params: all parameters it ran with.
        timeframe_ms: length of a bar.
        begin: first bar's open, ms UTC.
        end: last bar's end, ms UTC.
        elapsed_ms: wall time of the run.
        metrics: of the whole run.
        hold: the market over the same period.
        capital: at the start, quote currency.
        equity: at closes, quote currency; begins with the capital.
        drawdown: below the highest equity before, fraction, 0 or more.
        held: what the capital would have been in the market.
        candles: the period's prices; several bars a candle where there are many.
        candle_ms: length of a candle.
        price_decimals: of the prices.
        quantity_decimals: of the quantities.
        trades: the first of them, oldest first; ask for more where `metrics.trades` is larger.
        months: returns by month.
        hours: trades by hour of entry, UTC.
        weekdays: trades by weekday of entry, from Monday.
        sides: long and short trades.
        notes: what one should know before trusting it.
    """

    id: str
    strategy: str
    symbol: str
    source: str
    created: int
    request: Request
    params: dict[str, float]
    timeframe_ms: int
    begin: int
    end: int
    elapsed_ms: float
    metrics: Metrics
    hold: HoldView
    capital: float
    equity: Curve
    drawdown: Curve
    held: Curve
    candles: tuple[Bar, ...]
    candle_ms: int
    price_decimals: int
    quantity_decimals: int
    trades: tuple[TradeView, ...]
    months: MonthsView
    hours: tuple[BucketView, ...]
    weekdays: tuple[BucketView, ...]
    sides: tuple[BucketView, ...]
    notes: tuple[str, ...] = ()


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A kept run as a list shows it; fields as in `RunView`."""

    id: str
    strategy: str
    symbol: str
    timeframe: str
    created: int
    begin: int
    end: int
    request: Request
    metrics: Metrics


class IntervalView(msgspec.Struct, frozen=True):
    """A figure, the bounds of 95 % of the redrawn ones, and the share of those at or below 0."""

    estimate: float
    low: float
    high: float
    not_positive: float


class OrdersView(msgspec.Struct, frozen=True):
    """Largest drawdowns of the same trades in other orders, fractions; see `engine.backtest.shuffle.Shuffle`."""

    samples: int
    actual: float
    percentile: float
    median: float
    p05: float
    p95: float


class StrangersView(msgspec.Struct, frozen=True):
    """Total returns of random strategies, fractions; see `engine.backtest.baseline.RandomEntries`."""

    samples: int
    actual: float
    percentile: float
    median: float
    p05: float
    p95: float


class LuckView(msgspec.Struct, frozen=True, kw_only=True):
    """A run held against luck; a part is None where there are too few bars or trades for it.

    Attributes:
        sharpe: yearly.
        total_return: fraction.
        orders: drawdown by the order of the trades.
        strangers: random entries under the same rules.
        probable: probability that the true Sharpe ratio is above 0.
        variants: different runs that were tried on the same bars, this one included.
        expected_best: yearly Sharpe ratio that the best of so many would show by luck.
        deflated: probability that the true Sharpe ratio is above that.
    """

    sharpe: IntervalView | None
    total_return: IntervalView | None
    orders: OrdersView | None
    strangers: StrangersView | None
    probable: float | None
    variants: int
    expected_best: float
    deflated: float | None


class SeriesView(msgspec.Struct, frozen=True, kw_only=True):
    """Bars there are.

    Attributes:
        data: what a request names them by: a path, or VENUE:SYMBOL.
        symbol: unified symbol, or the file's name.
        timeframe: of the bars as they are, e.g. ``1m``.
        begin: first bar's open, ms UTC.
        end: last bar's end, ms UTC.
        bars: how many.
        missing: how many are missing in between.
    """

    data: str
    symbol: str
    timeframe: str
    begin: int
    end: int
    bars: int
    missing: int


class ParameterView(msgspec.Struct, frozen=True):
    """A parameter of a strategy: its default and the values it may have."""

    name: str
    default: float
    low: float
    high: float


class StrategyView(msgspec.Struct, frozen=True):
    """A strategy and its parameters."""

    name: str
    parameters: tuple[ParameterView, ...]
