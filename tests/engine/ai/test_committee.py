"""Three seats side by side: one deadline, places, budget, circuit, cache."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from engine.ai.brief import Brief
from engine.ai.committee import Committee
from engine.ai.guards import Budget
from engine.ai.models.base import Reply, Trouble
from engine.ai.prompts import Prompt, Role
from engine.ai.seats import CLAUDE, DEFAULTS, GPT, LLAMA, NO_KEY, Seat, configured
from engine.ai.voter import BUSY, LATE, Question, Voter
from engine.errors import BadInput
from engine.model.vote import Stance, Vote
from engine.runtime import SystemClock
from tests.engine.ai.endpoints import GOOD, brief, endpoint, seat

PATIENCE_S = 60.0
ANSWER = json.dumps(GOOD)


@dataclass
class Script:
    """A model that answers when it is let; counts who is with it."""

    answers: Callable[[int], str | Trouble] = lambda _: ANSWER
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Prompt] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def ask(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        self.came.set()
        await self.gate.wait()
        said = self.answers(len(self.asked))
        if isinstance(said, Trouble):
            raise said
        return Reply(text=said, model="scripted", tokens_in=100, tokens_out=10)

    async def close(self) -> None:
        self.closed = True


@dataclass
class HandClock:
    """Time by hand, ms UTC."""

    at: int = 1_746_057_600_000

    def now(self) -> int:
        return self.at


def opened(**more: object) -> Script:
    script = Script(**more)  # type: ignore[arg-type] # a table's values
    script.gate.set()
    return script


def voter(script: Script, *, budget: Budget | None = None, clock: HandClock | None = None, **changes: object) -> Voter:
    one = seat("openai", "http://127.0.0.1:1", **changes)
    return Voter(one, lambda: script, budget or Budget(0, 0), clock or HandClock())


async def ask(one: Voter, about: Brief | None = None, *, urgency: float = 0.0, seconds: float = PATIENCE_S) -> Vote:
    return await one.vote(Question(about or brief(), urgency), asyncio.get_running_loop().time() + seconds)


async def test_an_unanswered_question_is_an_abstention_at_the_deadline() -> None:
    script = Script()
    vote = await ask(voter(script), seconds=0.05)
    assert (vote.valid, vote.why) == (False, LATE)


async def test_the_most_urgent_goes_first_and_who_finds_no_place_abstains() -> None:
    script = Script()
    one = voter(script, concurrency=1)
    first = asyncio.create_task(ask(one))
    await script.came.wait()
    shots = {score: replace(brief(), score=score) for score in (0.4, 0.9, 0.6)}
    late = asyncio.create_task(ask(one, replace(brief(), score=0.1), urgency=0.1, seconds=0.05))
    waiting = {score: asyncio.create_task(ask(one, about, urgency=score)) for score, about in shots.items()}
    assert (await late).why == BUSY
    script.gate.set()
    await asyncio.gather(first, *waiting.values())
    told = [prompt.user.split('"board_score": ')[1].split(",")[0] for prompt in script.asked]
    assert told == ["0.5", "0.9", "0.6", "0.4"]


async def test_the_same_question_is_not_paid_for_twice() -> None:
    script, clock = opened(), HandClock()
    one = voter(script, clock=clock)
    first, second = await ask(one), await ask(one)
    assert (first.cached, second.cached, second.cost, len(script.asked)) == (False, True, 0, 1)
    assert second.stance is first.stance
    clock.at += 300_000
    assert not (await ask(one)).cached
    assert not (await ask(one, replace(brief(), score=0.51))).cached
    assert len(script.asked) == 3


async def test_over_budget_nobody_is_asked() -> None:
    script, clock = opened(), HandClock()
    one = voter(script, budget=Budget(hour=5_000_000, day=0), clock=clock)  # 0.05 USD; a question may cost 0.041
    votes = [await ask(one, replace(brief(), score=i / 100)) for i in range(200)]
    refused = [vote for vote in votes if not vote.valid]
    assert refused
    assert {vote.why for vote in refused} == {"over the hourly budget of 0.05 USD"}
    assert sum(vote.cost or 0 for vote in votes) <= 5_000_000
    assert len(script.asked) == 200 - len(refused)
    clock.at += 3_600_000
    assert (await ask(one)).valid


async def test_a_voter_that_fails_again_and_again_rests() -> None:
    script, clock = opened(answers=lambda n: Trouble("the key was refused (401)") if n <= 3 else ANSWER), HandClock()
    one = voter(script, clock=clock)
    whys = [(await ask(one)).why for _ in range(5)]
    assert whys == ["the key was refused (401)"] * 3 + ["resting after failures, 60 s more"] * 2
    clock.at += 60_000
    assert (await ask(one)).valid
    assert len(script.asked) == 4


async def test_a_model_that_cannot_be_made_abstains() -> None:
    def broken() -> Script:
        raise Trouble("its address or key cannot be used")

    one = Voter(seat("openai", "http://x"), broken, Budget(0, 0), HandClock())
    assert (await ask(one)).why == "its address or key cannot be used"
    await one.close()


async def test_a_closed_voter_closes_its_model() -> None:
    script = opened()
    one = voter(script)
    await ask(one)
    await one.close()
    assert script.closed


async def test_three_sdks_side_by_side_take_as_long_as_the_slowest() -> None:
    """Each answers only when all three have been asked: asked one after another, nobody would answer."""
    async with endpoint("openai") as gpt, endpoint("anthropic") as claude, endpoint("ollama") as llama:
        servers = (gpt, claude, llama)

        def together(server: object, say: Callable[[], None]) -> None:
            say()
            inner = server.handler  # type: ignore[attr-defined] # one of the three

            async def handler(request: object) -> object:
                await asyncio.gather(*(one.asked.wait() for one in servers))
                return await inner(request)

            server.handler = handler  # type: ignore[attr-defined] # one of the three

        together(gpt, lambda: gpt.says(GOOD))
        together(claude, lambda: claude.says({**GOOD, "side": "SHORT"}))
        together(llama, lambda: llama.says("no idea"))
        seats = tuple(
            seat(one.provider, one.base, voter=default.voter) for one, default in zip(servers, DEFAULTS, strict=True)
        )
        committee = Committee(seats, SystemClock(), {})
        assert committee.names == ("gpt", "claude", "llama")
        await committee.ready()
        votes = await committee.ask(Question(brief()), PATIENCE_S)
        await committee.close()
    assert [vote.voter for vote in votes] == ["gpt", "claude", "llama"]
    assert [vote.stance for vote in votes] == [Stance.LONG, Stance.SHORT, None]


async def test_a_stuck_voter_does_not_hold_up_the_others() -> None:
    async with endpoint("openai") as gpt, endpoint("ollama") as llama:
        stuck = asyncio.Event()

        async def never(_request: object) -> object:
            await stuck.wait()
            raise AssertionError

        gpt.handler = never  # type: ignore[assignment] # it never answers
        llama.says(GOOD)
        committee = Committee((seat("openai", gpt.base), seat("ollama", llama.base)), SystemClock(), {})
        await committee.ready()
        first, second = await committee.ask(Question(brief()), 0.5)
        stuck.set()
        await committee.close()
    assert (first.why, second.valid) == (LATE, True)


async def test_who_is_not_configured_or_benched_abstains() -> None:
    committee = Committee(DEFAULTS, SystemClock(), {"ANTHROPIC_API_KEY": "x"})
    assert committee.names == ("claude",)
    votes = await committee.ask(Question(brief()), 1.0, benched=("claude",))
    assert [vote.why for vote in votes] == [
        "not configured: set OPENAI_API_KEY",
        "benched",
        "not configured: set OLLAMA_HOST",
    ]
    await committee.close()


@pytest.mark.parametrize(
    ("one", "environ", "key"),
    [
        (GPT, {}, None),
        (GPT, {"OPENAI_API_KEY": ""}, None),
        (GPT, {"OPENAI_API_KEY": "k"}, ""),
        (GPT, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, NO_KEY),
        (CLAUDE, {"OPENAI_API_KEY": "k"}, None),
        (CLAUDE, {"ANTHROPIC_AUTH_TOKEN": "k"}, ""),
        (CLAUDE, {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}, NO_KEY),
        (LLAMA, {}, None),
        (LLAMA, {"OLLAMA_HOST": "127.0.0.1"}, ""),
    ],
)
def test_a_seat_is_configured_by_a_key_or_an_address(one: Seat, environ: dict[str, str], key: str | None) -> None:
    found = configured(one, environ)
    assert (found.key if found is not None else None) == key


def test_a_key_is_never_shown() -> None:
    assert "sk-secret" not in repr(seat("openai", "http://x"))


def test_every_voter_stands_once() -> None:
    with pytest.raises(BadInput, match="name every voter once"):
        Committee((GPT, GPT), SystemClock(), {})
    with pytest.raises(BadInput, match="use one of openai, anthropic, ollama"):
        Committee((Seat("x", "acme", Role.NEWS, "m"),), SystemClock(), {})


@pytest.mark.parametrize(("tokens", "cost"), [((0, 0), 0), ((1, 0), 100), ((1_000, 100), 200_000), ((3, 1), 1_300)])
def test_costs_are_rounded_up(tokens: tuple[int, int], cost: int) -> None:
    assert seat("openai", "http://x").cost(*tokens) == cost


@pytest.mark.parametrize("host", ["http://127.0.0.1:99999", "http://[::1"])
def test_an_address_that_the_sdk_dies_of_on_its_import_is_told(host: str) -> None:
    """In a process of its own: here the SDK has been imported long ago."""
    program = (
        "from engine.ai.committee import maker\n"
        "from engine.ai.models.base import Trouble\n"
        "from engine.ai.seats import LLAMA\n"
        "try:\n    maker(LLAMA)()\n"
        "except Trouble as trouble:\n    print(trouble)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OLLAMA_HOST": host},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("its address or key cannot be used", 0), done.stderr
