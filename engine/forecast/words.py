"""An evaluation for a person: one table, a few sentences."""

from __future__ import annotations

from rich.table import Table

from engine.forecast.evaluation import MAJORITY, Evaluation
from engine.forecast.scores import Scores

COLUMNS = ("forecaster", "MAE", "RMSE", "MAE return", "RMSE return", "direction", "95 %", "after fees")


def rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """A row for the model and for each baseline, in `COLUMNS`; errors in price units, then in returns."""
    named = {"model": evaluation.model, **evaluation.baselines}
    return [_row(name, scores) for name, scores in named.items()]


def _row(name: str, scores: Scores) -> tuple[str, ...]:
    errors = (
        ("-",) * 4
        if name == MAJORITY
        else (
            f"{scores.mae:,.6g}",
            f"{scores.rmse:,.6g}",
            f"{scores.mae_return:.4%}",
            f"{scores.rmse_return:.4%}",
        )
    )
    interval = scores.direction_interval
    return (
        name,
        *errors,
        f"{scores.direction:.2%}" if scores.direction is not None else "-",
        f"{interval[0]:.1%} - {interval[1]:.1%}" if interval is not None else "-",
        f"{scores.profit:+.1%}" if scores.profit is not None else "-",
    )


def table(evaluation: Evaluation) -> Table:
    """The rows as a table of the terminal."""
    out = Table(*COLUMNS, box=None)
    for row in rows(evaluation):
        out.add_row(*row)
    return out


def lines(evaluation: Evaluation) -> list[str]:
    """Calibration, what holding would have paid, and the verdict."""
    low, high = evaluation.coverage_interval
    return [
        f"{evaluation.samples:,} forecasts in {len(evaluation.folds)} test parts",
        f"the {evaluation.level:.0%} interval held {evaluation.coverage:.1%} ({low:.1%} - {high:.1%})",
        f"after fees of {evaluation.fee:.2%} a side; holding throughout: {evaluation.hold:+.1%}",
        evaluation.verdict.sentence,
    ]


def markdown(evaluation: Evaluation) -> str:
    """Table and sentences as they stand in the documentation; the model's row is bold."""
    titles = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    body = [
        f"| {' | '.join((f'**{name}**' if name == 'model' else name, *cells))} |" for name, *cells in rows(evaluation)
    ]
    return "\n".join([*titles, *body, "", *(f"{line}  " for line in lines(evaluation))])
