"""The one table of the backtest screen's actions: bindings, footer and help are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FORM, OVERVIEW, MONTHS, TRADES, LUCK, HISTORY = "form", "overview", "months", "trades", "luck", "history"
VIEWS = (OVERVIEW, MONTHS, TRADES, LUCK, HISTORY)


@dataclass(frozen=True, slots=True)
class State:
    """What an action depends on.

    Attributes:
        place: FORM while a field has the focus, else one of `VIEWS`.
        running: a run is going on.
        trades: of the run that is shown; None where there is none.
        trade: the one that is shown, counted from 0; -1 for none.
        kept: runs in the history.
        marked: of them.
    """

    place: str = FORM
    running: bool = False
    trades: int | None = None
    trade: int = -1
    kept: int = 0
    marked: int = 0


def _always(state: State) -> str:
    return ""


def _idle(state: State) -> str:
    return "a run is going on; x cancels it" if state.running else ""


def _running(state: State) -> str:
    return "" if state.running else "nothing runs"


def _shown(state: State) -> str:
    return "" if state.trades is not None else "no run is shown yet"


def _traded(state: State) -> str:
    return _shown(state) or ("" if state.trades else "the run has no trade")


def _next(state: State) -> str:
    last = (state.trades or 0) - 1
    return _traded(state) or ("this is the last trade" if state.trade >= last else "")


def _previous(state: State) -> str:
    return _traded(state) or ("this is the first trade" if state.trade <= 0 else "")


def _stepped(state: State) -> str:
    return _traded(state) or ("step to a trade first, with n" if state.trade < 0 else "")


def _kept(state: State) -> str:
    return "" if state.kept else "no run is kept yet"


def _marked(state: State) -> str:
    return _kept(state) or ("" if state.marked >= 2 else "mark two to four runs with Space first")


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    Attributes:
        id: stable name; empty where the focused widget itself does it.
        key: as Textual names it.
        shown: as it is printed.
        label: one word for the footer.
        help: one sentence.
        places: where the footer shows it.
        blocked: why it is not possible right now, or empty.
    """

    id: str
    key: str
    shown: str
    label: str
    help: str
    places: tuple[str, ...] = VIEWS
    blocked: Callable[[State], str] = _always


ACTIONS: tuple[Action, ...] = (
    Action("", "enter", "Enter", "Run", "Run what the fields say.", (FORM,), _idle),
    Action("", "f2", "F2", "Choose", "Choose from a list what the field may be.", (FORM,)),
    Action("", "up", "↑↓", "Field", "The field above or below.", (FORM,)),
    Action(
        "",
        "escape",
        "Esc",
        "Results",
        "Leave the fields for the results; from there Esc goes back to the desk.",
        (FORM,),
    ),
    Action("run", "r", "r", "Run", "Run again what the fields say.", VIEWS, _idle),
    Action("cancel", "x", "x", "Cancel", "Cancel the run that is going on; what is finished is kept.", VIEWS, _running),
    Action("setup", "e", "e", "Setup", "Change strategy, data, period, parameters and rules."),
    Action("overview", "o", "o", "Overview", "Numbers against buy and hold, equity with drawdown.", VIEWS, _always),
    Action("months", "m", "m", "Months", "Returns by month, profit by side, weekday and hour."),
    Action("trades", "t", "t", "Trades", "Prices with entries and exits, and all trades."),
    Action("next", "n", "n", "Next", "The next trade, in the middle of the chart.", (OVERVIEW, TRADES), _next),
    Action("previous", "p", "p", "Previous", "The trade before.", (TRADES,), _previous),
    Action("closer", "plus", "+", "Closer", "Fewer bars around the trade.", (TRADES,), _stepped),
    Action("wider", "minus", "-", "Wider", "More bars around the trade.", (TRADES,), _stepped),
    Action("whole", "w", "w", "Whole", "The whole period again.", (TRADES,), _stepped),
    Action(
        "luck", "l", "l", "Luck", "Could it have come out so by luck? Redrawn histories, random entries, other orders."
    ),
    Action("history", "h", "h", "History", "Runs that were kept: open, compare, remove."),
    Action("", "enter", "Enter", "Open", "Show the run under the cursor, its setup in the fields.", (HISTORY,), _kept),
    Action("mark", "space", "Space", "Mark", "Mark the run under the cursor for comparing.", (HISTORY,), _kept),
    Action("compare", "c", "c", "Compare", "Set the marked runs side by side.", (HISTORY,), _marked),
    Action("remove", "D", "D", "Remove", "Remove the run under the cursor; asks first.", (HISTORY,), _kept),
    Action("help", "question_mark", "?", "Help", "All keys."),
    Action("leave", "escape", "Esc", "Desk", "Back to the desk; a run goes on meanwhile."),
)
BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS if action.id}
