"""Why, or why not: a signal's way from the candidate over gates and votes to its order, its fill and its outcome."""

from __future__ import annotations

from engine.ledger import Trail
from engine.model.signal import Action, Gate, Signal, SignalStatus, Verdict
from engine.model.vote import STRATEGIES, Vote
from engine.view import InstrumentView, PositionView
from widgets import format as fmt
from widgets.closed_panel import when
from widgets.gate_words import stage, used
from widgets.line import EMPTY, Line, Piece, fit, say, sentences, width_of
from widgets.position_words import cash, mean, net_now
from widgets.scroll_panel import ScrollPanel
from widgets.signal_detail import MARKS, plan_line
from widgets.signals_panel import STATUS_TONES
from widgets.spark import bar
from widgets.tones import side_arrow, side_tone, signed_tone
from widgets.trail_panel import order_lines

MARK, NAME, BAR, SHARE = 12, 12, 8, 6
VALUE, NEEDS = 14, 14
NEAR = 0.8
TITLES = {"market": "GATES", "risk": "RISK", "forecast": "FORECAST", "votes": "VOTES"}
JUDGED = frozenset({Verdict.PASS, Verdict.FAIL})
SENT = frozenset({SignalStatus.SENT, SignalStatus.FILLED})
ENDED = frozenset({SignalStatus.REFUSED, SignalStatus.EXPIRED, SignalStatus.REJECTED})


def may_have_orders(signal: Signal) -> bool:
    """There may be a trail of it to ask for."""
    asked = any(
        gate.name == "votes"
        and (gate.verdict in JUDGED or (gate.verdict is Verdict.SKIPPED and signal.status is SignalStatus.REFUSED))
        for gate in signal.gates
    )
    return bool(signal.client_id) or signal.status in SENT or signal.action is Action.CLOSE or asked


def nearness(gate: Gate) -> list[Piece]:
    """A bar that is full at the limit, and the share of it that the value takes up."""
    share = used(gate) if gate.verdict in JUDGED else None
    if share is None:
        return [(" " * (BAR + SHARE + 3), "text")]
    over = gate.verdict is Verdict.FAIL
    tone = "loss" if over else "warn" if share >= NEAR else "profit"
    text = "over" if over and share > 9.9 else f"{share * 100:.0f} %"
    return [("▕", "faint"), (bar(min(1.0, share), BAR), tone), ("▏", "faint"), (f"{text:>{SHARE}} ", tone)]


def gate_lines(gate: Gate, width: int) -> list[Line]:
    """A gate as a row of the table; its reason stands below where it did not simply pass."""
    mark, tone = MARKS[gate.verdict]
    name_tone = "loss bold" if gate.verdict is Verdict.FAIL else "text"
    value, needs = (VALUE, NEEDS) if width >= 72 else (11, 12)
    narrow = width < 72
    pieces: list[Piece] = [(fmt.left(mark[:1] if narrow else mark, 2 if narrow else MARK), tone)]
    pieces.append((fmt.left(gate.name, NAME), name_tone))
    if len(gate.value) > value:
        # What a gate says in words has the place of the bar.
        room = width - width_of(pieces) - len(gate.threshold) - 2
        said = gate.value if len(gate.value) <= room else fmt.left(gate.value, max(value, room))
        pieces += [(said, "strong"), (f"  {gate.threshold}", "dim")]
    else:
        pieces += [(f"{gate.value:>{value}}", "strong"), (f"  {fmt.left(gate.threshold, needs)}", "dim")]
        if width_of(pieces) + BAR + SHARE + 3 <= width:
            pieces += nearness(gate)
    lines = [Line(tuple(pieces))]
    if gate.reason and gate.verdict is not Verdict.PASS:
        indent = 2 if narrow else MARK
        lines += [say(" " * indent + line.text) for line in sentences(gate.reason, max(10, width - indent))]
    return lines


def vote_lines(vote: Vote, width: int) -> list[Line]:
    """One voter: side, confidence, latency, cost, and its first reason or why it abstained."""
    stance = vote.stance.side if vote.stance is not None else 0
    simulated = " SIMULATED" if vote.simulated else ""
    pieces: list[Piece] = [(f"  {fmt.left(vote.voter, 10)}", "strong")]
    if vote.valid and vote.stance is not None:
        pieces += [
            (f"{side_arrow(stance)} {vote.stance.value:<8}", f"{side_tone(stance)} bold"),
            (bar(vote.confidence / 100, BAR), side_tone(stance)),
            (f"{vote.confidence:>4}  ", "text"),
        ]
    else:
        pieces.append(("ABSTAINS          ", "warn"))
    known = f"{vote.cost / 1e8:.4f}".rstrip("0").rstrip(".") + " USD  " if vote.cost else ""
    cost = known if vote.cost is not None else "cost unknown  "
    pieces.append((f"{fmt.duration(vote.latency_ms)}  {cost}{vote.model}{simulated}"[: max(0, width - 34)], "dim"))
    said = vote.why or (vote.reasons[0] if vote.reasons else "")
    lines = [Line(tuple(pieces)), *(say("    " + line.text) for line in sentences(said, max(10, width - 4)))]
    for flag in vote.flags:
        lines += [say("    " + line.text, "warn") for line in sentences(f"contradicts its prompt: {flag}", width - 4)]
    return lines


