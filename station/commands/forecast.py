"""``trefoil forecast``: train a forecaster, measure it against naive guesses, keep it, use it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from station.commands.chosen_market import Symbol
from station.commands.forecast_inputs import bars_of, chosen_file, frame_name, samples_of, shelf_here, unfinished_of
from station.commands.forecast_options import Begin, Data, End, Json, Timeframe, Wanted, wanting

if TYPE_CHECKING:
    from rich.console import Console

    from engine.backtest.inputs import Market
    from engine.forecast.evaluation import Evaluation
    from engine.forecast.shelf import Kept
    from headless.training.protocol import Progress as Done
    from headless.training.trainer import Trainer

PIPE_WIDTH = 200
app = typer.Typer(name="forecast", help="Price forecasts: train, evaluate, use.", no_args_is_help=True)

Model = Annotated[str, typer.Argument(help="A model's id, or how it begins.")]


@app.command()
@wanting
def train(
    wanted: Wanted,
    *,
    out: Annotated[Path | None, typer.Option(help="Write the model here instead of keeping it.")] = None,
    note: Annotated[str, typer.Option(help="Kept with the model.")] = "",
    lines: Annotated[bool, typer.Option("--lines", help="Progress as JSON lines on stderr, for programs.")] = False,
    json: Json = False,
) -> None:
    """Train a net on the older bars and score it on the newest fifth; Ctrl-C keeps the best so far."""
    from shutil import rmtree

    from headless.training.making import About
    from headless.training.making import train as make

    recipe = wanted.recipe
    _check_installed()
    market = wanted.market()
    samples = samples_of(market, recipe)
    shelf = shelf_here()
    tries = shelf.tries(market.symbol, market.timeframe_ms) + 1
    about = About(market.source, time.time_ns() // 1_000_000, note, tries, wanted.fee)
    unfinished = unfinished_of(shelf, market)
    with _training(lines=lines) as (trainer, told):
        made = make(samples, trainer, about, told=told, checkpoints=unfinished)
    if not made.cancelled:
        rmtree(unfinished)
    if out is not None:
        out.write_bytes(made.data)
        path = out
    else:
        path = shelf.add(made.header, made.data)
    header = made.header
    found = {
        "model": header.id,
        "file": str(path),
        "symbol": header.symbol,
        "timeframe": frame_name(header.timeframe_ms),
        "epochs": len(header.curve),
        "cancelled": made.cancelled,
        "resumed": made.resumed,
        **summary(header.evaluation),
    }
    if json:
        _json(found)
        return
    _table(header.evaluation, market)
    how = "stopped by you after" if made.cancelled else "trained for"
    typer.echo(f"model {header.id}: {how} {len(header.curve)} epochs, kept as {path}")


@app.command()
@wanting
def evaluate(
    wanted: Wanted,
    *,
    folds: Annotated[int, typer.Option(min=5, help="Test parts, each with a net of its own.")] = 5,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table as Markdown.")] = False,
    json: Json = False,
) -> None:
    """Walk forward: train on the past, score on what followed, fold by fold, against naive guesses."""
    from headless.training.making import walk

    recipe = wanted.recipe
    _check_installed()
    market = wanted.market()
    samples = samples_of(market, recipe)
    with _training() as (trainer, told):
        evaluation = walk(samples, trainer, folds, told=told, fee=wanted.fee)
    if json:
        _json({"symbol": market.symbol, "timeframe": frame_name(market.timeframe_ms), **summary(evaluation)})
    elif markdown:
        from engine.forecast.words import markdown as as_markdown

        typer.echo(as_markdown(evaluation))
    else:
        _table(evaluation, market)


@app.command(name="list")
def list_models(*, json: Json = False) -> None:
    """The models that are kept, newest first."""
    kept, wrong = shelf_here().kept()
    for sentence in wrong:
        typer.echo(sentence, err=True)
    if json:
        _json([_row(one) for one in kept])
        return
    if not kept:
        typer.echo("no models yet: trefoil forecast train makes one")
        return
    from rich.table import Table

    table = Table("model", "symbol", "bars", "use", "verdict", "live", "note", box=None)
    for one in kept:
        live = one.standing.live
        hit = f"{live.hits / live.moved:.0%} of {live.moved}" if live.moved else "-"
        use = "in use" if one.standing.promoted else ""
        bars = frame_name(one.header.timeframe_ms)
        table.add_row(one.header.id, one.header.symbol, bars, use, one.reason, hit, one.header.note)
    _console().print(table)


@app.command()
def promote(model: Model, *, json: Json = False) -> None:
    """Use a model for its symbol and timeframe; a running engine takes it up at once."""
    one = shelf_here().promote(model)
    if json:
        _json(_row(one))
        return
    header = one.header
    typer.echo(f"{header.id} is in use for {header.symbol} {frame_name(header.timeframe_ms)}")
    if not one.trusted:
        typer.echo(f"it forecasts, but the gate does not count on it: {one.reason}")


@app.command()
def demote(model: Model, *, json: Json = False) -> None:
    """Trust a model no longer; it goes on forecasting and being scored."""
    one = shelf_here().demote(model, "demoted by a person")
    if json:
        _json(_row(one))
    else:
        typer.echo(f"{one.header.id} is no longer trusted")


@app.command()
def remove(model: Model, *, json: Json = False) -> None:
    """Delete a model."""
    one = shelf_here().remove(model)
    if json:
        _json({"removed": one.header.id})
    else:
        typer.echo(f"{one.header.id} is removed")


@app.command()
def predict(
    *,
    data: Data = None,
    symbol: Symbol = None,
    timeframe: Timeframe = None,
    begin: Begin = None,
    end: End = None,
    model: Annotated[str | None, typer.Option(help="A model's id or file; default: the one in use.")] = None,
    json: Json = False,
) -> None:
    """Forecast from the last bar."""
    from engine.forecast.inference import Model as Loaded
    from engine.forecast.inference import checked_forecast

    market = bars_of(data, symbol, timeframe, begin, end)
    path, why = chosen_file(model, market)
    made = checked_forecast(Loaded.load(path), market.bars, market.symbol, market.timeframe_ms)
    reason = why or made.reason
    close = float(market.bars.close[-1])
    from math import exp

    found = {
        "model": made.model,
        "symbol": market.symbol,
        "timeframe": frame_name(market.timeframe_ms),
        "bar_time": made.bar_time,
        "horizon_ms": made.horizon_ms,
        "close": close,
        "return": made.value,
        "price": close * exp(made.value),
        "low": close * exp(made.low),
        "high": close * exp(made.high),
        "level": made.level,
        "trusted": not reason,
        "reason": reason,
    }
    if json:
        _json(found)
        return
    word = "trusted" if not reason else f"untrusted: {reason.removeprefix('untrusted: ')}"
    typer.echo(
        f"{market.symbol}: {made.value:+.3%} to {found['price']:,.6g} "
        f"({made.level:.0%} within {found['low']:,.6g} and {found['high']:,.6g})"
    )
    typer.echo(f"model {made.model} is {word}")


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The fields a script reads; errors in price units unless they say return, shares as fractions."""
    import msgspec

    model, verdict = evaluation.model, evaluation.verdict
    return {
        "folds": len(evaluation.folds),
        "samples": evaluation.samples,
        "mae": model.mae,
        "rmse": model.rmse,
        "mae_return": model.mae_return,
        "rmse_return": model.rmse_return,
        "direction": model.direction,
        "direction_interval": model.direction_interval,
        "baselines": msgspec.to_builtins(evaluation.baselines),
        "level": evaluation.level,
        "coverage": evaluation.coverage,
        "coverage_interval": evaluation.coverage_interval,
        "profit_after_fees": model.profit,
        "hold": evaluation.hold,
        "fee": evaluation.fee,
        "best_baseline": verdict.best_baseline,
        "beats_best_baseline": verdict.beats_best_baseline,
        "p_value": verdict.p_value,
        "trusted": verdict.trusted,
        "sentence": verdict.sentence,
        "fold_scores": msgspec.to_builtins(evaluation.folds),
    }


