"""A committee as this installation configures it: seats, keys, budget, and the archive of what was asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from msgspec.structs import replace as with_

from engine.ai.brief import Brief
from engine.ai.committee import Committee
from engine.ai.guards import Budget
from engine.ai.prompts import Prompt
from engine.ai.seats import Seat, configured
from engine.ai.voter import Keep, charge_of
from engine.errors import BadInput
from engine.model.vote import Vote
from engine.ports import Clock
from headless.ensemble_config import EnsembleConfig
from storage.home import Home
from storage.prompt_archive import Kept, PromptArchive

REMEMBERED = 1_000
Told: TypeAlias = Callable[[str], None]


def archive_of(home: Home) -> PromptArchive:
    """Where questions and answers are kept."""
    return PromptArchive(home.root / "prompts")


def keeper(archive: PromptArchive, clock: Clock, told: Told) -> Keep:
    """Keeps what a voter sends and gets; a vote counts all the same where the disk does not take it, and `told` hears."""

    def keep(seat: Seat, prompt: Prompt, brief: Brief, vote: Vote, text: str) -> None:
        try:
            write(seat, prompt, brief, vote, text)
        except OSError as error:
            told(f"a question to {seat.voter} could not be kept: {error}")

    def write(seat: Seat, prompt: Prompt, brief: Brief, vote: Vote, text: str) -> None:
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
                vote=with_(vote, prompt_hash=prompt.hash),
                candidate=brief.candidate,
            )
        )

    return keep


def book_kept(budget: Budget, archive: PromptArchive, seats: Sequence[Seat], told: Told) -> None:
    """Charge a budget with what kept questions cost: a new start is no new budget.

    Args:
        budget: to be charged.
        archive: of kept questions.
        seats: who is asked now; their prices and careful ones stand in where a cost was not known.
        told: hears why they could not be read.
    """
    of = {seat.voter: seat for seat in seats}
    try:
        kept = archive.read(REMEMBERED)
    except (BadInput, OSError) as error:
        told(f"what was spent on models before this start is not counted: {error}")
        return
    for one in kept:
        seat = of.get(one.vote.voter, seats[0] if seats else None)
        if seat is not None:
            asked = len(one.system) + len(one.user)
            budget.book(one.at, charge_of(seat, one.vote, asked, len(one.answer)))


def with_keys(seats: Sequence[Seat], home: Home, environ: Mapping[str, str], told: Told) -> list[Seat]:
    """The seats with the keys that keyring or vault hold for them; those of the environment go before.

    `told` hears in one sentence why a place could not be read. Nobody is asked for a passphrase. Blocks: use a thread.
    """
    from storage.keys.model_keys import model_keys

    if all(seat.key or configured(seat, environ) is not None for seat in seats):
        return list(seats)
    try:
        keys = model_keys(home)
    except BadInput as error:
        told(f"keys of models: {error}")
        return list(seats)
    return [
        seat
        if configured(seat, environ) is not None or seat.provider not in keys
        else replace(seat, key=keys[seat.provider].reveal())
        for seat in seats
    ]


def committee_of(
    config: EnsembleConfig,
    home: Home,
    clock: Clock,
    *,
    environ: Mapping[str, str] | None = None,
    simulated: Mapping[str, str] | None = None,
    told: Told = lambda _: None,
) -> Committee:
    """The voters.

    Args:
        config: seats and budgets.
        home: where questions are kept.
        clock: wall time.
        environ: default: the process's.
        told: hears why kept keys or questions could not be read, or a question not kept.
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
    else:
        seats = with_keys(seats, home, given, told)
    archive, budget = archive_of(home), config.budget()
    book_kept(budget, archive, seats, told)
    return Committee(seats, clock, given, budget=budget, keep=keeper(archive, clock, told))
