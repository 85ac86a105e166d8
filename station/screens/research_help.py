"""All keys of the backtest screen, made from its table of actions."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from station.research_actions import ACTIONS, FORM, HISTORY, TRADES, Action
from station.screens.dialog import Dialog

SECTIONS = (("In the fields", (FORM,)), ("Trades", (TRADES,)), ("History", (HISTORY,)))


class ResearchHelp(Dialog[None]):
    """The table by place."""

    DEFAULT_CSS = "ResearchHelp > .box { width: 76; height: auto; max-height: 90%; }"

    def compose(self) -> ComposeResult:
        """A section a place, a line an action."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "Keys of the backtest screen"
            box.border_subtitle = "↑↓ scroll  Esc back"
            shown: set[int] = set()
            for title, places in SECTIONS:
                yield Static(f"[b $accent]{title}[/]")
                rows = [action for action in ACTIONS if action.places == places]
                shown.update(id(action) for action in rows)
                yield Static(_section(rows))
            yield Static("[b $accent]Everywhere else[/]")
            yield Static(_section([action for action in ACTIONS if id(action) not in shown]))


def _section(rows: list[Action]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 1))
    table.add_column(width=9, no_wrap=True)
    table.add_column()
    for action in ACTIONS:
        if action in rows:
            table.add_row(Text(action.shown, style="bold"), action.help)
    return table
