"""Numbers and times of a backtest as text. Pure; what is not defined is ``-``."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.backtest.view import RunView
from engine.model.market import TIMEFRAMES
from widgets import format as fmt

NAMES = {length: name for name, length in TIMEFRAMES.items()}


def share(value: float | None, *, sign: bool = True, decimals: int = 2) -> str:
    """A fraction in percent: ``+1.24 %``, from 10,000 % on without decimals."""
    if value is None:
        return fmt.UNKNOWN
    return fmt.percent(value, sign=sign, decimals=0 if abs(value) >= 100 else 1 if abs(value) >= 10 else decimals)


def ratio(value: float | None) -> str:
    """``1.24``."""
    return fmt.UNKNOWN if value is None else f"{value:,.2f}"


def cash(value: float | None, *, sign: bool = False) -> str:
    """Quote currency: two decimals, none from 100,000 on."""
    if value is None:
        return fmt.UNKNOWN
    return fmt.signed(value, 0 if abs(value) >= 100_000 else 2, sign=sign)


def day(at: int) -> str:
    """``2025-05-01`` of ms UTC."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d")


def moment(at: int) -> str:
    """``2025-05-01 12:30`` of ms UTC."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%d %H:%M")


def timeframe(length: int) -> str:
    """``15m``; a length that has no name is counted out."""
    return NAMES.get(length, span(length))


def span(length: int) -> str:
    """A length of time in two units: ``45m``, ``3h 20m``, ``12d 4h``."""
    minutes = length // 60_000
    days, hours, rest = minutes // 1_440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days:,}d {hours}h" if hours else f"{days:,}d"
    if hours:
        return f"{hours}h {rest}m" if rest else f"{hours}h"
    return f"{rest}m"


def title_of(run: RunView) -> str:
    """What ran over what."""
    return f"{run.strategy}  {run.symbol} {timeframe(run.timeframe_ms)}  {day(run.begin)} to {day(run.end)}"


def params_text(params: dict[str, float]) -> str:
    """``fast=12 slow=26``."""
    return " ".join(f"{name}={value:g}" for name, value in params.items())
