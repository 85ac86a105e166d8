"""The order ticket: size, type, stop and target, with their cost and risk as they are typed."""

from __future__ import annotations

from decimal import Decimal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from engine.model.command import PlaceOrder
from engine.model.order import OrderKind, Side
from engine.view import Desk, InstrumentView
from engine.view_board import BoardView
from station.preview import Draft, Preview, default_lots, preview
from station.screens.dialog import Dialog
from widgets import format as fmt

KINDS = {OrderKind.MARKET: "market", OrderKind.LIMIT: "limit", OrderKind.POST_ONLY: "post-only"}
FIELDS = ("quantity", "price", "stop", "target")
REFRESH_S = 0.5
OWN_STOP, OWN_REWARD = 100, 2
"""Until a board has distances of its own: the stop a hundredth of the price away, the target twice as far."""


class Ticket(Dialog[PlaceOrder]):
    """Dismisses with the order to place. On LIVE the first Enter only arms the summary line.

    Args:
        side: buy or sell.
        instrument: what is traded.
        desk: for quotes, equity and limits; read at each keystroke and twice a second.
        board: default protection distances.
    """

    DEFAULT_CSS = """
    Ticket > .box { width: 68; }
    Ticket .row { height: 1; }
    Ticket .row Label { width: 11; color: $foreground 60%; }
    Ticket .row .unit { width: 7; }
    Ticket .row Input { width: 16; height: 1; border: none; padding: 0 1; background: $panel; }
    Ticket .row Input:focus { background: $primary 40%; }
    Ticket .row .error { color: $text-error; width: 1fr; }
    Ticket #quote, Ticket #summary { height: auto; padding: 0; }
    Ticket #summary { margin: 1 0 0 0; }
    """

    def __init__(self, side: Side, instrument: InstrumentView, desk: Desk, board: BoardView | None) -> None:
        super().__init__()
        self._side = side
        self._view = instrument
        self._desk = desk
        self._board = board
        self._kind = 0
        self._armed = False
        base, _, rest = instrument.symbol.partition("/")
        quote = rest.partition(":")[0]
        self._units = {"quantity": base, "price": quote, "stop": quote, "target": quote}

    def compose(self) -> ComposeResult:
        """Fields prefilled with the desk's own size and protection."""
        values = self._defaults()
        with Vertical(classes="box") as box:
            box.border_title = f"{self._side.name} {self._view.symbol}   {self._desk.status.mode.upper()}"
            box.border_subtitle = "F2 type  F3/4/5 25/50/100 %  Enter send  Esc back"
            yield Static(id="quote")
            yield Static(id="kind")
            for name in FIELDS:
                with Horizontal(classes="row"):
                    yield Label(name)
                    yield Input(values[name], id=name)
                    yield Label(f" {self._units[name]}", classes="unit")
                    yield Static("", id=f"{name}-error", classes="error")
            yield Static(id="summary")

    def on_mount(self) -> None:
        """Begin at the size; the quote moves while the person thinks."""
        self.query_one("#quantity", Input).focus()
        self._show()
        self.set_interval(REFRESH_S, self._show)

    def _defaults(self) -> dict[str, str]:
        quote = self._desk.quotes.get(self._view.symbol)
        entry = 0 if quote is None else quote.ask if self._side > 0 else quote.bid
        tick, side = self._view.tick_size, int(self._side)
        board = self._board
        stop_ticks = (board.stop_ticks if board is not None else 0) or entry // OWN_STOP
        target_ticks = (board.target_ticks if board is not None else 0) or OWN_REWARD * stop_ticks
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
        return list(KINDS)[self._kind]

    def _preview(self) -> Preview:
        values = {name: self.query_one(f"#{name}", Input).value for name in FIELDS}
        draft = Draft(int(self._side), **values, market=self.kind is OrderKind.MARKET)
        return preview(draft, self._view, self._desk)

    def _show(self) -> None:
        seen = self._preview()
        for name in FIELDS:
            self.query_one(f"#{name}-error", Static).update(seen.errors.get(name, ""))
        kinds = " ".join(f"[reverse] {word} [/]" if kind is self.kind else f" {word} " for kind, word in KINDS.items())
        self.query_one("#kind", Static).update(f"[$foreground 60%]type[/]       {kinds}")
        self.query_one("#price", Input).disabled = self.kind is OrderKind.MARKET
        self.query_one("#quote", Static).update(self._quote())
        self.query_one("#summary", Static).update(self._summary(seen))

    def _quote(self) -> str:
        quote, account = self._desk.quotes.get(self._view.symbol), self._desk.account
        if quote is None:
            return "[$text-warning]no quote yet[/]"
        bid, ask = fmt.price(self._view, quote.bid), fmt.price(self._view, quote.ask)
        return f"[$foreground 60%]bid[/] {bid}  [$foreground 60%]ask[/] {ask}  [$foreground 60%]equity[/] {fmt.money(account.equity)}"

    def _summary(self, seen: Preview) -> str:
        if seen.errors:
            return "[$text-warning]not ready: " + "; ".join(f"{k} {v}" for k, v in seen.errors.items()) + "[/]\n\n"
        away = abs(seen.entry - seen.liquidation) / seen.entry if seen.liquidation and seen.entry else 0.0
        liquidation = "none"
        if seen.liquidation:
            liquidation = (
                f"{fmt.price(self._view, seen.liquidation)} ({fmt.percent(away, sign=False, decimals=1)} away)"
            )
        risk = "no stop: not limited"
        if seen.risk:
            risk = f"{fmt.money(seen.risk)} ({fmt.percent(seen.risk_fraction, sign=False)} of equity)"
        reward = f"   reward/risk {seen.reward_risk:.2f}" if seen.reward_risk else ""
        fee = fmt.money(seen.fee, decimals=2)
        lines = [
            f"value {fmt.money(seen.notional)}   margin {fmt.money(seen.margin)}   fee {fee} a side",
            f"risk {risk}{reward}",
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