def chain_line(signal: Signal, trail: Trail | None, position: PositionView | None, width: int) -> list[Line]:
    """The whole way in one line, or in two where it is narrow."""
    steps: list[Piece] = [("● candidate", "accent")]
    for name in ("market", "risk", "forecast", "votes"):
        gates = [gate for gate in signal.gates if stage(gate) == name]
        if not gates:
            continue
        worst = next((v for v in (Verdict.FAIL, Verdict.NOT_ASKED) if any(g.verdict is v for g in gates)), None)
        if worst is None:
            skipped = all(gate.verdict is Verdict.SKIPPED for gate in gates)
            worst = Verdict.SKIPPED if skipped else Verdict.PASS
        mark, tone = MARKS[worst]
        steps.append((f"{mark[:1]} {'gates' if name == 'market' else name}", tone))
    steps += _later(signal, trail, position)
    rows: list[list[Piece]] = [[]]
    for step in steps:
        pieces = [(" → ", "dim"), step] if rows[-1] else [step]
        if rows[-1] and width_of(rows[-1]) + width_of(pieces) > width:
            rows.append([("  → ", "dim"), step])
        else:
            rows[-1] += pieces
    return [Line(tuple(row)) for row in rows]


def _later(signal: Signal, trail: Trail | None, position: PositionView | None) -> list[Piece]:
    """Order, fill and outcome, as far as it came."""
    orders = trail.orders if trail is not None else ()
    if not orders and signal.status not in SENT:
        return [("· order", "dim"), ("· fill", "dim"), ("· outcome", "dim")]
    filled = signal.status is SignalStatus.FILLED or bool(trail is not None and trail.fills)
    steps: list[Piece] = [("✓ order", "profit"), ("✓ fill", "profit") if filled else ("… fill", "accent")]
    closed = trail.position if trail is not None else None
    if closed is not None and closed.closed is not None:
        steps.append((f"{cash(closed.net)}", f"{signed_tone(float(closed.net))} bold"))
    elif position is not None:
        net = net_now(position)
        steps.append((f"open {fmt.money(net, sign=True)}", signed_tone(net)))
    else:
        steps.append(("· outcome", "dim"))
    return steps


def outcome_lines(signal: Signal, trail: Trail | None, position: PositionView | None, width: int) -> list[Line]:
    """What the trade made, or that there was none."""
    closed = trail.position if trail is not None else None
    if closed is not None and closed.closed is not None:
        word = "won" if closed.net > 0 else "lost" if closed.net < 0 else "came out even"
        first = Line(
            (
                (f"{word} ", "text"), (cash(closed.net), f"{signed_tone(float(closed.net))} bold"),
                (f"  closed {when(closed.closed)} after {fmt.age(closed.closed - closed.opened)}", "dim"),
            )
        )  # fmt: skip
        exit_price = f" → {mean(closed.exit)}" if closed.exit is not None else ""
        rest = (
            f"{mean(closed.entry)}{exit_price}   realised {cash(closed.realised)}   fees {cash(-closed.fees)}   "
            f"funding {cash(closed.funding)}"
        )
        return [first, *sentences(rest, width)]
    if position is not None:
        net = net_now(position)
        return [
            Line(
                (("still open: net ", "text"), (fmt.money(net, sign=True), f"{signed_tone(net)} bold"), (" now", "dim"))
            )
        ]
    if signal.status in SENT:
        return sentences("Not known yet: the order has opened no position so far.", width)
    return sentences(f"No trade: {signal.reason or signal.status.value}.".replace("..", "."), width)


def hindsight_lines(signal: Signal, trail: Trail | None, width: int) -> list[Line]:
    """What the market did then: whether each vote was right, and what the candidate would have made or did not."""
    scores = {score.voter: score for score in trail.scores} if trail is not None else {}
    alone = scores.get(STRATEGIES)
    if alone is None:
        asked = trail is not None and bool(trail.votes)
        waits = "The votes are judged when their horizon has passed."
        return sentences(waits, width) if asked else []
    traded = signal.status in SENT
    would = "following the strategies alone made" if traded else "trading it would have made"
    first = Line(
        tuple(
            fit(
                [
                    (0, [("the price moved ", "text"), (fmt.percent(alone.move), signed_tone(alone.move))]),
                    (0, [(f"{would} ", "text"), (fmt.percent(alone.net), f"{signed_tone(alone.net)} bold")]),
                    (1, [("after costs", "dim")]),
                ],
                width,
            )
        )
    )
    pieces: list[tuple[int, list[Piece]]] = [
        (place, [(f"{name} {'✓ right' if score.hit else '✗ wrong'}", "profit" if score.hit else "loss")])
        for place, (name, score) in enumerate(scores.items())
        if name != STRATEGIES
    ]
    return [first, Line(tuple(fit(pieces, width)))] if pieces else [first]


