"""One position in full: the exchange's proof of its protection, what each level would bring, and what it has cost."""

from __future__ import annotations

from engine.model.order import Purpose
from engine.view import Desk, InstrumentView, OrderView, PositionView
from widgets import format as fmt
from widgets.line import Line, Piece, fit, say, sentences
from widgets.panel import Panel
from widgets.position_lines import NEAR_LIQUIDATION, SETTLING_MS, distance, protected, when_of
from widgets.position_words import at_level, net_now, stops_to_liquidation, who
from widgets.tones import side_arrow, side_tone, side_word, signed_tone

BARE = "UNPROTECTED: the exchange has confirmed no stop. e sets one, c closes the position."
LEAST_SCALE = 30


def scale_line(row: PositionView, width: int) -> Line | None:
    """Stop, entry, mark and target on one line to scale; None where a leg is missing or there is no room."""
    if row.stop is None or row.target is None or width < LEAST_SCALE:
        return None
    inner = width - len("stop ") - len(" target")
    low, high = row.stop, row.target
    if low == high:
        return None

    def place(level: float) -> int:
        return max(0, min(inner - 1, round((level - low) / (high - low) * (inner - 1))))

    entry, mark = place(row.entry), place(row.mark)
    won = (row.mark - row.entry) * row.lots >= 0
    tone = "profit" if won else "loss"
    first, last = min(entry, mark), max(entry, mark)
    pieces: list[Piece] = [("stop ", "stop")]
    for x in range(inner):
        glyph = "◆" if x == mark else "┃" if x == entry else "━" if first < x < last else "─"
        pieces.append((glyph, f"{tone} bold" if first <= x <= last else "faint"))
    pieces.append((" target", "target"))
    return Line(tuple(pieces))


def _leg(name: str, row: PositionView, desk: Desk, instrument: InstrumentView, now: int) -> list[list[Piece]]:
    stop = name == "stop"
    level, confirmed, venue_id = (
        (row.stop, row.stop_confirmed, row.stop_id) if stop else (row.target, row.target_confirmed, row.target_id)
    )
    if level is None:
        return [[(f"{name.upper():<7}", "dim"), ("none", "alarm" if stop else "dim")]]
    from_here, net = at_level(row, instrument, level)
    mark: Piece = ("✓ ", "profit bold") if confirmed else ("✗ ", "loss bold")
    first: list[Piece] = [
        (f"{name.upper():<7}", "dim"),
        mark,
        (fmt.price(instrument, level), f"{name} bold"),
        (f"  {fmt.percent(distance(row.mark, level))}", "text"),
        (f"  {fmt.money(from_here, sign=True)}", signed_tone(from_here)),
        (" from here", "dim"),
        (f"  net {fmt.money(net, sign=True)}", signed_tone(net)),
    ]
    if confirmed:
        proof: list[Piece] = [(" " * 9, "text"), (f"confirmed {fmt.age(now - confirmed)} ago", "text")]
        proof.append((f"  exchange order {venue_id}" if venue_id else "  exchange gave no id", "dim"))
    else:
        order = _own(desk, row.symbol, Purpose.STOP if stop else Purpose.TARGET)
        said = f"not confirmed: order {order.client_id} is {order.status.value}" if order else "no order of it exists"
        proof = [(" " * 9, "text"), (said, "loss bold" if stop else "warn")]
    return [first, proof]


def _own(desk: Desk, symbol: str, purpose: Purpose) -> OrderView | None:
    rows = [o for o in desk.orders.values() if o.symbol == symbol and o.purpose is purpose]
    return max(rows, key=lambda o: o.created, default=None)


def _liquidation(row: PositionView, instrument: InstrumentView) -> list[Piece]:
    if row.liquidation is None:
        return [("LIQ      ", "dim"), ("no price liquidates it", "text")]
    away = distance(row.mark, row.liquidation)
    times = stops_to_liquidation(row)
    tone = "alarm" if abs(away) < NEAR_LIQUIDATION else "text"
    return [
        ("LIQ      ", "dim"),
        (fmt.price(instrument, row.liquidation), "strong"),
        (f"  {fmt.percent(away)}", tone),
        (
            f"  {times:.1f} x the stop's distance" if times is not None else "",
            "dim" if (times or 2) >= 1.5 else "alarm",
        ),
    ]


