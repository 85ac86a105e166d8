"""The metrics of a run, each with its definition. None stands where a metric is not defined (no trade, no variance).

Returns are simple returns of equity from one bar's close to the next. The risk-free rate is 0. A year has 365 days of 24
hours: perpetual futures trade without a pause.
"""

from __future__ import annotations

import math

import msgspec

YEAR_MS = 365 * 24 * 3_600_000


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. Fractions are of 1 (0.05 is 5 %); money is quote currency.

    Attributes:
        bars: bars of the period.
        trades: closed trades, the one closed at the end of the data included.
        total_return: final equity / capital - 1.
        cagr: ``(final / capital) ** (year / elapsed) - 1``, elapsed from the first bar's open to the last bar's end.
        sharpe: ``mean / std x sqrt(bars a year)`` of the bars' returns, std with n - 1.
        sortino: ``mean / sqrt(mean(min(return, 0) ** 2)) x sqrt(bars a year)``.
        calmar: cagr / max_drawdown.
        max_drawdown: largest ``1 - equity / highest equity before``, at closes; positive.
        max_drawdown_bars: most bars in a row below an earlier high.
        win_rate: share of trades with a profit after fees and funding.
        profit_factor: sum of profits / sum of losses, both after fees and funding.
        expectancy: mean profit of a trade after fees and funding, quote currency.
        exposure: share of bars during which a position was held.
        avg_trade: mean of the trades' returns: profit after fees and funding / entry notional.
        best: largest of them.
        worst: smallest of them.
        fees: paid.
        funding: paid (+) or received (-).
        liquidations: trades ended by liquidation.
        buy_and_hold_return: last close / first close - 1.
        final_equity: at the last close, everything closed.
    """

    bars: int
    trades: int
    total_return: float
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_bars: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    exposure: float
    avg_trade: float | None
    best: float | None
    worst: float | None
    fees: float
    funding: float
    liquidations: int
    buy_and_hold_return: float
    final_equity: float


class Sums(msgspec.Struct, frozen=True, gc=False):
    """What a run summed up on its way. Money is 1e-8 quote units; `best` and `worst` are fractions.

    `returns`, `squares` and `down` sum the bars' returns, their squares, and the squares of the negative ones;
    `trade_returns` sums the trades' returns.
    """

    capital: int
    final: int
    trades: int
    wins: int
    won: float
    lost: float
    trade_returns: float
    best: float
    worst: float
    fees: int
    funding: int
    liquidations: int
    held_bars: int
    returns: float
    squares: float
    down: float
    drawdown: float
    drawdown_bars: int


def metrics_of(s: Sums, bars: int, timeframe_ms: int, first_close: float, last_close: float) -> Metrics:
    """Metrics from sums over `bars` bars of `timeframe_ms`."""
    elapsed = bars * timeframe_ms
    growth = s.final / s.capital
    cagr = compounded(growth, elapsed)
    periods = bars - 1
    a_year = YEAR_MS / timeframe_ms
    return Metrics(
        bars=bars,
        trades=s.trades,
        total_return=growth - 1.0,
        cagr=cagr,
        sharpe=sharpe_of(s.returns, s.squares, periods, a_year),
        sortino=_sortino(s.returns, s.down, periods, a_year),
        calmar=cagr / s.drawdown if cagr is not None and s.drawdown > 0.0 else None,
        max_drawdown=s.drawdown,
        max_drawdown_bars=s.drawdown_bars,
        win_rate=s.wins / s.trades if s.trades else None,
        profit_factor=s.won / s.lost if s.lost > 0.0 else None,
        expectancy=(s.won - s.lost) / s.trades / 1e8 if s.trades else None,
        exposure=s.held_bars / bars,
        avg_trade=s.trade_returns / s.trades if s.trades else None,
        best=s.best if s.trades else None,
        worst=s.worst if s.trades else None,
        fees=s.fees / 1e8,
        funding=s.funding / 1e8,
        liquidations=s.liquidations,
        buy_and_hold_return=last_close / first_close - 1.0,
        final_equity=s.final / 1e8,
    )


def compounded(growth: float, elapsed_ms: int) -> float | None:
    """Yearly growth rate; -1 when all is lost, None where it is beyond all bounds."""
    if growth <= 0.0:
        return -1.0
    exponent = math.log(growth) * YEAR_MS / elapsed_ms
    return math.exp(exponent) - 1.0 if exponent < 700.0 else None


def sharpe_of(total: float, squares: float, periods: int, a_year: float) -> float | None:
    """Yearly Sharpe ratio from the sum of returns and of their squares."""
    if periods < 2:
        return None
    mean = total / periods
    variance = (squares - periods * mean * mean) / (periods - 1)
    # what is left of a difference of equal sums is rounding, not variance
    if variance <= 1e-14 * squares / periods:
        return None
    return mean / math.sqrt(variance) * math.sqrt(a_year)


def _sortino(total: float, down: float, periods: int, a_year: float) -> float | None:
    if periods < 2 or down <= 0.0:
        return None
    return total / periods / math.sqrt(down / periods) * math.sqrt(a_year)
