"""The book of votes: how a ballot begins, what the votes claim, and each voter's record. Decides nothing."""

from __future__ import annotations

from statistics import median_low

from msgspec.structs import replace

from engine.core.consensus import consensus, weight
from engine.core.state import Ballot, Claim, Heard, State
from engine.model.decision import AskVotes, VoteScored
from engine.model.event import VotesCast
from engine.model.vote import ENSEMBLE, STRATEGIES, Consensus, Stance, Vote, VoterRecord

BALLOTS = 200
DEFAULT_HORIZON = 8


def weights(state: State) -> dict[str, float]:
    """How much each voter's confidence counts, from its record."""
    return {name: weight(state.voters.get(name)) for name in state.settings.voters}


def agrees(state: State, found: Consensus, side: int) -> bool:
    """The consensus carries a candidate of `side`."""
    return found.stance.side == side and found.confidence > state.settings.vote_confidence


def asked(state: State, decision: AskVotes) -> None:
    """A ballot begins."""
    state.ballots[decision.signal_id] = Ballot(
        symbol=decision.symbol,
        side=decision.side,
        bar_time=decision.bar_time,
        close=decision.close,
        cost=decision.cost,
        score=decision.score,
    )
    if len(state.ballots) > BALLOTS:
        del state.ballots[next(iter(state.ballots))]


def cast(state: State, event: VotesCast) -> None:
    """The votes are in: they are counted, and what they claim waits for its day."""
    ballot = state.ballots.get(event.signal_id)
    if ballot is None or ballot.claims:
        return
    found = consensus(event.votes, weights(state))
    for vote in event.votes:
        before = state.voters.get(vote.voter, VoterRecord())
        state.voters[vote.voter] = replace(
            before,
            asked=before.asked + 1,
            abstained=before.abstained + (not vote.valid),
            cost=before.cost + (vote.cost or 0),
        )
    ballot.claims = _claims(state, ballot, event.votes, found)
    state.heard[event.symbol] = Heard(
        event.signal_id, ballot.side, event.at, event.votes, found, state.settings.vote_confidence
    )


def _claims(state: State, ballot: Ballot, votes: tuple[Vote, ...], found: Consensus) -> list[Claim]:
    frame = state.settings.timeframe_ms
    least = state.settings.vote_confidence

    def due(horizon: int) -> int:
        return ballot.bar_time + frame * (1 + horizon)

    valid = [vote for vote in votes if vote.valid]
    claims = [
        Claim(
            voter=vote.voter,
            stance=vote.stance,
            confidence=float(vote.confidence),
            due=due(vote.horizon),
            followed=vote.stance.side == ballot.side and vote.confidence > least,
            cost=vote.cost,
        )
        for vote in valid
        if vote.stance is not None
    ]
    joint = [vote.horizon for vote in valid if vote.stance is found.stance] or [vote.horizon for vote in valid]
    until = due(median_low(joint) if joint else DEFAULT_HORIZON)
    known = [vote.cost for vote in votes if vote.cost is not None]
    total = sum(known) if len(known) == len(votes) else None
    followed = agrees(state, found, ballot.side)
    if found.agreeing:  # where no two agree there is nothing to be right about
        claims.append(Claim(ENSEMBLE, found.stance, found.confidence, until, followed, total))
    claims.append(Claim(STRATEGIES, Stance.of(ballot.side), 50.0 + 50.0 * abs(ballot.score), until, followed=True))
    return claims


def scored(state: State, decision: VoteScored) -> None:
    """Into the voter's record; the ballot goes with its last claim."""
    score = decision.score
    before = state.voters.get(score.voter, VoterRecord())
    state.voters[score.voter] = replace(
        before,
        scored=before.scored + 1,
        hits=before.hits + score.hit,
        brier=before.brier + score.brier,
        returns=before.returns + (score.net if score.followed else 0.0),
    )
    ballot = state.ballots.get(score.signal_id)
    if ballot is not None:
        ballot.claims = [claim for claim in ballot.claims if claim.voter != score.voter]
        if not ballot.claims:
            del state.ballots[score.signal_id]
