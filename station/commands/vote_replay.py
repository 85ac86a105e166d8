"""``trefoil vote replay``: kept questions are put to another model, and its votes stand beside the first."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import typer

from engine.errors import BadInput

if TYPE_CHECKING:
    from engine.ai.seats import Seat
    from engine.model.vote import Vote
    from headless.config import Config
    from storage.home import Home
    from storage.prompt_archive import Kept


def replay(
    home: Home,
    config: Config,
    *,
    last: int,
    voter: str | None,
    model: str | None,
    deadline: float | None,
    json: bool,
) -> None:
    """Ask the newest kept questions again and tell both votes; raises BadInput where nothing can be asked."""
    from headless.asking import archive_of

    seats = {seat.voter: seat for seat in config.ensemble.seats()}
    if voter is not None and voter not in seats:
        raise BadInput("voter", voter, f"use one of {', '.join(seats)}")
    kept = [one for one in archive_of(home).read(last * len(seats)) if voter in {None, one.vote.voter}][-last:]
    if not kept:
        raise BadInput("questions", 0, "none are kept yet; ask some with: trefoil vote SYMBOL")
    pairs = asyncio.run(_ask(kept, seats, model, deadline or config.ensemble.deadline_seconds))
    _tell(pairs, json=json)


async def _ask(kept: list[Kept], seats: dict[str, Seat], model: str | None, seconds: float) -> list[tuple[Kept, Vote]]:
    """Each kept question and its new vote; the voters work side by side, each on its own questions in turn."""
    asked = [one for one in kept if one.vote.voter in seats]
    wanted = {name: seat.with_model(model) if model is not None else seat for name, seat in seats.items()}
    of = {name: [one for one in asked if one.vote.voter == name] for name in {one.vote.voter for one in asked}}
    answers = await asyncio.gather(*(_seat(wanted[name], questions, seconds) for name, questions in of.items()))
    new = {id(one): vote for pairs in answers for one, vote in pairs}
    return [(one, new[id(one)]) for one in asked]


async def _seat(seat: Seat, kept: list[Kept], seconds: float) -> list[tuple[Kept, Vote]]:
    """One voter's questions, one after another."""
    from engine.ai.committee import maker
    from engine.ai.models.base import Trouble
    from engine.ai.seats import MISSING, configured
    from engine.model.vote import abstention

    ready = configured(seat, os.environ)
    if ready is None:
        return [(one, abstention(seat.voter, seat.model, MISSING[seat.provider])) for one in kept]
    try:
        model = await asyncio.to_thread(maker(ready))
    except Trouble as trouble:
        return [(one, abstention(seat.voter, seat.model, str(trouble))) for one in kept]
    try:
        return [(one, await _once(model, ready, one, seconds)) for one in kept]
    finally:
        await model.close()


async def _once(asked: Any, seat: Seat, one: Kept, seconds: float) -> Vote:
    from msgspec.structs import replace as with_

    from engine.ai.models.base import Trouble
    from engine.ai.prompts import Prompt
    from engine.ai.voter import LATE, vote_of
    from engine.model.vote import abstention

    prompt = Prompt(seat.role, one.system, one.user, one.vote.prompt_hash)
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            reply = await asked.ask(prompt)
    except TimeoutError:
        return abstention(seat.voter, seat.model, LATE)
    except Trouble as trouble:
        return abstention(seat.voter, seat.model, str(trouble))
    took = round((time.monotonic() - began) * 1000)
    return with_(vote_of(seat, None, reply), latency_ms=took, prompt_hash=prompt.hash)


def _tell(pairs: list[tuple[Kept, Vote]], *, json: bool) -> None:
    same = sum(one.vote.stance is new.stance for one, new in pairs)
    after = [new for _, new in pairs]
    if json:
        import msgspec

        from station.commands.vote import row

        rows = [{"at": one.at, "symbol": one.symbol, "before": row(one.vote), "after": row(new)} for one, new in pairs]
        costs = {"cost_usd_before": cost_of([one.vote for one, _ in pairs]), "cost_usd_after": cost_of(after)}
        typer.echo(msgspec.json.encode({"questions": len(pairs), "same": same, **costs, "rows": rows}).decode())
        return
    for one, new in pairs:
        typer.echo(f"{one.symbol:18} {one.vote.voter:8}{_short(one.vote):32} -> {_short(new)}  ({new.model})")
    cost = cost_of(after)
    spent = f"{cost:.4f} USD" if cost is not None else "at an unknown cost"
    answered = [new for new in after if new.valid]
    mean = sum(new.latency_ms for new in answered) / len(answered) if answered else 0
    typer.echo(f"{same} of {len(pairs)} votes are the same; {len(answered)} answers, {mean:,.0f} ms each, {spent}")


def cost_of(votes: list[Vote]) -> float | None:
    """USD of all of them, None where the cost of one is not known."""
    known = [vote.cost for vote in votes if vote.cost is not None]
    return sum(known) / 1e8 if len(known) == len(votes) else None


def _short(vote: Vote) -> str:
    return f"{vote.stance.value} {vote.confidence}" if vote.stance is not None else f"ABSTAIN: {vote.why}"
