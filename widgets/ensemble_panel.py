"""What the AI voters say of a symbol: side, confidence, latency, cost and reason of each, and what two of three agree on."""

from __future__ import annotations

from engine.model.forecast import ModelInUse, Outlook
from engine.view import Desk
from engine.view_board import BallotView, VoteView
from widgets import format as fmt
from widgets.forecaster_lines import forecaster_lines
from widgets.line import EMPTY, Line, Piece, fit, say, sentences
from widgets.panel import Panel
from widgets.spark import bar
from widgets.tones import side_arrow, side_tone

SIDES = {"LONG": 1, "SHORT": -1, "NEUTRAL": 0}
NAME = 7
STANCE = 9
BAR = 8


def cost_piece(vote: VoteView) -> Piece:
    """What it cost, or that nobody knows."""
    return ("$ unknown", "warn") if vote.cost is None else (f"${vote.cost / 1e8:.4f}", "dim")


def voter_lines(vote: VoteView, width: int, reasons: int) -> list[Line]:
    """One voter: a line of numbers, then at most so many lines of its reason, with the numbers that had no room."""
    side = SIDES.get(vote.stance)
    latency: Piece = (f"{vote.latency_ms:,} ms" if vote.latency_ms else "", "dim")
    cost: Piece = cost_piece(vote) if vote.cost != 0 else ("", "dim")
    head: list[tuple[int, list[Piece]]] = [(0, [(f"{vote.voter:<{NAME}}", "strong")])]
    if side is None:
        head.append((0, [("ABSTAINS", "warn")]))
    else:
        tone = side_tone(side)
        head += [
            (0, [(f"{side_arrow(side)} {vote.stance:<{STANCE - 2}}", f"{tone} bold"), (f"{vote.confidence:>3}", tone)]),
            (1, [(bar(vote.confidence / 100, BAR), tone)]),
        ]
    head += [
        (2, [("SIMULATED", "warn")] if vote.simulated else []),
        (3, [(f"! {vote.flags} wrong", "warn")] if vote.flags else []),
        (4, [latency] if vote.latency_ms else []),
        (5, [cost] if vote.cost != 0 else []),
    ]
    first = Line(tuple(fit(head, width, 1)))
    left_out = [text for text, _ in (latency, cost) if text and text not in first.text]
    said = f"({', '.join(left_out)}) {vote.reason}" if left_out else vote.reason
    return [first, *sentences(said, width)[:reasons]]


def consensus_line(ballot: BallotView, width: int) -> Line:
    """Direction and confidence against what is needed, and who agrees."""
    side = SIDES.get(ballot.stance, 0)
    carried = side == ballot.side and ballot.confidence > ballot.least
    word = f"{side_arrow(side)} {ballot.stance} {ballot.confidence:.0f}"
    return Line(
        tuple(
            fit(
                [
                    (0, [("= ", "dim"), (word, f"{side_tone(side)} bold")]),
                    (1, [("carried" if carried else "not carried", "profit" if carried else "warn")]),
                    (2, [(ballot.reason, "text")]),
                    (3, [(f"needs > {ballot.least:.0f}", "dim")]),
                ],
                width,
            )
        )
    )


def ballot_lines(ballot: BallotView, width: int, height: int) -> list[Line]:
    """The votes on the newest candidate; reasons only as far as there is height."""
    side = side_arrow(ballot.side), side_tone(ballot.side)
    if not ballot.votes:
        return [Line(((f"{side[0]} ", side[1]), ("the voters are being asked ...", "accent")))]
    spare = height - 1 - len(ballot.votes)
    reasons = max(0, min(2, spare // max(1, len(ballot.votes))))
    lines = [line for vote in ballot.votes for line in voter_lines(vote, width, reasons)]
    return [*lines, consensus_line(ballot, width)]


def ensemble_lines(
    voters: tuple[str, ...],
    width: int,
    *,
    live: bool,
    model: ModelInUse | None = None,
    outlook: Outlook | None = None,
    ballot: BallotView | None = None,
    height: int = 20,
) -> list[Line]:
    """The newest votes; before there are any, who votes and when; without voters what it takes. Then the forecaster."""
    verdict = "FAIL on live" if live else "SKIPPED"
    lines: list[Line] = []
    if ballot is not None:
        lines += ballot_lines(ballot, width, height - 1)
    elif len(voters) >= 2:
        lines += sentences(f"Voters: {', '.join(voters)}", width, "text")
        lines += sentences("Asked when a candidate passes the free gates.", width)
    else:
        lines.append(say("No voter is configured." if not voters else f"Only {voters[0]} is configured.", "strong"))
        lines += sentences(f"The votes gate is {verdict}.", width, "warn")
        lines += sentences("Needs keys of at least two of GPT, Claude and a local model: two agreeing votes.", width)
    told = forecaster_lines(model, outlook, width, verdict=verdict)
    if len(lines) + 1 + len(told) <= height:
        return [*lines, EMPTY, *told]
    return lines + forecaster_lines(model, outlook, width, verdict=verdict, brief=len(lines) + len(told) > height)


class EnsemblePanel(Panel, can_focus=True):
    """The voters' panel."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._shown: tuple[tuple[str, ...], bool, BallotView | None, bool, bool] = ((), False, None, False, False)
        self._model: ModelInUse | None = None
        self._outlook: Outlook | None = None

    def show(self, desk: Desk, symbol: str) -> None:
        """Show the newest votes on `symbol`; without any, the newest on another, or what voters there are."""
        status = desk.status
        ballot = desk.ballots.get(symbol) or max(desk.ballots.values(), key=lambda one: one.at, default=None)
        elsewhere = ballot is not None and ballot.symbol != symbol
        board = desk.boards.get(symbol)
        model, outlook = (board.model, board.outlook) if board is not None else (None, None)
        starting = not status.ready and not status.voters and ballot is None
        shown = (status.voters, status.mode == "live", ballot, elsewhere, starting)
        if (shown, model, outlook) != (self._shown, self._model, self._outlook) or not self._title:
            self._shown, self._model, self._outlook = shown, model, outlook
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Votes, or sentences."""
        voters, live, ballot, elsewhere, starting = self._shown
        if starting:
            self.retitle(("Ensemble", "text"))
            return sentences("Who votes is known when the engine has started.", width)
        enough = len(voters) >= 2
        word = f"{len(voters)} voters" if enough else "votes FAIL" if live else "votes SKIPPED"
        simulated = ballot is not None and any(vote.simulated for vote in ballot.votes)
        cells: list[tuple[int, list[Piece]]] = [(0, [("Ensemble", "text")])]
        if ballot is not None:
            cells.append((0, [(f"on {fmt.base_of(ballot.symbol)}", "accent bold" if elsewhere else "strong")]))
        cells += [
            (0 if not enough else 3, [(word, "text" if enough else "warn bold")]),
            (0, [("SIMULATED", "warn bold")] if simulated else []),
            (2, [(f"{fmt.clock(ballot.at, seconds=False)}Z", "dim")] if ballot is not None and ballot.at else []),
        ]
        self.retitle(*fit(cells, max(8, width - 2), 1))
        return ensemble_lines(
            voters, width, live=live, model=self._model, outlook=self._outlook, ballot=ballot, height=height
        )
