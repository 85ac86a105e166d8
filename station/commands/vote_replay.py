"""``trefoil vote replay``: kept questions are put to another model, and its votes stand beside the first."""

from __future__ import annotations

import asyncio
import os
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
    from engine.ai.committee import maker
    from engine.ai.models.base import Trouble
    from engine.ai.seats import MISSING, configured
    from engine.model.vote import abstention

    pairs: list[tuple[Kept, Vote]] = []
    for one in kept:
        seat = seats.get(one.vote.voter)
        if seat is None:
            continue
        wanted = seat.with_model(model) if model is not None else seat
        ready = configured(wanted, os.environ)
        if ready is None:
            pairs.append((one, abstention(seat.voter, wanted.model, MISSING[seat.provider])))
            continue
        try:
            asked = await asyncio.to_thread(maker(ready))
        except Trouble as trouble:
            pairs.append((one, abstention(seat.voter, wanted.model, str(trouble))))
            continue
        try:
            pairs.append((one, await _once(asked, ready, one, seconds)))
        finally:
            await asked.close()
    return pairs


async def _once(asked: Any, seat: Seat, one: Kept, seconds: float) -> Vote:
    from engine.ai.models.base import Trouble
    from engine.ai.prompts import Prompt
    from engine.ai.voter import LATE, vote_of
    from engine.model.vote import abstention

    prompt = Prompt(seat.role, one.system, one.user, one.vote.prompt_hash)
    try:
        async with asyncio.timeout(seconds):
            reply = await asked.ask(prompt)
    except TimeoutError:
        return abstention(seat.voter, seat.model, LATE)
    except Trouble as trouble:
        return abstention(seat.voter, seat.model, str(trouble))
    return vote_of(seat, None, reply)


def _tell(pairs: list[tuple[Kept, Vote]], *, json: bool) -> None:
    same = sum(one.vote.stance is new.stance for one, new in pairs)
    if json:
        import msgspec

        from station.commands.vote import row

        rows = [{"at": one.at, "symbol": one.symbol, "before": row(one.vote), "after": row(new)} for one, new in pairs]
        typer.echo(msgspec.json.encode({"questions": len(pairs), "same": same, "rows": rows}).decode())
        return
    for one, new in pairs:
        typer.echo(f"{one.symbol:18} {one.vote.voter:8}{_short(one.vote):32} -> {_short(new)}  ({new.model})")
    typer.echo(f"{same} of {len(pairs)} votes are the same")


def _short(vote: Vote) -> str:
    return f"{vote.stance.value} {vote.confidence}" if vote.stance is not None else f"ABSTAIN: {vote.why}"