def _check_installed() -> None:
    from headless.training.trainer import check_installed

    check_installed()


@contextmanager
def _training(*, lines: bool = False) -> Iterator[tuple[Trainer, Callable[[int, Done], None]]]:
    """A training process with a bar on stderr; Ctrl-C asks it to stop and keep its best."""
    import msgspec
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from headless.training.trainer import trainer

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}")
    with trainer() as child, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting TensorFlow", total=None, text="")
        before = signal.signal(signal.SIGINT, lambda *_: child.cancel())

        def told(fold: int, p: Done) -> None:
            """Progress of the training, as a bar or as JSON lines."""
            if lines:
                sys.stderr.write(msgspec.json.encode(p).decode() + "\n")
                sys.stderr.flush()
                return
            best = f", best {p.best:.4f}" if p.best is not None else ""
            text = f"loss {p.loss:.4f}{best}, at most {_duration(p.left_s)} left"
            done = p.epoch - 1 + p.part
            bar.update(task, description=f"fold {fold} epoch {p.epoch}/{p.epochs}", total=p.epochs, completed=done)
            bar.update(task, text=text)
            if p.validation is not None and not sys.stderr.isatty():
                console.print(f"fold {fold} epoch {p.epoch}/{p.epochs}: {text}", highlight=False)

        try:
            child.ready()
            yield child, told
        finally:
            signal.signal(signal.SIGINT, before)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _row(one: Kept) -> dict[str, Any]:
    import msgspec

    from engine.forecast.drift import limit

    header = one.header
    return {
        "model": header.id,
        "file": str(one.path),
        "symbol": header.symbol,
        "timeframe": frame_name(header.timeframe_ms),
        "preset": header.recipe.preset,
        "features": header.recipe.features,
        "created": header.created,
        "source": header.source,
        "begin": header.begin,
        "end": header.end,
        "code": header.code,
        "note": header.note,
        "promoted": one.standing.promoted,
        "trusted": one.trusted,
        "reason": one.reason,
        "live": msgspec.to_builtins(one.standing.live),
        "scores": msgspec.to_builtins(header.evaluation.model),
        "baselines": msgspec.to_builtins(header.evaluation.baselines),
        "samples": header.evaluation.samples,
        "level": header.evaluation.level,
        "coverage": header.evaluation.coverage,
        "curve": msgspec.to_builtins(header.curve),
        "error_mean": header.error_mean,
        "error_limit": limit(one.in_use),
        "horizon": header.recipe.horizon,
    }


def _console() -> Console:
    """Of the terminal's width; wide enough for every table where nobody looks."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=PIPE_WIDTH)


def _json(what: object) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(what).decode())


def _table(evaluation: Evaluation, market: Market) -> None:
    """The evaluation for a person."""
    from engine.forecast.words import lines, table

    console = _console()
    console.print(f"{market.symbol} {frame_name(market.timeframe_ms)} from {market.source}", highlight=False)
    console.print(table(evaluation))
    for line in lines(evaluation):
        console.print(line, highlight=False)
