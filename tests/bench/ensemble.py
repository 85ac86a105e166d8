"""Three voters through their SDKs over real HTTP, with latencies of 0.2, 0.5 and 0.9 s: how long until there is a decision.

A decision is the consensus of all three. Every question is another one, so that no cache answers it. The endpoints run in
the same process: what they take is in the figures. The processor's time of a decision (three prompts, requests, answers and
their endpoints) tells how much of a slow wall is a busy machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from aiohttp import web
from msgspec.structs import replace

from engine.ai.committee import Committee
from engine.ai.seats import DEFAULTS
from engine.ai.voter import Question
from engine.core.consensus import consensus
from engine.runtime import SystemClock
from engine.simulator.models import LATENCY_S, SimulatedModels, addresses, application
from tests.engine.ai.endpoints import brief, seat

ROUNDS = 20
STUCK = {**LATENCY_S, "ollama": 60.0}
DEADLINE_S = 15.0
STUCK_DEADLINE_S = 1.5


def measure() -> dict[str, object]:
    """Milliseconds from the question to the decision: the first, median and worst of the others, and with a stuck voter."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, object]:
    times, processor = await _decisions(LATENCY_S, ROUNDS, DEADLINE_S, valid=3)
    stuck, _ = await _decisions(STUCK, 3, STUCK_DEADLINE_S, valid=2)
    rest = sorted(times[1:])
    return {
        "latencies_ms": [round(one * 1000) for one in LATENCY_S.values()],
        "first_ms": round(times[0], 1),
        "p50_ms": round(rest[len(rest) // 2], 1),
        "worst_ms": round(rest[-1], 1),
        "processor_ms_each": round(processor, 1),
        "goal_ms": round(max(LATENCY_S.values()) * 1000) + 50,
        "one_stuck_worst_ms": round(max(stuck), 1),
        "one_stuck_deadline_ms": round(STUCK_DEADLINE_S * 1000),
    }


async def _decisions(
    latency_s: Mapping[str, float], rounds: int, deadline_s: float, *, valid: int
) -> tuple[list[float], float]:
    """Milliseconds each decision took, and the processor's mean; all of them have to stand on `valid` votes."""
    runner = web.AppRunner(application(SimulatedModels(latency_s)), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bases = addresses(f"http://127.0.0.1:{runner.addresses[0][1]}")
    seats = [seat(one.provider, bases[one.provider], voter=one.voter, role=one.role) for one in DEFAULTS]
    committee = Committee(seats, SystemClock(), {})
    await committee.ready()
    times = []
    busy = time.process_time()
    for number in range(rounds):
        question = Question(replace(brief(), score=(number + 1) / 1000))
        began = time.perf_counter()
        found = consensus(await committee.ask(question, deadline_s))
        times.append((time.perf_counter() - began) * 1000)
        if found.valid != valid:
            raise AssertionError(f"{found.valid} valid votes: {found.reason}")
    busy = (time.process_time() - busy) / rounds * 1000
    await committee.close()
    await runner.cleanup()
    return times, busy
