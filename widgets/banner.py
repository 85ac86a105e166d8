"""One line: the mode that cannot be missed, safety, and money."""

from __future__ import annotations

from engine.view import Desk
from widgets import format as fmt
from widgets.line import Line, Piece, fit, say, spread, width_of
from widgets.outside_lines import unsettled
from widgets.panel import Panel
from widgets.tones import signed_tone

Cell = tuple[int, list[Piece]]
SLOW_FEED_MS = 5_000
HIGH_EXPOSURE = 0.8


def _mode(desk: Desk) -> Cell:
    mode = desk.status.mode
    tone = mode if mode in {"demo", "paper", "live"} else "strong"
    word = f" ▌{mode.upper() or 'CONNECTING'}▐ "
    return 0, [(word, tone)]


def _stops(desk: Desk) -> list[Cell]:
    """What keeps the desk from trading, loudest first; the word always stands, the reason where there is room."""
    status = desk.status
    cells: list[Cell] = []
    for word, reason in (("HALTED", status.halt), ("READ ONLY", status.read_only), ("STALLED", status.stalled)):
        if reason:
            cells += [(0, [(f" {word} ", "alarm")]), (4, [(reason, "warn bold")])]
    strange = unsettled(desk)
    if strange:
        names = ", ".join(fmt.base_of(row.symbol) for row in strange[:3])
        cells += [
            (0, [(f" OUTSIDE {len(strange)} ", "alarm")]),
            (6, [(f"{names}: adopt, ignore or close?", "warn bold")]),
        ]
    if status.paused:
        cells.append((1, [(" PAUSED ", "paper")]))
    return cells


def _money(desk: Desk) -> list[Cell]:
    account, status = desk.account, desk.status
    if not (account.equity or account.day_start):
        return [(0, [("equity ", "dim"), (fmt.UNKNOWN, "dim")])]
    day = account.day_pnl / account.day_start if account.day_start else 0.0
    tone = signed_tone(account.day_pnl)
    arrow = "▲" if account.day_pnl > 0 else "▼" if account.day_pnl < 0 else " "
    over = status.day_loss_limit > 0 and account.day_loss_used >= 0.5 * status.day_loss_limit
    risk = f"{account.day_loss_used * 100:.1f}/{status.day_loss_limit * 100:.1f} %"
    return [
        (0, [("equity ", "dim"), (fmt.money(account.equity), "strong")]),
        (2, [("day ", "dim"), (f"{arrow}{fmt.money(account.day_pnl, sign=True)}", f"{tone} bold")]),
        (5, [(f"({fmt.percent(day)})", tone)]),
        (9, [("dd ", "dim"), (fmt.percent(account.drawdown, sign=False, decimals=1), "text")]),
        (8, [("exp ", "dim"), (fmt.percent(account.exposure, sign=False, decimals=0), "text")]),
        (10, [("day risk ", "dim"), (risk, "warn bold" if over else "text")]),
    ]


def _links(desk: Desk, now: int, *, connected: bool) -> list[Cell]:
    status = desk.status
    age = status.feed_age_ms
    if not connected:
        never = status.pid == 0
        lost: Piece = ("no engine yet", "warn") if never else (" ENGINE LOST ", "alarm")
        return [(0, [lost]), (11, [(fmt.clock(now) + "Z", "dim")])]
    if not status.ready:
        feed: list[Piece] = [("feed starting", "warn")]
    elif not status.feed_up:
        feed = [(" FEED DOWN ", "alarm")]
    else:
        feed = [("feed ", "dim"), (fmt.duration(age), "warn bold" if age > SLOW_FEED_MS else "text")]
    engine: Cell = (12, [("engine ", "dim"), ("ok", "text")])
    if status.ready and not status.venue_up:
        engine = (1, [(" VENUE DOWN ", "alarm")])
    return [(3, feed), engine, (11, [(fmt.clock(now) + "Z", "dim")])]


def banner_line(desk: Desk, now: int, width: int, *, connected: bool = True) -> Line:
    """The banner in `width` cells; the least important parts are left out where it is narrow."""
    status = desk.status
    left: list[Cell] = [(13, [(" TREFOIL ", "accent bold")]), _mode(desk), *_stops(desk)]
    if status.pid:
        left.append((7, [(status.autonomy, "accent")]))
    left.extend(_money(desk))
    links = _links(desk, now, connected=connected)
    pieces = fit(left + links, width, gap=1 if width < 100 else 2)
    # The links stand at the right edge: cut the fitted pieces where the first of them begins.
    first = next((cell[0] for _, cell in links if cell[0] in pieces), None)
    lost = status.pid != 0 and not connected
    under = "under-live" if status.mode == "live" else "under-halt" if status.halt or lost else ""
    if first is None:
        return Line(tuple(pieces), under)
    cut = pieces.index(first)
    right = pieces[cut:]
    head = pieces[: cut - 1] if cut else []
    return Line(spread(head, [*right, (" ", "text")], width) if width_of(pieces) < width else tuple(pieces), under)


class ModeBanner(Panel):
    """The top line of every screen."""

    DEFAULT_CSS = """
    ModeBanner { height: 1; border: none; background: $panel; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._desk: Desk | None = None
        self._now = 0
        self._connected = True

    def show(self, desk: Desk, now: int, *, connected: bool = True) -> None:
        """Show the newest desk at `now`, ms UTC; `connected` is whether an engine is on the other end."""
        self._desk, self._now, self._connected = desk, now, connected
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The one line."""
        if self._desk is None:
            return [say(" TREFOIL  connecting to the engine ...")]
        return [banner_line(self._desk, self._now, width, connected=self._connected)]
