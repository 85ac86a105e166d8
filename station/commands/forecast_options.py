"""The options that training and evaluating share, written once: a command takes them as one `Wanted`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from station.commands.chosen_market import Symbol
from station.commands.forecast_inputs import bars_of, recipe_of

if TYPE_CHECKING:
    from engine.backtest.inputs import Market
    from engine.forecast.recipe import Recipe

Data = Annotated[
    str | None, typer.Option("--data", help="A candle file, VENUE:SYMBOL from stored history, or simulated:SEED.")
]
Timeframe = Annotated[str | None, typer.Option(help="Bars are put together to this length.")]
Begin = Annotated[str | None, typer.Option("--from", help="First bar, ISO date or time, UTC.")]
End = Annotated[str | None, typer.Option("--to", help="End, not included.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which bars, which net, which fee."""

    data: Data = None
    symbol: Symbol = None
    timeframe: Timeframe = None
    begin: Begin = None
    end: End = None
    preset: Annotated[str, typer.Option(help="returns: the next log return; reference: the min-max scaled price.")] = (
        "returns"
    )
    features: Annotated[str, typer.Option(help="ohlcv (5) or full (14, with indicators).")] = "ohlcv"
    epochs: Annotated[int, typer.Option(help="At most so many passes.")] = 20
    window: Annotated[int, typer.Option(help="Bars the net looks at.")] = 60
    horizon: Annotated[int, typer.Option(help="Bars ahead.")] = 1
    batch: Annotated[int, typer.Option(help="Samples a step.")] = 32
    patience: Annotated[int, typer.Option(help="Epochs without a better validation loss before it stops.")] = 4
    units: Annotated[str, typer.Option(help="Units of the LSTM layers.")] = "100,100,50"
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 0.001
    seed: Annotated[int, typer.Option(help="Of weights, dropout and order.")] = 1
    fee_bps: Annotated[float, typer.Option(help="Fee of one side of a trade, basis points.")] = 5.0

    @property
    def recipe(self) -> Recipe:
        """The net; raises BadInput naming the option that is wrong."""
        return recipe_of(
            self.preset,
            self.features,
            self.epochs,
            self.window,
            self.horizon,
            self.batch,
            self.patience,
            self.units,
            self.rate,
            self.seed,
        )

    @property
    def fee(self) -> float:
        """Of one side, a fraction."""
        return self.fee_bps / 10_000

    def market(self) -> Market:
        """The bars; raises BadInput where there are none."""
        return bars_of(self.data, self.symbol, self.timeframe, self.begin, self.end)


def wanting(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first argument is a `Wanted`, as one that takes the fields of it as options."""
    shared = inspect.signature(Wanted, eval_str=True).parameters
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def run(**given: Any) -> None:
        command(Wanted(**{name: given.pop(name) for name in shared}), **given)

    parameters = [*shared.values(), *own]
    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # how inspect is told
    return run
