"""The votes on a candidate: asked once the free gates have passed, judged by two of three, scored when time has told."""

from __future__ import annotations

from msgspec.structs import replace

from engine.core.consensus import consensus
from engine.core.deck import Deck
from engine.core.risk import judged
from engine.core.state import State, SymbolState, cost_fraction
from engine.core.vote_book import agrees, weights
from engine.model.decision import AskVotes, SignalDecided, VoteScored
from engine.model.signal import Gate, Signal, SignalStatus, Verdict
from engine.model.vote import Score, Stance, Vote

GATE = "votes"
NEEDED = 2
GRACE_MS = 2_000  # the shell answers by the deadline; whoever does not within this is stuck


def threshold(state: State) -> str:
    """What the votes gate asks for."""
    return f"2 of 3, > {state.settings.vote_confidence:.0f}"


def open_gate(state: State, s: SymbolState) -> Gate | None:
    """The verdict where nobody is asked, or None where the voters are to be asked."""
    settings = state.settings
    if settings.preset == "open":
        return Gate(GATE, Verdict.SKIPPED, reason="the preset asks for no votes")
    ready = [name for name in settings.voters if name not in state.benched]
    if len(ready) < NEEDED:
        verdict = Verdict.FAIL if state.mode == "live" else Verdict.SKIPPED
        benched = f", {len(settings.voters) - len(ready)} benched" if len(ready) < len(settings.voters) else ""
        reason = f"only {len(ready)} voter is configured{benched}" if ready else f"no voter is configured{benched}"
        return Gate(GATE, verdict, "", threshold(state), reason)
    if s.held:
        return Gate(GATE, Verdict.NOT_ASKED, reason="entries of the symbol are held")
    return None


def ask(deck: Deck, s: SymbolState, signal: Signal) -> None:
    """Let the voters be asked about a candidate that passed everything else."""
    state = deck.state
    wait = state.settings.vote_ms
    asked = replace(
        signal,
        id=state.last_signal + 1,
        status=SignalStatus.VOTING,
        expires=state.now + wait + GRACE_MS,
        reason="the voters are asked",
    )
    deck.emit(SignalDecided(signal=asked))
    deck.emit(
        AskVotes(
            signal_id=asked.id,
            symbol=s.symbol,
            side=signal.action.side,
            score=signal.score,
            bar_time=signal.bar_time,
            close=s.bar.close if s.bar is not None else 0.0,
            cost=2 * cost_fraction(state.instruments[s.symbol]),
            deadline=state.now + wait,
            benched=tuple(state.benched),
        )
    )
    deck.timer(f"votes|{asked.id}", wait + GRACE_MS)


def overtake(deck: Deck, symbol: str) -> None:
    """The side has changed while the voters were thinking: what they are asked about is no more."""
    for signal in [x for x in deck.state.signals.values() if x.symbol == symbol and x.status is SignalStatus.VOTING]:
        refuse(
            deck, signal, Gate(GATE, Verdict.SKIPPED, "", threshold(deck.state), "the side changed before the votes")
        )


def refuse(deck: Deck, signal: Signal, *gates: Gate) -> None:
    """The candidate ends here."""
    last = gates[-1]
    reason = " ".join(part for part in (last.name, last.value or last.reason) if part)
    if last.verdict is Verdict.FAIL:
        reason += f" (needs {last.threshold})"
    ended = replace(signal, status=SignalStatus.REFUSED, reason=reason, expires=0, gates=(*signal.gates, *gates))
    deck.emit(SignalDecided(signal=ended))


def late(deck: Deck, signal: Signal) -> None:
    """No answer came at all."""
    refuse(deck, signal, Gate(GATE, Verdict.FAIL, "no answer", threshold(deck.state), "the voters were not heard"))


def vote_gate(state: State, side: int, votes: tuple[Vote, ...]) -> Gate:
    """Two of three for the candidate's side, with more than the confidence that is asked for."""
    found = consensus(votes, weights(state))
    ok = agrees(state, found, side)
    why = "; ".join(f"{vote.voter} abstains: {vote.why}" for vote in votes if not vote.valid)
    value = f"{found.reason}, {found.confidence:.0f}" if found.agreeing else found.reason
    gate = judged(GATE, ok, value, threshold(state), why or "the models do not agree with the strategies")
    return gate if ok or not why else replace(gate, reason=why)


def judge(stance: Stance, move: float, cost: float) -> tuple[bool, float]:
    """Whether a vote was right, and the net return of following it.

    LONG and SHORT are right where the price moved their way by more than the costs of both ways; NEUTRAL where it moved
    by no more than them. `move` and `cost` are fractions of the price.
    """
    if stance is Stance.NEUTRAL:
        return abs(move) <= cost, 0.0
    net = stance.side * move - cost
    return net > 0.0, net


def score_due(deck: Deck, s: SymbolState) -> None:
    """Score what has come due with the bar that has just closed."""
    state, bar = deck.state, s.bar
    if bar is None:
        return
    end = bar.open_time + state.settings.timeframe_ms
    for signal_id, ballot in list(state.ballots.items()):
        if ballot.symbol != s.symbol or ballot.close <= 0.0:
            continue
        for claim in [one for one in ballot.claims if one.due <= end]:
            move = bar.close / ballot.close - 1.0
            hit, net = judge(claim.stance, move, ballot.cost)
            score = Score(
                signal_id=signal_id,
                symbol=s.symbol,
                bar_time=ballot.bar_time,
                voter=claim.voter,
                stance=claim.stance,
                confidence=claim.confidence,
                candidate=ballot.side,
                move=move,
                hit=hit,
                brier=(claim.confidence / 100.0 - hit) ** 2,
                net=net,
                followed=claim.followed,
                at=end,
                cost=claim.cost,
            )
            deck.emit(VoteScored(score=score))