def story_lines(
    signal: Signal,
    instrument: InstrumentView | None,
    trail: Trail | None,
    position: PositionView | None,
    width: int,
    said: str = "",
) -> list[Line]:
    """All of it, from top to bottom."""
    side = signal.action.side
    what = f"{side_arrow(side)} {signal.action.value.upper()} {fmt.base_of(signal.symbol)}"
    head: list[tuple[int, list[Piece]]] = [
        (0, [(what, f"{side_tone(side)} bold")]),
        (0, [(signal.status.value, STATUS_TONES.get(signal.status, "text"))]),
        (2, [(f"board {signal.score:+.2f}", "dim")]),
        (1, [(f"{when(signal.at)}Z", "dim")]),
        (3, [(f"bar {fmt.clock(signal.bar_time, seconds=False)}", "dim")]),
    ]
    lines = [
        Line(tuple(fit(head, width))),
        *chain_line(signal, trail, position, width),
        plan_line(signal, instrument, width),
    ]
    lines += sentences(signal.reason, width, "text")
    for name, title in TITLES.items():
        gates = [gate for gate in signal.gates if stage(gate) == name]
        if not gates:
            continue
        lines += [EMPTY, _title(title, gates)]
        for gate in gates:
            lines += gate_lines(gate, width)
        if name == "votes" and trail is not None:
            for vote in trail.votes:
                lines += vote_lines(vote, width)
    lines += [EMPTY, say("ORDER AND FILL", "strong")]
    if trail is not None and trail.orders:
        for order in trail.orders:
            fills = [fill for fill in trail.fills if fill.client_id == order.client_id]
            lines += order_lines(order, fills, trail.accepted.get(order.client_id), width)
    else:
        waits = (
            "Asking the engine for its order ..." if signal.status in SENT and trail is None else "No order was sent."
        )
        lines += sentences(said or waits, width, "warn" if said else "dim")
    lines += [EMPTY, say("OUTCOME", "strong"), *outcome_lines(signal, trail, position, width)]
    return [*lines, *hindsight_lines(signal, trail, width)]


def _title(title: str, gates: list[Gate]) -> Line:
    passed = sum(gate.verdict is Verdict.PASS for gate in gates)
    failed = sum(gate.verdict is Verdict.FAIL for gate in gates)
    pieces: list[Piece] = [(f"{title}  ", "strong")]
    if len(gates) > 1:
        pieces.append((f"{passed} of {len(gates)} passed", "dim"))
    if failed:
        pieces.append((f"  {failed} failed" if len(gates) > 1 else "failed", "loss bold"))
    return Line(tuple(pieces))


class StoryPanel(ScrollPanel):
    """The panel of one signal."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._signal: Signal | None = None
        self._instrument: InstrumentView | None = None
        self._trail: Trail | None = None
        self._position: PositionView | None = None
        self._said = ""

    def show(
        self,
        signal: Signal | None,
        instrument: InstrumentView | None,
        trail: Trail | None,
        position: PositionView | None,
        said: str = "",
    ) -> None:
        """Show a signal.

        Args:
            signal: None where there is none.
            instrument: its contract.
            trail: its orders, fills and votes; None where they are not here.
            position: the open position it made, or None.
            said: why the trail did not come, or empty.
        """
        if signal is None or self._signal is None or signal.id != self._signal.id:
            self.to_top()
        self._signal, self._instrument, self._trail = signal, instrument, trail
        self._position, self._said = position, said
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The story, or the sentence that stands for it."""
        signal = self._signal
        if signal is None:
            self.retitle(("Why / why not", "text"))
            self.subtitle("")
            return sentences(
                "Every gate of the chosen signal stands here, with its value against its threshold.", width
            )
        passed = sum(gate.verdict is Verdict.PASS for gate in signal.gates)
        failed = sum(gate.verdict is Verdict.FAIL for gate in signal.gates)
        why: Piece = (f"{passed} passed", "profit bold")
        if failed:
            why = (f"not: {failed} failed, {passed} passed", "loss bold")
        elif signal.status in ENDED:
            why = (f"not: {signal.status.value}, {passed} passed", "loss bold")
        self.retitle(("Why ", "text"), why)
        return self.window(
            story_lines(signal, self._instrument, self._trail, self._position, width, self._said), height
        )
