"""The one table of actions: bindings, footer, help, palette and the key map are all made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.view import Desk


def _always(desk: Desk, symbol: str) -> str:
    return ""


def _quoted(desk: Desk, symbol: str) -> str:
    if desk.status.read_only:
        return f"read-only: {desk.status.read_only}"
    return "" if symbol in desk.quotes else "no quote of this symbol yet"


def _holding(desk: Desk, symbol: str) -> str:
    return "" if symbol in desk.positions else "no position in this symbol"


def _any_position(desk: Desk, symbol: str) -> str:
    return "" if desk.positions or desk.orders else "nothing is open"


def _any_order(desk: Desk, symbol: str) -> str:
    return "" if desk.orders else "no open order"


def _outside(desk: Desk, symbol: str) -> str:
    return "" if desk.outside or desk.outside_orders else "nothing is from outside"


def _waiting(desk: Desk, symbol: str) -> str:
    return "" if desk.waiting() else "no signal waits"


def _signal(desk: Desk, symbol: str) -> str:
    return "" if desk.signals else "no signal yet"


def _voters(desk: Desk, symbol: str) -> str:
    return "" if desk.status.voters else "no voter is configured"


def _held(desk: Desk, symbol: str) -> str:
    board = desk.boards.get(symbol)
    return "" if board is not None and board.held else "the desk already trades this symbol"


ON_DESK, ON_POSITIONS, ON_SIGNALS, ON_AI, ON_SETTINGS = "desk", "positions", "signals", "ai", "settings"
EVERYWHERE = (ON_DESK, ON_POSITIONS, ON_SIGNALS, ON_AI, ON_SETTINGS)
TRADING = (ON_DESK, ON_POSITIONS)
DECIDING = (ON_DESK, ON_SIGNALS)
CHARTING = (ON_DESK,)


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    Attributes:
        id: stable name, for key maps.
        key: default key as Textual names it; `shown` is how it is printed.
        label: one or two words for the footer.
        group: section of the help screen.
        help: one sentence.
        blocked: why it is not possible right now, or empty.
        footer: shown in the footer.
        quiet: in the footer only while it is possible.
        places: screens it belongs to; on different screens a key may mean different things.
    """

    id: str
    key: str
    shown: str
    label: str
    group: str
    help: str
    blocked: Callable[[Desk, str], str] = _always
    footer: bool = True
    quiet: bool = False
    places: tuple[str, ...] = EVERYWHERE


TRADE, DESK, CHART, STATION = "Trade", "Desk", "Chart", "Station"

