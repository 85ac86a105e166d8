"""The fields of a backtest's setup: what each is called on the screen, what it means, and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.backtest.view import Request, StrategyView
from engine.model.market import TIMEFRAMES

MAIN, MORE = "Setup", "More"


@dataclass(frozen=True, slots=True)
class Field:
    """A field.

    Attributes:
        name: of the request's field.
        label: in front of it.
        hint: one sentence for the person who is in it.
        choices: what it may be, where that is a short list.
        group: MAIN, or MORE for what is seldom changed.
    """

    name: str
    label: str
    hint: str
    choices: tuple[str, ...] = ()
    group: str = MAIN


FIELDS: tuple[Field, ...] = (
    Field("strategy", "strategy", "One name, several with commas, or all. F2 lists them."),
    Field(
        "data", "data", "A candle file (Parquet, CSV), or VENUE:SYMBOL from stored history. F2 lists what is stored."
    ),
    Field("timeframe", "timeframe", "Bars are put together to this length; empty: as they are.", tuple(TIMEFRAMES)),
    Field("begin", "from", "First bar, ISO date or time in UTC; empty: from the first."),
    Field("end", "to", "End, not included; empty: to the last."),
    Field("params", "params", "name=number with blanks between."),
    Field(
        "exits",
        "exits",
        "none: with the wanted side alone; strategy: its own stop and target; fixed: those below.",
        ("none", "strategy", "fixed"),
    ),
    Field("stop", "stop", "Stop distance as a fraction of price, 0.02 for 2 %; makes exits fixed."),
    Field("target", "target", "Target distance as a fraction of price; makes exits fixed."),
    Field(
        "sizing",
        "size",
        "equity or equity:0.5 (a share), notional:1000, quantity:0.01, risk:0.01 (to the stop).",
        ("equity", "equity:0.5", "notional:1000", "quantity:0.01", "risk:0.01"),
    ),
    Field("capital", "capital", "Cash at the start, quote currency."),
    Field("leverage", "leverage", "Isolated margin is notional / leverage; 1 to 125."),
    Field("fee_bps", "fee bps", "Taker fee of each fill, basis points."),
    Field("slippage_bps", "slip bps", "Slippage of each market fill, basis points."),
    Field("funding", "funding", "A file of funding rates (timestamp, funding_rate); empty: none is paid."),
    Field(
        "engine",
        "engine",
        "fast, or faithful: the live core over a matching book, slower.",
        ("fast", "faithful"),
    ),
    Field("maker_fee_bps", "maker bps", "Maker fee, basis points; of targets that rest in the book.", group=MORE),
    Field("maker_target", "rest target", "yes: targets rest in the book at the maker fee.", ("yes", "no"), MORE),
    Field("spread_bps", "spread bps", "Spread, basis points; half of it adds to the slippage.", group=MORE),
    Field("volatility_share", "vol share", "Share of the recent bar range that adds to the slippage.", group=MORE),
    Field("maintenance", "maint.", "Maintenance margin rate, a fraction.", group=MORE),
    Field("min_notional", "min value", "Smallest order, quote currency.", group=MORE),
    Field("tick_size", "tick", "Price step; empty: that of the data.", group=MORE),
    Field("lot_size", "lot", "Quantity step; empty: as fine as money allows.", group=MORE),
    Field("mark", "mark", "A file of mark price bars that value the funding.", group=MORE),
    Field("detail", "detail", "A file of finer bars: what came first within a bar.", group=MORE),
    Field("repair", "repair", "yes: sort rows and drop exact copies of the file, and say so.", ("yes", "no"), MORE),
)
BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}


def defaults_of(strategies: tuple[StrategyView, ...], text: str) -> str:
    """The parameters of the strategy named by `text` with their defaults; empty where it is none or several."""
    found = next((one for one in strategies if one.name == text.strip()), None)
    return " ".join(f"{p.name}={p.default:g}" for p in found.parameters) if found is not None else ""


def ranges_of(strategies: tuple[StrategyView, ...], text: str) -> str:
    """What the parameters of the strategy named by `text` may be, for a person."""
    found = next((one for one in strategies if one.name == text.strip()), None)
    if found is None:
        return "Parameters are for one strategy; several run with their defaults."
    if not found.parameters:
        return "The board weighs the strategies with their defaults."
    return ", ".join(f"{p.name} {p.low:g} to {p.high:g}" for p in found.parameters)


def request_of(values: Mapping[str, str]) -> Request:
    """The request that the fields' texts make."""
    return Request(**{name: values[name].strip() for name in Request.__struct_fields__ if name in values})
