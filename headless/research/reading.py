"""A request as a person typed it, read field by field: a backtest that can be run, or a sentence for each wrong field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from engine.backtest.funding import Funding, Marks, read_funding, read_marks
from engine.backtest.inputs import Market
from engine.backtest.options import check_warm, names_of, params_of, rules_of
from engine.backtest.rules import Rules, grid_from
from engine.backtest.run import Backtest
from engine.backtest.view import Request, SeriesView
from engine.bars import Bars
from engine.candle_file import read_candles
from engine.errors import BadInput
from engine.history.series import parse_time
from engine.strategies.base import Params
from headless.research.data import Markets, described

T = TypeVar("T")

ENGINES = ("fast", "faithful")
NUMBERS = (
    "stop", "target", "fee_bps", "maker_fee_bps", "slippage_bps", "spread_bps", "volatility_share", "maintenance",
    "capital", "min_notional",
)  # fmt: skip
FLAGS = {"": False, "no": False, "yes": True}
# What the engine calls it -> the field a person typed it in.
_PLACES = {
    "fee": "fee_bps",
    "fee-bps": "fee_bps",
    "maker fee": "maker_fee_bps",
    "slippage": "slippage_bps",
    "slippage-bps": "slippage_bps",
    "spread": "spread_bps",
    "volatility share": "volatility_share",
    "size": "sizing",
    "--set": "params",
    "from": "begin",
    "--from": "begin",
    "--to": "end",
    "bars": "begin",
    "tick-size": "tick_size",
    "grid": "tick_size",
    "lot-size": "lot_size",
    "min-notional": "min_notional",
    "maker-target": "maker_target",
}
_FIELDS = frozenset(Request.__struct_fields__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run."""

    names: tuple[str, ...]
    params: Params | None
    engine: str
    test: Backtest
    market: Market


@dataclass(slots=True)
class Reading:
    """What came of a request: the job, or what is wrong by field; and its bars where they can be read."""

    errors: dict[str, str] = field(default_factory=dict)
    series: SeriesView | None = None
    job: Job | None = None

    def attempt(self, place: str, work: Callable[[], T]) -> T | None:
        """Do one step; where it is refused the sentence belongs to the field named by it, or else to `place`."""
        try:
            return work()
        except BadInput as error:
            found = place_of(error.field, place)
            self.errors.setdefault(found, sentence(error, found))
            return None


def place_of(name: str, default: str) -> str:
    """The field of a request that an error's field belongs to."""
    found = _PLACES.get(name, name)
    return found if found in _FIELDS else default


def sentence(error: BadInput, place: str) -> str:
    """What stands beside the field: its own name and value are there already."""
    known = place_of(error.field, "") == place
    return error.remedy if known else f"{error.field}: {error.value} - {error.remedy}"


def read(request: Request, markets: Markets) -> Reading:
    """Read a request whole; nothing is run."""
    out = Reading()
    names = out.attempt("strategy", lambda: names_of(request.strategy.strip()))
    params = out.attempt("params", lambda: _params(names or (), request.params))
    engine = out.attempt("engine", lambda: _engine(request.engine))
    rules = _rules(request, out)
    begin = out.attempt("begin", lambda: _time("begin", request.begin))
    end = out.attempt("end", lambda: _time("end", request.end))
    repair = out.attempt("repair", lambda: _flag("repair", request.repair))
    if begin is not None and end is not None and begin >= end:
        out.errors.setdefault("begin", f"must lie before the end ({request.end})")
    market = out.attempt(
        "data", lambda: markets.load(request.data.strip(), request.timeframe.strip(), repair=bool(repair))
    )
    if market is None:
        return out
    out.series = described(market, request.data.strip())
    for name in names or ():
        out.attempt("data", lambda name=name: check_warm(name, params, len(market.bars), market.source))  # type: ignore[misc] # bound at once
    grid = out.attempt(
        "tick_size",
        lambda: grid_from(
            market.bars, request.tick_size.strip() or None, request.lot_size.strip() or None, _min_notional(request)
        ),
    )
    funding = out.attempt("funding", lambda: _funding(request.funding))
    marks = out.attempt("mark", lambda: _marks(request.mark))
    detail = out.attempt("detail", lambda: _bars(request.detail))
    if out.errors or rules is None or names is None or engine is None:
        return out
    test = out.attempt(
        "data",
        lambda: Backtest(
            market.bars, market.timeframe_ms, rules, symbol=market.symbol, grid=grid, funding=funding, marks=marks,
            detail=detail, begin=begin, end=end,
        ),
    )  # fmt: skip
    if test is not None:
        out.job = Job(names, params, engine, test, market)
    return out


def _params(names: tuple[str, ...], text: str) -> Params | None:
    pairs = text.replace(",", " ").split()
    if len(names) > 1 and pairs:
        raise BadInput("--set", text, "parameters are for one strategy; leave this empty for several")
    return params_of(names[0], pairs) if names else None


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise BadInput("engine", text, f"use {' or '.join(ENGINES)}")
    return text


def _rules(request: Request, out: Reading) -> Rules | None:
    values = {name: out.attempt(name, lambda name=name: _number(request, name)) for name in NUMBERS}  # type: ignore[misc] # bound at once
    leverage = out.attempt("leverage", lambda: _whole(request, "leverage"))
    maker_target = out.attempt("maker_target", lambda: _flag("maker_target", request.maker_target))
    if leverage is None or maker_target is None or None in values.values():
        return None
    numbers = {name: value for name, value in values.items() if value is not None and name != "min_notional"}
    return out.attempt(
        "exits",
        lambda: rules_of(
            exits=request.exits.strip() or None,
            sizing=request.sizing.strip(),
            leverage=leverage,
            maker_target=maker_target,
            **numbers,
        ),
    )


def _number(request: Request, name: str) -> float:
    text = getattr(request, name).strip()
    try:
        value = float(text) if text else 0.0
    except ValueError as error:
        raise BadInput(name, text, "must be a number") from error
    if not abs(value) < float("inf"):
        raise BadInput(name, text, "must be a number")
    return value


def _whole(request: Request, name: str) -> int:
    value = _number(request, name)
    if value != int(value):
        raise BadInput(name, value, "must be a whole number")
    return int(value)


def _min_notional(request: Request) -> float:
    try:
        return _number(request, "min_notional")
    except BadInput:  # it is said beside its field already
        return 0.0


def _flag(name: str, text: str) -> bool:
    if text.strip() not in FLAGS:
        raise BadInput(name, text, "use yes or no")
    return FLAGS[text.strip()]


def _time(name: str, text: str) -> int | None:
    return parse_time(name, text.strip()) if text.strip() else None


def _funding(text: str) -> Funding | None:
    return read_funding(Path(text.strip()).expanduser()) if text.strip() else None


def _marks(text: str) -> Marks | None:
    return read_marks(Path(text.strip()).expanduser()) if text.strip() else None


def _bars(text: str) -> Bars | None:
    return read_candles(Path(text.strip()).expanduser()).bars if text.strip() else None
