"""Votes and scores in their tables: written with their entry, made again from the journal, read by the page."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from engine.ledger import ScoreRow, Trail, VoteRow
from engine.model import decision as d
from engine.model import event as e
from engine.model.standing import Answers, Report
from engine.model.vote import Stance, Vote, VoteStatus, abstention
from engine.ports import Entry
from storage import rebuild
from storage.database import Database
from storage.history import History
from tests.engine.core.contracts import BTC, ETH
from tests.engine.core.scenario import Desk
from tests.storage.desk_journal import dump, write

VOTERS = ("gpt", "claude", "llama")


def day() -> list[Entry]:
    """Two candidates: one carried by the votes, one refused, both scored."""
    desk = Desk(voters=VOTERS)
    for symbol, stances in ((BTC, (Stance.LONG, Stance.LONG)), (ETH, (Stance.SHORT, Stance.NEUTRAL))):
        desk.cross(symbol)
        signal = desk.signal()
        votes = [
            Vote(
                voter=name, model="m\0x", status=VoteStatus.OK, stance=stance, confidence=90, horizon=1, cost=500,
                reasons=("a\0b", "上昇", "c"), prompt_hash="f" * 64,
            )
            for name, stance in zip(VOTERS, stances, strict=False)
        ]  # fmt: skip
        ballot = (*votes, abstention("llama", "m", "late"))
        desk.feed(e.VotesCast(at=desk.now, signal_id=signal.id, symbol=symbol, votes=ballot, view=desk.view(symbol)))
        desk.settle()
        desk.bar(symbol, 1)
        desk.settle()
    return [Entry(seq, event, decisions) for seq, (event, decisions) in enumerate(desk.log, 1)]


async def rows(database: Database, name: str, kind: Any) -> Any:
    page = msgspec.json.decode(await History(database).query(name, {}))
    return msgspec.convert(page["rows"], tuple[kind, ...], strict=False)


async def test_votes_and_scores_are_kept_and_read(database: Database) -> None:
    entries = day()
    await write(database, entries, Random(1))
    votes = await rows(database, "votes", VoteRow)
    told = [(x.event.signal_id, vote) for x in entries if isinstance(x.event, e.VotesCast) for vote in x.event.votes]
    assert len(votes) == len(told) == 6
    assert {(row.signal_id, row.vote.voter): row.vote for row in votes} == {(i, vote.voter): vote for i, vote in told}
    scores = await rows(database, "scores", ScoreRow)
    assert {row.score.voter for row in scores} == {"gpt", "claude", "ensemble", "strategies"}
    assert all(row.signal_id == row.score.signal_id for row in scores)


async def test_standings_are_the_report_of_the_scores(database: Database) -> None:
    await write(database, day(), Random(1))
    found = msgspec.json.decode(await History(database).query("standings", {}), type=Report)
    by_name = {one.voter: one for one in found.standings}
    assert list(by_name)[:2] == ["ensemble", "strategies"]
    assert (by_name["gpt"].votes, by_name["gpt"].cost) == (2, 1_000)
    assert by_name["strategies"].followed == 2
    assert by_name["ensemble"].votes == 1
    assert found.answers == (Answers("claude", 2, 0), Answers("gpt", 2, 0), Answers("llama", 2, 2, "late"))


async def test_they_are_made_again_from_the_journal(database: Database) -> None:
    await write(database, day(), Random(2))
    before = await database.write(dump)
    assert before["trading_votes"]
    assert before["trading_scores"]
    done = await rebuild.rebuild(database)
    assert await database.write(dump) == before
    assert (done.rows["votes"], done.rows["scores"]) == (6, len(before["trading_scores"]))


async def test_the_trail_of_a_refused_signal_tells_its_votes_and_what_became_of_them(database: Database) -> None:
    """Hindsight for what was not taken as for what was."""
    entries = day()
    await write(database, entries, Random(1))
    signals = {x.event.signal_id: x.event.symbol for x in entries if isinstance(x.event, e.VotesCast)}
    for signal_id, symbol in signals.items():
        trail = msgspec.json.decode(await History(database).query("trail", {"signal": signal_id}), type=Trail)
        assert {vote.voter for vote in trail.votes} == set(VOTERS)
        told = {score.voter for score in trail.scores}
        assert told == (
            {"gpt", "claude", "ensemble", "strategies"} if symbol == BTC else {"gpt", "claude", "strategies"}
        )
        assert bool(trail.orders) is (symbol == BTC)


async def test_the_standings_are_made_again_when_votes_have_been_scored(database: Database) -> None:
    entries = day()
    first = next(n for n, x in enumerate(entries) if any(isinstance(y, d.VoteScored) for y in x.decisions))
    history = History(database)
    await write(database, entries[:first], Random(1))
    empty = msgspec.json.decode(await history.query("standings", {}), type=Report)
    assert empty.standings == ()
    assert [one.asked for one in empty.answers] == [1, 1, 1]
    await write(database, entries[first:], Random(1))
    found = msgspec.json.decode(await history.query("standings", {}), type=Report)
    assert {one.voter for one in found.standings} == {"ensemble", "strategies", "gpt", "claude"}
    assert msgspec.json.decode(await history.query("standings", {}), type=Report) == found
