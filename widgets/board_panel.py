"""The board: six readings, their weights and records, and the score they make."""

from __future__ import annotations

from engine.view import Desk
from engine.view_board import BoardView, ReadingView
from widgets import format as fmt
from widgets.line import EMPTY, Line, Piece, say, sentences
from widgets.panel import Panel
from widgets.spark import bar
from widgets.tones import side_arrow, side_tone, side_word, signed_tone

THRESHOLD = 0.34
NAME = 15
WEIGHT = 4
RECORD = (5, 4, 8)


def score_bar(score: float, width: int) -> list[Piece]:
    """The score between -1 and +1 as a bar from the middle, with marks where a candidate begins.

    The glyph at either threshold is ``┊`` (or ``╂`` where the bar has passed it).
    """
    half = max(1, (width - 1) // 2)
    reach = round(min(1.0, abs(score)) * half)
    mark = round(THRESHOLD * half)
    pieces: list[Piece] = []
    for offset in range(-half, half + 1):
        side = 1 if offset > 0 else -1
        filled = offset != 0 and side * score > 0 and abs(offset) <= reach
        if offset == 0:
            pieces.append(("┼", "text"))
        elif abs(offset) == mark:
            pieces.append(("╂" if filled else "┊", side_tone(side) if filled else "text"))
        else:
            pieces.append(("━" if filled else "─", side_tone(side) if filled else "faint"))
    return _merged(pieces)


def _merged(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for text, tone in pieces:
        if merged and merged[-1][1] == tone:
            merged[-1] = (merged[-1][0] + text, tone)
        else:
            merged.append((text, tone))
    return merged


def reading_line(reading: ReadingView, width: int, *, weighted: bool = True) -> Line:
    """Arrow, name, weight, win rate, trades and expectancy; the last ones go first where it is narrow."""
    tone = side_tone(reading.side)
    known = reading.trades > 0
    weight = f"{reading.weight:.2f}".lstrip("0") if weighted else ""
    win = f"{reading.win_rate * 100:.0f} %" if known else fmt.UNKNOWN
    expectancy = fmt.percent(reading.expectancy) if known else fmt.UNKNOWN
    record = (
        (win, "text" if known else "dim"),
        (str(reading.trades), "dim"),
        (expectancy, signed_tone(reading.expectancy) if known else "dim"),
    )
    name, curve = _columns(width)
    pieces: list[Piece] = [
        (f"{side_arrow(reading.side)} ", f"{tone} bold"),
        (fmt.left(reading.strategy, name), "text" if reading.side else "dim"),
        (fmt.fixed(weight, WEIGHT), "text"),
    ]
    if curve:
        pieces.append((" " + bar(reading.weight, curve - 1) if weighted else " " * curve, "overlay-1"))
    room = width - 2 - name - WEIGHT - curve
    for (text, text_tone), size in zip(record, RECORD, strict=True):
        if size > room:
            break
        pieces.append((fmt.fixed(text, size), text_tone))
        room -= size
    return Line(tuple(pieces))


def _columns(width: int) -> tuple[int, int]:
    """Cells of the name and of the weight's bar (0: no room for one)."""
    name = min(NAME, max(6, width - 2 - WEIGHT - RECORD[0]))
    spare = width - 2 - name - WEIGHT - sum(RECORD)
    return name, min(20, spare) if spare >= 6 else 0


def _header(width: int) -> Line:
    name, curve = _columns(width)
    text = " " * (2 + name) + "w".rjust(WEIGHT) + " " * curve
    for title, size in zip(("win", "n", "expect"), RECORD, strict=True):
        if len(text) + size > width:
            break
        text += title.rjust(size)
    return say(text, "dim")


def board_lines(board: BoardView, width: int, height: int) -> list[Line]:
    """The board in `height` lines: one line of arrows, or the table with as much around it as there is room for."""
    if height < 3:
        arrows: list[Piece] = [(side_arrow(r.side) + " ", side_tone(r.side)) for r in board.readings]
        return [Line((*arrows, *score_bar(board.score, max(9, width - 2 * len(arrows))))), *_held(board, width)][
            :height
        ]
    rows = [reading_line(reading, width) for reading in board.readings]
    record = reading_line(board.record, width, weighted=False)
    held = _held(board, width)
    scale = Line((("-1 ", "dim"), *score_bar(board.score, max(9, width - 6)), (" +1", "dim")))
    spare = height - len(rows)
    lines: list[Line] = []
    if spare >= 1:
        lines.append(scale)
    if spare >= 4:
        lines.append(_header(width))
    lines.extend(rows)
    if spare >= 2:
        lines.append(record)
    if held and spare >= 3:
        lines.extend(held)
    elif held:
        lines[0] = held[0]
    if spare >= 4 + len(held):
        lines.insert(len(lines) - len(held), EMPTY)
        lines.extend(sentences(f"bar closed {fmt.clock(board.bar_time, seconds=False)}Z", width))
    return lines


def _held(board: BoardView, width: int) -> list[Line]:
    return sentences(f"⊘ {board.held}", width, "warn") if board.held else []


class BoardPanel(Panel, can_focus=True):
    """The board of the desk's symbol."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._board: BoardView | None = None
        self._symbol = ""

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest board of `symbol`."""
        board = desk.boards.get(symbol)
        if board is self._board and symbol == self._symbol and self._title:
            return
        self._board, self._symbol = board, symbol
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Score, readings, record."""
        board = self._board
        if board is None:
            self.retitle(("Board", "text"))
            return sentences("No reading yet. The strategies read each closed bar of the decision timeframe.", width)
        tone = side_tone(board.zone)
        self.retitle(
            ("Board ", "text"),
            (f"{board.score:+.2f} {side_arrow(board.zone)} {side_word(board.zone)}", f"{tone} bold"),
            (" held" if board.held else "", "warn bold"),
        )
        return board_lines(board, width, height)