def proof_lines(row: PositionView, desk: Desk, instrument: InstrumentView, now: int, width: int) -> list[Line]:
    """The whole card."""
    side = (row.lots > 0) - (row.lots < 0)
    when = when_of(desk.status, now)
    lines: list[Line] = []
    if not protected(row):
        tone = "alarm" if when.market - row.opened > SETTLING_MS else "warn bold"
        lines += [Line(((line.text.ljust(width), tone),)) for line in sentences(BARE, width)]
    value = abs(row.lots) * row.mark * instrument.unit
    share = row.unrealised / row.margin if row.margin else 0.0
    net = net_now(row)
    lines.append(
        Line(
            tuple(
                fit(
                    [
                        (0, [(f"{side_arrow(side)} {side_word(side)} ", f"{side_tone(side)} bold")]),
                        (0, [(f"{fmt.quantity(instrument, row.lots)} {fmt.base_of(row.symbol)}", "strong")]),
                        (0, [(f"@ {fmt.price(instrument, row.entry)} → {fmt.price(instrument, row.mark)}", "text")]),
                        (1, [(f"{fmt.money(row.unrealised, sign=True)}", f"{signed_tone(row.unrealised)} bold")]),
                        (2, [(f"{fmt.percent(share, decimals=1)} of margin", "dim")]),
                    ],
                    width,
                    gap=1,
                )
            )
        )
    )
    scale = scale_line(row, width)
    if scale is not None:
        lines.append(scale)
    for name in ("stop", "target"):
        lines += [Line(tuple(_cut(pieces, width))) for pieces in _leg(name, row, desk, instrument, now)]
    lines.append(Line(tuple(_cut(_liquidation(row, instrument), width))))
    lines += _amounts(
        [
            ("leverage", f"{row.leverage}x isolated", "text"),
            ("margin", fmt.money(row.margin), "text"),
            ("value", fmt.money(value), "text"),
        ],
        width,
    )
    lines += _amounts(
        [
            ("realised", fmt.money(row.realised, sign=True), signed_tone(row.realised)),
            ("fees", fmt.money(-row.fees, sign=True), signed_tone(-row.fees)),
            ("funding", fmt.money(row.funding, sign=True), signed_tone(row.funding)),
            ("net", fmt.money(net, sign=True), f"{signed_tone(net)} bold"),
        ],
        width,
    )
    paid = desk.funding.get(row.symbol)
    if paid is not None:
        due = round(-row.lots * row.mark * instrument.unit * paid.rate)
        says = f"{fmt.money(due, sign=True)} at {fmt.funding(paid.rate, paid.at - when.market)}"
        lines += _amounts([("next funding", says, signed_tone(due))], width)
    opened = f"opened {fmt.clock(row.opened)}Z, {fmt.age(when.market - row.opened)} ago, by {who(row.origin)}"
    return lines + sentences(opened, width)


def _amounts(items: list[tuple[str, str, str]], width: int) -> list[Line]:
    """Names and amounts side by side, on as many lines as they take."""
    lines: list[Line] = []
    pieces: list[Piece] = []
    used = 0
    for name, text, tone in items:
        size = len(name) + 1 + len(text)
        if used and used + 3 + size > width:
            lines.append(Line(tuple(pieces)))
            pieces, used = [], 0
        if used:
            pieces.append(("   ", "text"))
            used += 3
        pieces += [(f"{name} ", "dim"), (text, tone)]
        used += size
    return [*lines, Line(tuple(pieces))]


def _cut(pieces: list[Piece], width: int) -> list[Piece]:
    """Pieces from the left as long as they fit whole."""
    out: list[Piece] = []
    used = 0
    for text, tone in pieces:
        if used + len(text) > width:
            break
        out.append((text, tone))
        used += len(text)
    return out


class ProofPanel(Panel, can_focus=True):
    """The card of the chosen position."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._desk: Desk | None = None
        self._symbol = ""
        self._now = 0

    def show(self, desk: Desk, symbol: str, now: int) -> None:
        """Show the position of `symbol` at `now`, ms UTC."""
        self._desk, self._symbol, self._now = desk, symbol, now
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The card, or the sentence that stands for it."""
        desk = self._desk
        row = desk.positions.get(self._symbol) if desk is not None else None
        instrument = desk.instruments.get(self._symbol) if desk is not None else None
        if desk is None or row is None or instrument is None:
            self.retitle(("Protection", "text"))
            return sentences("The proof of protection of the chosen position stands here.", width)
        proof: Piece = ("protected", "profit bold") if protected(row) else (" UNPROTECTED ", "alarm")
        self.retitle((f"Protection of {fmt.base_of(row.symbol)}  ", "text"), proof)
        lines = proof_lines(row, desk, instrument, self._now, width)
        return lines if len(lines) <= height else [*lines[: height - 1], say("… Tab and z show it all", "dim")]
