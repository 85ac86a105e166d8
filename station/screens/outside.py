"""Decide on what somebody else did at the account: adopt, ignore or close a position, cancel or leave an order."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine.model import command as c
from engine.view import Desk, OutsideOrderView, OutsideView
from station.screens.dialog import Dialog
from widgets import format as fmt
from widgets.outside_lines import comparison, consequences, left_alone, strange_orders, unsettled, what_order

Decision: TypeAlias = c.ResolvePosition | c.CancelOutside
Item: TypeAlias = OutsideView | OutsideOrderView

KEYS = {"adopt": "a", "ignore": "i", "close": "c", "cancel": "c", "leave": "i"}
GONE = "It is settled: desk and exchange agree on it now."
ORDER_SAYS = {
    "cancel": "The desk asks the exchange to cancel it.",
    "leave": "Nothing is sent; what it fills will stand here as a position from outside.",
}


def items_of(desk: Desk) -> list[Item]:
    """What is to be decided, the undecided first."""
    return [*unsettled(desk), *strange_orders(desk), *left_alone(desk)]


def key_of(item: Item) -> str:
    """Tells one thing from another while their numbers change."""
    return item.symbol if isinstance(item, OutsideView) else f"order {item.client_id}"


class OutsideDialog(Dialog[Decision]):
    """Dismisses with the command; nothing is sent from here.

    Args:
        desk: the replica; what is shown follows it.
        first: key of the thing to begin with (see `key_of`); empty for the first there is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "choose('adopt')", "Adopt", show=False),
        Binding("i", "choose('ignore')", "Ignore", show=False),
        Binding("c", "choose('close')", "Close", show=False),
        Binding("down,tab,j", "step(1)", "Next", show=False),
        Binding("up,shift+tab,k", "step(-1)", "Previous", show=False),
    ]
    DEFAULT_CSS = """
    OutsideDialog > .box { width: 76; }
    OutsideDialog #facts { margin: 1 0; }
    """
    REFRESH_S = 0.5

    def __init__(self, desk: Desk, first: str = "") -> None:
        super().__init__()
        self._desk = desk
        known = [key_of(item) for item in items_of(desk)]
        self._chosen = first if first in known else next(iter(known), "")

    def compose(self) -> ComposeResult:
        """Headline, table, what each key does."""
        with Vertical(classes="box") as box:
            box.border_subtitle = "↑↓ next   Esc back"
            yield Static(id="headline")
            yield Static(id="facts")
            yield Static(id="ways")

    def on_mount(self) -> None:
        """Prices and the exchange's report move meanwhile."""
        self._show()
        self.set_interval(self.REFRESH_S, self._show)

    @property
    def item(self) -> Item | None:
        """What is shown; None once it is settled."""
        return next((item for item in items_of(self._desk) if key_of(item) == self._chosen), None)

    def ways(self) -> dict[str, str]:
        """What can be chosen for the shown thing, and what it would do."""
        item = self.item
        if isinstance(item, OutsideView):
            return consequences(item, self._desk.instruments.get(item.symbol))
        return ORDER_SAYS if item is not None else {}

    def _show(self) -> None:
        item, all_items = self.item, items_of(self._desk)
        box = self.query_one(".box")
        place = all_items.index(item) + 1 if item is not None else 0
        box.border_title = f"From outside  {place} of {len(all_items)}   {self._desk.status.mode.upper()}"
        headline, facts = self.query_one("#headline", Static), self.query_one("#facts", Static)
        if item is None:
            headline.update(Content(GONE))
            facts.update("")
        elif isinstance(item, OutsideView):
            headline.update(Content(f"{item.symbol}: {self._headline(item)}"))
            facts.update(_table(comparison(item, self._desk)))
        else:
            what = what_order(item, self._desk.instruments.get(item.symbol))
            headline.update(Content(f"{item.symbol}: somebody else's order is open at the exchange."))
            facts.update(_table([("order", "-", what), ("its id", "-", item.client_id)]))
        ways = Table.grid(padding=(0, 1, 0, 0))
        ways.add_column(width=1)
        ways.add_column(width=7)
        ways.add_column()
        for name, says in self.ways().items():
            ways.add_row(Text(KEYS[name], style="bold"), name, says)
        self.query_one("#ways", Static).update(ways)

    def _headline(self, item: OutsideView) -> str:
        if item.left:
            return "left alone; you may still take it over."
        if item.ours == 0:
            return "somebody else opened a position at the exchange."
        return "desk and exchange differ on the position."

    def action_step(self, by: int) -> None:
        """Another of them."""
        known = [key_of(item) for item in items_of(self._desk)]
        if known:
            place = known.index(self._chosen) if self._chosen in known else -by
            self._chosen = known[(place + by) % len(known)]
            self._show()

    def action_choose(self, name: str) -> None:
        """One of the ways, if it is open for the shown thing."""
        item = self.item
        if isinstance(item, OutsideOrderView):
            self.dismiss(c.CancelOutside(client_id=item.client_id) if name == "close" else None)
        elif item is not None and name in self.ways():
            self.dismiss(c.ResolvePosition(symbol=item.symbol, action=c.Outside(name)))


def _table(rows: list[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(width=12, style="dim")
    table.add_column(min_width=14)
    table.add_column()
    table.add_row("", Text("desk", style="dim"), Text("exchange", style="dim"))
    for name, ours, theirs in rows:
        table.add_row(name, ours, Text(theirs, style="bold"))
    return table


def close_question(command: c.ResolvePosition, desk: Desk) -> tuple[str, str]:
    """Title and sentence of the question before a position from outside is closed."""
    row = desk.outside[command.symbol]
    detail = consequences(row, desk.instruments.get(row.symbol)).get("close", GONE)
    return f"Close {fmt.base_of(command.symbol)} at the exchange", detail
