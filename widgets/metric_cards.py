"""What a run came to, beside what the market did: cards of two lines."""

from __future__ import annotations

from typing import NamedTuple

from textual.geometry import Size

from engine.backtest.view import RunView
from widgets import run_words as words
from widgets.line import EMPTY, Line, Piece, sentences
from widgets.panel import Panel
from widgets.tones import signed_tone

CARD, GAP = 23, 3


class Card(NamedTuple):
    """A number with its name and tone, and a second one under it."""

    name: str
    value: str
    tone: str
    below: str
    below_value: str
    below_tone: str = "dim"


def cards_of(run: RunView) -> list[Card]:
    """The cards, the most important first."""
    m, hold = run.metrics, run.hold
    better = m.total_return - hold.total_return
    sharpe = (m.sharpe or 0.0) - (hold.sharpe or 0.0)
    return [
        Card("return", words.share(m.total_return), _tone(m.total_return), "hold", words.share(hold.total_return)),
        Card("max drawdown", _less(m.max_drawdown), "loss bold", "hold", _less(hold.max_drawdown)),
        Card("Sharpe", words.ratio(m.sharpe), _tone(m.sharpe or 0.0), "hold", words.ratio(hold.sharpe)),
        Card("against hold", f"{better * 100:+,.1f} pts", _tone(better), "Sharpe", _plus(sharpe), signed_tone(sharpe)),
        Card("trades", f"{m.trades:,}", "strong", "won", words.share(m.win_rate, sign=False, decimals=1)),
        Card(
            "profit factor", words.ratio(m.profit_factor), "strong", "expectancy", words.cash(m.expectancy, sign=True)
        ),
        Card("a year (CAGR)", words.share(m.cagr), _tone(m.cagr or 0.0), "Calmar", words.ratio(m.calmar)),
        Card("final equity", words.cash(m.final_equity), "strong", "of", words.cash(run.capital)),
        Card("fees", words.cash(m.fees), "strong", "funding", words.cash(m.funding, sign=True)),
        Card("average trade", words.share(m.avg_trade), _tone(m.avg_trade or 0.0), "in market", _part(m.exposure)),
        Card("best trade", words.share(m.best), "strong", "worst", words.share(m.worst)),
        Card("Sortino", words.ratio(m.sortino), "strong", "longest dd", _bars(run)),
    ]


def _tone(value: float) -> str:
    return f"{signed_tone(value)} bold"


def _less(value: float) -> str:
    return words.share(-value)


def _plus(value: float) -> str:
    return f"{value:+,.2f}"


def _part(value: float) -> str:
    return words.share(value, sign=False, decimals=1)


def _bars(run: RunView) -> str:
    return words.span(run.metrics.max_drawdown_bars * run.timeframe_ms)


def card_lines(card: Card, width: int) -> tuple[list[Piece], list[Piece]]:
    """The two lines of a card in exactly `width` cells."""
    return (
        _spread(card.name, "dim", card.value, card.tone, width),
        _spread(f" {card.below}", "dim", card.below_value, card.below_tone, width),
    )


def _spread(name: str, name_tone: str, value: str, tone: str, width: int) -> list[Piece]:
    gap = width - len(name) - len(value)
    if gap < 1:
        name, gap = name[: max(0, width - len(value) - 1)], 1
    return [(name, name_tone), (" " * gap, "text"), (value, tone)]


class MetricCards(Panel):
    """The cards of one run; as many as there is room for."""

    DEFAULT_CSS = "MetricCards { border: none; padding: 0 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._run: RunView | None = None

    def show(self, run: RunView | None) -> None:
        """Show a run, or that there is none."""
        self._run = run
        self.update()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All cards, without blank lines."""
        return needed_height(width)

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Rows of cards, a blank line between where there is room."""
        if self._run is None:
            return sentences("No run yet. Fill in the setup and press Enter.", width)
        cards = cards_of(self._run)
        columns = max(1, (width + GAP) // (CARD + GAP))
        size = (width + GAP) // columns - GAP
        rows = [cards[at : at + columns] for at in range(0, len(cards), columns)]
        while len(rows) > 1 and len(rows) * 2 > height:
            rows.pop()
        blank = height >= len(rows) * 3 - 1
        lines: list[Line] = []
        for row in rows:
            if lines and blank:
                lines.append(EMPTY)
            both = [card_lines(card, size) for card in row]
            lines += [Line(tuple(_joined([pair[half] for pair in both]))) for half in (0, 1)]
        return lines


def _joined(cells: list[list[Piece]]) -> list[Piece]:
    out: list[Piece] = []
    for cell in cells:
        if out:
            out.append((" │ ".ljust(GAP), "faint"))
        out += cell
    return out


def needed_height(width: int) -> int:
    """Lines all cards take in `width` cells, without blank lines."""
    return -(-12 // max(1, (width + GAP) // (CARD + GAP))) * 2
