"""A committee as this installation configures it: seats, keys, budget, and the archive of what was asked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.ai.brief import Brief
from engine.ai.committee import Committee
from engine.ai.prompts import Prompt
from engine.ai.seats import Seat
from engine.ai.voter import Keep
from engine.model.vote import Vote
from engine.ports import Clock
from headless.ensemble_config import EnsembleConfig
from storage.home import Home
from storage.prompt_archive import Kept, PromptArchive

REMEMBERED = 1_000


def archive_of(home: Home) -> PromptArchive:
    """Where questions and answers are kept."""
    return PromptArchive(home.root / "prompts")


def keeper(archive: PromptArchive, clock: Clock) -> Keep:
    """Keeps what a voter sends and gets."""

    def keep(seat: Seat, prompt: Prompt, brief: Brief, vote: Vote, text: str) -> None:
        archive.keep(
            Kept(
                at=clock.now(),
                symbol=brief.symbol,
                timeframe_ms=brief.timeframe_ms,
                bar_time=brief.bar_time,
                role=seat.role.value,
                system=prompt.system,
                user=prompt.user,
                answer=text,
                vote=replace_hash(vote, prompt.hash),
                candidate=brief.candidate,
            )
        )

    return keep


def replace_hash(vote: Vote, prompt_hash: str) -> Vote:
    """The vote with the hash of its prompt."""
    from msgspec.structs import replace as with_

    return with_(vote, prompt_hash=prompt_hash)


def committee_of(
    config: EnsembleConfig,
    home: Home,
    clock: Clock,
    *,
    environ: Mapping[str, str] | None = None,
    simulated: Mapping[str, str] | None = None,
) -> Committee:
    """The voters.

    Args:
        config: seats and budgets.
        home: where questions are kept.
        clock: wall time.
        environ: default: the process's.
        simulated: base addresses of simulated models by provider; then nobody else is asked and nothing costs anything.
    """
    seats: Sequence[Seat] = config.seats()
    given = os.environ if environ is None else environ
    if simulated is not None:
        given = {}
        seats = [
            replace(s, base_url=simulated[s.provider], key="simulated", price_in=0.0, price_out=0.0, simulated=True)
            for s in seats
            if s.provider in simulated
        ]
    archive, budget = archive_of(home), config.budget()
    for kept in archive.read(REMEMBERED):  # a new start is no new budget
        budget.book(kept.at, kept.vote.cost)
    return Committee(seats, clock, given, budget=budget, keep=keeper(archive, clock))
