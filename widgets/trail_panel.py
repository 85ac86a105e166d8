"""The orders of a position: intent, acknowledgement and fills of each, with the time every step took."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.ledger import FillRow, OrderRow, Trail
from engine.model.order import OrderStatus
from widgets import format as fmt
from widgets.line import Line, Piece, fit, say, sentences
from widgets.position_words import cash, plain, who
from widgets.scroll_panel import ScrollPanel
from widgets.tones import side_tone

PURPOSES = {"entry": "ENTRY", "exit": "EXIT", "stop": "STOP", "target": "TARGET"}
ENDED = {
    OrderStatus.FILLED.value: "profit",
    OrderStatus.CANCELED.value: "dim",
    OrderStatus.REJECTED.value: "loss bold",
    OrderStatus.EXPIRED.value: "dim",
    OrderStatus.UNKNOWN.value: "alarm",
}
FILLS_SHOWN = 6


def stamp(at: int) -> str:
    """Time of day with milliseconds, UTC: ``14:02:11.120``."""
    return f"{fmt.clock(at)}.{at % 1_000:03d}"


def after(since: int, at: int) -> str:
    """``+80 ms``, ``+1.4 s``, ``+3m``: how long after `since` something was."""
    gap = at - since
    if gap < 1_000:
        return f"+{max(0, gap)} ms"
    return f"+{gap / 1_000:.1f} s" if gap < 60_000 else f"+{fmt.duration(gap)}"


def order_lines(order: OrderRow, fills: Sequence[FillRow], accepted: int | None, width: int) -> list[Line]:
    """One order: what it is, then each step of its life."""
    quiet = order.purpose in {"stop", "target"}
    level = order.trigger if order.trigger is not None else order.price
    word = "BUY" if order.side > 0 else "SELL"
    at = f"@ {plain(level)}" if level is not None else "at market"
    head: list[tuple[int, list[Piece]]] = [
        (0, [(f"{PURPOSES.get(order.purpose, order.purpose.upper()):<7}", "strong")]),
        (0, [(f"{word} ", "dim" if quiet else side_tone(order.side)), (f"{plain(order.quantity)} {at}", "text")]),
        (1, [(order.status, ENDED.get(order.status, "accent"))]),
        (3, [(who(order.origin), "dim")]),
        (4, [(order.client_id, "dim")]),
    ]
    lines = [Line(tuple(fit(head, width)))]
    lines.append(_step(stamp(order.created), "intent kept in the journal, then sent", "", width))
    if accepted is not None:
        known = f"exchange order {order.venue_id}" if order.venue_id else ""
        lines.append(_step(after(order.created, accepted), "acknowledged", known, width))
    elif order.venue_id:
        lines.append(_step("", "acknowledged", f"exchange order {order.venue_id}", width))
    for fill in fills[:FILLS_SHOWN]:
        kind = "maker" if fill.maker else "taker"
        cost = f"{kind}, fee {cash(fill.fee, sign=False)}"
        if fill.realised:
            cost = f"made {cash(fill.realised)}, {cost}"
        text = f"filled {plain(fill.quantity)} @ {plain(fill.price)}"
        lines.append(
            _step(after(order.created, fill.at), text, cost + (", back-filled" if fill.backfilled else ""), width)
        )
    if len(fills) > FILLS_SHOWN:
        rest = fills[FILLS_SHOWN:]
        total = sum((fill.quantity for fill in rest), start=Decimal(0))
        lines.append(_step(after(order.created, rest[-1].at), f"{len(rest)} more fills, {plain(total)}", "", width))
    if order.status in ENDED and order.status != OrderStatus.FILLED.value:
        lines.append(
            _step(
                after(order.created, order.updated),
                order.status,
                order.reason if order.reason != order.status else "",
                width,
            )
        )
    return lines


def _step(time: str, text: str, more: str, width: int) -> Line:
    """A step, its time at the left; `more` where there is room for all or some of it."""
    pieces: list[Piece] = [(f"  {time:>12}  ", "dim"), (text, "text")]
    room = width - 16 - len(text) - 2
    if more and room > 5:
        pieces.append((f"  {more if len(more) <= room else more[: room - 1] + '…'}", "dim"))
    return Line(tuple(pieces))


def trail_lines(trail: Trail, width: int) -> list[Line]:
    """All orders, oldest first, then executions that belong to none of ours."""
    lines: list[Line] = []
    own = {order.client_id for order in trail.orders}
    for order in trail.orders:
        fills = [fill for fill in trail.fills if fill.client_id == order.client_id]
        lines += order_lines(order, fills, trail.accepted.get(order.client_id), width)
    strange = [fill for fill in trail.fills if fill.client_id not in own]
    if strange:
        lines.append(say("OUTSIDE  executions that no order of ours made", "warn bold"))
        lines += [
            _step(
                stamp(fill.at),
                f"{'BUY' if fill.side > 0 else 'SELL'} {plain(fill.quantity)} @ {plain(fill.price)}",
                f"fee {cash(fill.fee, sign=False)}",
                width,
            )
            for fill in strange
        ]
    return lines


class TrailPanel(ScrollPanel):
    """The order trail of one position."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._trail: Trail | None = None
        self._what = ""
        self._said = ""

    def show(self, trail: Trail | None, what: str, said: str = "") -> None:
        """Show a trail.

        Args:
            trail: None while it is on its way, or where it cannot be had.
            what: whose, for the title.
            said: the sentence that stands for a trail that is not here.
        """
        if what != self._what:
            self.to_top()
        self._trail, self._what, self._said = trail, what, said
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The orders, or a sentence."""
        trail = self._trail
        self.retitle(("Orders ", "text"), (self._what, "strong"))
        if trail is None or not trail.orders:
            self.subtitle("")
            said = self._said or ("The journal has no order of it." if trail is not None else "")
            return sentences(said or "The orders of the chosen position stand here.", width)
        return self.window(trail_lines(trail, width), height)
