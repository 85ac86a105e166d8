"""The order ticket: size, type, stop and target, with their cost and risk as they are typed."""

from __future__ import annotations

from decimal import Decimal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from engine.model.command import PlaceOrder
from engine.model.order import OrderKind, Side
from engine.view import BoardView, Desk, InstrumentView
from station.preview import Draft, Preview, default_lots, preview
from station.screens.dialog import Dialog

KINDS = (OrderKind.MARKET, OrderKind.LIMIT, OrderKind.POST_ONLY)
FIELDS = ("quantity", "price", "stop", "target")


class Ticket(Dialog[PlaceOrder]):
    """Dismisses with the order to place. On LIVE the first Enter only arms the summary line.

    Args:
        side: buy or sell.
        instrument: what is traded.
        desk: for quotes, equity and limits; read at each keystroke.
        board: default protection distances.
    """

    DEFAULT_CSS = """
    Ticket .row { height: 3; }
    Ticket .row Label { width: 12; padding: 1 0; color: $foreground 60%; }
    Ticket .row Input { width: 22; }
    Ticket .row .error { color: $text-error; padding: 1 1; width: 1fr; }
    Ticket #kind { padding: 0; } Ticket #summary { padding: 0 0; height: auto; }
    """

    def __init__(self, side: Side, instrument: InstrumentView, desk: Desk, board: BoardView | None) -> None:
        super().__init__()
        self._side = side
        self._view = instrument
        self._desk = desk
        self._board = board
        self._kind = 0
        self._armed = False

    def compose(self) -> ComposeResult:
        """Fields prefilled with the desk's own size and protection."""
        values = self._defaults()
        with Vertical(classes="box") as box:
            box.border_title = f"{self._side.name} {self._view.symbol}   {self._desk.status.mode.upper()}"
            box.border_subtitle = "F2 type  F3 F4 F5 25/50/100 % of equity  Enter send  Esc back"
            yield Static(id="kind")
            for name in FIELDS:
                with Horizontal(classes="row"):
                    yield Label(name)
                    yield Input(values[name], id=name)
                    yield Static("", id=f"{name}-error", classes="error")
            yield Static(id="summary")

    def on_mount(self) -> None:
        """Begin at the size."""
        self.query_one("#quantity", Input).focus()
        self._show()

    def _defaults(self) -> dict[str, str]:
        quote = self._desk.quotes.get(self._view.symbol)
        entry = 0 if quote is None else quote.ask if self._side > 0 else quote.bid
        tick, side = self._view.tick_size, int(self._side)
        stop_ticks = self._board.stop_ticks if self._board is not None else 0
        target_ticks = self._board.target_ticks if self._board is not None else 0
        lots = default_lots(self._view, self._desk, entry, stop_ticks)
        return {
            "quantity": f"{self._view.lot_size * lots:f}" if lots else "",
            "price": f"{tick * entry:f}" if entry else "",
            "stop": f"{tick * (entry - side * stop_ticks):f}" if entry and stop_ticks else "",
            "target": f"{tick * (entry + side * target_ticks):f}" if entry and target_ticks else "",
        }

    @property
    def kind(self) -> OrderKind:
        """The chosen order type."""
        return KINDS[self._kind]

    def _preview(self) -> Preview:
        values = {name: self.query_one(f"#{name}", Input).value for name in FIELDS}
        draft = Draft(int(self._side), **values, market=self.kind is OrderKind.MARKET)
        return preview(draft, self._view, self._desk)

    def _show(self) -> None:
        seen = self._preview()
        for name in FIELDS:
            self.query_one(f"#{name}-error", Static).update(seen.errors.get(name, ""))
        kinds = "  ".join(f"[reverse] {k.value} [/]" if k is self.kind else f" {k.value} " for k in KINDS)
        self.query_one("#kind", Static).update(f"type        {kinds}")
        self.query_one("#price", Input).disabled = self.kind is OrderKind.MARKET
        self.query_one("#summary", Static).update(self._summary(seen))

    def _summary(self, seen: Preview) -> str:
        if seen.errors:
            return "[$text-warning]not ready: " + "; ".join(f"{k} {v}" for k, v in seen.errors.items()) + "[/]"
        tick = self._view.tick_size
        away = abs(seen.entry - seen.liquidation) / seen.entry if seen.liquidation and seen.entry else 0.0
        liquidation = f"{tick * seen.liquidation:f} ({away:.1%} away)" if seen.liquidation else "none"
        lines = [
            f"value {seen.notional / 1e8:,.2f}   margin {seen.margin / 1e8:,.2f}   fee {seen.fee / 1e8:,.4f} each way",
            f"risk {seen.risk / 1e8:,.2f} ({seen.risk_fraction:.2%} of equity)   reward/risk {seen.reward_risk:.2f}",
            f"liquidation {liquidation}",
        ]
        if self._armed:
            lines.append("[reverse] Enter again sends this LIVE order [/]")
        return "\n".join(lines)

    def on_input_changed(self) -> None:
        """Every keystroke shows what it means."""
        self._armed = False
        self._show()

    def on_input_submitted(self) -> None:
        """Enter: send, after the summary has been shown."""
        seen = self._preview()
        if seen.errors:
            self._show()
            return
        if self._desk.status.mode == "live" and not self._armed:
            self._armed = True
            self._show()
            return
        tick = self._view.tick_size
        market = self.kind is OrderKind.MARKET
        texts = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("stop", "target")}
        prices = {name: Decimal(text.replace(",", "")) if text else None for name, text in texts.items()}
        self.dismiss(
            PlaceOrder(
                symbol=self._view.symbol,
                side=self._side,
                kind=self.kind,
                quantity=self._view.lot_size * seen.lots,
                price=None if market else tick * seen.entry,
                stop=prices["stop"],
                target=prices["target"],
            )
        )

    def key_f2(self) -> None:
        """Next order type."""
        self._kind = (self._kind + 1) % len(KINDS)
        self._armed = False
        self._show()

    def key_f3(self) -> None:
        """A quarter of equity."""
        self._share(25)

    def key_f4(self) -> None:
        """Half of equity."""
        self._share(50)

    def key_f5(self) -> None:
        """All of equity, without leverage."""
        self._share(100)

    def _share(self, percent: int) -> None:
        seen = self._preview()
        if seen.entry:
            lots = self._desk.account.equity * percent // 100 // (seen.entry * self._view.unit)
            self.query_one("#quantity", Input).value = f"{self._view.lot_size * lots:f}"
