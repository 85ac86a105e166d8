"""The board in one line, for narrow terminals: score, six arrows, votes, and what waits for a person."""

from __future__ import annotations

from engine.view import Desk
from engine.view_board import BoardView
from widgets.line import Line, Piece, fit, say
from widgets.panel import Panel
from widgets.tones import side_arrow, side_tone, side_word

SHORT = {
    "supertrend": "ST",
    "rsi-ema": "RSI",
    "macd-stochastic": "MACD",
    "ichimoku": "ICH",
    "bollinger": "BB",
    "ema-cross": "EMA",
}


def board_line(board: BoardView | None, waiting: int, voters: int, width: int) -> Line:
    """What a narrow desk says of the board; the least important parts are left out."""
    if board is None:
        return say("Board: no bar has closed yet.")
    tone = side_tone(board.zone)
    score = f"{board.score:+.2f} {side_arrow(board.zone)} {side_word(board.zone)}"
    arrows: list[Piece] = []
    for reading in board.readings:
        arrows.append((side_arrow(reading.side), side_tone(reading.side)))
        arrows.append((f"{SHORT.get(reading.strategy, reading.strategy)} ", "text" if reading.side else "dim"))
    waits: list[Piece] = [(f"{waiting} waiting: a approve", "warn bold")] if waiting else []
    votes: list[Piece] = [(f"{voters} voters", "text")] if voters else [("votes SKIPPED", "dim")]
    held: list[Piece] = [(f"⊘ {board.held}", "warn")] if board.held else []
    return Line(
        tuple(
            fit(
                [(0, [("Board ", "dim"), (score, f"{tone} bold")]), (2, arrows), (1, waits), (3, held), (4, votes)],
                width,
            )
        )
    )


class BoardLine(Panel):
    """The one line."""

    DEFAULT_CSS = "BoardLine { height: 1; border: none; padding: 0 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[BoardView | None, int, int] = (None, 0, 0)

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest board of `symbol`."""
        shown = (desk.boards.get(symbol), len(desk.waiting()), len(desk.status.voters))
        if shown == self._shown and self._lines:
            return
        self._shown = shown
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The line."""
        return [board_line(*self._shown, width)]