ACTIONS: tuple[Action, ...] = (
    Action("buy", "b", "b", "Buy", TRADE, "Open the ticket to buy the symbol.", _quoted, places=TRADING),
    Action("sell", "s", "s", "Sell", TRADE, "Open the ticket to sell the symbol.", _quoted, places=TRADING),
    Action(
        "close",
        "c",
        "c",
        "Close",
        TRADE,
        "Close the position of the chosen symbol at market.",
        _holding,
        places=TRADING,
    ),
    Action("protect", "e", "e", "Stops", TRADE, "Move stop and target of the position.", _holding, places=TRADING),
    Action("half", "h", "h", "Half", TRADE, "Reduce the position by half at market.", _holding, places=TRADING),
    Action(
        "flip",
        "f",
        "f",
        "Flip",
        TRADE,
        "Close the position and open the same size the other way.",
        _holding,
        places=TRADING,
    ),
    Action(
        "flatten",
        "X",
        "X",
        "Flatten",
        TRADE,
        "Close all positions, cancel all entries; asks first.",
        _any_position,
        places=TRADING,
    ),
    Action(
        "cancel_all",
        "x",
        "x",
        "Cancel all",
        TRADE,
        "Cancel all orders but protection.",
        _any_order,
        footer=False,
        places=TRADING,
    ),
    Action(
        "outside",
        "O",
        "O",
        "Outside",
        TRADE,
        "What somebody else did at the account: adopt, ignore or close it.",
        _outside,
        quiet=True,
        places=TRADING,
    ),
    Action("approve", "a", "a", "Approve", DESK, "Send the waiting signal.", _waiting, places=DECIDING),
    Action("reject", "r", "r", "Reject", DESK, "Drop the waiting signal.", _waiting, places=DECIDING),
    Action("why", "w", "w", "Why", DESK, "Show every gate of the chosen or newest signal.", _signal, places=CHARTING),
    Action("pause", "p", "p", "Pause", DESK, "Pause entries, or resume; protection always continues."),
    Action("kill", "K", "K", "Kill", DESK, "Pause and cancel all entries; asks first.", footer=False),
    Action("mode", "m", "m", "Mode", DESK, "Next autonomy: observe, approve, auto."),
    Action(
        "release",
        "R",
        "R",
        "Release",
        DESK,
        "Give the symbol back to automatic trading.",
        _held,
        footer=False,
        places=TRADING,
    ),
    Action("next_symbol", "full_stop", ".", "Next", DESK, "Choose the next symbol.", footer=False, places=CHARTING),
    Action(
        "previous_symbol", "comma", ",", "Previous", DESK, "Choose the previous symbol.", footer=False, places=CHARTING
    ),
    Action("search", "slash", "/", "Symbol", DESK, "Find a symbol by name.", places=CHARTING),
    Action(
        "longer", "right_square_bracket", "]", "Timeframe", CHART, "Longer timeframe.", footer=False, places=CHARTING
    ),
    Action(
        "shorter", "left_square_bracket", "[", "Timeframe", CHART, "Shorter timeframe.", footer=False, places=CHARTING
    ),
    Action("zoom_in", "plus", "+", "Zoom in", CHART, "Fewer, wider bars.", footer=False, places=CHARTING),
    Action("zoom_out", "minus", "-", "Zoom out", CHART, "More, narrower bars.", footer=False, places=CHARTING),
    Action("back", "left", "←", "Back", CHART, "Scroll the chart back in time.", footer=False, places=CHARTING),
    Action("forth", "right", "→", "Forth", CHART, "Scroll the chart towards now.", footer=False, places=CHARTING),
    Action("newest", "end", "End", "Now", CHART, "Back to the newest bar.", footer=False, places=CHARTING),
    Action(
        "crosshair",
        "g",
        "g",
        "Crosshair",
        CHART,
        "Read values under a crosshair; arrows move it.",
        footer=False,
        places=CHARTING,
    ),
    Action("overlays", "o", "o", "Overlays", CHART, "Next set of indicator lines.", footer=False, places=CHARTING),
    Action(
        "desk",
        "1,escape",
        "1",
        "Desk",
        STATION,
        "Back to the desk.",
        places=(ON_POSITIONS, ON_SIGNALS, ON_AI, ON_SETTINGS),
    ),
    Action("backtest", "2", "2", "Backtest", STATION, "Try strategies on the past; Esc comes back."),
    Action(
        "positions",
        "3",
        "3",
        "Positions",
        STATION,
        "Positions with the proof of their protection, their orders, and those that are closed.",
        places=(ON_DESK, ON_SIGNALS, ON_AI, ON_SETTINGS),
    ),
    Action(
        "signals",
        "4",
        "4",
        "Signals",
        STATION,
        "Every candidate and why it was or was not traded.",
        places=(ON_DESK, ON_POSITIONS, ON_AI, ON_SETTINGS),
    ),
    Action(
        "models",
        "5",
        "5",
        "Models",
        STATION,
        "Forecasters against naive guesses: train, use, distrust; Esc comes back.",
    ),
    Action(
        "ai",
        "6",
        "6",
        "AI",
        STATION,
        "How the voters have done: accuracy, calibration, cost, agreement.",
        places=(ON_DESK, ON_POSITIONS, ON_SIGNALS, ON_SETTINGS),
    ),
    Action(
        "settings",
        "7",
        "7",
        "Settings",
        STATION,
        "What is in force, and the keys of exchanges and models.",
        places=(ON_DESK, ON_POSITIONS, ON_SIGNALS, ON_AI),
    ),
    Action("key_set", "e", "e", "Set key", STATION, "Type the key of the chosen row, hidden.", places=(ON_SETTINGS,)),
    Action("key_check", "c", "c", "Check", STATION, "Ask the exchange what the key may do.", places=(ON_SETTINGS,)),
    Action("key_remove", "d", "d", "Remove", STATION, "Remove the key; asks first.", places=(ON_SETTINGS,)),
    Action("unlock", "u", "u", "Unlock", STATION, "Open the encrypted vault file.", places=(ON_SETTINGS,)),
    Action(
        "bench",
        "b",
        "b",
        "Bench",
        DESK,
        "Ask the chosen voter no more, or again.",
        _voters,
        places=(ON_AI,),
    ),
    Action(
        "filter",
        "slash",
        "/",
        "Symbol",
        STATION,
        "Show only one symbol, or all again.",
        places=(ON_POSITIONS, ON_SIGNALS),
    ),
    Action(
        "status",
        "s",
        "s",
        "Status",
        STATION,
        "Show only signals that wait, were traded, refused ...",
        places=(ON_SIGNALS,),
    ),
    Action(
        "window", "d", "d", "Day/week", STATION, "Equity of the last day, or of the last week.", places=(ON_POSITIONS,)
    ),
    Action("panel", "tab", "Tab", "Panel", STATION, "Next panel."),
    Action("previous_panel", "shift+tab", "Shift+Tab", "Panel", STATION, "Previous panel.", footer=False),
    Action("maximise", "z", "z", "Maximise", STATION, "The focused panel alone, and back.", footer=False),
    Action("theme", "t", "t", "Theme", STATION, "Next colours; they are kept.", footer=False),
    Action("palette", "colon,ctrl+p", ":", "Palette", STATION, "Search all actions."),
    Action("help", "question_mark", "?", "Help", STATION, "All keys."),
    Action("quit", "q", "q", "Quit", STATION, "Leave: the engine goes on, or stops if you say so."),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def of_place(place: str) -> tuple[Action, ...]:
    """The actions of one screen, in the table's order."""
    return tuple(action for action in ACTIONS if place in action.places)
