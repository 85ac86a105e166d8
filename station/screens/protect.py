"""Move stop and target of a position, with what each would mean."""

from __future__ import annotations

from decimal import Decimal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from engine.model.command import SetProtection
from engine.view import Desk, InstrumentView, PositionView
from station.preview import parse
from station.screens.dialog import Dialog
from widgets import format as fmt
from widgets.position_lines import distance
from widgets.position_words import at_level

REFRESH_S = 0.5
FIELDS = ("stop", "target")


class Protect(Dialog[SetProtection]):
    """Dismisses with the command; an empty field keeps what is there.

    Args:
        position: whose protection.
        instrument: its contract.
        desk: the replica, for the price that moves meanwhile.
    """

    DEFAULT_CSS = """
    Protect > .box { width: 66; }
    Protect .row { height: 1; }
    Protect .row Label { width: 10; color: $foreground 60%; }
    Protect Input, Protect Input:focus { width: 18; border: none; height: 1; padding: 0 1; background: $panel; }
    Protect Input:focus { background: $primary 35%; }
    Protect .means { width: 1fr; height: 1; padding: 0 1; }
    """

    def __init__(self, position: PositionView, instrument: InstrumentView, desk: Desk) -> None:
        super().__init__()
        self._position = position
        self._view = instrument
        self._desk = desk

    def compose(self) -> ComposeResult:
        """Two fields, prefilled with what is in force."""
        row, tick = self._position, self._view.tick_size
        now = {"stop": row.stop, "target": row.target}
        with Vertical(classes="box") as box:
            box.border_title = f"Stop and target of {row.symbol}   {self._desk.status.mode.upper()}"
            box.border_subtitle = "Tab field  Enter send  Esc back"
            yield Static(id="held")
            for name in FIELDS:
                level = now[name]
                with Horizontal(classes="row"):
                    yield Label(name)
                    yield Input(f"{tick * level:f}" if level else "", id=name)
                    yield Static(id=f"{name}-means", classes="means")

    def on_mount(self) -> None:
        """The price moves while the person thinks."""
        self._show()
        self.set_interval(REFRESH_S, self._show)

    @property
    def _now(self) -> PositionView:
        """The newest picture of the position."""
        return self._desk.positions.get(self._position.symbol, self._position)

    def levels(self) -> tuple[dict[str, int], dict[str, str]]:
        """Typed levels in ticks by field (fields left empty are not in it), and what is wrong by field."""
        row, side = self._now, 1 if self._position.lots > 0 else -1
        errors: dict[str, str] = {}
        found: dict[str, int] = {}
        for name, sign in (("stop", -side), ("target", side)):
            text = self.query_one(f"#{name}", Input).value
            if not text.strip():
                continue
            ticks = parse(text, self._view.tick_size, name, errors)
            if ticks and (ticks - row.mark) * sign <= 0:
                errors[name] = f"must be {'above' if sign > 0 else 'below'} the mark {fmt.price(self._view, row.mark)}"
            found[name] = ticks
        return found, errors

    def _show(self) -> None:
        row = self._now
        found, errors = self.levels()
        mark = fmt.price(self._view, row.mark)
        size = fmt.quantity(self._view, row.lots)
        side = "LONG" if row.lots > 0 else "SHORT"
        entry = fmt.price(self._view, row.entry)
        self.query_one("#held", Static).update(Content(f"{side} {size} @ {entry}   mark {mark}"))
        for name in FIELDS:
            line = self.query_one(f"#{name}-means", Static)
            if name in errors:
                line.update(Content.styled(errors[name], "$text-warning"))
            elif name in found:
                level = found[name]
                net = fmt.money(at_level(row, self._view, level)[1], sign=True)
                away = fmt.percent(distance(row.mark, level), decimals=2)
                line.update(Content(f"{away} away, net {net} if hit"))
            else:
                line.update(Content.styled("stays as it is", "$foreground 60%"))

    def on_input_changed(self) -> None:
        """Every keystroke shows what it means."""
        self._show()

    def on_input_submitted(self) -> None:
        """Enter sends what differs from what is in force; nothing wrong is sent."""
        found, errors = self.levels()
        if errors:
            return
        row = self._now
        changed = {name: level for name, level in found.items() if level != getattr(row, name)}
        if not changed:
            self.dismiss(None)
            return
        prices: dict[str, Decimal] = {name: self._view.tick_size * level for name, level in changed.items()}
        self.dismiss(SetProtection(symbol=row.symbol, stop=prices.get("stop"), target=prices.get("target")))
